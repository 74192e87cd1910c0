//! A feed of the first documents in the order of an index: `orderBy({index}).limit(n)`.
//!
//! The reader keeps the documents that are in the feed. A change moves them; when one
//! leaves and its successor is not known, the feed reads the top anew from the newest state
//! of the table and goes on from there.

use std::collections::BTreeMap;

use bytes::Bytes;
use photondb_base::{IndexId, LogPosition};
use photondb_datum::key::encode_primary;
use photondb_datum::{Datum, Text};
use photondb_plan::feed::Squash;
use photondb_reql::ReqlError;
use photondb_table::{Budget, DatumRange, Direction, ReadOp, ReadSnapshot, Source};

use crate::error::{closed, failed};
use crate::mailbox::{Waiting, Wake};
use crate::member::Member;
use crate::row::{RowFormat, Side};
use crate::watch::Watch;

/// Documents that one step of reading the top takes.
const READ_ROWS_MAX: usize = 256;

/// What is ordered, how, and how much of it.
pub(crate) struct Order {
    /// `None`: the primary key, whose field is `primary_key`.
    pub(crate) index: Option<IndexId>,
    pub(crate) primary_key: Text,
    pub(crate) range: DatumRange,
    pub(crate) direction: Direction,
    pub(crate) limit: usize,
    pub(crate) squash: Squash,
}

/// The place of a document in the order; a multi index gives a document several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    value: Datum,
    key: Bytes,
    /// Tells the entries of one document with the same value apart.
    copy: usize,
}

/// The top, and what of it changed since the last rows were made.
#[derive(Default)]
struct Top {
    entries: BTreeMap<Place, Datum>,
    /// What stood at each place that was touched before it was touched first.
    touched: BTreeMap<Place, Option<Datum>>,
    /// The places before anything was touched, in order; only when offsets are told.
    places_before: Vec<Place>,
    /// Whether the entries are all that match, rather than the first of more.
    complete: bool,
}

/// The feed of the first documents of an order.
pub(crate) struct OrderLimitFeed {
    watch: Watch,
    order: Order,
    format: RowFormat,
    top: Top,
    loaded: bool,
    /// Changes up to here are in the top already.
    position: LogPosition,
    /// Rows that did not fit into a batch.
    ready: std::collections::VecDeque<Datum>,
}

impl OrderLimitFeed {
    /// Reads the top as it is where the changes start.
    pub(crate) fn new(mut watch: Watch, order: Order, format: RowFormat) -> Result<Self, ReqlError> {
        let snapshot = watch.take_snapshot()?;
        let position = snapshot.position();
        let mut feed = Self {
            watch,
            order,
            format,
            top: Top::default(),
            loaded: false,
            position,
            ready: std::collections::VecDeque::new(),
        };
        let (entries, complete) = feed.read_top(snapshot)?;
        feed.top.entries = entries;
        feed.top.complete = complete;
        Ok(feed)
    }

    /// The places of a document within the range.
    fn places(&self, key: &Bytes, document: &Datum) -> Result<Vec<Place>, ReqlError> {
        let mut values = match self.order.index {
            Some(index) => self
                .watch
                .shards
                .index_values(self.watch.table, index, document)
                .map_err(|error| failed(&error))?,
            None => document.get(&self.order.primary_key).into_iter().collect(),
        };
        values.retain(|value| self.order.range.contains(value));
        let mut places: Vec<Place> = Vec::with_capacity(values.len());
        values.sort();
        for value in values {
            let copy = places.last().filter(|last| last.value == value).map_or(0, |last| last.copy + 1);
            places.push(Place { value, key: key.clone(), copy });
        }
        Ok(places)
    }

    fn read_top(&self, snapshot: ReadSnapshot) -> Result<(BTreeMap<Place, Datum>, bool), ReqlError> {
        let mut entries = BTreeMap::new();
        if self.order.limit == 0 {
            return Ok((entries, false));
        }
        let source = match self.order.index {
            Some(index) => Source::Index { index, ranges: vec![self.order.range.clone()] },
            None => Source::Primary(self.order.range.clone()),
        };
        let operation = ReadOp {
            snapshot: Some(snapshot),
            direction: self.order.direction,
            ..ReadOp::new(self.watch.table, source)
        };
        let mut stream = self.watch.shards.read(operation).map_err(|error| failed(&error))?;
        let mut documents = Vec::new();
        let mut found = 0;
        loop {
            documents.clear();
            let rows_max = (self.order.limit - found).clamp(1, READ_ROWS_MAX);
            let budget = Budget { rows_max, ..Budget::default() };
            let more = stream.next_batch(budget, &mut documents).map_err(|error| failed(&error))?;
            for document in &documents {
                let Some(view) = self.watch.view(document)? else { continue };
                found += 1;
                let Some(key) = document.get(&self.order.primary_key) else { continue };
                let key = encode_primary(&key).map_err(|error| ReqlError::logic(error.to_string()))?;
                for place in self.places(&key, document)? {
                    entries.insert(place, view.clone());
                }
            }
            if !more || found >= self.order.limit {
                let complete = !more && entries.len() <= self.order.limit;
                while entries.len() > self.order.limit {
                    drop(self.order.pop_last(&mut entries));
                }
                return Ok((entries, complete));
            }
        }
    }

    /// Puts one change into the top.
    fn apply(&mut self, change: &Waiting) -> Result<(), ReqlError> {
        if change.position() <= self.position {
            return Ok(());
        }
        let boundary = if self.top.complete { None } else { self.order.last(&self.top.entries).cloned() };
        if let Some(old) = change.old_document() {
            for place in self.places(change.key(), old)? {
                self.top.remove(&place);
            }
        }
        if let Some(new) = change.new_document()
            && let Some(view) = self.watch.view(new)?
        {
            for place in self.places(change.key(), new)? {
                // Behind the last known place others may come first.
                let inside = self.top.complete
                    || boundary.as_ref().is_some_and(|boundary| !self.order.is_behind(&place, boundary));
                if inside {
                    self.top.insert(place, view.clone());
                }
            }
        }
        while self.top.entries.len() > self.order.limit {
            if let Some(last) = self.order.last(&self.top.entries).cloned() {
                self.top.remove(&last);
            }
            self.top.complete = false;
        }
        if self.top.entries.len() < self.order.limit && !self.top.complete {
            self.reload()?;
        }
        Ok(())
    }

    /// Goes on from the newest state of the table.
    fn reload(&mut self) -> Result<(), ReqlError> {
        let snapshot = self.watch.shards.snapshot(self.watch.table).map_err(|error| failed(&error))?;
        let position = snapshot.position();
        let (entries, complete) = self.read_top(snapshot)?;
        self.top.replace(entries, complete);
        self.position = position;
        self.watch.mailbox.forget_until(position);
        Ok(())
    }

    /// Makes rows of what was touched: a document that left is told together with one that
    /// came in its place.
    fn make_rows(&mut self) {
        let touched = std::mem::take(&mut self.top.touched);
        let places_before = std::mem::take(&mut self.top.places_before);
        let (mut left, mut came) = (Vec::new(), Vec::new());
        for (place, before) in touched {
            let now = self.top.entries.get(&place);
            if before.as_ref() == now {
                continue;
            }
            let now = now.cloned();
            if let Some(document) = before {
                left.push((place.clone(), document));
            }
            if let Some(document) = now {
                came.push((place, document));
            }
        }
        for (place, new) in came {
            // The same document first, any other one else.
            let same = left.iter().position(|(other, _)| other.key == place.key);
            let partner = same.or(if left.is_empty() { None } else { Some(0) });
            let old = partner.map(|at| left.swap_remove(at));
            if old.as_ref().is_some_and(|(other, document)| other.key == place.key && *document == new)
                && !self.format.offsets()
            {
                // Another place among the others does not change what the feed shows.
                continue;
            }
            self.push_row(old.as_ref(), Some(&(place, new)), &places_before);
        }
        for old in left {
            self.push_row(Some(&old), None, &places_before);
        }
    }

    fn push_row(&mut self, old: Option<&(Place, Datum)>, new: Option<&(Place, Datum)>, before: &[Place]) {
        let row = self.format.placed_change(
            old.map(|(place, document)| Side {
                document,
                offset: before.iter().position(|other| other == place),
            }),
            new.map(|(place, document)| Side { document, offset: self.offset(place) }),
        );
        self.ready.push_back(row);
    }

    fn offset(&self, place: &Place) -> Option<usize> {
        if !self.format.offsets() {
            return None;
        }
        Some(match self.order.direction {
            Direction::Forward => self.top.entries.range(..place).count(),
            Direction::Backward => {
                let behind = (std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded);
                self.top.entries.range::<Place, _>(behind).count()
            }
        })
    }

    /// Notes the order before the first touch.
    fn begin(&mut self) {
        if self.format.offsets() && self.top.touched.is_empty() {
            let places = self.top.entries.keys().cloned();
            self.top.places_before = match self.order.direction {
                Direction::Forward => places.collect(),
                Direction::Backward => places.rev().collect(),
            };
        }
    }

    fn drain_ready(&mut self, budget: &Budget, start: usize, out: &mut Vec<Datum>) {
        let left = budget.rows_max.saturating_sub(out.len() - start);
        let count = self.ready.len().min(left);
        out.extend(self.ready.drain(..count));
    }
}

impl Member for OrderLimitFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let start = out.len();
        if !self.loaded {
            self.loaded = true;
            let documents: Vec<&Datum> = match self.order.direction {
                Direction::Forward => self.top.entries.values().collect(),
                Direction::Backward => self.top.entries.values().rev().collect(),
            };
            let rows = documents
                .into_iter()
                .enumerate()
                .map(|(offset, document)| self.format.initial(document.clone(), Some(offset)));
            self.ready = rows.collect();
        }
        self.drain_ready(budget, start, out);
        Ok(!self.ready.is_empty())
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        let start = out.len();
        loop {
            self.drain_ready(budget, start, out);
            if !self.ready.is_empty() || out.len() - start >= budget.rows_max {
                return Ok(());
            }
            let mail = self.watch.take(READ_ROWS_MAX);
            let nothing = mail.skipped == 0 && mail.changes.is_empty();
            self.begin();
            if mail.skipped > 0 {
                // What was missed is in the newest state.
                self.reload()?;
            }
            for change in &mail.changes {
                self.apply(change)?;
                if self.order.squash == Squash::Off {
                    self.make_rows();
                    self.begin();
                }
            }
            self.make_rows();
            if nothing {
                return match mail.closed {
                    Some(why) if out.len() == start => Err(closed(why)),
                    _ => Ok(()),
                };
            }
        }
    }

    fn on_ready(&mut self, wake: Wake) {
        self.watch.mailbox.on_ready(wake);
    }

    fn due_in_us(&self) -> Option<u64> {
        self.watch.mailbox.due_in_us()
    }
}

impl Order {
    fn last<'a>(&self, entries: &'a BTreeMap<Place, Datum>) -> Option<&'a Place> {
        match self.direction {
            Direction::Forward => entries.last_key_value(),
            Direction::Backward => entries.first_key_value(),
        }
        .map(|(place, _)| place)
    }

    fn pop_last(&self, entries: &mut BTreeMap<Place, Datum>) -> Option<(Place, Datum)> {
        match self.direction {
            Direction::Forward => entries.pop_last(),
            Direction::Backward => entries.pop_first(),
        }
    }

    fn is_behind(&self, place: &Place, boundary: &Place) -> bool {
        match self.direction {
            Direction::Forward => place > boundary,
            Direction::Backward => place < boundary,
        }
    }
}

impl Top {
    fn touch(&mut self, place: &Place) {
        if !self.touched.contains_key(place) {
            self.touched.insert(place.clone(), self.entries.get(place).cloned());
        }
    }

    fn insert(&mut self, place: Place, document: Datum) {
        self.touch(&place);
        self.entries.insert(place, document);
    }

    fn remove(&mut self, place: &Place) {
        if self.entries.contains_key(place) {
            self.touch(place);
            self.entries.remove(place);
        }
    }

    fn replace(&mut self, entries: BTreeMap<Place, Datum>, complete: bool) {
        let places: Vec<Place> = self.entries.keys().chain(entries.keys()).cloned().collect();
        for place in &places {
            self.touch(place);
        }
        self.entries = entries;
        self.complete = complete;
    }
}
