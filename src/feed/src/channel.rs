//! A channel: what one feed tells, for all readers that asked for the same feed.
//!
//! Writers append events; readers have a place in the list of events and read on from there,
//! by reference. The first reader who comes to an event evaluates it, and only if it makes
//! rows are the others woken. An event leaves the list when all readers have passed it.
//! When the list grows too long, its older half is moved to the queues of those readers that
//! are still there, so that a slow reader holds up nobody and is bounded by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use photondb_base::{Clock, LogPosition};
use photondb_datum::Datum;
use photondb_plan::feed::{FeedRow, Squash, Wake};
use photondb_reql::ReqlError;
use photondb_table::{Change, CloseReason};

use crate::event::{Event, Gauge, Told};
use crate::expression::Expression;
use crate::limits::{CHANNEL_BYTES_MAX, CHANNEL_EVENTS_MAX};
use crate::queue::{Queue, Waiting};
use crate::readers::{Place, ReaderId, Readers};
use crate::routes::Wakes;

/// What one feed tells, for all its readers.
pub(crate) struct Channel {
    pub(crate) expression: Expression,
    squash: Squash,
    state: Mutex<State>,
}

/// What a reader takes out at once.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Changes that were thrown away because the reader was too slow; they came first.
    pub(crate) skipped: u64,
    /// Oldest first.
    pub(crate) waiting: Vec<Waiting>,
    /// Set when nothing follows after `waiting`.
    pub(crate) closed: Option<CloseReason>,
    /// Others wait for what this reader finds out about `waiting`.
    called: bool,
}

#[derive(Default)]
struct State {
    events: VecDeque<Listed>,
    /// Number of the first of `events`, counted from the start of the channel.
    first: u64,
    bytes: usize,
    readers: Readers,
    /// Readers to be woken by the next event that makes rows.
    waiting: Vec<ReaderId>,
    /// The reader that was woken to find out whether an event makes rows.
    called: Option<ReaderId>,
    closed: Option<CloseReason>,
}

struct Listed {
    event: Arc<Event>,
    /// Readers that have not passed it.
    readers_left: usize,
}

impl Channel {
    pub(crate) fn new(expression: Expression, squash: Squash) -> Self {
        Self { expression, squash, state: Mutex::new(State::default()) }
    }

    fn clock(&self) -> &dyn Clock {
        self.expression.ground.clock.as_ref()
    }

    fn gauge(&self) -> &Arc<Gauge> {
        &self.expression.ground.gauge
    }

    /// Whether documents before and after a change are kept to be joined with others.
    pub(crate) fn squashes(&self) -> bool {
        self.squash != Squash::Off
    }

    /// Adds a reader that is told what comes from now on; at most `rows_max` changes wait
    /// for it.
    pub(crate) fn join(&self, rows_max: usize) -> ReaderId {
        let mut state = self.state.lock();
        let end = state.end();
        state.readers.add(Place::new(end, rows_max))
    }

    /// Removes a reader; tells how many are left, and whom of them to wake.
    pub(crate) fn leave(&self, id: ReaderId) -> (usize, Option<Wake>) {
        let mut state = self.state.lock();
        state.stop_waiting(id);
        if let Some(place) = state.readers.remove(id) {
            let end = state.end();
            state.pass(place.next, end);
        }
        // It may have been the one that was to evaluate something for the others.
        let wake = if state.called == Some(id) { state.call_one() } else { None };
        (state.readers.len(), wake)
    }

    /// Tells a reader nothing up to here: its initial values have it already.
    pub(crate) fn start_after(&self, id: ReaderId, position: LogPosition) {
        if let Some(place) = self.state.lock().readers.get_mut(id) {
            place.after = Some(position);
        }
    }

    /// Sets whom to wake for a reader.
    pub(crate) fn on_ready(&self, id: ReaderId, wake: Wake) {
        if let Some(place) = self.state.lock().readers.get_mut(id) {
            place.wake = Some(wake);
        }
    }

    /// The next change, from a writer, in the order of the log. Adds whom to wake for it.
    pub(crate) fn tell(&self, change: &Arc<Change>, wakes: &mut Wakes) {
        let holds_back = matches!(self.squash, Squash::Seconds(_));
        let arrived_us = if holds_back { self.clock().monotonic_us() } else { 0 };
        let event = Event::of_change(Arc::clone(change), arrived_us, self.gauge());
        let mut state = self.state.lock();
        self.append(&mut state, event);
        if holds_back {
            // Nothing can be found out yet: each reader learns when to come back.
            wakes.extend(state.call_all());
        } else if state.called.is_none() {
            wakes.extend(state.call_one());
        }
    }

    /// The next rows, made already, or the reason why there are no more.
    pub(crate) fn tell_rows(&self, position: LogPosition, rows: Result<Vec<Datum>, ReqlError>) {
        let wakes = {
            let mut state = self.state.lock();
            self.append(&mut state, Event::of_rows(position, rows, self.gauge()));
            state.call_all()
        };
        wake_all(wakes);
    }

    /// Wakes one of those who wait to look whether there is something to tell.
    pub(crate) fn call(&self) {
        let wake = {
            let mut state = self.state.lock();
            if state.called.is_none() { state.call_one() } else { None }
        };
        wake_all(wake);
    }

    /// Wakes all who wait, to learn when there is something to tell.
    pub(crate) fn call_everybody(&self) {
        let wakes = self.state.lock().call_all();
        wake_all(wakes);
    }

    fn append(&self, state: &mut State, event: Event) {
        let readers_left = state.readers.len();
        if readers_left == 0 {
            return;
        }
        state.bytes += event.bytes();
        state.events.push_back(Listed { event: Arc::new(event), readers_left });
        let full = self.gauge().is_full();
        let share = if full { 8 } else { 1 };
        if state.events.len() > CHANNEL_EVENTS_MAX / share || state.bytes > CHANNEL_BYTES_MAX / share {
            self.move_older_half(state, full);
        }
    }

    /// Nothing follows.
    pub(crate) fn close(&self, why: CloseReason) {
        let mut state = self.state.lock();
        state.closed.get_or_insert(why);
        drop(state.call_all());
        let wakes: Vec<Wake> = state.readers.iter_mut().filter_map(|place| place.wake.clone()).collect();
        drop(state);
        wake_all(wakes);
    }

    /// Takes up to `rows_max` changes into `mail`. A reader that gets nothing is woken when
    /// there may be something, unless it is told when to come back.
    pub(crate) fn take(&self, id: ReaderId, rows_max: usize, mail: &mut Mail) {
        mail.skipped = 0;
        mail.closed = None;
        mail.waiting.clear();
        let mut state = self.state.lock();
        let state = &mut *state;
        state.stop_waiting(id);
        mail.called = state.called == Some(id) && state.readers.len() > 1;
        if state.called == Some(id) && !mail.called {
            state.called = None;
        }
        let (first, end) = (state.first, state.end());
        let Some(place) = state.readers.get_mut(id) else { return };
        place.next = place.next.max(first);
        let lag = end.saturating_sub(place.next) as usize;
        if self.squashes() || place.queue.is_some() || lag > place.rows_max {
            // Its own queue knows what to join and what to throw away.
            let from = std::mem::replace(&mut place.next, end);
            for listed in state.events.iter().skip((from - first) as usize) {
                place.keep(&listed.event, self.squash, self.gauge().is_full());
            }
            let held_back = place.held_back_us(self.clock()).is_some() && state.closed.is_none();
            if !held_back {
                place.take_kept(rows_max, mail);
            }
            state.pass(from, end);
        } else {
            let from = place.next;
            for listed in state.events.iter().skip((from - first) as usize) {
                if mail.waiting.len() >= rows_max {
                    break;
                }
                place.next += 1;
                if Some(listed.event.position) > place.after && !listed.event.is_silent() {
                    mail.waiting.push(Waiting::one(Arc::clone(&listed.event)));
                }
            }
            let to = place.next;
            state.pass(from, to);
        }
        state.settle(id, mail, self.clock());
    }

    /// Makes rows of what a reader took. What no other reader has evaluated yet is evaluated
    /// here, for all of them.
    pub(crate) fn rows(
        &self,
        id: ReaderId,
        mail: &Mail,
        out: &mut impl Extend<FeedRow>,
    ) -> Result<(), ReqlError> {
        let mut fruitful = false;
        let result = mail.waiting.iter().try_for_each(|waiting| {
            let (told, fresh) = waiting.last.told(&self.expression, self.squashes());
            fruitful |= fresh && told.as_ref().map_or(true, |told| !told.rows.is_empty());
            let told = told?;
            if !waiting.is_joined() {
                out.extend(told.rows.iter().cloned().map(FeedRow::Shared));
                return Ok(());
            }
            let (first, _) = waiting.first.told(&self.expression, self.squashes());
            let mut rows = Vec::new();
            Told::join(first?, told, &self.expression, &mut rows)?;
            out.extend(rows.into_iter().map(FeedRow::Own));
            Ok(())
        });
        if mail.called || fruitful {
            self.evaluated(id, fruitful);
        }
        result
    }

    /// Microseconds until what is held back for a reader may be read.
    pub(crate) fn due_in_us(&self, id: ReaderId) -> Option<u64> {
        if !matches!(self.squash, Squash::Seconds(_)) {
            return None;
        }
        self.state.lock().readers.get_mut(id)?.held_back_us(self.clock())
    }

    /// Evaluates what a reader was called for, and leaves it where it is.
    pub(crate) fn prepare(&self, id: ReaderId) {
        let untold: Vec<Arc<Event>> = {
            let mut state = self.state.lock();
            if state.called != Some(id) {
                return;
            }
            let queue = state.readers.get_mut(id).and_then(|place| place.queue.as_deref());
            let kept = queue.into_iter().flat_map(Queue::events).cloned();
            let mut untold: Vec<_> = kept.filter(|event| !event.is_told()).collect();
            let listed = state.events.iter().map(|listed| &listed.event);
            untold.extend(listed.filter(|event| !event.is_told()).cloned());
            untold
        };
        let mut fruitful = false;
        for event in untold {
            let (told, _) = event.told(&self.expression, self.squashes());
            fruitful |= told.map_or(true, |told| !told.rows.is_empty());
        }
        self.evaluated(id, fruitful);
    }

    /// Notes that a reader has evaluated what it took; the others are woken if that makes
    /// rows.
    fn evaluated(&self, id: ReaderId, fruitful: bool) {
        let mut state = self.state.lock();
        if state.called == Some(id) {
            state.called = None;
        }
        let wakes = if fruitful {
            state.call_all()
        } else if state.called.is_none() && state.events.iter().any(|listed| !listed.event.is_told()) {
            // This reader had no room for what came after.
            state.call_one().into_iter().collect()
        } else {
            Vec::new()
        };
        drop(state);
        wake_all(wakes);
    }

    /// Makes room in the list: who is still in its older half gets that into a queue.
    fn move_older_half(&self, state: &mut State, full: bool) {
        let cut = state.first + (state.events.len() as u64).div_ceil(2);
        let (first, events) = (state.first, &state.events);
        let late: Vec<&mut Place> = state.readers.iter_mut().filter(|place| place.next < cut).collect();
        let compacted: Vec<Option<Arc<Event>>> = events
            .iter()
            .take((cut - first) as usize)
            .map(|listed| {
                let wanted = listed.readers_left > 0 && !listed.event.is_silent();
                wanted.then(|| Arc::new(listed.event.compacted()))
            })
            .collect();
        for place in late {
            let from = place.next.max(first);
            for event in compacted.iter().skip((from - first) as usize).flatten() {
                place.keep(event, self.squash, full);
            }
            place.next = cut;
        }
        let moved = state.events.drain(..(cut - first) as usize);
        state.bytes -= moved.map(|listed| listed.event.bytes()).sum::<usize>();
        state.first = cut;
    }
}

impl State {
    /// The number of the event that comes next.
    fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Notes that a reader has passed some events, and lets go of those that all have passed.
    fn pass(&mut self, from: u64, to: u64) {
        for at in from.max(self.first)..to {
            if let Some(listed) = self.events.get_mut((at - self.first) as usize) {
                listed.readers_left = listed.readers_left.saturating_sub(1);
            }
        }
        while self.events.front().is_some_and(|front| front.readers_left == 0 || front.event.is_silent()) {
            if let Some(listed) = self.events.pop_front() {
                self.bytes -= listed.event.bytes();
                self.first += 1;
            }
        }
    }

    /// Ends a `take`: the end of the channel is told to who has everything, and who got
    /// nothing waits.
    fn settle(&mut self, id: ReaderId, mail: &mut Mail, clock: &dyn Clock) {
        let end = self.end();
        let Some(place) = self.readers.get_mut(id) else { return };
        let drained = place.next == end && place.queue.is_none();
        if drained {
            mail.closed = self.closed;
        }
        place.waits = mail.is_empty();
        if !place.waits {
            return;
        }
        if self.called == Some(id) {
            // There was nothing to find out.
            self.called = None;
            mail.called = false;
        }
        if place.held_back_us(clock).is_none() && place.waiting_at.is_none() {
            place.waiting_at = Some(self.waiting.len());
            self.waiting.push(id);
        }
    }

    /// Picks one of those who wait to find out what a new event comes to.
    fn call_one(&mut self) -> Option<Wake> {
        self.called = None;
        while let Some(id) = self.waiting.pop() {
            if let Some(wake) = self.wake_of(id) {
                self.called = Some(id);
                return Some(wake);
            }
        }
        None
    }

    /// The alarms of all who wait.
    fn call_all(&mut self) -> Vec<Wake> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter_map(|id| self.wake_of(id)).collect()
    }

    /// The alarm of a reader that no longer waits.
    fn wake_of(&mut self, id: ReaderId) -> Option<Wake> {
        let place = self.readers.get_mut(id)?;
        place.waiting_at = None;
        place.wake.clone()
    }

    fn stop_waiting(&mut self, id: ReaderId) {
        let Some(at) = self.readers.get_mut(id).and_then(|place| place.waiting_at.take()) else { return };
        self.waiting.swap_remove(at);
        if let Some(moved) = self.waiting.get(at).copied()
            && let Some(place) = self.readers.get_mut(moved)
        {
            place.waiting_at = Some(at);
        }
    }
}

impl Mail {
    pub(crate) fn is_empty(&self) -> bool {
        self.skipped == 0 && self.waiting.is_empty() && self.closed.is_none()
    }

    /// What the taken events take.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting.iter().map(Waiting::bytes).sum()
    }
}

/// Not under any lock: an alarm may do as it likes.
fn wake_all(wakes: impl IntoIterator<Item = Wake>) {
    for wake in wakes {
        wake();
    }
}
