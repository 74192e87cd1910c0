//! Reading fewer documents than all: by the index that has the fewest of those that matter.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::prompt;
use photondb_storage::{Direction, KeyRange, Snapshot, StorageError};

use super::entry::FoundEntry;
use super::index_walk::malformed;
use super::keys;
use super::table::{OpenIndex, TableState};
use super::walk::RangeWalk;
use crate::error::TableError;
use crate::limits::NARROWED_KEYS_MAX;
use crate::read::{IndexBounds, NarrowOp, Narrowed};

/// A candidate with its number of entries.
struct Counted {
    candidate: usize,
    index: Arc<OpenIndex>,
    keys: KeyRange,
    entries: u64,
}

/// Collects the keys of the best candidate, if there are few enough. All is counted and read in
/// one state of the table, so that no document can hide from both an index and its count.
pub(crate) fn narrow(
    state: &TableState,
    op: &NarrowOp,
    snapshot: &Arc<dyn Snapshot>,
) -> Result<Option<Narrowed>, TableError> {
    let rows_total = snapshot.count(state.layout.tree, &KeyRange::all())?;
    let mut best: Option<Counted> = None;
    for (candidate, bounds) in op.candidates.iter().enumerate() {
        let counted = count(state, candidate, bounds, rows_total, snapshot)?;
        let fewest = best.as_ref().map_or(u64::MAX, |best| best.entries);
        best = counted.filter(|counted| counted.entries < fewest).or(best);
    }
    let keys_max = (rows_total / op.rows_per_key_min.max(1)).min(NARROWED_KEYS_MAX);
    let Some(best) = best.filter(|best| best.entries <= keys_max) else { return Ok(None) };
    let mut walk = RangeWalk::new(best.index.tree, best.keys, Direction::Forward);
    let mut keys: Vec<Bytes> = Vec::with_capacity(best.entries as usize);
    while let Some((key, value)) = walk.next(snapshot)? {
        prompt::before_row(0).map_err(StorageError::from)?;
        keys.push(FoundEntry::parse(key, &value).ok_or_else(malformed)?.primary());
    }
    keys.sort_unstable();
    Ok(Some(Narrowed { candidate: best.candidate, keys, rows_total }))
}

/// Counts the entries of a candidate; `None` when the index cannot serve.
fn count(
    state: &TableState,
    candidate: usize,
    bounds: &IndexBounds,
    rows_total: u64,
    snapshot: &Arc<dyn Snapshot>,
) -> Result<Option<Counted>, TableError> {
    let Ok(index) = state.readable_index(bounds.index) else { return Ok(None) };
    if !bounds.is_covered && snapshot.count(index.tree, &KeyRange::all())? != rows_total {
        return Ok(None);
    }
    let Ok(range) = keys::secondary_range(&bounds.range) else { return Ok(None) };
    let entries = if range.keys.is_empty() { 0 } else { snapshot.count(index.tree, &range.keys)? };
    Ok(Some(Counted { candidate, index: index.clone(), keys: range.keys, entries }))
}
