//! The first documents of an order, and what of them changed.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use photondb_base::IndexId;
use photondb_datum::{Datum, Text};
use photondb_plan::feed::Squash;
use photondb_table::{DatumRange, Direction};

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
pub(crate) struct Place {
    pub(crate) value: Datum,
    pub(crate) key: Bytes,
    /// Tells the entries of one document with the same value apart.
    pub(crate) copy: usize,
}

/// The top, and what of it changed since the last rows were made.
#[derive(Default)]
pub(crate) struct Top {
    pub(crate) entries: BTreeMap<Place, Datum>,
    /// What stood at each place that was touched before it was touched first.
    pub(crate) touched: BTreeMap<Place, Option<Datum>>,
    /// The places before anything was touched, in order; only when offsets are told.
    pub(crate) places_before: Vec<Place>,
    /// Whether the entries are all that match, rather than the first of more.
    pub(crate) complete: bool,
}

impl Order {
    pub(crate) fn last<'a>(&self, entries: &'a BTreeMap<Place, Datum>) -> Option<&'a Place> {
        match self.direction {
            Direction::Forward => entries.last_key_value(),
            Direction::Backward => entries.first_key_value(),
        }
        .map(|(place, _)| place)
    }

    pub(crate) fn pop_last(&self, entries: &mut BTreeMap<Place, Datum>) -> Option<(Place, Datum)> {
        match self.direction {
            Direction::Forward => entries.pop_last(),
            Direction::Backward => entries.pop_first(),
        }
    }

    pub(crate) fn is_behind(&self, place: &Place, boundary: &Place) -> bool {
        match self.direction {
            Direction::Forward => place > boundary,
            Direction::Backward => place < boundary,
        }
    }

    /// How many entries stand before a place.
    pub(crate) fn offset(&self, entries: &BTreeMap<Place, Datum>, place: &Place) -> usize {
        match self.direction {
            Direction::Forward => entries.range(..place).count(),
            Direction::Backward => {
                entries.range::<Place, _>((Bound::Excluded(place), Bound::Unbounded)).count()
            }
        }
    }

    /// The places, the first one first.
    pub(crate) fn places(&self, entries: &BTreeMap<Place, Datum>) -> Vec<Place> {
        match self.direction {
            Direction::Forward => entries.keys().cloned().collect(),
            Direction::Backward => entries.keys().rev().cloned().collect(),
        }
    }

    /// The documents, the first one first.
    pub(crate) fn documents<'a>(&self, entries: &'a BTreeMap<Place, Datum>) -> Vec<&'a Datum> {
        match self.direction {
            Direction::Forward => entries.values().collect(),
            Direction::Backward => entries.values().rev().collect(),
        }
    }
}

impl Top {
    pub(crate) fn insert(&mut self, place: Place, document: Datum) {
        self.touch(&place);
        self.entries.insert(place, document);
    }

    pub(crate) fn remove(&mut self, place: &Place) {
        if self.entries.contains_key(place) {
            self.touch(place);
            self.entries.remove(place);
        }
    }

    /// The places that a document has.
    pub(crate) fn places_of(&self, key: &Bytes) -> Vec<Place> {
        self.entries.keys().filter(|place| place.key == *key).cloned().collect()
    }

    pub(crate) fn replace(&mut self, entries: BTreeMap<Place, Datum>, complete: bool) {
        let places: Vec<Place> = self.entries.keys().chain(entries.keys()).cloned().collect();
        for place in &places {
            self.touch(place);
        }
        self.entries = entries;
        self.complete = complete;
    }

    fn touch(&mut self, place: &Place) {
        if !self.touched.contains_key(place) {
            self.touched.insert(place.clone(), self.entries.get(place).cloned());
        }
    }
}
