//! Running queries and the batches of their streams.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use photondb_base::Cancel;
use photondb_base::prompt::{NotPrompt, promptly};
use photondb_datum::{Datum, Text};
use photondb_exec::{Answer, Failure, MemoryUse, Outcome, Request, ResultStream};
use photondb_plan::feed::{FeedKind, FeedStream};
use photondb_reql::{ReqlError, StartQuery};
use photondb_storage::Acknowledgement;
use photondb_wire::{ResponseNote, ResponseType, ResponseWriter, Token, write_atom, write_error};

use super::Session;
use super::held::HeldAnswer;
use super::open_query::{OpenQuery, RowsGuard};
use crate::admission::Admitted;
use crate::batch::BatchLimits;
use crate::durability::wait_for_log;
use crate::limits::INLINE_ALLOWANCE;
use crate::metrics::QueryKind;
use crate::workers::guarded;

/// What a short row takes in an answer more than in its packed form.
const ROW_BYTES: usize = 16;
/// What an answer takes besides its rows.
const ENVELOPE_BYTES: usize = 64;

/// A query that has run, with its first answer written out.
pub(super) struct Started {
    answer: Vec<u8>,
    kind: QueryKind,
    /// Rows in the answer.
    rows: usize,
    /// How far the log must have come before the answer leaves.
    acknowledgement: Acknowledgement,
    rest: Rest,
}

impl Started {
    /// What is over, and gave one value.
    pub(super) fn value(token: Token, value: &Datum) -> Self {
        let mut answer = Vec::new();
        write_atom(token, value, None, &mut answer);
        let acknowledgement = Acknowledgement::default();
        Self { answer, kind: QueryKind::Value, rows: 1, acknowledgement, rest: Rest::Nothing }
    }
}

/// What a query has left to deliver.
enum Rest {
    Nothing,
    Stream(Box<dyn ResultStream>),
    Feed(Box<dyn FeedStream>),
}

impl Session {
    /// Runs a cheap query on the connection's own task, unless that would hold it up. `query` is
    /// told who runs it, and how it is stopped.
    pub(super) fn start_here(
        self: &Arc<Self>,
        token: Token,
        noreply: bool,
        limits: BatchLimits,
        query: impl FnOnce(Text, Cancel) -> Result<Answer, Failure>,
    ) -> Result<(), NotPrompt> {
        let began = Instant::now();
        let cancel = Cancel::default();
        let run = || first_answer(token, query(self.user.clone(), cancel.clone())?, limits, &cancel);
        let work = || guarded(run).unwrap_or_else(crash);
        let started = promptly(INLINE_ALLOWANCE, work)?;
        let (rest, acknowledgement) = match &started {
            Ok(started) => (&started.rest, started.acknowledgement),
            Err(failure) => (&Rest::Nothing, failure.acknowledgement),
        };
        let engine = self.context.engine.as_ref();
        if !matches!(rest, Rest::Stream(_)) && acknowledgement.is_due(engine) {
            self.count(began, &started);
            if !noreply {
                let answer = started.map_err(|failure| failure.error).and_then(|started| {
                    if let Rest::Feed(feed) = started.rest {
                        self.check_cursors()?;
                        self.open_feed(token, limits.rows_max(), feed);
                    }
                    Ok(started.answer)
                });
                self.tell_started(token, answer);
            }
            return Ok(());
        }
        if matches!(rest, Rest::Nothing) && engine.durable() >= acknowledgement.durable {
            let (kind, rows) = figures(&started);
            let answer = started.map(|started| started.answer).map_err(|failure| failure.error);
            let answer = HeldAnswer { token, began, kind, rows, answer, noreply };
            self.held.hold(answer, acknowledgement.written);
            return Ok(());
        }
        let (open, rows) = OpenQuery::new(token, limits, began, self.context.metrics.driver.queries.enter());
        let guard = noreply.then(|| self.fence.enter());
        if let Err(error) = self.keep(&open) {
            self.tell_error(token, &error);
            return Ok(());
        }
        let session = Arc::clone(self);
        tokio::spawn(async move {
            session.finish_start(&open, rows, started, noreply).await;
            drop(guard);
        });
        Ok(())
    }

    /// Runs a query where it may block.
    pub(super) async fn start_elsewhere(
        self: &Arc<Self>,
        token: Token,
        query: Box<StartQuery>,
        body: Bytes,
        admitted: Admitted,
    ) {
        let noreply = query.flag("noreply", false);
        let limits = BatchLimits::of(&query);
        let counted = self.context.metrics.driver.queries.enter();
        let (open, rows) = OpenQuery::new(token, limits, Instant::now(), counted);
        if let Err(error) = self.keep(&open) {
            return self.tell_error(token, &error);
        }
        let guard = noreply.then(|| self.fence.enter());
        // Answers of the same read leave before the wait.
        if self.permits.available_permits() == 0 {
            self.outbox.flush();
        }
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
        let session = Arc::clone(self);
        tokio::spawn(async move {
            let context = Arc::clone(&session.context);
            let cancel = open.cancel.clone();
            let (user, memory) = (session.user.clone(), Arc::<MemoryUse>::default());
            let job =
                context.jobs.begin(user.clone(), session.client, body, cancel.clone(), Arc::clone(&memory));
            let request = Request { query, user, cancel: cancel.clone(), memory };
            let shared = Arc::clone(&context);
            let started = context
                .workers
                .run(move || {
                    let (_job, _admitted) = (job, admitted);
                    first_answer(token, shared.executor.run(request)?, limits, &cancel)
                })
                .await
                .unwrap_or_else(crash);
            session.finish_start(&open, rows, started, noreply).await;
            drop(guard);
            drop(permit);
        });
    }

    /// Answers when what the query wrote is in the log.
    pub(super) async fn finish_start(
        self: &Arc<Self>,
        query: &Arc<OpenQuery>,
        mut rows: RowsGuard,
        started: Result<Started, Failure>,
        noreply: bool,
    ) {
        let mut feed = None;
        let (kind, row_count) = figures(&started);
        let (answer, acknowledgement) = match started {
            Ok(started) => {
                let mut answer = Ok(started.answer);
                match started.rest {
                    Rest::Stream(stream) if !noreply => rows.set_stream(stream),
                    Rest::Feed(stream) if !noreply => {
                        answer = self.check_cursors().and(answer);
                        feed = Some(stream);
                    }
                    _ => self.forget(query),
                }
                (answer, started.acknowledgement)
            }
            Err(failure) => (Err(failure.error), failure.acknowledgement),
        };
        let answer = wait_for_log(self.context.engine.as_ref(), acknowledgement).await.and(answer);
        let metrics = &self.context.metrics.driver;
        metrics.record(if answer.is_ok() { kind } else { QueryKind::Error }, query.began.elapsed());
        metrics.rows.add(row_count);
        if answer.is_err() {
            feed = None;
            rows.end();
            self.forget(query);
        }
        // Requests for rows of a feed wait until it is one.
        let rows = feed.is_some().then_some(rows);
        if noreply {
            return;
        }
        self.outbox.wait_for_room().await;
        match answer {
            // A query that was stopped has ended, whatever it says.
            Err(_) if query.is_stopped() => self.tell_end(query.token),
            answer => self.tell_started(query.token, answer),
        }
        if let Some(feed) = feed {
            self.become_feed(query, feed);
        }
        drop(rows);
        self.outbox.flush();
    }

    /// Counts a query that was answered at once.
    fn count(&self, began: Instant, started: &Result<Started, Failure>) {
        let (kind, rows) = figures(started);
        let metrics = &self.context.metrics.driver;
        metrics.record(kind, began.elapsed());
        metrics.rows.add(rows);
    }

    /// Goes on as a feed.
    fn become_feed(self: &Arc<Self>, query: &Arc<OpenQuery>, feed: Box<dyn FeedStream>) {
        self.open_feed(query.token, query.limits.rows_max(), feed);
        self.forget(query);
        if query.is_stopped() {
            // It was stopped before it could be found.
            self.desk.remove(query.token);
        }
    }

    pub(super) fn tell_started(&self, token: Token, answer: Result<Vec<u8>, ReqlError>) {
        self.outbox.append(|out| match answer {
            // The buffer itself becomes the outgoing one if that is empty.
            Ok(answer) if out.is_empty() => *out = answer,
            Ok(answer) => out.extend_from_slice(&answer),
            Err(error) => write_error(token, &error, None, out),
        });
    }

    /// Answers a request for the next batch of a stream.
    pub(super) async fn next_of_stream(&self, query: &Arc<OpenQuery>, mut rows: RowsGuard) {
        let Some(mut stream) = rows.take_stream() else { return };
        let (token, limits, cancel) = (query.token, query.limits, query.cancel.clone());
        let pulled = self
            .context
            .workers
            .run(move || {
                let mut batch = Vec::new();
                let more = limits.pull(stream.as_mut(), &cancel, &mut batch)?;
                let answer = write_batch(token, &batch, more, &[], None)?;
                Ok((answer, batch.len(), more.then_some(stream)))
            })
            .await
            .and_then(|pulled| pulled);
        match pulled {
            Ok((answer, row_count, rest)) => {
                self.context.metrics.driver.rows.add(row_count);
                match rest {
                    Some(stream) => rows.set_stream(stream),
                    None => self.forget(query),
                }
                self.outbox.append(|out| out.extend_from_slice(&answer));
            }
            Err(error) => {
                self.end(query, rows);
                if query.is_stopped() {
                    self.tell_end(token);
                } else {
                    self.tell_error(token, &error);
                }
            }
        }
    }
}

/// Writes the first answer of a query, up to its first rows. Blocks unless the query is cheap.
fn first_answer(
    token: Token,
    answer: Answer,
    limits: BatchLimits,
    cancel: &Cancel,
) -> Result<Started, Failure> {
    let Answer { outcome, acknowledgement, profile } = answer;
    let profile = profile.as_ref();
    let mut answer = Vec::new();
    match outcome {
        Outcome::Atom(value) => {
            answer.reserve(answer_bytes(std::slice::from_ref(&value)));
            write_atom(token, &value, profile, &mut answer);
            Ok(Started { answer, kind: QueryKind::Value, rows: 1, acknowledgement, rest: Rest::Nothing })
        }
        Outcome::Stream(stream) => first_rows(token, stream, limits, cancel, profile)
            .map(|started| Started { acknowledgement, ..started })
            .map_err(|error| Failure { error, acknowledgement }),
        // The first answer of a feed leaves at once and empty: nothing may ever come.
        Outcome::Feed(feed) => {
            let answer = write_batch(token, &[], true, &notes(feed.as_ref()), profile)
                .map_err(|error| Failure { error, acknowledgement })?;
            Ok(Started { answer, kind: QueryKind::Feed, rows: 0, acknowledgement, rest: Rest::Feed(feed) })
        }
    }
}

/// Pulls the first batch of a stream. Blocks.
pub(super) fn first_rows(
    token: Token,
    mut stream: Box<dyn ResultStream>,
    limits: BatchLimits,
    cancel: &Cancel,
    profile: Option<&Datum>,
) -> Result<Started, ReqlError> {
    let mut batch = Vec::new();
    let more = limits.first().pull(stream.as_mut(), cancel, &mut batch)?;
    let answer = write_batch(token, &batch, more, &[], profile)?;
    let rest = if more { Rest::Stream(stream) } else { Rest::Nothing };
    Ok(Started {
        answer,
        kind: QueryKind::Sequence,
        rows: batch.len(),
        acknowledgement: Acknowledgement::default(),
        rest,
    })
}

/// What a query came to, and how many rows its answer has.
fn figures(started: &Result<Started, Failure>) -> (QueryKind, usize) {
    match started {
        Ok(started) => (started.kind, started.rows),
        Err(_) => (QueryKind::Error, 0),
    }
}

/// A query that panicked; what it wrote before is as safe as the next sync makes it.
fn crash<T>(error: ReqlError) -> Result<T, Failure> {
    Err(Failure { error, acknowledgement: Acknowledgement::default() })
}

/// One batch of rows, as it goes to the socket.
pub(super) fn write_batch(
    token: Token,
    rows: &[Datum],
    more: bool,
    notes: &[ResponseNote],
    profile: Option<&Datum>,
) -> Result<Vec<u8>, ReqlError> {
    let kind = if more { ResponseType::SuccessPartial } else { ResponseType::SuccessSequence };
    let mut answer = Vec::with_capacity(answer_bytes(rows));
    let mut response = ResponseWriter::begin(token, kind, &mut answer);
    for row in rows {
        response.row(row)?;
    }
    response.finish(Some(notes), profile);
    Ok(answer)
}

/// About how many bytes an answer with these rows takes: JSON is mostly little longer than the
/// packed form.
fn answer_bytes(rows: &[Datum]) -> usize {
    let packed: usize = rows.iter().map(|row| row.packed_bytes() + ROW_BYTES).sum();
    packed + packed / 8 + ENVELOPE_BYTES
}

/// What drivers are told about a feed with each of its batches.
pub(super) fn notes(feed: &dyn FeedStream) -> Vec<ResponseNote> {
    let mut notes = vec![match feed.kind() {
        FeedKind::Sequence => ResponseNote::SequenceFeed,
        FeedKind::Atom => ResponseNote::AtomFeed,
        FeedKind::OrderByLimit => ResponseNote::OrderByLimitFeed,
        FeedKind::Unioned => ResponseNote::UnionedFeed,
    }];
    if feed.includes_states() {
        notes.push(ResponseNote::IncludesStates);
    }
    notes
}
