//! `/api/query` and `/api/cursors`.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use photondb_server::door::{DoorAnswer, DoorReply};

use crate::answer::{Answer, AnswerKind, Form};
use crate::body;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::Named;
use crate::lines;
use crate::query_request::{Prepared, QueryRequest};

/// Bodies larger than this are decoded where that holds up nobody.
const INLINE_BODY_BYTES_MAX: usize = 16 * 1024;

/// Runs a query and gives its first rows.
pub(crate) async fn ask(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let began = Instant::now();
    let bytes = body::read(&headers, body).await?;
    let wanted = headers.clone();
    let is_large = bytes.len() > INLINE_BODY_BYTES_MAX;
    let decode = move || request(&headers, &bytes)?.prepare();
    let Prepared { query, source, explain } =
        if is_large { shared.context.workers.run(decode).await?? } else { decode()? };
    let reply = caller.session(&shared).run(query).await.map_err(|error| source.locate(error))?;
    let DoorReply { answer, profile } = reply;
    let (kind, rows, cursor) = match answer {
        DoorAnswer::Atom(value) => {
            let kind = if explain { AnswerKind::Explain } else { AnswerKind::Atom };
            (kind, vec![value], None)
        }
        DoorAnswer::Rows(rows, rest) => (AnswerKind::Sequence, rows, rest),
        DoorAnswer::Feed(_) => return Err(feed_needs_another_door()),
    };
    if lines::are_accepted(&wanted) {
        let rows = match kind {
            AnswerKind::Sequence => rows,
            _ => rows.into_iter().flat_map(lines::rows_of).collect(),
        };
        return lines::stream(rows, cursor);
    }
    let cursor = cursor.map(|cursor| shared.door.cursors.keep(caller.user(), cursor)).transpose()?;
    Answer { kind, rows, cursor, profile }.respond(&shared.context, began, Form::of(&wanted)).await
}

/// The next rows of a sequence.
pub(crate) async fn next(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let began = Instant::now();
    let batch = shared.door.cursors.next(&id, caller.user()).await?;
    let cursor = batch.more.then_some(id);
    let answer = Answer { kind: AnswerKind::Sequence, rows: batch.rows, cursor, profile: None };
    answer.respond(&shared.context, began, Form::of(&headers)).await
}

/// Forgets the rest of a sequence.
pub(crate) async fn close(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<StatusCode, HttpError> {
    shared.door.cursors.close(&id, caller.user())?;
    Ok(StatusCode::NO_CONTENT)
}

/// A request as JSON, or ReQL as plain text.
fn request(headers: &HeaderMap, bytes: &[u8]) -> Result<QueryRequest, HttpError> {
    if body::content_type(headers) != "text/plain" {
        return body::json(headers, bytes);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| HttpError::bad_request(format!("The query is not UTF-8: {error}.")))?;
    QueryRequest::text(text)
}

fn feed_needs_another_door() -> HttpError {
    HttpError::bad_request(
        "This query is a changefeed, which has no end. Ask it over the WebSocket /api/ws or as server-sent \
         events from /api/changes.",
    )
}
