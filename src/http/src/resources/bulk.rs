//! Many documents, a line each, inserted while they arrive.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::Response;
use http_body::Body as _;
use photondb_datum::Datum;
use tokio::time::timeout;

use super::documents::{WriteParameters, insert_rows};
use super::outcome::{count, first_error, parse, respond};
use super::place::TablePath;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::limits::{BODY_BYTES_MAX, BODY_TIMEOUT};

/// Documents, and bytes of lines, that are inserted together.
const BATCH_ROWS_MAX: usize = 1000;
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// The numbers of a summary that are added up.
const COUNTS: [&str; 4] = ["inserted", "replaced", "unchanged", "errors"];

/// What was done so far.
#[derive(Default)]
struct Progress {
    counts: [u64; COUNTS.len()],
    first_error: Option<String>,
    lines: u64,
}

/// Inserts the documents of a stream of lines. What came before a mistake stays inserted.
pub(super) async fn insert(
    shared: &Shared,
    caller: &Caller,
    path: &TablePath,
    parameters: &WriteParameters,
    mut body: Body,
) -> Result<Response, HttpError> {
    let mut progress = Progress::default();
    let (mut text, mut rows, mut bytes) = (Vec::new(), Vec::new(), 0);
    loop {
        let part = next(&mut body).await.map_err(|error| progress.broken(&error))?;
        let is_last = part.is_none();
        text.extend_from_slice(&part.unwrap_or_default());
        let mut start = 0;
        loop {
            let rest = &text[start..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = match end {
                Some(end) => &rest[..end],
                None if is_last => rest,
                None => break,
            };
            progress.lines += 1;
            if !line.trim_ascii().is_empty() {
                rows.push(parse(line).map_err(|error| progress.broken(&error))?);
                bytes += line.len();
            }
            start += end.map_or(rest.len(), |end| end + 1);
            if rows.len() >= BATCH_ROWS_MAX || bytes >= BATCH_BYTES_MAX {
                let batch = Datum::array(std::mem::take(&mut rows));
                bytes = 0;
                let summary = insert_rows(shared, caller, path, parameters, batch).await;
                progress.add(&summary.map_err(|error| progress.broken(&error))?);
            }
            if end.is_none() {
                break;
            }
        }
        text.drain(..start);
        if text.len() > BODY_BYTES_MAX {
            let error = HttpError::too_large(format!("The line is longer than {BODY_BYTES_MAX} bytes."));
            return Err(progress.broken(&error));
        }
        if is_last {
            break;
        }
    }
    if !rows.is_empty() {
        let summary = insert_rows(shared, caller, path, parameters, Datum::array(rows)).await;
        progress.add(&summary.map_err(|error| progress.broken(&error))?);
    }
    respond(StatusCode::OK, &progress.summary())
}

/// The next part of the body; `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, HttpError> {
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context));
        let frame = timeout(BODY_TIMEOUT, frame).await.map_err(|_| {
            let message = format!("Nothing more arrived for {} seconds.", BODY_TIMEOUT.as_secs());
            HttpError::timeout(StatusCode::REQUEST_TIMEOUT, message)
        })?;
        match frame {
            None => return Ok(None),
            Some(Err(error)) => {
                return Err(HttpError::bad_request(format!("The body could not be read: {error}.")));
            }
            // Trailers are of no interest.
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl Progress {
    fn add(&mut self, summary: &Datum) {
        for (total, name) in self.counts.iter_mut().zip(COUNTS) {
            *total += count(summary, name);
        }
        if self.first_error.is_none() {
            self.first_error = first_error(summary);
        }
    }

    fn summary(&self) -> Datum {
        let counts = COUNTS.iter().zip(self.counts).map(|(name, count)| (*name, Datum::Number(count as f64)));
        let error = self.first_error.as_deref().map(|error| ("first_error", Datum::from(error)));
        Datum::object(counts.chain(error))
    }

    /// An error with its line, and what was done before it.
    fn broken(&self, error: &HttpError) -> HttpError {
        let [inserted, replaced, ..] = self.counts;
        error.within(&format!(
            "Line {}, after {inserted} documents were inserted and {replaced} replaced",
            self.lines
        ))
    }
}
