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
use crate::function::Row;
use crate::read::{ReadOp, Source};

/// A document that was found.
pub(crate) struct Found {
    /// The encoded primary key.
    pub(crate) key: Bytes,
    /// The stored document.
    pub(crate) bytes: Bytes,
    pub(crate) index_value: Option<Datum>,
}

impl Found {
    pub(crate) fn new(key: Bytes, bytes: Bytes) -> Result<Self, TableError> {
        prompt::before_row(bytes.len()).map_err(StorageError::from)?;
        Ok(Self { key, bytes, index_value: None })
    }

    pub(crate) fn document(&self) -> Result<Datum, TableError> {
        Ok(packed::decode(self.bytes.clone())?)
    }

    fn row(&self) -> Result<Row<'_>, TableError> {
        let (document, storage) = (packed::view(&self.bytes)?, &self.bytes);
        Ok(Row { document, storage, index_value: self.index_value.as_ref() })
    }
}

/// The documents of a source, one after the other.
pub(crate) struct Scan {
    path: Path,
    /// The document that is lent out, unless it is borrowed from its page.
    found: Option<Found>,
}

/// How documents are found.
enum Path {
    Primary(Box<RangeWalk>),
    Keys { documents: Documents, keys: VecDeque<Bytes> },
    Index(Box<IndexWalk>),
}

impl Scan {
    pub(crate) fn new(state: &TableState, op: &ReadOp) -> Result<Self, TableError> {
        Path::new(state, op).map(Self::along)
    }

    fn along(path: Path) -> Self {
        Self { path, found: None }
    }

    /// The next document, borrowed until the one after it is asked for.
    pub(crate) fn next(&mut self, snapshot: &Arc<dyn Snapshot>) -> Result<Option<Row<'_>>, TableError> {
        self.found = match &mut self.path {
            Path::Primary(walk) => {
                let Some(value) = walk.next_value(snapshot)? else { return Ok(None) };
                prompt::before_row(value.bytes.len()).map_err(StorageError::from)?;
                let (document, storage) = (packed::view(value.bytes)?, value.storage);
                return Ok(Some(Row { document, storage, index_value: None }));
            }
            Path::Keys { documents, keys } => next_of_keys(snapshot, documents, keys)?,
            Path::Index(walk) => walk.next(snapshot)?,
        };
        self.found.as_ref().map(Found::row).transpose()
    }

    /// Lets go of the snapshot.
    pub(crate) fn release(&mut self) {
        self.found = None;
        match &mut self.path {
            Path::Primary(walk) => walk.release(),
            Path::Keys { documents, .. } => documents.release(),
            Path::Index(walk) => walk.release(),
        }
    }

    /// Fails when what is scanned is gone.
    pub(crate) fn check_present(&self) -> Result<(), TableError> {
        match &self.path {
            Path::Index(walk) => walk.check_present(),
            Path::Primary(_) | Path::Keys { .. } => Ok(()),
        }
    }

    /// Passes over `n` documents or all that are left, and says how many.
    pub(crate) fn skip(&mut self, snapshot: &Arc<dyn Snapshot>, n: u64) -> Result<u64, TableError> {
        match &mut self.path {
            Path::Primary(walk) => Ok(walk.skip(snapshot, n)?),
            Path::Keys { documents, keys } => {
                let mut skipped = 0;
                while skipped < n && next_of_keys(snapshot, documents, keys)?.is_some() {
                    skipped += 1;
                }
                Ok(skipped)
            }
            Path::Index(walk) => walk.skip(snapshot, n),
        }
    }

    pub(crate) fn count(mut self, snapshot: &Arc<dyn Snapshot>) -> Result<u64, TableError> {
        match self.path {
            Path::Primary(mut walk) => Ok(walk.count(snapshot)?),
            Path::Keys { .. } => self.skip(snapshot, u64::MAX),
            Path::Index(walk) => walk.count(snapshot),
        }
    }

    /// The same scan as up to `parts` scans, in order.
    pub(crate) fn split(
        self,
        snapshot: &Arc<dyn Snapshot>,
        parts: usize,
        direction: Direction,
    ) -> Result<Vec<Self>, TableError> {
        let paths = self.path.split(snapshot, parts, direction)?;
        Ok(paths.into_iter().map(Self::along).collect())
    }
}

/// The next document of those with the given keys.
fn next_of_keys(
    snapshot: &Arc<dyn Snapshot>,
    documents: &mut Documents,
    keys: &mut VecDeque<Bytes>,
) -> Result<Option<Found>, TableError> {
    while let Some(key) = keys.pop_front() {
        prompt::before_row(0).map_err(StorageError::from)?;
        if let Some(bytes) = documents.get(snapshot, &key)? {
            return Found::new(key, bytes).map(Some);
        }
    }
    Ok(None)
}

impl Path {
    fn new(state: &TableState, op: &ReadOp) -> Result<Self, TableError> {
        let documents = state.layout.tree;
        let backward = op.direction == Direction::Backward;
        match &op.source {
            Source::Primary(range) => {
                let walk = RangeWalk::new(documents, keys::primary_range(range)?, op.direction);
                Ok(Self::Primary(Box::new(walk)))
            }
            Source::StoredKeys(keys) => {
                let mut keys = keys.clone();
                if backward {
                    keys.reverse();
                }
                Ok(Self::Keys { documents: Documents::new(documents), keys: keys.into() })
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

    fn split(
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
