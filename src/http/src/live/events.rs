//! `/api/changes`: a changefeed as server-sent events.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use photondb_reql::{Ast, Effect, ReqlError, TERMS, TermType};
use photondb_server::door::{DoorAnswer, FeedRow};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;
use tokio::time::interval;
use uuid::Uuid;

use super::ChannelBody;
use super::feed::{LiveFeed, LiveRows};
use super::resume::{Claimed, LiveFeeds};
use crate::caller::Caller;
use crate::door::{Shared, stopped};
use crate::error::HttpError;
use crate::extract::Asked;
use crate::limits::{HEARTBEAT_INTERVAL, STREAM_PARTS_MAX};
use crate::origin::text;
use crate::query_request::{Prepared, QueryRequest, QuerySource};

/// How long a browser is to wait before it comes back.
const RETRY_MS: u64 = 2000;

/// What stands behind the question mark.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    /// ReQL, or a term as drivers send it.
    query: String,
    /// The database of tables that are named without one.
    #[serde(default)]
    db: Option<String>,
    /// The token of the last row that arrived; browsers send it in `Last-Event-ID`.
    #[serde(default)]
    resume: Option<String>,
    /// Whether the feed is begun anew when the token is too old.
    #[serde(default)]
    restart: bool,
}

/// Streams the changes of a query.
pub(crate) async fn changes(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(parameters): Asked<Parameters>,
) -> Result<Response, HttpError> {
    let resume = text(&headers, "last-event-id").map(str::to_owned).or_else(|| parameters.resume.clone());
    let restart = parameters.restart;
    let Prepared { query, source, .. } = parameters.into_request()?.prepare()?;
    check_reads_only(&query.query().ast)?;
    let wire = query.wire().clone();
    let live = &shared.door.live;
    let mut resumed = None;
    let mut restarted = false;
    if let Some(token) = resume.filter(|token| !token.is_empty()) {
        match live.resume(&token, caller.user(), &wire).await {
            Ok(feed) => resumed = Some(feed),
            Err(error) if restart && error.status == StatusCode::GONE => restarted = true,
            Err(error) => return Err(error),
        }
    }
    let (feed, claimed) = match resumed {
        Some(resumed) => resumed,
        None => {
            let reply = caller.session(&shared).run(query).await.map_err(|error| source.locate(error))?;
            let DoorAnswer::Feed(reader) = reply.answer else {
                return Err(HttpError::bad_request("This query is no changefeed: ask it at /api/query."));
            };
            let feed = LiveFeed::new(caller.user().clone(), wire, reader);
            let claimed = live.hold(&feed);
            (feed, claimed)
        }
    };
    let (out, body) = ChannelBody::open(STREAM_PARTS_MAX);
    let stream = EventStream { shared: Arc::clone(&shared), caller, source, out };
    tokio::spawn(stream.run(feed, claimed, restarted));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

impl Parameters {
    fn into_request(self) -> Result<QueryRequest, HttpError> {
        let raw = |text: String| {
            RawValue::from_string(text).map_err(|error| {
                HttpError::bad_request(format!("The query is no JSON, which begins with a bracket: {error}."))
            })
        };
        let is_wire = self.query.trim_start().starts_with('[');
        let mut request = if is_wire {
            QueryRequest { query: raw(self.query)?, ..QueryRequest::text("")? }
        } else {
            QueryRequest::text(&self.query)?
        };
        let db = self.db.map(|db| raw(json!(db).to_string())).transpose()?;
        request.options = BTreeMap::from_iter(db.map(|db| ("db".to_owned(), db)));
        Ok(request)
    }
}

/// A GET is sent by anything that loads a page: it must not change anything.
fn check_reads_only(ast: &Ast) -> Result<(), HttpError> {
    let writes = TERMS.iter().find(|info| info.effect == Effect::Write && ast.has(info.term));
    if let Some(info) = writes {
        let method = info.method;
        return Err(HttpError::bad_request(format!(
            "A feed must not write, but this one contains `{method}`."
        )));
    }
    if !ast.has(TermType::Changes) {
        return Err(HttpError::bad_request("This query is no changefeed: ask it at /api/query."));
    }
    Ok(())
}

/// A feed on its way to a client.
struct EventStream {
    shared: Arc<Shared>,
    caller: Caller,
    source: QuerySource,
    out: Sender<std::io::Result<Bytes>>,
}

impl EventStream {
    async fn run(self, mut feed: LiveFeed, mut claimed: Claimed, restarted: bool) {
        let live = Arc::clone(&self.shared.door.live);
        let mut stopping = self.shared.stopping.clone();
        let mut heartbeat = interval(HEARTBEAT_INTERVAL);
        let mut part = self.opening(&live, &feed, restarted);
        loop {
            let sent = tokio::select! {
                sent = feed.hold(self.out.send(Ok(part))) => sent.is_ok(),
                claimant = claimed.wait() => return hand_over(feed, claimant),
                () = stopped(&mut stopping) => return live.end(feed.id),
            };
            if !sent {
                return live.keep(feed, claimed);
            }
            let rows = tokio::select! {
                rows = feed.next() => Some(rows),
                _ = heartbeat.tick() => None,
                () = self.out.closed() => return live.keep(feed, claimed),
                claimant = claimed.wait() => return hand_over(feed, claimant),
                () = stopped(&mut stopping) => return live.end(feed.id),
            };
            let written = match rows {
                None if !self.shared.context.logins.holds(&self.caller.identity) => return live.end(feed.id),
                None => Ok((b": here\n\n".to_vec(), true)),
                Some(rows) => rows.and_then(|rows| Ok((events(&live, feed.id, &rows)?, rows.more))),
            };
            let (bytes, more) = written.unwrap_or_else(|error| (self.failure(error), false));
            if !more {
                live.end(feed.id);
                // Nobody may be there to be told.
                drop(self.out.send(Ok(bytes.into())).await);
                return;
            }
            part = bytes.into();
        }
    }

    /// Tells that the feed is open: nothing may ever come.
    fn opening(&self, live: &LiveFeeds, feed: &LiveFeed, restarted: bool) -> Bytes {
        let event = if restarted { "restart" } else { "open" };
        let token = live.token(feed.id, feed.told());
        format!("retry: {RETRY_MS}\nevent: {event}\nid: {token}\ndata: {{}}\n\n").into()
    }

    fn failure(&self, error: ReqlError) -> Vec<u8> {
        let error = self.source.locate(error).to_json();
        format!("event: error\ndata: {error}\n\n").into_bytes()
    }
}

/// An event for each row. JSON has no line breaks of its own.
fn events(live: &LiveFeeds, feed: Uuid, rows: &LiveRows) -> Result<Vec<u8>, ReqlError> {
    let mut out = Vec::new();
    let first = rows.last + 1 - rows.rows.len() as u64;
    for (number, row) in (first..).zip(&rows.rows) {
        write_event(&live.token(feed, number), row, &mut out)?;
    }
    if !rows.more {
        out.extend_from_slice(b"event: done\ndata: {}\n\n");
    }
    Ok(out)
}

fn write_event(token: &str, row: &FeedRow, out: &mut Vec<u8>) -> Result<(), ReqlError> {
    out.extend_from_slice(format!("event: change\nid: {token}\ndata: ").as_bytes());
    row.write_json(out)?;
    out.extend_from_slice(b"\n\n");
    Ok(())
}

fn hand_over(feed: LiveFeed, claimant: Option<tokio::sync::oneshot::Sender<LiveFeed>>) {
    if let Some(claimant) = claimant {
        // Fails when that one is gone, too; then the feed ends here.
        drop(claimant.send(feed));
    }
}
