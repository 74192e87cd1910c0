//! The bounded queue between the writers of a table and one reader.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::{Clock, LogPosition};
use photondb_datum::Datum;
use photondb_plan::feed::Squash;
use photondb_table::{Change, CloseReason, Subscriber};

use crate::interest::Interest;

/// Tells the reader that something may wait for it.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a document was and has become over one or several changes.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    first: Arc<Change>,
    last: Arc<Change>,
}

impl Waiting {
    /// The document before the first change.
    pub(crate) fn old_document(&self) -> Option<&Datum> {
        self.first.old.as_ref()
    }

    /// The document after the last change.
    pub(crate) fn new_document(&self) -> Option<&Datum> {
        self.last.new.as_ref()
    }

    /// The encoded primary key.
    pub(crate) fn key(&self) -> &Bytes {
        &self.last.key
    }

    /// Where the last change stands in the log.
    pub(crate) fn position(&self) -> LogPosition {
        self.last.position
    }
}

/// What the reader takes out at once.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Changes that were thrown away because the reader was too slow; they came first.
    pub(crate) skipped: u64,
    /// Oldest first.
    pub(crate) changes: Vec<Waiting>,
    /// Set when nothing follows after `changes`.
    pub(crate) closed: Option<CloseReason>,
}

/// The queue. Changes of the same document are joined while they wait if the feed squashes.
pub(crate) struct Mailbox {
    interest: Interest,
    squash: Squash,
    rows_max: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    /// Number of the first element of `queue`, counted from the start of the feed.
    front: u64,
    /// Where changes of a key wait that may still be joined with; only when squashing.
    joinable: HashMap<Bytes, u64>,
    skipped: u64,
    closed: Option<CloseReason>,
    /// The reader found nothing and waits for `wake`.
    reader_waits: bool,
    wake: Option<Wake>,
    /// When what is held back may be read.
    due_us: Option<u64>,
}

impl Mailbox {
    pub(crate) fn new(interest: Interest, squash: Squash, rows_max: usize, clock: Arc<dyn Clock>) -> Self {
        // A reader that has not asked yet waits for the first change as much as one that has.
        let state = State { reader_waits: true, ..State::default() };
        Self { interest, squash, rows_max: rows_max.max(1), clock, state: Mutex::new(state) }
    }

    /// Takes up to `rows_max` changes; none while they are held back.
    pub(crate) fn take(&self, rows_max: usize) -> Mail {
        let mut state = self.state.lock();
        if state.closed.is_none() && state.due_us.is_some_and(|due| due > self.clock.monotonic_us()) {
            return Mail::default();
        }
        let count = state.queue.len().min(rows_max);
        let changes: Vec<Waiting> = state.queue.drain(..count).collect();
        state.front += count as u64;
        if !state.joinable.is_empty() {
            let front = state.front;
            state.joinable.retain(|_, at| *at >= front);
        }
        let drained = state.queue.is_empty();
        if drained {
            state.due_us = None;
        }
        let mail = Mail {
            skipped: std::mem::take(&mut state.skipped),
            changes,
            closed: if drained { state.closed } else { None },
        };
        state.reader_waits = mail.is_empty();
        mail
    }

    /// Sets whom to tell; tells at once when something waits already.
    pub(crate) fn on_ready(&self, wake: Wake) {
        let mut state = self.state.lock();
        let held_back = state.due_us.is_some_and(|due| due > self.clock.monotonic_us());
        if state.closed.is_some() || (state.has_mail() && !held_back) {
            drop(state);
            wake();
            self.state.lock().wake = Some(wake);
            return;
        }
        state.reader_waits = true;
        state.wake = Some(wake);
    }

    /// Microseconds until what is held back may be read.
    pub(crate) fn due_in_us(&self) -> Option<u64> {
        let due = self.state.lock().due_us?;
        Some(due.saturating_sub(self.clock.monotonic_us()))
    }

    /// Forgets changes that a newer state of the table already contains.
    pub(crate) fn forget_until(&self, position: LogPosition) {
        let mut state = self.state.lock();
        while state.queue.front().is_some_and(|waiting| waiting.position() <= position) {
            state.queue.pop_front();
            state.front += 1;
        }
        let front = state.front;
        state.joinable.retain(|_, at| *at >= front);
        if state.queue.is_empty() {
            state.due_us = None;
        }
    }

    fn push(&self, state: &mut State, change: &Arc<Change>) {
        if self.squash != Squash::Off {
            if let Some(at) = state.joinable.get(&change.key) {
                let at = (at - state.front) as usize;
                if let Some(waiting) = state.queue.get_mut(at) {
                    waiting.last = Arc::clone(change);
                    return;
                }
            }
            // What a waiting reader is woken for is its own: later changes do not alter it.
            let taken = self.squash == Squash::Ready && state.reader_waits;
            if !taken {
                state.joinable.insert(change.key.clone(), state.front + state.queue.len() as u64);
            }
        }
        state.queue.push_back(Waiting { first: Arc::clone(change), last: Arc::clone(change) });
        if state.queue.len() > self.rows_max {
            state.skipped += state.queue.len() as u64;
            state.front += state.queue.len() as u64;
            state.queue.clear();
            state.joinable.clear();
        }
        if let Squash::Seconds(seconds) = self.squash
            && state.due_us.is_none()
        {
            state.due_us = Some(self.clock.monotonic_us().saturating_add((seconds * 1e6) as u64));
        }
    }
}

impl Subscriber for Mailbox {
    fn change(&self, change: &Arc<Change>) {
        if !self.interest.covers(&change.key) {
            return;
        }
        let mut state = self.state.lock();
        self.push(&mut state, change);
        let wake = state.wake_reader();
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
    }

    fn closed(&self, why: CloseReason) {
        let mut state = self.state.lock();
        state.closed.get_or_insert(why);
        state.reader_waits = true;
        let wake = state.wake_reader();
        drop(state);
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.skipped == 0 && self.changes.is_empty() && self.closed.is_none()
    }
}

impl State {
    fn has_mail(&self) -> bool {
        self.skipped > 0 || !self.queue.is_empty()
    }

    /// Whom to wake, if somebody waits; once per wait.
    fn wake_reader(&mut self) -> Option<Wake> {
        if !std::mem::replace(&mut self.reader_waits, false) {
            return None;
        }
        self.wake.clone()
    }
}
