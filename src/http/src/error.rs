//! What is answered when something is wrong: JSON of one shape, whatever it is.

use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use photondb_reql::text::{Span, TextError};
use photondb_reql::{ErrorKind, Frame, ReqlError};
use photondb_server::door::LoginError;
use serde_json::{Value, json};

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct HttpError {
    pub status: StatusCode,
    /// What programs tell errors apart by.
    kind: &'static str,
    message: String,
    place: Option<Box<Place>>,
    retry_after_seconds: Option<u64>,
}

/// Where in a query something is wrong.
#[derive(Clone, Debug, Default)]
struct Place {
    backtrace: Option<Vec<Frame>>,
    /// The query as text, and the part of it that is to blame.
    query: Option<(String, Span)>,
    /// Whether the text is the client's own.
    is_own_text: bool,
}

impl HttpError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), place: None, retry_after_seconds: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", message)
    }

    pub(crate) fn timeout(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "Timeout", message)
    }

    /// The client is to come again.
    pub(crate) fn busy(message: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", message).retry_after(retry_after_seconds)
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The same error, with words before its message.
    pub(crate) fn within(&self, context: &str) -> Self {
        Self { message: format!("{context}: {}", self.message), ..self.clone() }
    }

    /// A text that is no query.
    pub(crate) fn text(error: TextError, text: String) -> Self {
        let mut answer = Self::new(StatusCode::BAD_REQUEST, "ReqlTextError", error.message);
        let query = Some((text, error.span));
        answer.place = Some(Box::new(Place { query, is_own_text: true, ..Place::default() }));
        answer
    }

    /// An error of a query, with the query as text when that is known.
    pub(crate) fn reql(error: ReqlError, query: Option<(String, Span)>, is_own_text: bool) -> Self {
        let status = match error.kind {
            ErrorKind::Permission => StatusCode::FORBIDDEN,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let mut answer = Self::new(status, error.kind.name(), error.message);
        answer.place = Some(Box::new(Place { backtrace: Some(error.backtrace), query, is_own_text }));
        answer
    }

    /// The object under `error`.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = json!({ "kind": self.kind, "message": self.message });
        let Some(place) = &self.place else { return object };
        if let Some(backtrace) = &place.backtrace {
            object["backtrace"] = backtrace
                .iter()
                .map(|frame| match frame {
                    Frame::Position(position) => json!(position),
                    Frame::Optarg(name) => json!(name.as_str()),
                })
                .collect();
        }
        if let Some((text, span)) = &place.query {
            let (line, column) = span.line_and_column(text);
            if place.is_own_text {
                object["position"] = json!({ "offset": span.start, "line": line, "column": column });
            }
            object["query"] = json!(text);
            object["span"] = json!({ "start": span.start, "end": span.end });
        }
        object
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({ "error": self.to_json() }))).into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<ReqlError> for HttpError {
    fn from(error: ReqlError) -> Self {
        Self::reql(error, None, false)
    }
}

impl From<LoginError> for HttpError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::unauthorized(error.to_string()),
            LoginError::TooMany(seconds) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyLogins", error.to_string())
                    .retry_after(seconds)
            }
            LoginError::Stopping => Self::busy(error.to_string(), 1),
        }
    }
}
