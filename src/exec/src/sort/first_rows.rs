//! The first rows of an order, however many rows there are: only those that may still be among
//! them are kept in mind.

use std::collections::BinaryHeap;
use std::sync::Arc;

use photondb_datum::Datum;

use crate::environment::Environment;
use crate::error::Result;
use crate::sequence::{Keeper, Passing, RowTransform, Sequence};
use crate::terms::order::{OrderKeys, Rank, RankedRow};

/// What is looked for.
pub(crate) struct FirstRows {
    keys: OrderKeys,
    /// Of each key, whether it is descending.
    directions: Vec<bool>,
    limit: usize,
    /// What becomes of the rows that are kept.
    transforms: Vec<Arc<dyn RowTransform>>,
}

/// The first of some of the rows: a heap whose top is the last of them.
pub(crate) struct FirstSoFar {
    rows: BinaryHeap<RankedRow>,
    /// How many rows there were.
    seen: u64,
    keeper: Keeper,
}

impl FirstRows {
    /// The first `limit` rows of a sequence. Its last stages are taken over where they can be left
    /// to those rows, but not if all stages are to be measured.
    pub(crate) fn new(keys: OrderKeys, limit: usize, sequence: &mut Sequence, measured: bool) -> Self {
        let transforms = match keys.fields() {
            Some(fields) if !measured => sequence.take_last_stages(&fields),
            _ => Vec::new(),
        };
        Self { directions: keys.directions(), keys, limit, transforms }
    }

    pub(crate) fn start(&self) -> FirstSoFar {
        FirstSoFar { rows: BinaryHeap::new(), seen: 0, keeper: Keeper::new(true) }
    }

    /// Offers a row behind all others. Tells by how many bytes what is kept has grown.
    pub(crate) fn offer(
        &self,
        env: &Arc<Environment>,
        so_far: &mut FirstSoFar,
        row: Passing<'_>,
    ) -> Result<isize> {
        so_far.seen += 1;
        // Of equal rows the earlier one is first.
        let loses =
            |last: &RankedRow| self.keys.compare_stored(env, row.view(), last).map(|order| order.is_ge());
        if so_far.rows.len() >= self.limit && so_far.rows.peek().and_then(loses) == Some(true) {
            return Ok(0);
        }
        let values = self.keys.values(env, &row.datum())?;
        let rank = Rank::all(values, &self.directions);
        let position = so_far.seen;
        self.take(so_far, rank, position, || {
            self.transforms.iter().try_fold(row.into_datum(), |row, transform| {
                Ok(transform.apply(env, &row)?.unwrap_or(Datum::Null))
            })
        })
    }

    /// Takes a row if it is among the first.
    fn take(
        &self,
        so_far: &mut FirstSoFar,
        rank: Vec<Rank>,
        position: u64,
        row: impl FnOnce() -> Result<Datum>,
    ) -> Result<isize> {
        let FirstSoFar { rows, keeper, .. } = so_far;
        let mut ranked = RankedRow { rank, position, row: Datum::Null };
        let mut grown = 0;
        if rows.len() >= self.limit {
            if rows.peek().is_none_or(|last| ranked >= *last) {
                return Ok(0);
            }
            grown -= rows.pop().map_or(0, |last| last.memory_bytes().cast_signed());
        }
        ranked.row = row()?;
        ranked.keep(keeper);
        grown += ranked.memory_bytes().cast_signed();
        rows.push(ranked);
        Ok(grown)
    }

    /// The first of all rows of `left` and then all of `right`.
    pub(crate) fn merge(&self, mut left: FirstSoFar, right: FirstSoFar) -> Result<FirstSoFar> {
        for ranked in right.rows {
            let position = left.seen + ranked.position;
            self.take(&mut left, ranked.rank, position, || Ok(ranked.row))?;
        }
        left.seen += right.seen;
        Ok(left)
    }

    /// The opposite of [`FirstSoFar::into_datum`].
    pub(crate) fn so_far(&self, datum: &Datum) -> Option<FirstSoFar> {
        let Datum::Array(parts) = datum else { return None };
        let mut parts = parts.iter();
        let seen = parts.next()?.as_number()? as u64;
        let ranked = |datum: Datum| {
            let Datum::Array(parts) = datum else { return None };
            let (Datum::Array(values), position, row) =
                (parts.get(0)?, parts.get(1)?.as_number()?, parts.get(2)?)
            else {
                return None;
            };
            let value = |value: Datum| Some(value.as_array()?.get(0));
            let values = values.iter().map(value).collect::<Option<_>>()?;
            Some(RankedRow { rank: Rank::all(values, &self.directions), position: position as u64, row })
        };
        let rows = parts.map(ranked).collect::<Option<_>>()?;
        Some(FirstSoFar { rows, seen, keeper: Keeper::new(true) })
    }
}

impl FirstSoFar {
    /// The rows in order.
    pub(crate) fn into_rows(self) -> impl Iterator<Item = Datum> {
        self.rows.into_sorted_vec().into_iter().map(|ranked| ranked.row)
    }

    /// The form in which it leaves the rows' side: how many rows there were, and of each row that
    /// is kept what it is sorted by, every value in an array of its own, its place and the row.
    pub(crate) fn into_datum(self) -> Datum {
        let ranked = |RankedRow { rank, position, row }: RankedRow| {
            let value = |rank: &Rank| Datum::array(rank.value().cloned());
            Datum::array([Datum::array(rank.iter().map(value)), Datum::Number(position as f64), row])
        };
        Datum::array(
            std::iter::once(Datum::Number(self.seen as f64)).chain(self.rows.into_iter().map(ranked)),
        )
    }
}
