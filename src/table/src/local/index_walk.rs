//! Walks over an index: from its entries to the documents.
//!
//! Documents are fetched one by one as their entries come: fetching them in batches, sorted by
//! primary key, measured no faster, neither with all pages cached nor with a twentieth of them.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{TreeId, prompt};
use photondb_datum::Datum;
use photondb_storage::{Direction, KeyRange, Snapshot, StorageError};
use rustc_hash::FxHashSet;

use super::documents::Documents;
use super::entry::{FoundEntry, values_like};
use super::keys;
use super::scan::Found;
use super::table::OpenIndex;
use super::walk::{RangeWalk, nothing, split};
use crate::error::TableError;
use crate::limits::TRUNCATED_RUN_ROWS_MAX;
use crate::read::DatumRange;

/// One range of an index.
#[derive(Clone, Debug)]
pub(crate) struct IndexRange {
    pub(crate) keys: KeyRange,
    /// What truncated entries are compared with, when the range's own bounds are truncated.
    pub(crate) check: Check,
}

/// The documents that some ranges of an index lead to.
pub(crate) struct IndexWalk {
    index: Arc<OpenIndex>,
    documents: Documents,
    direction: Direction,
    with_values: bool,
    /// The keys that were found, when each document is to be found once.
    seen: Option<FxHashSet<Bytes>>,
    walk: RangeWalk,
    /// What the range that is walked is checked with; absent between two ranges.
    current: Option<Check>,
    ranges_begun: usize,
    following: VecDeque<IndexRange>,
    /// An entry that was read ahead.
    ahead: Option<FoundEntry>,
    /// Documents of truncated entries, put in order.
    sorted: VecDeque<Found>,
}

/// See [`IndexRange::check`].
type Check = Option<DatumRange>;

impl IndexWalk {
    /// `ranges` in the order in which they are walked.
    pub(crate) fn new(
        index: Arc<OpenIndex>,
        documents: TreeId,
        ranges: Vec<IndexRange>,
        direction: Direction,
        with_values: bool,
        once: bool,
    ) -> Self {
        let walk = RangeWalk::new(index.tree, nothing(), direction);
        Self {
            index,
            documents: Documents::new(documents),
            direction,
            with_values,
            seen: once.then(FxHashSet::default),
            walk,
            current: None,
            ranges_begun: 0,
            following: ranges.into(),
            ahead: None,
            sorted: VecDeque::new(),
        }
    }

    /// The number of the range in which the last document was found, from 0.
    pub(crate) fn range_number(&self) -> usize {
        self.ranges_begun.saturating_sub(1)
    }

    pub(crate) fn check_present(&self) -> Result<(), TableError> {
        self.index.check_present()
    }

    pub(crate) fn next(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<Option<Found>, TableError> {
        loop {
            if let Some(found) = self.sorted.pop_front() {
                return Ok(Some(found));
            }
            let Some(entry) = self.next_entry(snapshot)? else { return Ok(None) };
            if entry.truncated {
                self.sort_run(snapshot, entry)?;
                continue;
            }
            let key = entry.primary();
            if self.seen.as_mut().is_some_and(|seen| !seen.insert(key.clone())) {
                continue;
            }
            let Some(bytes) = self.documents.get(snapshot, &key)? else { continue };
            let mut found = Found::new(key, bytes)?;
            if self.with_values {
                found.index_value = self.value_of(&entry, &found.document()?);
            }
            return Ok(Some(found));
        }
    }

    pub(crate) fn release(&mut self) {
        self.walk.release();
        self.documents.release();
    }

    /// Passes over `n` documents or all that are left, and says how many.
    pub(crate) fn skip(&mut self, snapshot: &Arc<dyn Snapshot>, n: u64) -> Result<u64, TableError> {
        let mut skipped = 0;
        while skipped < n {
            let by_counts = self.sorted.is_empty() && self.ahead.is_none() && self.seen.is_none();
            match &self.current {
                Some(None) if by_counts => {
                    let step = self.walk.skip(snapshot, n - skipped)?;
                    skipped += step;
                    if skipped < n {
                        self.current = None;
                    } else {
                        skipped -= self.back_to_run_start(snapshot)?;
                        return Ok(skipped + self.skip_one_by_one(snapshot, n - skipped)?);
                    }
                }
                None if by_counts && !self.following.is_empty() => self.start_range()?,
                _ => {
                    if self.skip_one_by_one(snapshot, 1)? == 0 {
                        break;
                    }
                    skipped += 1;
                }
            }
        }
        Ok(skipped)
    }

    fn skip_one_by_one(&mut self, snapshot: &Arc<dyn Snapshot>, n: u64) -> Result<u64, TableError> {
        for skipped in 0..n {
            if self.next(snapshot)?.is_none() {
                return Ok(skipped);
            }
        }
        Ok(n)
    }

    /// Number of documents that are left.
    pub(crate) fn count(mut self, snapshot: &Arc<dyn Snapshot>) -> Result<u64, TableError> {
        self.skip(snapshot, u64::MAX)
    }

    /// The same walk as up to `parts` walks, in order.
    pub(crate) fn split(self, snapshot: &Arc<dyn Snapshot>, parts: usize) -> Result<Vec<Self>, TableError> {
        if self.seen.is_some() || parts < 2 {
            return Ok(vec![self]);
        }
        let parts_each = parts.div_ceil(self.following.len().max(1));
        let mut pieces = Vec::new();
        for range in &self.following {
            let cut = |key: Bytes| self.run_start(snapshot, key);
            let mut cuts = split(snapshot, self.index.tree, &range.keys, parts_each, cut)?;
            if self.direction == Direction::Backward {
                cuts.reverse();
            }
            pieces.extend(cuts.into_iter().map(|keys| IndexRange { keys, check: range.check.clone() }));
        }
        // Many short ranges become few walks.
        let each = pieces.len().div_ceil(parts).max(1);
        let walks = pieces.chunks(each).map(|ranges| {
            let (index, ranges) = (self.index.clone(), ranges.to_vec());
            Self::new(index, self.documents.tree(), ranges, self.direction, self.with_values, false)
        });
        Ok(walks.collect())
    }

    fn start_range(&mut self) -> Result<(), StorageError> {
        prompt::before_row(0)?;
        self.ranges_begun += 1;
        self.current = self.following.pop_front().map(|range| {
            self.walk.restart(range.keys);
            range.check
        });
        Ok(())
    }

    fn next_entry(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<Option<FoundEntry>, TableError> {
        if let Some(entry) = self.ahead.take() {
            return Ok(Some(entry));
        }
        loop {
            if self.current.is_none() {
                self.start_range()?;
            }
            if self.current.is_none() {
                return Ok(None);
            }
            match self.walk.next(snapshot)? {
                Some((key, value)) => match FoundEntry::parse(key, &value) {
                    Some(entry) => return Ok(Some(entry)),
                    None => return Err(malformed().into()),
                },
                None => self.current = None,
            }
        }
    }

    /// Reads all entries with the same truncated bytes, and puts their documents in the
    /// order of their real values.
    fn sort_run(&mut self, snapshot: &Arc<dyn Snapshot>, first: FoundEntry) -> Result<(), TableError> {
        let secondary = first.secondary();
        let check = self.current.clone().flatten();
        let mut run: Vec<(Datum, Found)> = Vec::new();
        let mut next = Some(first);
        while let Some(entry) = next.take() {
            if run.len() >= TRUNCATED_RUN_ROWS_MAX {
                let what = "rows whose index values begin with the same long key";
                return Err(TableError::Limit { what, max: TRUNCATED_RUN_ROWS_MAX });
            }
            self.add_to_run(snapshot, &entry, check.as_ref(), &mut run)?;
            match self.walk.next(snapshot)? {
                None => self.current = None,
                Some((key, value)) => {
                    let entry = FoundEntry::parse(key, &value).ok_or_else(malformed)?;
                    if entry.truncated && entry.secondary() == secondary {
                        next = Some(entry);
                    } else {
                        self.ahead = Some(entry);
                    }
                }
            }
        }
        let direction = self.direction;
        run.sort_by(|(a, x), (b, y)| {
            let order = a.cmp(b).then_with(|| x.key.cmp(&y.key));
            if direction == Direction::Forward { order } else { order.reverse() }
        });
        self.sorted.extend(run.into_iter().map(|(_, found)| found));
        Ok(())
    }

    fn add_to_run(
        &mut self,
        snapshot: &Arc<dyn Snapshot>,
        entry: &FoundEntry,
        check: Option<&DatumRange>,
        run: &mut Vec<(Datum, Found)>,
    ) -> Result<(), TableError> {
        let key = entry.primary();
        let Some(bytes) = self.documents.get(snapshot, &key)? else { return Ok(()) };
        let mut found = Found::new(key, bytes)?;
        let mut values = values_like(&self.index, &entry.secondary(), &found.document()?);
        // Several values of one document may have the same truncated bytes: each has an
        // entry of its own, and the number behind the key tells which one this is.
        values.sort();
        let number = entry.number().min(values.len().saturating_sub(1));
        if values.is_empty() {
            return Ok(());
        }
        let value = values.swap_remove(number);
        if check.is_some_and(|check| !check.contains(&value)) {
            return Ok(());
        }
        if self.with_values {
            found.index_value = Some(value.clone());
        }
        run.push((value, found));
        Ok(())
    }

    /// The value of an entry that is not truncated.
    fn value_of(&self, entry: &FoundEntry, document: &Datum) -> Option<Datum> {
        if self.index.geo {
            return None;
        }
        let value = keys::decode_secondary(&entry.secondary())?;
        // The key of a time has no time zone; the document has.
        if has_time(&value) {
            values_like(&self.index, &entry.secondary(), document).pop().or(Some(value))
        } else {
            Some(value)
        }
    }

    /// When the walk stands inside a run of truncated entries, goes back to the first of
    /// them; says how many entries that are.
    fn back_to_run_start(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<u64, TableError> {
        let walk = &mut self.walk;
        let standing = match (self.direction, &walk.range()) {
            (Direction::Forward, KeyRange { start: Bound::Included(key), .. })
            | (Direction::Backward, KeyRange { end: Bound::Included(key), .. }) => key.clone(),
            _ => return Ok(0),
        };
        let Some(value) = snapshot.get(walk.tree(), &standing)? else { return Ok(0) };
        let entry = FoundEntry::parse(standing.clone(), &value).ok_or_else(malformed)?;
        if !entry.truncated {
            return Ok(0);
        }
        let run = KeyRange::prefix(entry.secondary());
        let passed = match self.direction {
            Direction::Forward => KeyRange::new(run.start.clone(), Bound::Excluded(standing)),
            Direction::Backward => KeyRange::new(Bound::Excluded(standing), run.end.clone()),
        };
        let back = snapshot.count(walk.tree(), &passed)?;
        match self.direction {
            Direction::Forward => walk.range().start = run.start,
            Direction::Backward => walk.range().end = run.end,
        }
        Ok(back)
    }

    /// The first key of the run of truncated entries that a key belongs to, or the key.
    fn run_start(&self, snapshot: &Arc<dyn Snapshot>, key: Bytes) -> Result<Bytes, StorageError> {
        let Some(value) = snapshot.get(self.index.tree, &key)? else { return Ok(key) };
        match FoundEntry::parse(key.clone(), &value) {
            Some(entry) if entry.truncated => Ok(entry.secondary()),
            _ => Ok(key),
        }
    }
}

fn has_time(value: &Datum) -> bool {
    match value {
        Datum::Array(items) => items.iter().any(|item| has_time(&item)),
        value => value.is_time(),
    }
}

pub(crate) fn malformed() -> StorageError {
    StorageError::Corrupt { file: "an index".to_owned(), offset: 0, detail: "an index entry is malformed" }
}
