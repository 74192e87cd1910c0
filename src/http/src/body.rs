//! Bodies of requests, whole and bounded.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::HttpError;
use crate::limits::{BODY_BYTES_MAX, BODY_TIMEOUT};
use crate::origin::text;

/// Reads a whole body. A client that takes too long or sends too much is told so.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, HttpError> {
    let announced = text(headers, CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    match timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Err(_) => {
            let message = format!("The body took longer than {} seconds to arrive.", BODY_TIMEOUT.as_secs());
            Err(HttpError::timeout(StatusCode::REQUEST_TIMEOUT, message))
        }
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large()),
        Ok(Err(error)) => Err(HttpError::bad_request(format!("The body could not be read: {error}."))),
    }
}

/// The type of the body, without its parameters, in lower case.
pub(crate) fn content_type(headers: &HeaderMap) -> String {
    let whole = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A body that must be JSON of a known shape.
pub(crate) fn json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, HttpError> {
    check_json(headers)?;
    serde_json::from_slice(body)
        .map_err(|error| HttpError::bad_request(format!("The body is not what was expected: {error}.")))
}

/// Whether the body is JSON.
pub(crate) fn check_json(headers: &HeaderMap) -> Result<(), HttpError> {
    let found = content_type(headers);
    if found == "application/json" {
        return Ok(());
    }
    Err(HttpError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "BadRequest",
        format!("Expected a body of the type application/json, but found `{found}`."),
    ))
}

fn too_large() -> HttpError {
    HttpError::too_large(format!("The body is larger than {BODY_BYTES_MAX} bytes."))
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}
