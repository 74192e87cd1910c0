//! Rows as lines of JSON, one after the other as they are read.

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_server::door::RowCursor;

use crate::answer::write_value;
use crate::body::content_type;
use crate::error::HttpError;
use crate::limits::STREAM_PARTS_MAX;
use crate::live::ChannelBody;
use crate::origin::text;

const MEDIA_TYPE: &str = "application/x-ndjson";

/// Whether the client wants lines.
pub(crate) fn are_accepted(headers: &HeaderMap) -> bool {
    text(headers, ACCEPT.as_str()).is_some_and(|accepted| accepted.contains(MEDIA_TYPE))
}

/// Whether the body is lines.
pub(crate) fn are_sent(headers: &HeaderMap) -> bool {
    content_type(headers) == MEDIA_TYPE
}

/// The elements of an array, or a value alone.
pub(crate) fn rows_of(value: Datum) -> Vec<Datum> {
    match value {
        Datum::Array(items) => items.iter().collect(),
        value => vec![value],
    }
}

/// Answers with all rows. One that fails breaks the answer off: a client that does not see its
/// proper end has not seen all.
pub(crate) fn stream(rows: Vec<Datum>, rest: Option<RowCursor>) -> Result<Response, HttpError> {
    let head = [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
    let first = write(&rows)?;
    let Some(mut cursor) = rest else { return Ok((head, first).into_response()) };
    let (out, body) = ChannelBody::open(STREAM_PARTS_MAX);
    tokio::spawn(async move {
        let mut part = Ok(first);
        let mut more = true;
        loop {
            let broken = part.is_err();
            if let Err(error) = &part {
                tracing::info!(%error, "an answer of lines was broken off");
            }
            // Fails when nobody reads any more, which ends the query.
            if out.send(part.map_err(std::io::Error::other)).await.is_err() || broken || !more {
                return;
            }
            part = match cursor.next().await {
                Ok(batch) => {
                    more = batch.more;
                    write(&batch.rows)
                }
                Err(error) => Err(error),
            };
        }
    });
    Ok((head, body).into_response())
}

fn write(rows: &[Datum]) -> Result<Bytes, ReqlError> {
    let mut out = Vec::new();
    for row in rows {
        write_value(row, &mut out)?;
        out.push(b'\n');
    }
    Ok(out.into())
}
