//! Looking many keys up at once: in the order of their bytes, so that each is near the one
//! before.

use std::cmp::Ordering;
use std::sync::Arc;

use photondb_base::{IndexId, prompt};
use photondb_storage::{Direction, Snapshot, StorageError};

use super::documents::Documents;
use super::index_walk::IndexWalk;
use super::keys;
use super::scan::Found;
use super::table::TableState;
use crate::error::TableError;
use crate::function::Flow;
use crate::read::KeysOp;
use crate::shards::KeyVisitor;

/// Visits the documents of keys; says how many there were.
pub(crate) fn look_up(
    state: &TableState,
    op: &KeysOp,
    snapshot: &Arc<dyn Snapshot>,
    visit: KeyVisitor<'_>,
) -> Result<u64, TableError> {
    match op.index {
        None => by_primary_key(state, op, snapshot, visit),
        Some(index) => by_index(state, index, op, snapshot, visit),
    }
}

fn by_primary_key(
    state: &TableState,
    op: &KeysOp,
    snapshot: &Arc<dyn Snapshot>,
    visit: KeyVisitor<'_>,
) -> Result<u64, TableError> {
    let encoded = op.keys.iter().map(keys::primary).collect::<Result<Vec<_>, _>>()?;
    let compare = |a: &usize, b: &usize| encoded[*a].cmp(&encoded[*b]);
    let mut documents = Documents::new(state.layout.tree);
    let mut rows = 0;
    for positions in sorted(encoded.len(), compare).chunk_by(|a, b| compare(a, b).is_eq()) {
        prompt::before_row(0).map_err(StorageError::from)?;
        let key = &encoded[positions[0]];
        let Some(bytes) = documents.get(snapshot, key)? else { continue };
        rows += 1;
        if visit(positions, Found::new(key.clone(), bytes)?.document()?) == Flow::Stop {
            break;
        }
    }
    Ok(rows)
}

fn by_index(
    state: &TableState,
    index: IndexId,
    op: &KeysOp,
    snapshot: &Arc<dyn Snapshot>,
    visit: KeyVisitor<'_>,
) -> Result<u64, TableError> {
    let index = state.readable_index(index)?.clone();
    let encoded = op.keys.iter().map(keys::secondary_bound).collect::<Result<Vec<_>, _>>()?;
    let compare = |a: &usize, b: &usize| {
        let (left, right) = (&encoded[*a], &encoded[*b]);
        left.bytes.cmp(&right.bytes).then_with(|| match left.truncated {
            // What was cut off may differ.
            true => op.keys[*a].cmp(&op.keys[*b]),
            false => Ordering::Equal,
        })
    };
    let order = sorted(encoded.len(), compare);
    let groups: Vec<&[usize]> = order.chunk_by(|a, b| compare(a, b).is_eq()).collect();
    let range = |group: &&[usize]| keys::secondary_point(&encoded[group[0]], &op.keys[group[0]]);
    let ranges = groups.iter().map(range).collect();
    let mut walk = IndexWalk::new(index, state.layout.tree, ranges, Direction::Forward, false, false);
    let mut rows = 0;
    while let Some(found) = walk.next(snapshot)? {
        rows += 1;
        let Some(positions) = groups.get(walk.range_number()) else { break };
        if visit(positions, found.document()?) == Flow::Stop {
            break;
        }
    }
    Ok(rows)
}

/// The numbers below `count` in an order; equal ones ascend.
fn sorted(count: usize, compare: impl FnMut(&usize, &usize) -> Ordering) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_by(compare);
    numbers
}
