//! The readers of a channel, and where each of them is.

use std::sync::Arc;

use photondb_base::{Clock, LogPosition};
use photondb_plan::feed::{Squash, Wake};

use crate::channel::Mail;
use crate::event::Event;
use crate::queue::Queue;

/// A reader of one channel; numbers are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReaderId(u32);

/// Where a reader is.
pub(crate) struct Place {
    /// Number of the event that it takes next.
    pub(crate) next: u64,
    /// Events up to here are not told to it.
    pub(crate) after: Option<LogPosition>,
    /// Changes that may wait for it.
    pub(crate) rows_max: usize,
    /// What it was too slow for, or what is joined; earlier than `next`.
    pub(crate) queue: Option<Box<Queue>>,
    pub(crate) wake: Option<Wake>,
    /// Where it stands among those who wait to be woken.
    pub(crate) waiting_at: Option<usize>,
    /// It came last time for nothing.
    pub(crate) waits: bool,
}

impl Place {
    pub(crate) fn new(next: u64, rows_max: usize) -> Self {
        Self {
            next,
            after: None,
            rows_max: rows_max.max(1),
            queue: None,
            wake: None,
            waiting_at: None,
            // A reader that has not asked yet waits for the first change as much as one that has.
            waits: true,
        }
    }

    /// Puts an event into the reader's own queue.
    pub(crate) fn keep(&mut self, event: &Arc<Event>, squash: Squash, full: bool) {
        if Some(event.position) <= self.after || event.is_silent() {
            return;
        }
        let woke = std::mem::replace(&mut self.waits, false);
        let rows_max = self.rows_max;
        let queue = self.queue.get_or_insert_with(|| Box::new(Queue::new(squash, rows_max)));
        queue.push(event, woke, full);
    }

    /// Takes from the reader's own queue.
    pub(crate) fn take_kept(&mut self, rows_max: usize, mail: &mut Mail) {
        let Some(queue) = &mut self.queue else { return };
        mail.skipped = queue.take(rows_max, &mut mail.waiting);
        if queue.is_empty() {
            self.queue = None;
        }
    }

    /// Microseconds for which what is in the queue is held back still; `None` when it is not.
    pub(crate) fn held_back_us(&self, clock: &dyn Clock) -> Option<u64> {
        let due_us = self.queue.as_ref()?.due_us()?;
        let now_us = clock.monotonic_us();
        (due_us > now_us).then(|| due_us - now_us)
    }
}

/// The readers of a channel.
#[derive(Default)]
pub(crate) struct Readers {
    places: Vec<Option<Place>>,
    free: Vec<u32>,
}

impl Readers {
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn add(&mut self, place: Place) -> ReaderId {
        if let Some(id) = self.free.pop()
            && let Some(slot) = self.places.get_mut(id as usize)
        {
            *slot = Some(place);
            return ReaderId(id);
        }
        if self.places.is_empty() {
            // Most channels have one reader for good.
            self.places.reserve_exact(1);
        }
        self.places.push(Some(place));
        // The feeds of a table are limited far below four thousand millions.
        ReaderId(self.places.len() as u32 - 1)
    }

    pub(crate) fn remove(&mut self, id: ReaderId) -> Option<Place> {
        let place = self.places.get_mut(id.0 as usize)?.take()?;
        self.free.push(id.0);
        Some(place)
    }

    pub(crate) fn get_mut(&mut self, id: ReaderId) -> Option<&mut Place> {
        self.places.get_mut(id.0 as usize)?.as_mut()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        self.places.iter_mut().flatten()
    }
}
