//! Effects: what a write does to one document, and what that does to the trees.

use bytes::Bytes;
use photondb_datum::{Datum, packed};
use photondb_storage::Batch;

use super::entry::{Entry, entries_of};
use super::table::TableState;
use crate::function::IndexValue;

/// One document before and after. The documents are packed.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The encoded primary key.
    pub(crate) key: Bytes,
    pub(crate) old: Option<Datum>,
    pub(crate) new: Option<Datum>,
}

/// Room that is used again from document to document.
#[derive(Default)]
pub(crate) struct Scratch {
    values: Vec<IndexValue>,
    old: Vec<Entry>,
    new: Vec<Entry>,
}

impl Effect {
    /// Adds to a batch what the effect does to the document's tree and to every index whose
    /// entries differ.
    pub(crate) fn apply(&self, state: &TableState, batch: &mut Batch, scratch: &mut Scratch) {
        match &self.new {
            Some(new) => batch.put(state.layout.tree, &self.key, packed::encode(new)),
            None => batch.delete(state.layout.tree, &self.key),
        }
        for index in &state.indexes {
            scratch.old.clear();
            scratch.new.clear();
            if let Some(old) = &self.old {
                entries_of(index, &self.key, old, &mut scratch.values, &mut scratch.old);
            }
            if let Some(new) = &self.new {
                entries_of(index, &self.key, new, &mut scratch.values, &mut scratch.new);
            }
            difference(&scratch.old, &scratch.new, |entry| batch.delete(index.tree, &entry.key));
            difference(&scratch.new, &scratch.old, |entry| batch.put(index.tree, &entry.key, entry.value));
        }
    }
}

/// Adds to a batch the entries of one index for one document.
pub(crate) fn put_entries(
    index: &super::table::OpenIndex,
    key: &Bytes,
    document: &Datum,
    batch: &mut Batch,
    scratch: &mut Scratch,
) {
    scratch.new.clear();
    entries_of(index, key, document, &mut scratch.values, &mut scratch.new);
    for entry in &scratch.new {
        batch.put(index.tree, &entry.key, entry.value);
    }
}

/// Calls `each` for those of `these` that are not among `those`; both are in order.
fn difference(these: &[Entry], those: &[Entry], mut each: impl FnMut(&Entry)) {
    let mut others = those.iter().peekable();
    for entry in these {
        while others.next_if(|other| *other < entry).is_some() {}
        if others.peek().is_none_or(|other| *other != entry) {
            each(entry);
        }
    }
}
