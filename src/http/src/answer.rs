//! Answers of queries as JSON text.

use std::time::Instant;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use photondb_datum::{Datum, json};
use photondb_reql::ReqlError;
use photondb_server::Context;

use crate::error::HttpError;
use crate::limits::INLINE_ANSWER_BYTES_MAX;
use crate::query_request::json_string;
use crate::stack::with_room;

/// One answer to a query.
pub(crate) struct Answer {
    pub kind: AnswerKind,
    pub rows: Vec<Datum>,
    /// Where the other rows are.
    pub cursor: Option<String>,
    pub profile: Option<Datum>,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// One value: the first and only row.
    Atom,
    Sequence,
    /// A plan: the first and only row.
    Explain,
}

impl AnswerKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Sequence => "sequence",
            Self::Explain => "explain",
        }
    }
}

impl Answer {
    /// The answer to a request that came at `began`.
    pub(crate) async fn respond(self, context: &Context, began: Instant) -> Result<Response, HttpError> {
        let bytes: usize = self.rows.iter().map(Datum::packed_bytes).sum();
        let text = if bytes > INLINE_ANSWER_BYTES_MAX {
            context.workers.run(move || self.to_json(began)).await??
        } else {
            self.to_json(began)?
        };
        let json = HeaderValue::from_static("application/json");
        Ok(([(CONTENT_TYPE, json)], text).into_response())
    }

    fn to_json(&self, began: Instant) -> Result<Vec<u8>, ReqlError> {
        let mut out = Vec::new();
        out.extend_from_slice(format!("{{\"kind\":\"{}\",\"result\":", self.kind.name()).as_bytes());
        match self.kind {
            AnswerKind::Sequence => write_rows(&self.rows, &mut out)?,
            AnswerKind::Atom | AnswerKind::Explain => {
                write_value(self.rows.first().unwrap_or(&Datum::Null), &mut out)?;
            }
        }
        let (rows, more) = (self.rows.len(), self.cursor.is_some());
        out.extend_from_slice(format!(",\"rows\":{rows},\"more\":{more}").as_bytes());
        if let Some(cursor) = &self.cursor {
            out.extend_from_slice(format!(",\"cursor\":{}", json_string(cursor)).as_bytes());
        }
        let time_ms = began.elapsed().as_secs_f64() * 1000.0;
        out.extend_from_slice(format!(",\"time_ms\":{time_ms:.3}").as_bytes());
        if let Some(profile) = &self.profile {
            out.extend_from_slice(b",\"profile\":");
            json::write(profile, &mut out)?;
        }
        out.push(b'}');
        Ok(out)
    }
}

/// Rows as a JSON array.
pub(crate) fn write_rows(rows: &[Datum], out: &mut Vec<u8>) -> Result<(), ReqlError> {
    out.push(b'[');
    for (position, row) in rows.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_value(row, out)?;
    }
    out.push(b']');
    Ok(())
}

/// A value as JSON.
pub(crate) fn write_value(value: &Datum, out: &mut Vec<u8>) -> Result<(), ReqlError> {
    Ok(with_room(|| json::write(value, out))?)
}
