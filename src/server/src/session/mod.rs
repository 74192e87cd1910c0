//! One logged-in client: its queries by token, and what they answer.

mod administration;
mod backup;
mod compaction;
mod feed;
mod held;
mod known_queries;
mod open_query;
mod start;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::prompt::NotPrompt;
use photondb_datum::{Datum, Text};
use photondb_exec::Request;
use photondb_reql::{Bindings, Query, ReqlError, StartQuery, decode_query};
use photondb_wire::{
    Frame, ResponseType, ResponseWriter, Token, write_error, write_server_info, write_wait_complete,
};
use tokio::sync::Semaphore;

use crate::admission::Admitted;
use crate::batch::BatchLimits;
use crate::context::Context;
use crate::fence::NoreplyFence;
use crate::limits::{
    CONTINUES_PER_CURSOR_MAX, CURSORS_PER_CONNECTION_MAX, INLINE_QUERY_BYTES_MAX, QUERIES_PER_CONNECTION_MAX,
};
use crate::outbox::Outbox;
use feed::FeedDesk;
use held::HeldAnswers;
use known_queries::KnownQuery;
use open_query::{OpenQuery, Rows, RowsGuard};

/// One logged-in client.
pub(crate) struct Session {
    context: Arc<Context>,
    user: Text,
    client: SocketAddr,
    outbox: Arc<Outbox>,
    queries: Mutex<HashMap<Token, Arc<OpenQuery>>>,
    desk: FeedDesk,
    held: HeldAnswers,
    permits: Arc<Semaphore>,
    fence: Arc<NoreplyFence>,
}

impl Session {
    pub(crate) fn new(context: Arc<Context>, user: &str, client: SocketAddr, outbox: Arc<Outbox>) -> Self {
        Self {
            context,
            user: user.into(),
            client,
            outbox,
            queries: Mutex::new(HashMap::new()),
            desk: FeedDesk::default(),
            held: HeldAnswers::default(),
            permits: Arc::new(Semaphore::new(QUERIES_PER_CONNECTION_MAX)),
            fence: Arc::new(NoreplyFence::default()),
        }
    }

    /// Takes one frame. Answers follow in the outbox; cheap ones are there when this returns and
    /// [`Session::release_answers`] has, to be flushed by the caller. Waits while too much runs
    /// already. Gives the feed of which the frame asked for more, if it did.
    pub(crate) async fn handle(self: &Arc<Self>, frame: Frame) -> Option<Token> {
        self.outbox.wait_for_room().await;
        let Frame { token, body } = frame;
        if let Some((query, bindings)) = known_queries::recognize(&body) {
            self.start_known(token, &query, bindings, body).await;
            return None;
        }
        // Answers of the same read leave before the wait.
        let admitted =
            self.context.admission.admit(body.len(), async || self.tell_what_is_ready().await).await;
        let decoded = if body.len() > INLINE_QUERY_BYTES_MAX {
            let body = body.clone();
            self.context.workers.run(move || decode_query(&body)).await.and_then(|decoded| decoded)
        } else {
            decode_query(&body)
        };
        match decoded {
            Ok(Query::Start(query)) => self.start(token, query, body, admitted).await,
            Ok(Query::Continue) => return self.next(token).then_some(token),
            Ok(Query::Stop) => self.stop(token),
            Ok(Query::NoreplyWait) => {
                self.release_answers().await;
                self.wait_for_noreply(token);
            }
            Ok(Query::ServerInfo) => self.tell_server_info(token),
            Ok(Query::Backup(after)) => self.start_backup(token, after, body).await,
            Ok(Query::Compact) => self.start_compaction(token, body).await,
            Err(error) => self.tell_error(token, &error),
        }
        None
    }

    /// Waits until no query runs, as clients of the oldest protocol expect before the next.
    pub(crate) async fn settle(&self) {
        // Fails only when the semaphore is closed, and nobody closes it.
        drop(self.permits.acquire_many(QUERIES_PER_CONNECTION_MAX as u32).await);
    }

    /// Ends everything: the client is gone or the server stops.
    pub(crate) fn close(&self) {
        let queries = std::mem::take(&mut *self.queries.lock());
        for query in queries.values() {
            query.stop();
        }
        self.desk.close();
        self.outbox.close();
    }

    /// Begins a query.
    async fn start(self: &Arc<Self>, token: Token, query: Box<StartQuery>, body: Bytes, admitted: Admitted) {
        let executor = &self.context.executor;
        let is_cheap = body.len() <= INLINE_QUERY_BYTES_MAX && executor.is_cheap(&query);
        if is_cheap && let Some((query, bindings)) = known_queries::learn(&query, &body) {
            return self.start_known(token, &query, bindings, body).await;
        }
        if let Err(error) = self.check_start(token) {
            return self.tell_error(token, &error);
        }
        if !is_cheap {
            return self.start_elsewhere(token, query, body, admitted).await;
        }
        let (noreply, limits) = (query.flag("noreply", false), BatchLimits::of(&query));
        let run = |user, cancel| executor.run(Request { query, user, cancel, memory: Arc::default() });
        let started = self.start_here(token, noreply, limits, run);
        self.after_start(token, started, body).await;
    }

    /// Begins a query whose like was begun before.
    async fn start_known(
        self: &Arc<Self>,
        token: Token,
        query: &KnownQuery,
        bindings: Bindings,
        body: Bytes,
    ) {
        if let Err(error) = self.check_start(token) {
            return self.tell_error(token, &error);
        }
        let executor = &self.context.executor;
        let run = |user, cancel| executor.run_prepared(&query.plan, bindings, user, cancel, Arc::default());
        let started = self.start_here(token, query.noreply, query.limits, run);
        self.after_start(token, started, body).await;
    }

    /// Begins a query again that was not as short as it looked.
    async fn after_start(self: &Arc<Self>, token: Token, started: Result<(), NotPrompt>, body: Bytes) {
        if started.is_ok() {
            if self.held.is_full() {
                self.release_answers().await;
            }
            return;
        }
        // The same bytes are the same query once more.
        if let Ok(Query::Start(query)) = decode_query(&body) {
            self.start_elsewhere(token, query, body, None).await;
        }
    }

    /// Counts a query; an error when it cannot have this token.
    fn check_start(&self, token: Token) -> Result<(), ReqlError> {
        self.context.activity.count_query();
        self.check_token(token)
    }

    /// Sends the answers that are there.
    async fn tell_what_is_ready(self: &Arc<Self>) {
        self.release_answers().await;
        self.outbox.flush();
    }

    /// A token stands for one query at a time.
    fn check_token(&self, token: Token) -> Result<(), ReqlError> {
        if self.queries.lock().contains_key(&token) || self.desk.has(token) {
            return Err(ReqlError::client(format!("ERROR: duplicate token {}", token.0.cast_signed())));
        }
        Ok(())
    }

    /// Takes a request for more. Gives whether it is of a feed.
    fn next(self: &Arc<Self>, token: Token) -> bool {
        if self.next_of_feed(token) {
            return true;
        }
        let query = self.queries.lock().get(&token).cloned();
        let Some(query) = query else {
            // It may have become a feed just now.
            let is_feed = self.next_of_feed(token);
            if !is_feed {
                self.tell_error(token, &not_in_cache(token));
            }
            return is_feed;
        };
        if !query.enter(CONTINUES_PER_CURSOR_MAX) {
            self.tell_too_many_requests(token);
            return false;
        }
        let session = Arc::clone(self);
        tokio::spawn(async move {
            session.answer_next(&query).await;
            query.leave();
        });
        false
    }

    async fn answer_next(self: &Arc<Self>, query: &Arc<OpenQuery>) {
        let rows = query.rows().await;
        self.outbox.wait_for_room().await;
        match rows.kind() {
            Rows::Ended if query.is_stopped() => self.tell_end(query.token),
            // The request came before the query had turned out to be a feed.
            Rows::Ended if self.next_of_feed(query.token) => {}
            Rows::Ended => self.tell_error(query.token, &not_in_cache(query.token)),
            Rows::Stream => self.next_of_stream(query, rows).await,
        }
        self.outbox.flush();
    }

    fn stop(&self, token: Token) {
        if let Some(query) = self.queries.lock().remove(&token) {
            query.stop();
        }
        for _ in 0..self.desk.remove(token).unwrap_or(0) {
            self.tell_end(token);
        }
        self.tell_end(token);
    }

    fn wait_for_noreply(self: &Arc<Self>, token: Token) {
        let arrived = self.fence.arrived();
        let session = Arc::clone(self);
        tokio::spawn(async move {
            session.fence.wait(arrived).await;
            session.outbox.append(|out| write_wait_complete(token, out));
            session.outbox.flush();
        });
    }

    fn tell_server_info(&self, token: Token) {
        let state = self.context.catalog.state();
        let server = state.server();
        let info = Datum::object([
            ("id", Datum::string(server.id.to_string())),
            ("name", Datum::String(server.name.clone())),
            ("proxy", Datum::Bool(false)),
        ]);
        self.outbox.append(|out| write_server_info(token, &info, out));
    }

    fn tell_error(&self, token: Token, error: &ReqlError) {
        self.outbox.append(|out| write_error(token, error, None, out));
    }

    /// An empty last batch.
    fn tell_end(&self, token: Token) {
        self.outbox.append(|out| {
            ResponseWriter::begin(token, ResponseType::SuccessSequence, out).finish(Some(&[]), None);
        });
    }

    fn tell_too_many_requests(&self, token: Token) {
        let error = ReqlError::client(format!(
            "Too many CONTINUE requests (over {CONTINUES_PER_CURSOR_MAX}) wait for token {}.",
            token.0.cast_signed()
        ));
        self.tell_error(token, &error);
    }

    /// Keeps a query that can be continued, unless there are too many.
    fn keep(&self, query: &Arc<OpenQuery>) -> Result<(), ReqlError> {
        self.check_cursors()?;
        self.queries.lock().insert(query.token, Arc::clone(query));
        Ok(())
    }

    fn check_cursors(&self) -> Result<(), ReqlError> {
        if self.queries.lock().len() + self.desk.len() >= CURSORS_PER_CONNECTION_MAX {
            return Err(ReqlError::resource_limit(format!(
                "Too many open cursors on this connection (over {CURSORS_PER_CONNECTION_MAX})."
            )));
        }
        Ok(())
    }

    /// Forgets a query that has ended; another one may have its token already.
    fn forget(&self, query: &Arc<OpenQuery>) {
        let mut queries = self.queries.lock();
        if queries.get(&query.token).is_some_and(|other| Arc::ptr_eq(other, query)) {
            queries.remove(&query.token);
        }
    }

    /// Ends a query: nothing can be continued, and the token is free.
    fn end(&self, query: &Arc<OpenQuery>, mut rows: RowsGuard) {
        rows.end();
        self.forget(query);
    }
}

fn not_in_cache(token: Token) -> ReqlError {
    ReqlError::client(format!("Token {} not in stream cache.", token.0.cast_signed()))
}
