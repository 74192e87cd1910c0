//! Answers of queries as JSON text.

use std::time::Instant;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use photondb_datum::{Datum, json, message_pack};
use photondb_reql::ReqlError;
use photondb_server::Context;

use crate::error::HttpError;
use crate::limits::INLINE_ANSWER_BYTES_MAX;
use crate::origin::text;
use crate::query_request::json_string;
use crate::stack::with_room;

/// The media type of MessagePack.
pub(crate) const MESSAGE_PACK: &str = "application/msgpack";

/// One answer to a query.
pub(crate) struct Answer {
    pub kind: AnswerKind,
    pub rows: Vec<Datum>,
    /// Where the other rows are.
    pub cursor: Option<String>,
    pub profile: Option<Datum>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    MessagePack,
}

impl Form {
    /// What the client asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match text(headers, ACCEPT.as_str()) {
            Some(accepted) if accepted.contains(MESSAGE_PACK) => Self::MessagePack,
            _ => Self::Json,
        }
    }

    pub(crate) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::MessagePack => MESSAGE_PACK,
        })
    }

    /// Appends a value.
    pub(crate) fn write(self, value: &Datum, out: &mut Vec<u8>) -> Result<(), ReqlError> {
        match self {
            Self::Json => write_value(value, out),
            Self::MessagePack => Ok(with_room(|| message_pack::write(value, out))?),
        }
    }
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
    pub(crate) async fn respond(
        self,
        context: &Context,
        began: Instant,
        form: Form,
    ) -> Result<Response, HttpError> {
        let bytes: usize = self.rows.iter().map(Datum::packed_bytes).sum();
        let text = if bytes > INLINE_ANSWER_BYTES_MAX {
            context.workers.run(move || self.write(began, form)).await??
        } else {
            self.write(began, form)?
        };
        Ok(([(CONTENT_TYPE, form.media_type())], text).into_response())
    }

    fn write(&self, began: Instant, form: Form) -> Result<Vec<u8>, ReqlError> {
        match form {
            Form::Json => self.to_json(began),
            Form::MessagePack => with_room(|| self.to_message_pack(began)),
        }
    }

    fn to_message_pack(&self, began: Instant) -> Result<Vec<u8>, ReqlError> {
        let mut out = Vec::new();
        let optional = usize::from(self.cursor.is_some()) + usize::from(self.profile.is_some());
        message_pack::write_map(5 + optional, &mut out);
        let name = |name: &str, out: &mut Vec<u8>| message_pack::write_text(name, out);
        name("kind", &mut out);
        message_pack::write_text(self.kind.name(), &mut out);
        name("result", &mut out);
        match self.kind {
            AnswerKind::Sequence => {
                message_pack::write_array(self.rows.len(), &mut out);
                self.rows.iter().try_for_each(|row| message_pack::write(row, &mut out))?;
            }
            _ => message_pack::write(self.rows.first().unwrap_or(&Datum::Null), &mut out)?,
        }
        name("rows", &mut out);
        message_pack::write_number(self.rows.len() as f64, &mut out);
        name("more", &mut out);
        message_pack::write(&Datum::Bool(self.cursor.is_some()), &mut out)?;
        name("time_ms", &mut out);
        message_pack::write_number(began.elapsed().as_secs_f64() * 1000.0, &mut out);
        if let Some(cursor) = &self.cursor {
            name("cursor", &mut out);
            message_pack::write_text(cursor, &mut out);
        }
        if let Some(profile) = &self.profile {
            name("profile", &mut out);
            message_pack::write(profile, &mut out)?;
        }
        Ok(out)
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
