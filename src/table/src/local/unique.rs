//! Unique indexes: no two documents with the same value.
//!
//! Whoever gives a document a value of a unique index first takes the latch of that value,
//! then looks whether another document has it, and keeps the latch until the document is
//! committed. Latches of values come after latches of keys, and are only waited for, in
//! their order, by somebody who holds no other latch of a value: so nobody waits in a
//! circle. While a row of a write has to wait, the rows before it are committed.
//!
//! An index that is being built is kept free of duplicates in the same way: what its tree
//! holds never has two documents with one value, so that it is sound when all are covered.

use std::hash::Hasher;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::MutexGuard;
use photondb_base::TreeId;
use photondb_datum::{Datum, json, key, packed};
use photondb_storage::{Direction, KeyRange, Snapshot};
use rustc_hash::{FxHashSet, FxHasher};

use super::entry::{Entry, FoundEntry, values_like};
use super::latch::{Latches, StripeSet};
use super::table::OpenIndex;
use crate::error::{RowError, TableError};

/// Characters of a value or key that a message shows.
const SHOWN_CHARACTERS_MAX: usize = 200;

/// A value of a unique index, by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueHash(u64);

impl ValueHash {
    pub(crate) fn new(tree: TreeId, secondary: &[u8]) -> Self {
        let mut hasher = FxHasher::default();
        hasher.write_u64(tree.0);
        hasher.write(secondary);
        Self(hasher.finish())
    }
}

/// Latches of values that one write or build holds.
pub(crate) struct ValueLatches<'a> {
    latches: &'a Latches,
    held: Vec<MutexGuard<'a, ()>>,
    stripes: StripeSet,
    /// Values that were given or taken since the last commit: no snapshot tells about them.
    uncommitted: FxHashSet<ValueHash>,
}

/// What came of the attempt to take latches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Latched {
    /// All were held already.
    Before,
    /// Some were taken: only a snapshot from now on tells about their values.
    Now,
    /// Commit and call [`ValueLatches::wait`].
    Busy,
}

impl<'a> ValueLatches<'a> {
    pub(crate) fn new(latches: &'a Latches) -> Self {
        Self { latches, held: Vec::new(), stripes: StripeSet::default(), uncommitted: FxHashSet::default() }
    }

    /// Takes the latches of some values unless that would mean to wait.
    pub(crate) fn take(&mut self, values: &[ValueHash]) -> Latched {
        if values.iter().any(|value| self.uncommitted.contains(value)) {
            return Latched::Busy;
        }
        let mut result = Latched::Before;
        for value in values {
            let stripe = Latches::stripe_of_hash(value.0);
            if self.stripes.contains(stripe) {
                continue;
            }
            let Some(guard) = self.latches.try_lock_stripe(stripe) else { return Latched::Busy };
            self.held.push(guard);
            self.stripes.insert(stripe);
            result = Latched::Now;
        }
        result
    }

    /// Lets go of all latches and waits for those of some values. Nothing may be left to
    /// commit.
    pub(crate) fn wait(&mut self, values: &[ValueHash]) {
        self.committed();
        self.held.clear();
        self.stripes = StripeSet::default();
        let mut wanted: Vec<usize> = values.iter().map(|value| Latches::stripe_of_hash(value.0)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for stripe in wanted {
            self.held.push(self.latches.lock_stripe(stripe));
            self.stripes.insert(stripe);
        }
    }

    /// Notes values whose documents change with the next commit.
    pub(crate) fn note(&mut self, values: &[ValueHash]) {
        self.uncommitted.extend(values);
    }

    pub(crate) fn committed(&mut self) {
        self.uncommitted.clear();
    }
}

/// Looks whether another document has the value of an entry; says so.
pub(crate) fn duplicate(
    snapshot: &Arc<dyn Snapshot>,
    documents: TreeId,
    index: &OpenIndex,
    entry: &Entry,
    primary: &Bytes,
    document: &Datum,
) -> Result<Option<Duplicate>, TableError> {
    let secondary = entry.secondary();
    let range = KeyRange::prefix(Bytes::copy_from_slice(secondary));
    let mut cursor = snapshot.range(index.tree, range, Direction::Forward);
    while let Some((key, value)) = cursor.next()? {
        let Some(found) = FoundEntry::parse(key, &value) else { continue };
        let other = found.primary();
        if found.secondary() != secondary || found.truncated != entry.is_truncated() || other == *primary {
            continue;
        }
        let mine = values_like(index, secondary, document);
        let Some(value) = (if found.truncated {
            // Only the beginnings are known to be equal.
            let Some(bytes) = snapshot.get(documents, &other)? else { continue };
            let theirs = values_like(index, secondary, &packed::decode(bytes)?);
            mine.into_iter().find(|value| theirs.contains(value))
        } else {
            Some(mine.into_iter().next().unwrap_or(Datum::Null))
        }) else {
            continue;
        };
        return Ok(Some(Duplicate { value, primary: primary.clone(), other }));
    }
    Ok(None)
}

/// A value that two documents have.
pub(crate) struct Duplicate {
    value: Datum,
    /// The key of the document that is not to have it.
    primary: Bytes,
    /// The key of the document that has it.
    other: Bytes,
}

impl Duplicate {
    /// Why a row is refused.
    pub(crate) fn refusal(&self, index: &OpenIndex) -> RowError {
        RowError::new(format!(
            "Duplicate value `{}` of unique index `{}`: the document with the primary key `{}` has it already.",
            shown(&self.value),
            index.name.read(),
            shown_key(&self.other)
        ))
    }

    /// Why an index cannot be built.
    pub(crate) fn failure(&self, index: &OpenIndex) -> RowError {
        let (mut first, mut second) = (&self.primary, &self.other);
        if second < first {
            std::mem::swap(&mut first, &mut second);
        }
        RowError::new(format!(
            "Duplicate value `{}` of unique index `{}`: the documents with the primary keys `{}` and `{}` have it.",
            shown(&self.value),
            index.name.read(),
            shown_key(first),
            shown_key(second)
        ))
    }
}

pub(crate) fn shown_key(encoded: &[u8]) -> String {
    key::decode(encoded).map_or_else(|_| "?".to_owned(), |datum| shown(&datum))
}

fn shown(datum: &Datum) -> String {
    let text = json::to_string(datum).unwrap_or_else(|_| datum.print());
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
