//! What queries about resources come to.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use photondb_datum::{Datum, json};
use photondb_reql::{ErrorKind, ReqlError};
use photondb_server::door::{DoorAnswer, DoorQuery};

use crate::answer::Form;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;

/// Runs a query that gives one value; the rows of a sequence become an array.
pub(super) async fn value(shared: &Shared, caller: &Caller, query: DoorQuery) -> Result<Datum, ReqlError> {
    match caller.session(shared).run(query).await?.answer {
        DoorAnswer::Atom(value) => Ok(value),
        DoorAnswer::Rows(mut rows, mut rest) => {
            while let Some(cursor) = &mut rest {
                let batch = cursor.next().await?;
                rows.extend(batch.rows);
                if !batch.more {
                    break;
                }
            }
            Ok(Datum::array(rows))
        }
        DoorAnswer::Feed(_) => Err(ReqlError::internal("A resource is a changefeed.")),
    }
}

/// An error of a query about something that should be there.
pub(super) fn unless_missing(error: ReqlError, is_there: bool) -> HttpError {
    match error.kind {
        ErrorKind::OpFailed if !is_there => HttpError::not_found(error.message),
        _ => error.into(),
    }
}

/// An error of a query that was to make something.
pub(super) fn unless_taken(error: ReqlError, is_there: bool) -> HttpError {
    match error.kind {
        ErrorKind::OpFailed if is_there => conflict(error.message),
        _ => error.into(),
    }
}

pub(super) fn conflict(message: impl Into<String>) -> HttpError {
    HttpError::new(StatusCode::CONFLICT, "Conflict", message)
}

/// A number of a write's summary.
pub(super) fn count(summary: &Datum, name: &str) -> u64 {
    summary.get(name).and_then(|value| value.as_number()).map_or(0, |number| number as u64)
}

/// The first error of a write's summary.
pub(super) fn first_error(summary: &Datum) -> Option<String> {
    summary.get("first_error")?.as_str().map(str::to_owned)
}

/// A value as the whole answer.
pub(super) fn respond(status: StatusCode, value: &Datum) -> Result<Response, HttpError> {
    respond_as(Form::Json, status, value)
}

/// The same in the form that the client asks for.
pub(super) fn respond_as(form: Form, status: StatusCode, value: &Datum) -> Result<Response, HttpError> {
    let mut text = Vec::new();
    form.write(value, &mut text)?;
    Ok((status, [(CONTENT_TYPE, form.media_type())], text).into_response())
}

/// JSON of a client as a value.
pub(super) fn parse(text: &[u8]) -> Result<Datum, HttpError> {
    crate::stack::with_room(|| json::parse(text, json::ParseLimits::default()))
        .map_err(|error| HttpError::bad_request(format!("The document cannot be read: {error}")))
}
