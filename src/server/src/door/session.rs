//! Queries of one user who came through a door.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use photondb_base::Cancel;
use photondb_base::prompt::promptly;
use photondb_datum::{Datum, Text};
use photondb_exec::{Answer, Failure, MemoryUse, Outcome, Request, ResultStream};
use photondb_plan::feed::FeedStream;
use photondb_reql::{Query, ReqlError, StartQuery, decode_query};
use photondb_storage::Acknowledgement;

use super::cursor::RowCursor;
use super::feed::FeedReader;
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::durability::wait_for_log;
use crate::limits::{INLINE_ALLOWANCE, INLINE_QUERY_BYTES_MAX};
use crate::metrics::QueryKind;
use crate::workers::guarded;

/// A user who may ask queries.
#[derive(Clone)]
pub struct DoorSession {
    context: Arc<Context>,
    user: Text,
    client: SocketAddr,
}

/// A query to run.
#[derive(Clone, Debug)]
pub struct DoorQuery {
    query: Box<StartQuery>,
    wire: Bytes,
}

/// What a query came to.
pub struct DoorReply {
    /// The answer.
    pub answer: DoorAnswer,
    /// The profile, when the query asked for one.
    pub profile: Option<Datum>,
}

/// The answer to a query.
pub enum DoorAnswer {
    /// One value.
    Atom(Datum),
    /// The first rows of a sequence, and where the others come from.
    Rows(Vec<Datum>, Option<RowCursor>),
    /// Changes for as long as somebody reads them.
    Feed(FeedReader),
}

/// Cancels a query whose asker went away.
pub(super) struct CancelOnDrop(pub(super) Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A query that has run, up to its first rows.
struct Started {
    outcome: Result<(Open, Option<Datum>), ReqlError>,
    /// Wait until the log is durable up to here before anything is told.
    acknowledgement: Acknowledgement,
}

enum Open {
    Atom(Datum),
    Rows(Vec<Datum>, Option<Box<dyn ResultStream>>),
    Feed(Box<dyn FeedStream>),
}

impl DoorQuery {
    /// Decodes a query in the form in which drivers send it, `[1, term, options]`.
    pub fn decode(wire: Bytes) -> Result<Self, ReqlError> {
        match decode_query(&wire)? {
            Query::Start(query) => Ok(Self { query, wire }),
            _ => Err(ReqlError::client("Expected a query that starts.")),
        }
    }

    /// The query as it was decoded.
    pub fn wire(&self) -> &Bytes {
        &self.wire
    }

    /// The query.
    pub fn query(&self) -> &StartQuery {
        &self.query
    }
}

impl DoorSession {
    /// Queries of a user who has logged in.
    pub fn new(context: Arc<Context>, user: Text, client: SocketAddr) -> Self {
        Self { context, user, client }
    }

    /// Whose queries they are.
    pub fn user(&self) -> &Text {
        &self.user
    }

    /// Runs a query and waits until what it wrote is as durable as it was asked to be. It is
    /// cancelled when nobody waits any more.
    pub async fn run(&self, query: DoorQuery) -> Result<DoorReply, ReqlError> {
        let began = Instant::now();
        let metrics = &self.context.metrics.http;
        let reply = self.answer(query).await;
        let (kind, rows) = match reply.as_ref().map(|reply| &reply.answer) {
            Ok(DoorAnswer::Atom(_)) => (QueryKind::Value, 1),
            Ok(DoorAnswer::Rows(rows, _)) => (QueryKind::Sequence, rows.len()),
            Ok(DoorAnswer::Feed(_)) => (QueryKind::Feed, 0),
            Err(_) => (QueryKind::Error, 0),
        };
        metrics.record(kind, began.elapsed());
        metrics.rows.add(rows);
        reply
    }

    async fn answer(&self, query: DoorQuery) -> Result<DoorReply, ReqlError> {
        self.context.activity.count_query();
        let counted = self.context.metrics.http.queries.enter();
        let limits = BatchLimits::of(&query.query);
        let cancel = Cancel::default();
        let asker = CancelOnDrop(cancel.clone());
        let started = self.start(query, limits, &cancel).await?;
        let logged = wait_for_log(self.context.engine.as_ref(), started.acknowledgement).await;
        let (open, profile) = logged.and(started.outcome)?;
        let context = Arc::clone(&self.context);
        let answer = match open {
            Open::Atom(value) => DoorAnswer::Atom(value),
            Open::Rows(rows, rest) => {
                let cursor = rest.map(|stream| RowCursor::new(stream, limits, asker, context, counted));
                DoorAnswer::Rows(rows, cursor)
            }
            Open::Feed(stream) => {
                DoorAnswer::Feed(FeedReader::new(stream, limits.rows_max(), asker, context))
            }
        };
        Ok(DoorReply { answer, profile })
    }

    /// Begins here what is probably short, and goes where it may block when it is not.
    async fn start(
        &self,
        query: DoorQuery,
        limits: BatchLimits,
        cancel: &Cancel,
    ) -> Result<Started, ReqlError> {
        let is_short = query.wire.len() <= INLINE_QUERY_BYTES_MAX;
        if !is_short || !self.context.executor.is_cheap(&query.query) {
            return self.start_elsewhere(query.query, query.wire, limits, cancel).await;
        }
        let request = self.request(query.query, cancel, Arc::default());
        let work = || guarded(|| start(&self.context, request, limits, cancel));
        match promptly(INLINE_ALLOWANCE, work) {
            Ok(started) => started,
            // The same bytes are the same query once more.
            Err(_) => {
                let again = DoorQuery::decode(query.wire)?;
                self.start_elsewhere(again.query, again.wire, limits, cancel).await
            }
        }
    }

    async fn start_elsewhere(
        &self,
        query: Box<StartQuery>,
        wire: Bytes,
        limits: BatchLimits,
        cancel: &Cancel,
    ) -> Result<Started, ReqlError> {
        let admitted = self.context.admission.admit(wire.len(), async || ()).await;
        let memory = Arc::default();
        let (jobs, user) = (&self.context.jobs, self.user.clone());
        let job = jobs.begin(user, self.client, wire, cancel.clone(), Arc::clone(&memory));
        let request = self.request(query, cancel, memory);
        let (context, cancel) = (Arc::clone(&self.context), cancel.clone());
        let work = move || {
            let (_job, _admitted) = (job, admitted);
            start(&context, request, limits, &cancel)
        };
        self.context.workers.run(work).await
    }

    fn request(&self, query: Box<StartQuery>, cancel: &Cancel, memory: Arc<MemoryUse>) -> Request {
        Request { query, user: self.user.clone(), cancel: cancel.clone(), memory }
    }
}

/// Runs a query up to its first rows. Blocks unless the query is cheap.
fn start(context: &Context, request: Request, limits: BatchLimits, cancel: &Cancel) -> Started {
    let Answer { outcome, acknowledgement, profile } = match context.executor.run(request) {
        Ok(answer) => answer,
        Err(Failure { error, acknowledgement }) => return Started { outcome: Err(error), acknowledgement },
    };
    let open = match outcome {
        Outcome::Atom(value) => Ok(Open::Atom(value)),
        Outcome::Feed(stream) => Ok(Open::Feed(stream)),
        Outcome::Stream(mut stream) => {
            let mut rows = Vec::new();
            let more = limits.first().pull(stream.as_mut(), cancel, &mut rows);
            more.map(|more| Open::Rows(rows, more.then_some(stream)))
        }
    };
    Started { outcome: open.map(|open| (open, profile)), acknowledgement }
}
