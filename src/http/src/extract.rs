//! Parts of a request's address, with errors like all others.

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::HttpError;

/// What stands behind the question mark.
pub(crate) struct Asked<T>(pub T);

/// What stands in the path.
pub(crate) struct Named<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let asked = Query::from_request_parts(parts, state).await;
        asked.map(|Query(value)| Self(value)).map_err(|error| HttpError::bad_request(error.body_text()))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Named<T> {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HttpError> {
        let named = Path::from_request_parts(parts, state).await;
        named.map(|Path(value)| Self(value)).map_err(|error| HttpError::bad_request(error.body_text()))
    }
}
