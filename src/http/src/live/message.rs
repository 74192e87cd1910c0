//! Messages of a WebSocket.

use std::collections::BTreeMap;

use photondb_datum::{Datum, json};
use photondb_reql::ReqlError;
use photondb_server::door::FeedRow;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::answer::write_rows;
use crate::error::HttpError;
use crate::query_request::{QueryRequest, json_string};

/// What a client says.
#[derive(Debug)]
pub(super) enum ClientMessage {
    /// Run a query, or go on with a feed.
    Query(QueryMessage),
    /// Send the next rows of a sequence.
    More(u64),
    /// End a query.
    Cancel(u64),
    /// Say `pong`.
    Ping,
}

/// A query of a client.
#[derive(Debug)]
pub(super) struct QueryMessage {
    /// The client's name for it.
    pub id: u64,
    pub request: QueryRequest,
    /// The token of the last row of a feed that arrived.
    pub resume: Option<String>,
    /// Whether a feed is begun anew when the token is too old.
    pub restart: bool,
}

/// All fields of all messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    #[serde(rename = "type")]
    kind: String,
    id: Option<u64>,
    query: Option<Box<RawValue>>,
    #[serde(default)]
    options: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    explain: bool,
    batch_rows: Option<usize>,
    resume: Option<String>,
    #[serde(default)]
    restart: bool,
}

impl ClientMessage {
    /// Reads a message.
    pub(super) fn parse(text: &str) -> Result<Self, HttpError> {
        let fields: Fields = serde_json::from_str(text)
            .map_err(|error| HttpError::bad_request(format!("The message cannot be understood: {error}.")))?;
        let missing = |name: &str| {
            HttpError::bad_request(format!(
                "A message of the type `{}` needs the field `{name}`.",
                fields.kind
            ))
        };
        let id = fields.id.ok_or_else(|| missing("id"));
        match fields.kind.as_str() {
            "ping" => Ok(Self::Ping),
            "more" => Ok(Self::More(id?)),
            "cancel" => Ok(Self::Cancel(id?)),
            "query" => {
                let (id, query) = (id?, fields.query.ok_or_else(|| missing("query"))?);
                let Fields { options, explain, batch_rows, resume, restart, .. } = fields;
                let request = QueryRequest { query, options, explain, batch_rows };
                Ok(Self::Query(QueryMessage { id, request, resume, restart }))
            }
            other => Err(HttpError::bad_request(format!(
                "There is no message of the type `{other}`; there are query, more, cancel and ping."
            ))),
        }
    }
}

/// What belongs to some rows.
#[derive(Default)]
pub(super) struct RowsHead<'a> {
    pub id: u64,
    pub kind: &'a str,
    pub more: bool,
    pub resume: Option<String>,
    pub restarted: bool,
    pub time_ms: Option<f64>,
    pub profile: Option<&'a Datum>,
}

impl RowsHead<'_> {
    /// A message with rows of a value or a sequence.
    pub(super) fn with_rows(&self, rows: &[Datum]) -> Result<String, ReqlError> {
        self.write(|out| write_rows(rows, out))
    }

    /// A message with rows of a feed.
    pub(super) fn with_changes(&self, rows: &[FeedRow]) -> Result<String, ReqlError> {
        self.write(|out| {
            out.push(b'[');
            for (position, row) in rows.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                row.write_json(out)?;
            }
            out.push(b']');
            Ok(())
        })
    }

    fn write(&self, rows: impl FnOnce(&mut Vec<u8>) -> Result<(), ReqlError>) -> Result<String, ReqlError> {
        let Self { id, kind, more, .. } = self;
        let mut out = format!("{{\"id\":{id},\"type\":\"rows\",\"kind\":\"{kind}\",\"rows\":").into_bytes();
        rows(&mut out)?;
        out.extend_from_slice(format!(",\"more\":{more}").as_bytes());
        if let Some(resume) = &self.resume {
            out.extend_from_slice(format!(",\"resume\":{}", json_string(resume)).as_bytes());
        }
        if self.restarted {
            out.extend_from_slice(b",\"restarted\":true");
        }
        if let Some(time_ms) = self.time_ms {
            out.extend_from_slice(format!(",\"time_ms\":{time_ms:.3}").as_bytes());
        }
        if let Some(profile) = self.profile {
            out.extend_from_slice(b",\"profile\":");
            json::write(profile, &mut out)?;
        }
        out.push(b'}');
        String::from_utf8(out).map_err(|_| ReqlError::internal("An answer is not UTF-8."))
    }
}

/// The end of a query.
pub(super) fn done(id: u64) -> String {
    format!("{{\"id\":{id},\"type\":\"done\"}}")
}

/// The end of a query by an error; without an id, of a message that could not be understood.
pub(super) fn error(id: Option<u64>, error: &HttpError) -> String {
    let mut message = json!({ "type": "error", "error": error.to_json() });
    if let Some(id) = id {
        message["id"] = json!(id);
    }
    message.to_string()
}
