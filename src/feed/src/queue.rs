//! What waits for one slow reader: bounded in rows and bytes, changes of one document joined
//! if the feed squashes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use photondb_plan::feed::Squash;

use crate::event::Event;
use crate::limits::QUEUE_BYTES_MAX;

/// One or several events of a document that are told as one.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) first: Arc<Event>,
    pub(crate) last: Arc<Event>,
}

impl Waiting {
    pub(crate) fn one(event: Arc<Event>) -> Self {
        Self { last: Arc::clone(&event), first: event }
    }

    pub(crate) fn is_joined(&self) -> bool {
        !Arc::ptr_eq(&self.first, &self.last)
    }

    /// What the events take.
    pub(crate) fn bytes(&self) -> usize {
        self.first.bytes() + if self.is_joined() { self.last.bytes() } else { 0 }
    }
}

/// What waits for one slow reader.
pub(crate) struct Queue {
    squash: Squash,
    rows_max: usize,
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Number of the first element of `waiting`, counted from the start of the queue.
    front: u64,
    /// Where changes of a key wait that may still be joined with; only when squashing.
    joinable: HashMap<Bytes, u64>,
    skipped: u64,
    /// When what is held back may be read.
    due_us: Option<u64>,
}

impl Queue {
    pub(crate) fn new(squash: Squash, rows_max: usize) -> Self {
        Self {
            squash,
            rows_max,
            waiting: VecDeque::new(),
            bytes: 0,
            front: 0,
            joinable: HashMap::new(),
            skipped: 0,
            due_us: None,
        }
    }

    /// Adds an event. One that a reader was woken for is its own: later ones do not alter
    /// it. Nothing is kept when it is `full` elsewhere.
    pub(crate) fn push(&mut self, event: &Arc<Event>, woke: bool, full: bool) {
        if self.squash != Squash::Off
            && let Some(key) = event.key()
        {
            if self.join(key, event) {
                return;
            }
            if !(woke && self.squash == Squash::Ready) {
                self.joinable.insert(key.clone(), self.front + self.waiting.len() as u64);
            }
        }
        self.pass_silent();
        let waiting = Waiting::one(Arc::clone(event));
        self.bytes += waiting.bytes();
        self.waiting.push_back(waiting);
        if full || self.waiting.len() > self.rows_max || self.bytes > QUEUE_BYTES_MAX {
            self.overflow();
        }
        if let Squash::Seconds(seconds) = self.squash
            && self.due_us.is_none()
        {
            self.due_us = Some(event.arrived_us.saturating_add((seconds * 1e6) as u64));
        }
    }

    fn join(&mut self, key: &Bytes, event: &Arc<Event>) -> bool {
        // What has passed is not joined with any more.
        let at = self.joinable.get(key).and_then(|at| at.checked_sub(self.front));
        let Some(waiting) = at.and_then(|at| self.waiting.get_mut(at as usize)) else { return false };
        let before = waiting.bytes();
        waiting.last = Arc::clone(event);
        self.bytes = self.bytes - before + waiting.bytes();
        if self.bytes > QUEUE_BYTES_MAX {
            self.overflow();
        }
        true
    }

    /// Lets go of what has turned out to make no rows since it came: a reader is not woken
    /// for that, and is not slow.
    fn pass_silent(&mut self) {
        while let Some(waiting) = self.waiting.front()
            && !waiting.is_joined()
            && waiting.first.is_silent()
        {
            self.bytes -= waiting.bytes();
            self.waiting.pop_front();
            self.front += 1;
        }
    }

    fn overflow(&mut self) {
        self.skipped += self.waiting.len() as u64;
        self.front += self.waiting.len() as u64;
        self.waiting.clear();
        self.joinable.clear();
        self.bytes = 0;
    }

    /// Moves up to `rows_max` elements to `out`, oldest first, and tells how many were thrown
    /// away before them.
    pub(crate) fn take(&mut self, rows_max: usize, out: &mut Vec<Waiting>) -> u64 {
        let count = self.waiting.len().min(rows_max);
        let taken = self.waiting.drain(..count);
        let before = out.len();
        out.extend(taken);
        self.bytes -= out.iter().skip(before).map(Waiting::bytes).sum::<usize>();
        self.front += count as u64;
        if !self.joinable.is_empty() {
            for key in out.iter().skip(before).filter_map(|waiting| waiting.first.key()) {
                if self.joinable.get(key).is_some_and(|at| *at < self.front) {
                    self.joinable.remove(key);
                }
            }
        }
        if self.waiting.is_empty() {
            self.due_us = None;
        }
        std::mem::take(&mut self.skipped)
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.skipped == 0 && self.waiting.is_empty()
    }

    /// The newest event of each element.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.waiting.iter().map(|waiting| &waiting.last)
    }

    /// When what is held back may be read.
    pub(crate) fn due_us(&self) -> Option<u64> {
        self.due_us
    }
}
