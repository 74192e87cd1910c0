//! Reads as values.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use photondb_base::{IndexId, LogPosition, TableId};
use photondb_datum::Datum;
use photondb_storage::{Direction, KeyRange, Snapshot};

use crate::error::TableError;
use crate::function::Program;

/// A read of one table.
#[derive(Clone, Debug)]
pub struct ReadOp {
    /// The table.
    pub table: TableId,
    /// Which documents, found how.
    pub source: Source,
    /// The order of the keys. `PrimaryKeys` and several index ranges are read in the order
    /// given; `Backward` then turns each range and the list around.
    pub direction: Direction,
    /// How fresh and how safe.
    pub mode: ReadMode,
    /// Reads this state instead of the newest, and does not move on to newer ones.
    pub snapshot: Option<ReadSnapshot>,
    /// What is done beside the documents; without it the documents are the result.
    pub program: Option<Arc<dyn Program>>,
    /// Whether the rows of an index read carry the value that the index found them by.
    pub index_values: bool,
}

impl ReadOp {
    /// All documents of a table in key order.
    pub fn all(table: TableId) -> Self {
        Self::new(table, Source::Primary(DatumRange::all()))
    }

    /// A read of the newest state, forward, without a program.
    pub fn new(table: TableId, source: Source) -> Self {
        Self {
            table,
            source,
            direction: Direction::Forward,
            mode: ReadMode::Single,
            snapshot: None,
            program: None,
            index_values: false,
        }
    }
}

/// A search for the documents of many keys.
#[derive(Clone, Debug)]
pub struct KeysOp {
    /// The table.
    pub table: TableId,
    /// The index that the keys are values of; primary keys when there is none.
    pub index: Option<IndexId>,
    /// The keys, in any order and perhaps repeated.
    pub keys: Vec<Datum>,
    /// How fresh and how safe.
    pub mode: ReadMode,
}

/// A search for a way to read fewer documents than all of a table.
#[derive(Clone, Debug)]
pub struct NarrowOp {
    /// The table.
    pub table: TableId,
    /// Where all documents are that matter, each by itself.
    pub candidates: Vec<IndexBounds>,
    /// So many documents of the table for each key are too few for the search to pay.
    pub rows_per_key_min: u64,
    /// How fresh and how safe.
    pub mode: ReadMode,
}

/// Documents by the values of an index that has one entry of a document at most.
#[derive(Clone, Debug)]
pub struct IndexBounds {
    /// The index.
    pub index: IndexId,
    /// The values.
    pub range: DatumRange,
    /// Whether every document with such a value is surely in the index. When it is not, the
    /// index serves only as long as it has all documents of the table.
    pub is_covered: bool,
}

/// What a [`NarrowOp`] found.
#[derive(Clone, Debug)]
pub struct Narrowed {
    /// The number of the candidate with the fewest documents.
    pub candidate: usize,
    /// The encoded primary keys of its documents, ascending: a [`Source::StoredKeys`].
    pub keys: Vec<Bytes>,
    /// Documents of the whole table.
    pub rows_total: u64,
}

/// Which documents a read finds.
#[derive(Clone, Debug)]
pub enum Source {
    /// Documents by primary key, in its order.
    Primary(DatumRange),
    /// Documents with these primary keys, in the order given; a key that is given twice
    /// gives its document twice.
    PrimaryKeys(Vec<Datum>),
    /// The same for keys that are encoded already, as [`Narrowed`] has them.
    StoredKeys(Vec<Bytes>),
    /// Documents by the values of an index: one range after the other, each in index order
    /// with ties by primary key. A document that several entries lead to is read several
    /// times.
    Index {
        /// The index.
        index: IndexId,
        /// The ranges of values.
        ranges: Vec<DatumRange>,
    },
    /// Documents by raw entries, as geometry cells; each document once.
    RawIndex {
        /// The index.
        index: IndexId,
        /// Ranges of raw entry keys; use [`KeyRange::prefix`] for one cell.
        ranges: Vec<KeyRange>,
    },
}

/// A range of values. Minval and maxval as bounds are outside all values.
#[derive(Clone, Debug)]
pub struct DatumRange {
    /// Where it starts.
    pub left: Bound<Datum>,
    /// Where it ends.
    pub right: Bound<Datum>,
}

impl DatumRange {
    /// Every value.
    pub fn all() -> Self {
        Self { left: Bound::Unbounded, right: Bound::Unbounded }
    }

    /// Just one value.
    pub fn point(value: Datum) -> Self {
        Self { left: Bound::Included(value.clone()), right: Bound::Included(value) }
    }

    /// A range between two bounds.
    pub fn new(left: Bound<Datum>, right: Bound<Datum>) -> Self {
        Self { left, right }
    }

    /// Whether a value lies in the range.
    pub fn contains(&self, value: &Datum) -> bool {
        let after_left = match &self.left {
            Bound::Unbounded => true,
            Bound::Included(left) => value >= left,
            Bound::Excluded(left) => value > left,
        };
        after_left
            && match &self.right {
                Bound::Unbounded => true,
                Bound::Included(right) => value <= right,
                Bound::Excluded(right) => value < right,
            }
    }
}

/// How fresh and how safe a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReadMode {
    /// The newest state.
    #[default]
    Single,
    /// Only what is durable.
    Majority,
    /// Any state; here the newest.
    Outdated,
}

/// A state of all tables at one log position. Holding it holds the space of what was
/// deleted since.
#[derive(Clone)]
pub struct ReadSnapshot(pub(crate) Arc<dyn Snapshot>);

impl ReadSnapshot {
    /// Everything at or before this position is in it, nothing after.
    pub fn position(&self) -> LogPosition {
        self.0.position()
    }
}

impl fmt::Debug for ReadSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadSnapshot({})", self.position())
    }
}

/// How much one batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Rows that are appended.
    pub rows_max: usize,
    /// Bytes after which the batch is full; the last row may exceed it.
    pub bytes_max: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { rows_max: BATCH_ROWS_MAX, bytes_max: BATCH_BYTES_MAX }
    }
}

/// An open read.
pub trait ShardStream: Send {
    /// Appends results to `out` within the budget; `false` when nothing follows. A batch
    /// may stay empty though more follows: look for cancellation and ask again.
    fn next_batch(&mut self, budget: Budget, out: &mut Vec<Datum>) -> Result<bool, TableError>;

    /// Passes over `n` results of a read without a program, without reading them where the
    /// trees' counts allow; the number is lower when the stream ends. A read with a program
    /// passes over nothing and says 0.
    fn skip(&mut self, n: u64) -> Result<u64, TableError>;
}
