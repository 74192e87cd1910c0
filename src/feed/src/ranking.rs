//! The first documents in the order of an index, kept up to date.
//!
//! A change moves documents in and out of the top; when one leaves and its successor is not
//! known, the top is read anew from the newest state of the table.

use std::collections::BTreeMap;

use bytes::Bytes;
use photondb_base::LogPosition;
use photondb_datum::Datum;
use photondb_datum::key::encode_primary;
use photondb_plan::feed::{Squash, Wake};
use photondb_reql::ReqlError;
use photondb_table::{Budget, CloseReason, ReadOp, ReadSnapshot, Source};

use crate::channel::Mail;
use crate::error::failed;
use crate::expression::Expression;
use crate::hub::Reader;
use crate::queue::Waiting;
use crate::row::Side;
use crate::top::{Order, Place, Top};

/// Documents that one step of reading the top takes, and changes that one step applies.
const STEP_ROWS_MAX: usize = 256;

/// The first documents of an order.
pub(crate) struct Ranking {
    reader: Reader,
    order: Order,
    top: Top,
    /// Changes up to here are in the top already.
    position: LogPosition,
}

/// What a step came to.
pub(crate) enum Step {
    /// No change waited.
    Nothing,
    /// The rows that some changes made, perhaps none.
    Rows(Vec<Datum>),
    /// Nothing follows.
    Closed(CloseReason),
}

impl Ranking {
    /// Reads the top; changes are told from the same state on.
    pub(crate) fn new(reader: Reader, order: Order) -> Result<Self, ReqlError> {
        let snapshot = reader.start()?;
        let position = snapshot.position();
        let mut ranking = Self { reader, order, top: Top::default(), position };
        let view = |expression: &Expression, document: &Datum| expression.view(document);
        let (entries, complete) = ranking.read_top(snapshot, view)?;
        ranking.top.entries = entries;
        ranking.top.complete = complete;
        Ok(ranking)
    }

    /// The rows that tell the top as it is.
    pub(crate) fn initial(&self) -> Vec<Datum> {
        let format = &self.expression().format;
        let documents = self.order.documents(&self.top.entries).into_iter().enumerate();
        documents.map(|(offset, document)| format.initial(document.clone(), Some(offset))).collect()
    }

    /// Where in the log the top is.
    pub(crate) fn position(&self) -> LogPosition {
        self.position
    }

    pub(crate) fn expression(&self) -> &Expression {
        self.reader.expression()
    }

    pub(crate) fn on_ready(&self, wake: Wake) {
        self.reader.on_ready(wake);
    }

    pub(crate) fn due_in_us(&self) -> Option<u64> {
        self.reader.due_in_us()
    }

    /// Applies some of the changes that wait.
    pub(crate) fn step(&mut self) -> Result<Step, ReqlError> {
        let mut mail = Mail::default();
        self.reader.take(STEP_ROWS_MAX, &mut mail);
        if mail.skipped == 0 && mail.waiting.is_empty() {
            return Ok(mail.closed.map_or(Step::Nothing, Step::Closed));
        }
        let mut rows = Vec::new();
        self.begin();
        if mail.skipped > 0 {
            // What was missed is in the newest state.
            self.reload()?;
        }
        for waiting in &mail.waiting {
            self.apply(waiting)?;
            if self.order.squash == Squash::Off {
                self.make_rows(&mut rows)?;
                self.begin();
            }
        }
        self.make_rows(&mut rows)?;
        Ok(Step::Rows(rows))
    }

    /// The places of a document within the range.
    fn places(&self, key: &Bytes, document: &Datum) -> Result<Vec<Place>, ReqlError> {
        let mut values = match self.order.index {
            Some(index) => self.expression().index_values(index, document)?,
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

    fn read_top(
        &self,
        snapshot: ReadSnapshot,
        view: impl Fn(&Expression, &Datum) -> Result<Option<Datum>, ReqlError>,
    ) -> Result<(BTreeMap<Place, Datum>, bool), ReqlError> {
        let mut entries = BTreeMap::new();
        if self.order.limit == 0 {
            return Ok((entries, false));
        }
        let source = match self.order.index {
            Some(index) => Source::Index { index, ranges: vec![self.order.range.clone()] },
            None => Source::Primary(self.order.range.clone()),
        };
        let expression = self.expression();
        let operation = ReadOp {
            snapshot: Some(snapshot),
            direction: self.order.direction,
            ..ReadOp::new(expression.table, source)
        };
        let mut stream = expression.ground.shards.read(operation).map_err(|error| failed(&error))?;
        let mut documents = Vec::new();
        let mut found = 0;
        loop {
            documents.clear();
            let rows_max = (self.order.limit - found).clamp(1, STEP_ROWS_MAX);
            let budget = Budget { rows_max, ..Budget::default() };
            let more = stream.next_batch(budget, &mut documents).map_err(|error| failed(&error))?;
            for document in &documents {
                let Some(view) = view(expression, document)? else { continue };
                found += 1;
                let Some(key) = document.get(&self.order.primary_key) else { continue };
                let key = encode_primary(&key).map_err(|error| ReqlError::logic(error.to_string()))?;
                for place in self.places(&key, document)? {
                    entries.insert(place, copy(&view));
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

    /// Puts one change, or several of one document, into the top.
    fn apply(&mut self, waiting: &Waiting) -> Result<(), ReqlError> {
        let (Some(first), Some(last)) = (waiting.first.change(), waiting.last.change()) else {
            return Ok(());
        };
        if last.position <= self.position {
            return Ok(());
        }
        let boundary = if self.top.complete { None } else { self.order.last(&self.top.entries).cloned() };
        // Of changes that were joined, the first may be in the top already.
        let old_places = match &first.old {
            _ if first.position <= self.position => self.top.places_of(&last.key),
            Some(old) => self.places(&last.key, old)?,
            None => Vec::new(),
        };
        for place in &old_places {
            self.top.remove(place);
        }
        if let Some(new) = &last.new
            && let Some(view) = self.expression().seen(new, 1).view
        {
            for place in self.places(&last.key, new)? {
                // Behind the last known place others may come first.
                let inside = self.top.complete
                    || boundary.as_ref().is_some_and(|boundary| !self.order.is_behind(&place, boundary));
                if inside {
                    let key = Bytes::copy_from_slice(&place.key);
                    self.top.insert(Place { key, ..place }, copy(&view));
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
        let snapshot = self.reader.start()?;
        let position = snapshot.position();
        let view = |expression: &Expression, document: &Datum| Ok(expression.seen(document, 1).view);
        let (entries, complete) = self.read_top(snapshot, view)?;
        self.top.replace(entries, complete);
        self.position = position;
        Ok(())
    }

    /// Makes rows of what was touched: a document that left is told together with one that
    /// came in its place.
    fn make_rows(&mut self, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
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
                && !self.expression().format.offsets()
            {
                // Another place among the others does not change what the feed shows.
                continue;
            }
            self.push_row(old.as_ref(), Some(&(place, new)), &places_before, out)?;
        }
        for old in left {
            self.push_row(Some(&old), None, &places_before, out)?;
        }
        Ok(())
    }

    fn push_row(
        &self,
        old: Option<&(Place, Datum)>,
        new: Option<&(Place, Datum)>,
        before: &[Place],
        out: &mut Vec<Datum>,
    ) -> Result<(), ReqlError> {
        let format = &self.expression().format;
        let offset = |place| format.offsets().then(|| self.order.offset(&self.top.entries, place));
        let row = format.placed_change(
            old.map(|(place, document)| Side {
                document,
                offset: before.iter().position(|other| other == place),
            }),
            new.map(|(place, document)| Side { document, offset: offset(place) }),
        );
        self.expression().deliver(row, out)
    }

    /// Notes the order before the first touch.
    fn begin(&mut self) {
        if self.expression().format.offsets() && self.top.touched.is_empty() {
            self.top.places_before = self.order.places(&self.top.entries);
        }
    }
}

/// A document of its own: those of changes and reads are parts of pages, and the top is kept
/// for long.
fn copy(document: &Datum) -> Datum {
    document.view().to_datum()
}
