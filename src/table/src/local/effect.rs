//! Effects: what a write does to one document, and what that does to the trees.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use photondb_datum::{Datum, packed};
use photondb_storage::{Batch, Snapshot};

use super::entry::{Entry, entries_of};
use super::expiry::{self, NEVER_DUE};
use super::table::{OpenIndex, TableState};
use super::unique::{Duplicate, ValueHash, duplicate};
use crate::error::TableError;
use crate::function::IndexValue;

/// One document before and after. The documents are packed.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The encoded primary key.
    pub(crate) key: Bytes,
    pub(crate) old: Option<Datum>,
    pub(crate) new: Option<Datum>,
}

/// The index entries of one document before and after, in room that is used again from
/// document to document.
#[derive(Default)]
pub(crate) struct Scratch {
    values: Vec<IndexValue>,
    /// Of each index of the table.
    sets: Vec<EntrySets>,
    /// Values of unique indexes that the document is to have and perhaps had not.
    pub(crate) claims: Vec<ValueHash>,
    /// The same and those that it is no longer to have.
    pub(crate) moved: Vec<ValueHash>,
}

#[derive(Default)]
struct EntrySets {
    old: Vec<Entry>,
    new: Vec<Entry>,
}

impl Effect {
    /// Finds the entries of the document in every index.
    pub(crate) fn prepare(&self, state: &TableState, scratch: &mut Scratch) {
        scratch.claims.clear();
        scratch.moved.clear();
        if scratch.sets.len() < state.indexes.len() {
            scratch.sets.resize_with(state.indexes.len(), EntrySets::default);
        }
        for (index, sets) in state.indexes.iter().zip(&mut scratch.sets) {
            sets.old.clear();
            sets.new.clear();
            if let (Some(old), Some(new)) = (&self.old, &self.new)
                && index.function().is_ok_and(|function| function.agree(old, new))
            {
                continue;
            }
            if let Some(old) = &self.old {
                entries_of(index, &self.key, old, &mut scratch.values, &mut sets.old);
            }
            if let Some(new) = &self.new {
                entries_of(index, &self.key, new, &mut scratch.values, &mut sets.new);
            }
            if index.unique {
                let hash = |entry: &Entry| ValueHash::new(index.tree, entry.secondary());
                claimed(sets, |entry| scratch.claims.push(hash(entry)));
                difference(&sets.old, &sets.new, |entry| scratch.moved.push(hash(entry)));
            }
        }
        scratch.moved.extend_from_slice(&scratch.claims);
    }

    /// A value of a unique index that the document is to have though another has it; with
    /// the position of the index. The latches of the claims are held since before the
    /// snapshot.
    pub(crate) fn duplicate<'a>(
        &self,
        state: &'a TableState,
        scratch: &Scratch,
        snapshot: &Arc<dyn Snapshot>,
    ) -> Result<Option<(&'a OpenIndex, Duplicate)>, TableError> {
        let Some(new) = &self.new else { return Ok(None) };
        for (index, sets) in state.indexes.iter().zip(&scratch.sets).filter(|(index, _)| index.unique) {
            let mut result = Ok(None);
            claimed(sets, |entry| {
                if let Ok(None) = result {
                    result = duplicate(snapshot, state.layout.tree, index, entry, &self.key, new);
                }
            });
            if let Some(found) = result? {
                return Ok(Some((index, found)));
            }
        }
        Ok(None)
    }

    /// Adds to a batch what the effect does to the document's tree and to every index whose
    /// entries differ, as they were prepared. Gives the moment from which on the document
    /// has to be looked at by those who delete expired ones.
    pub(crate) fn apply(&self, state: &TableState, batch: &mut Batch, scratch: &Scratch) -> u64 {
        let mut due = NEVER_DUE;
        match &self.new {
            Some(new) => batch.put(state.layout.tree, &self.key, packed::encode(new)),
            None => batch.delete(state.layout.tree, &self.key),
        }
        for (index, sets) in state.indexes.iter().zip(&scratch.sets) {
            difference(&sets.old, &sets.new, |entry| batch.delete(index.tree, &entry.key));
            difference(&sets.new, &sets.old, |entry| {
                if index.expiry {
                    due = due.min(expiry::due_of(entry.secondary()));
                }
                batch.put(index.tree, &entry.key, entry.value);
            });
        }
        due
    }
}

/// The entries of one index for one document.
pub(crate) fn entries_for(index: &OpenIndex, key: &Bytes, document: &Datum, scratch: &mut Scratch) {
    if scratch.sets.is_empty() {
        scratch.sets.push(EntrySets::default());
    }
    let sets = &mut scratch.sets[0];
    sets.new.clear();
    entries_of(index, key, document, &mut scratch.values, &mut sets.new);
    scratch.claims.clear();
    if index.unique {
        scratch.claims.extend(sets.new.iter().map(|entry| ValueHash::new(index.tree, entry.secondary())));
    }
}

impl Scratch {
    /// What [`entries_for`] has found.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.sets.first().map_or(&[], |sets| &sets.new)
    }
}

/// Calls `each` for the entries whose values the document perhaps had not before: equal
/// truncated entries may stand for different values.
fn claimed(sets: &EntrySets, mut each: impl FnMut(&Entry)) {
    difference(&sets.new, &sets.old, &mut each);
    for entry in sets.new.iter().filter(|entry| entry.is_truncated()) {
        each(entry);
    }
}

/// Calls `each` for those of `these` that are not among `those`; both are in order.
fn difference(these: &[Entry], those: &[Entry], mut each: impl FnMut(&Entry)) {
    let mut others = those.iter().peekable();
    for entry in these {
        let mut found = false;
        while let Some(other) = others.peek() {
            match (*other).cmp(entry) {
                Ordering::Less => {
                    others.next();
                }
                order => {
                    found = order == Ordering::Equal;
                    break;
                }
            }
        }
        if !found {
            each(entry);
        }
    }
}
