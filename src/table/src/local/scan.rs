//! From the source of a read to documents.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::prompt;
use photondb_datum::{Datum, packed};
use photondb_storage::{Direction, Snapshot, StorageError};

use super::documents::Documents;
use super::index_walk::{IndexRange, IndexWalk};
use super::keys;
use super::table::TableState;
use super::walk::{RangeWalk, split};
use crate::error::TableError;
use crate::read::{ReadOp, Source};

/// A document that was found.
pub(crate) struct Found {
    /// The encoded primary key.
    pub(crate) key: Bytes,
    pub(crate) document: Datum,
    pub(crate) index_value: Option<Datum>,
    /// Length of the stored document.
    pub(crate) bytes: usize,
}

impl Found {
    pub(crate) fn new(key: Bytes, bytes: Bytes, index_value: Option<Datum>) -> Result<Self, TableError> {
        prompt::before_row(bytes.len()).map_err(StorageError::from)?;
        Ok(Self { key, bytes: bytes.len(), document: packed::decode(bytes)?, index_value })
    }
}

/// The documents of a source, one after the other.
pub(crate) enum Scan {
    Primary(Box<RangeWalk>),
    Keys { documents: Documents, keys: VecDeque<Bytes> },
    Index(Box<IndexWalk>),
}

impl Scan {
    pub(crate) fn new(state: &TableState, op: &ReadOp) -> Result<Self, TableError> {
        let documents = state.layout.tree;
        let backward = op.direction == Direction::Backward;
        match &op.source {
            Source::Primary(range) => {
                let walk = RangeWalk::new(documents, keys::primary_range(range)?, op.direction);
                Ok(Self::Primary(Box::new(walk)))
            }
            Source::PrimaryKeys(wanted) => {
                let mut encoded = wanted.iter().map(keys::primary).collect::<Result<Vec<_>, _>>()?;
                if backward {
                    encoded.reverse();
                }
                Ok(Self::Keys { documents: Documents::new(documents), keys: encoded.into() })
            }
            Source::Index { index, ranges } => {
                let mut ranges = ranges.iter().map(keys::secondary_range).collect::<Result<Vec<_>, _>>()?;
                if backward {
                    ranges.reverse();
                }
                let index = state.readable_index(*index)?.clone();
                let walk = IndexWalk::new(index, documents, ranges, op.direction, op.index_values, false);
                Ok(Self::Index(Box::new(walk)))
            }
            Source::RawIndex { index, ranges } => {
                let raw = |keys: &photondb_storage::KeyRange| IndexRange { keys: keys.clone(), check: None };
                let ranges = ranges.iter().map(raw).collect();
                let index = state.readable_index(*index)?.clone();
                let walk = IndexWalk::new(index, documents, ranges, op.direction, false, true);
                Ok(Self::Index(Box::new(walk)))
            }
        }
    }

    pub(crate) fn next(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<Option<Found>, TableError> {
        match self {
            Self::Primary(walk) => match walk.next(snapshot)? {
                Some((key, bytes)) => Ok(Some(Found::new(key, bytes, None)?)),
                None => Ok(None),
            },
            Self::Keys { documents, keys } => {
                while let Some(key) = keys.pop_front() {
                    prompt::before_row(0).map_err(StorageError::from)?;
                    if let Some(bytes) = documents.get(snapshot, &key)? {
                        return Ok(Some(Found::new(key, bytes, None)?));
                    }
                }
                Ok(None)
            }
            Self::Index(walk) => walk.next(snapshot),
        }
    }

    /// Lets go of the snapshot.
    pub(crate) fn release(&mut self) {
        match self {
            Self::Primary(walk) => walk.release(),
            Self::Keys { documents, .. } => documents.release(),
            Self::Index(walk) => walk.release(),
        }
    }

    /// Fails when what is scanned is gone.
    pub(crate) fn check_present(&self) -> Result<(), TableError> {
        match self {
            Self::Index(walk) => walk.check_present(),
            Self::Primary(_) | Self::Keys { .. } => Ok(()),
        }
    }

    /// Passes over `n` documents or all that are left, and says how many.
    pub(crate) fn skip(&mut self, snapshot: &Arc<dyn Snapshot>, n: u64) -> Result<u64, TableError> {
        match self {
            Self::Primary(walk) => Ok(walk.skip(snapshot, n)?),
            Self::Keys { .. } => {
                let mut skipped = 0;
                while skipped < n && self.next(snapshot)?.is_some() {
                    skipped += 1;
                }
                Ok(skipped)
            }
            Self::Index(walk) => walk.skip(snapshot, n),
        }
    }

    pub(crate) fn count(self, snapshot: &Arc<dyn Snapshot>) -> Result<u64, TableError> {
        match self {
            Self::Primary(mut walk) => Ok(walk.count(snapshot)?),
            mut keys @ Self::Keys { .. } => keys.skip(snapshot, u64::MAX),
            Self::Index(walk) => walk.count(snapshot),
        }
    }

    /// The same scan as up to `parts` scans, in order.
    pub(crate) fn split(
        self,
        snapshot: &Arc<dyn Snapshot>,
        parts: usize,
        direction: Direction,
    ) -> Result<Vec<Self>, TableError> {
        match self {
            Self::Primary(mut walk) => {
                let (tree, range) = (walk.tree(), walk.range().clone());
                let mut pieces = split(snapshot, tree, &range, parts, Ok)?;
                if direction == Direction::Backward {
                    pieces.reverse();
                }
                let scan = |piece| Self::Primary(Box::new(RangeWalk::new(tree, piece, direction)));
                Ok(pieces.into_iter().map(scan).collect())
            }
            Self::Keys { documents, keys } => {
                let keys = Vec::from(keys);
                let each = keys.len().div_ceil(parts.max(1)).max(1);
                let tree = documents.tree();
                let scan = |piece: &[Bytes]| Self::Keys {
                    documents: Documents::new(tree),
                    keys: piece.to_vec().into(),
                };
                let mut scans: Vec<Self> = keys.chunks(each).map(scan).collect();
                if scans.is_empty() {
                    scans.push(scan(&[]));
                }
                Ok(scans)
            }
            Self::Index(walk) => {
                let walks = walk.split(snapshot, parts)?;
                Ok(walks.into_iter().map(|walk| Self::Index(Box::new(walk))).collect())
            }
        }
    }
}
