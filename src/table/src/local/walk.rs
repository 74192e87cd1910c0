//! Walks over a tree that can move to a newer snapshot and jump by counts.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;
use photondb_storage::{Cursor, Direction, KeyRange, Snapshot, StorageError, StoredValue};

/// The entries of one range of one tree, in order.
pub(crate) struct RangeWalk {
    tree: TreeId,
    /// What is left, except for what the cursor has passed.
    range: KeyRange,
    direction: Direction,
    cursor: Option<Cursor>,
}

impl RangeWalk {
    pub(crate) fn new(tree: TreeId, range: KeyRange, direction: Direction) -> Self {
        Self { tree, range, direction, cursor: None }
    }

    /// Goes on with another range.
    pub(crate) fn restart(&mut self, range: KeyRange) {
        if let Some(cursor) = &mut self.cursor {
            cursor.restart(range.clone());
        }
        self.range = range;
    }

    pub(crate) fn next(
        &mut self,
        snapshot: &Arc<dyn Snapshot>,
    ) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        let entry = self.cursor(snapshot).next()?;
        if entry.is_none() {
            self.range = nothing();
        }
        Ok(entry)
    }

    /// The next value where it lies.
    #[inline]
    pub(crate) fn next_value(
        &mut self,
        snapshot: &Arc<dyn Snapshot>,
    ) -> Result<Option<StoredValue<'_>>, StorageError> {
        let cursor = match &mut self.cursor {
            Some(cursor) => cursor,
            none => none.insert(snapshot.range(self.tree, self.range.clone(), self.direction)),
        };
        if !cursor.advance()? {
            self.range = nothing();
        }
        Ok(cursor.value())
    }

    fn cursor(&mut self, snapshot: &Arc<dyn Snapshot>) -> &mut Cursor {
        self.cursor.get_or_insert_with(|| snapshot.range(self.tree, self.range.clone(), self.direction))
    }

    /// Lets go of the snapshot; the next entry comes from the one that is given then.
    pub(crate) fn release(&mut self) {
        let Some(last) = self.cursor.take().and_then(|cursor| cursor.last_key()) else { return };
        match self.direction {
            Direction::Forward => self.range.start = Bound::Excluded(last),
            Direction::Backward => self.range.end = Bound::Excluded(last),
        }
    }

    /// Number of entries that are left.
    pub(crate) fn count(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<u64, StorageError> {
        self.release();
        if self.range.is_empty() {
            return Ok(0);
        }
        snapshot.count(self.tree, &self.range)
    }

    /// Passes over `n` entries or all that are left, and says how many.
    pub(crate) fn skip(&mut self, snapshot: &Arc<dyn Snapshot>, n: u64) -> Result<u64, StorageError> {
        let left = self.count(snapshot)?;
        if n >= left {
            self.range = nothing();
            return Ok(left);
        }
        let nth = match self.direction {
            Direction::Forward => n,
            Direction::Backward => left - 1 - n,
        };
        if let Some(key) = snapshot.nth_key(self.tree, &self.range, nth)? {
            self.start_at(key);
        }
        Ok(n)
    }

    /// Lets the walk go on at a key, in its direction.
    pub(crate) fn start_at(&mut self, key: Bytes) {
        self.release();
        match self.direction {
            Direction::Forward => self.range.start = Bound::Included(key),
            Direction::Backward => self.range.end = Bound::Included(key),
        }
    }

    /// What is left.
    pub(crate) fn range(&mut self) -> &mut KeyRange {
        self.release();
        &mut self.range
    }

    pub(crate) fn tree(&self) -> TreeId {
        self.tree
    }
}

/// A range with nothing in it.
pub(crate) fn nothing() -> KeyRange {
    KeyRange::half_open(Bytes::new(), Bytes::new())
}

/// Cuts a range in up to `parts` parts with equally many entries, in key order.
pub(crate) fn split(
    snapshot: &Arc<dyn Snapshot>,
    tree: TreeId,
    range: &KeyRange,
    parts: usize,
    mut place_cut: impl FnMut(Bytes) -> Result<Bytes, StorageError>,
) -> Result<Vec<KeyRange>, StorageError> {
    let mut pieces = Vec::new();
    let mut rest = range.clone();
    if parts > 1 && !range.is_empty() {
        for cut in snapshot.split(tree, range, parts)? {
            let cut = place_cut(cut)?;
            let piece = KeyRange::new(rest.start.clone(), Bound::Excluded(cut.clone()));
            if piece.is_empty() {
                continue;
            }
            pieces.push(piece);
            rest.start = Bound::Included(cut);
        }
    }
    pieces.push(rest);
    Ok(pieces)
}
