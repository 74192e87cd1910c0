//! The changefeeds of one connection: waiting for changes without a thread or a task each.
//!
//! A request for the next rows is answered where it arrives if there are any. Otherwise the
//! feed waits; what it waits for puts its token on a list and wakes the connection's desk,
//! which answers for all feeds of the connection that have rows, and then sends the answers
//! together.

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use photondb_base::limits::BATCH_BYTES_MAX;
use photondb_plan::feed::{FeedRow, FeedStream};
use photondb_reql::ReqlError;
use photondb_table::Budget;
use photondb_wire::{ResponseNote, ResponseType, ResponseWriter, Token};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use super::start::notes;
use super::{Session, not_in_cache};
use crate::limits::{CONTINUES_PER_CURSOR_MAX, FEED_BATCH_ROWS_MAX, FEEDS_PER_TURN_MAX};
use crate::metrics::Counted;
use crate::workers::guarded;

/// The feeds of one connection.
#[derive(Default)]
pub(super) struct FeedDesk {
    feeds: Mutex<HashMap<Token, Arc<OpenFeed>>>,
    bell: Arc<Bell>,
    /// Feeds that can be read at some moment, whether anybody wakes them or not.
    due: Mutex<BTreeSet<(Instant, Token)>>,
    /// Room for rows on their way to an answer.
    rows: Mutex<Vec<FeedRow>>,
    runs: AtomicBool,
    closed: AtomicBool,
}

/// What the feeds of a connection are woken by.
#[derive(Default)]
struct Bell {
    rung: Mutex<Vec<Token>>,
    notify: Notify,
}

impl Bell {
    /// Puts a feed on the list. The desk is woken by the first one only.
    fn ring(&self, token: Token) {
        let mut rung = self.rung.lock();
        rung.push(token);
        if rung.len() == 1 {
            drop(rung);
            self.notify.notify_one();
        }
    }
}

/// An open feed.
pub(super) struct OpenFeed {
    token: Token,
    rows_max: usize,
    notes: Vec<ResponseNote>,
    state: Mutex<FeedState>,
    _counted: Counted,
}

struct FeedState {
    /// Absent while it is read where that may block, and when the feed has ended.
    stream: Option<Box<dyn FeedStream>>,
    /// Requests for rows that are not answered yet.
    requests: usize,
    ended: bool,
    /// An error that came after rows, which left first.
    failed: Option<Box<ReqlError>>,
    /// When the desk looks after the feed by itself.
    due: Option<Instant>,
}

/// What to do about a feed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing, until it is woken or asked again.
    Wait,
    /// Answer when there is room for it.
    Room,
    /// Read it where reading may block.
    Block,
}

/// One look into a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pulled {
    Nothing,
    Rows,
    /// The rows, perhaps none, are the last ones.
    End,
}

impl FeedDesk {
    pub(super) fn len(&self) -> usize {
        self.feeds.lock().len()
    }

    pub(super) fn has(&self, token: Token) -> bool {
        self.feeds.lock().contains_key(&token)
    }

    fn get(&self, token: Token) -> Option<Arc<OpenFeed>> {
        self.feeds.lock().get(&token).cloned()
    }

    /// Forgets a feed; tells how many requests it has left unanswered.
    pub(super) fn remove(&self, token: Token) -> Option<usize> {
        let feed = self.feeds.lock().remove(&token)?;
        let mut state = feed.state.lock();
        let stream = state.stream.take();
        let requests = std::mem::take(&mut state.requests);
        state.ended = true;
        drop(state);
        drop(stream);
        Some(requests)
    }

    /// Ends all feeds.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let tokens: Vec<Token> = self.feeds.lock().keys().copied().collect();
        for token in tokens {
            self.remove(token);
        }
        self.bell.notify.notify_one();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Has a feed looked after when what it holds back may be read.
    fn note_due(&self, token: Token, state: &mut FeedState) {
        let Some(wait) = state.stream.as_ref().and_then(|stream| stream.due_in()) else { return };
        let at = Instant::now() + wait;
        if state.due.is_some_and(|due| due <= at) {
            return;
        }
        state.due = Some(at);
        let mut due = self.due.lock();
        due.insert((at, token));
        if due.first() == Some(&(at, token)) {
            self.bell.notify.notify_one();
        }
    }

    /// Moves the feeds that were woken or are due to `turn`.
    fn take_turn(&self, turn: &mut Vec<Token>) {
        turn.append(&mut self.bell.rung.lock());
        let first_due = turn.len();
        {
            let mut due = self.due.lock();
            if due.is_empty() {
                return;
            }
            let now = Instant::now();
            while due.first().is_some_and(|(at, _)| *at <= now) {
                turn.extend(due.pop_first().map(|(_, token)| token));
            }
        }
        for feed in turn.iter().skip(first_due).filter_map(|token| self.get(*token)) {
            feed.state.lock().due = None;
        }
    }

    /// Waits until a feed is woken or due.
    async fn wait(&self) {
        let due = self.due.lock().first().map(|(at, _)| *at);
        let due = async {
            match due {
                Some(at) => sleep_until(at.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.bell.notify.notified() => {}
            () = due => {}
        }
    }
}

impl OpenFeed {
    fn new(token: Token, rows_max: usize, stream: Box<dyn FeedStream>, counted: Counted) -> Self {
        let (rows_max, notes) = (rows_max.min(FEED_BATCH_ROWS_MAX), notes(stream.as_ref()));
        let state = FeedState { stream: Some(stream), requests: 0, ended: false, failed: None, due: None };
        Self { token, rows_max, notes, state: Mutex::new(state), _counted: counted }
    }

    fn budget(&self) -> Budget {
        Budget { rows_max: self.rows_max, bytes_max: BATCH_BYTES_MAX }
    }
}

/// Looks into a feed. An error that comes after rows is left for the next time.
fn pull(
    stream: &mut dyn FeedStream,
    budget: &Budget,
    rows: &mut Vec<FeedRow>,
    failed: &mut Option<Box<ReqlError>>,
) -> Result<Pulled, ReqlError> {
    if let Some(error) = failed.take() {
        return Err(*error);
    }
    match guarded(|| stream.next_batch(budget, rows)).and_then(|result| result) {
        Ok(false) => Ok(Pulled::End),
        Ok(true) if rows.is_empty() => Ok(Pulled::Nothing),
        Ok(true) => Ok(Pulled::Rows),
        Err(error) if rows.is_empty() => Err(error),
        Err(error) => {
            *failed = Some(Box::new(error));
            Ok(Pulled::Rows)
        }
    }
}

impl Session {
    /// Keeps a feed that was opened; requests for its rows follow.
    pub(super) fn open_feed(
        self: &Arc<Self>,
        token: Token,
        rows_max: usize,
        mut stream: Box<dyn FeedStream>,
    ) {
        let bell = Arc::clone(&self.desk.bell);
        stream.on_ready(Arc::new(move || bell.ring(token)));
        let feed =
            Arc::new(OpenFeed::new(token, rows_max, stream, self.context.metrics.driver.feeds.enter()));
        self.desk.feeds.lock().insert(token, feed);
        if self.desk.is_closed() {
            self.desk.close();
        } else if !self.desk.runs.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).run_desk());
        }
    }

    /// Takes a request for the next rows of a feed; `false` when there is no such feed.
    pub(super) fn next_of_feed(self: &Arc<Self>, token: Token) -> bool {
        let Some(feed) = self.desk.get(token) else { return false };
        {
            let mut state = feed.state.lock();
            if state.requests >= CONTINUES_PER_CURSOR_MAX {
                drop(state);
                self.tell_too_many_requests(token);
                return true;
            }
            state.requests += 1;
        }
        let mut rows = self.desk.rows.lock();
        match self.answer(&feed, &mut rows) {
            Next::Wait => {}
            Next::Room => self.desk.bell.ring(token),
            Next::Block => self.answer_elsewhere(feed),
        }
        true
    }

    /// Answers for the feeds that are woken, until the connection ends.
    async fn run_desk(self: Arc<Self>) {
        let (mut turn, mut rows) = (Vec::new(), Vec::new());
        let mut without_room = Vec::new();
        loop {
            if without_room.is_empty() {
                self.desk.wait().await;
            } else {
                tokio::select! {
                    () = self.desk.wait() => {}
                    () = self.outbox.wait_for_room() => turn.append(&mut without_room),
                }
            }
            if self.desk.is_closed() {
                return;
            }
            self.desk.take_turn(&mut turn);
            for (count, token) in turn.drain(..).enumerate() {
                if count % FEEDS_PER_TURN_MAX == FEEDS_PER_TURN_MAX - 1 {
                    self.outbox.flush();
                    yield_now().await;
                }
                let Some(feed) = self.desk.get(token) else { continue };
                match self.answer(&feed, &mut rows) {
                    Next::Wait => {}
                    Next::Room => without_room.push(token),
                    Next::Block => self.answer_elsewhere(feed),
                }
            }
            self.outbox.flush();
        }
    }

    /// Answers the requests for rows of a feed as far as there are any.
    fn answer(&self, feed: &OpenFeed, rows: &mut Vec<FeedRow>) -> Next {
        let mut state = feed.state.lock();
        let state = &mut *state;
        loop {
            let Some(stream) = state.stream.as_deref_mut() else { return Next::Wait };
            if state.requests == 0 {
                // Others may wait for what this feed was woken for.
                stream.prepare();
                return Next::Wait;
            }
            if stream.may_block() {
                return Next::Block;
            }
            if !self.outbox.has_room() {
                stream.prepare();
                return Next::Room;
            }
            rows.clear();
            let pulled = pull(stream, &feed.budget(), rows, &mut state.failed);
            if pulled == Ok(Pulled::Nothing) {
                self.desk.note_due(feed.token, state);
                return Next::Wait;
            }
            self.tell_pulled(feed, state, pulled, rows);
            rows.clear();
        }
    }

    /// The same where reading may block: initial values are read from the table.
    fn answer_elsewhere(self: &Arc<Self>, feed: Arc<OpenFeed>) {
        let session = Arc::clone(self);
        tokio::spawn(async move {
            session.outbox.wait_for_room().await;
            let (stream, mut failed) = {
                let mut state = feed.state.lock();
                (state.stream.take(), state.failed.take())
            };
            // Somebody else reads it, and looks for requests when done.
            let Some(mut stream) = stream else { return };
            let budget = feed.budget();
            let outcome = session.context.workers.run(move || {
                let mut rows = Vec::new();
                let pulled = pull(stream.as_mut(), &budget, &mut rows, &mut failed);
                (stream, failed, pulled, rows)
            });
            let (stream, failed, pulled, mut rows) = match outcome.await {
                Ok((stream, failed, pulled, rows)) => (Some(stream), failed, pulled, rows),
                Err(error) => (None, None, Err(error), Vec::new()),
            };
            let mut state = feed.state.lock();
            if !state.ended {
                state.stream = stream;
                state.failed = failed;
                if pulled == Ok(Pulled::Nothing) {
                    session.desk.note_due(feed.token, &mut state);
                } else {
                    session.tell_pulled(&feed, &mut state, pulled, &rows);
                }
            }
            drop(state);
            rows.clear();
            match session.answer(&feed, &mut rows) {
                Next::Wait => {}
                Next::Room => session.desk.bell.ring(feed.token),
                Next::Block => session.answer_elsewhere(Arc::clone(&feed)),
            }
            session.outbox.flush();
        });
    }

    /// Answers one request with what a feed gave.
    fn tell_pulled(
        &self,
        feed: &OpenFeed,
        state: &mut FeedState,
        pulled: Result<Pulled, ReqlError>,
        rows: &[FeedRow],
    ) {
        state.requests = state.requests.saturating_sub(1);
        let more = pulled == Ok(Pulled::Rows);
        let told = pulled.and_then(|_| self.tell_rows(feed, rows, more));
        if more && told.is_ok() {
            return;
        }
        if let Err(error) = told {
            self.tell_error(feed.token, &error);
        }
        state.ended = true;
        state.stream = None;
        self.desk.feeds.lock().remove(&feed.token);
        for _ in 0..std::mem::take(&mut state.requests) {
            self.tell_error(feed.token, &not_in_cache(feed.token));
        }
    }

    fn tell_rows(&self, feed: &OpenFeed, rows: &[FeedRow], more: bool) -> Result<(), ReqlError> {
        let kind = if more { ResponseType::SuccessPartial } else { ResponseType::SuccessSequence };
        let mut result = Ok(());
        self.context.metrics.driver.rows.add(rows.len());
        self.outbox.append(|out| {
            let mut response = ResponseWriter::begin(feed.token, kind, out);
            result = rows.iter().try_for_each(|row| response.row_with(|out| row.write_json(out)));
            match result {
                Ok(()) => response.finish(Some(&feed.notes), None),
                Err(_) => response.abandon(),
            }
        });
        result
    }
}
