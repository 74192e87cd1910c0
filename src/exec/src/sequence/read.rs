//! A read of a table: which rows, through which index, in which order.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::IndexId;
use photondb_datum::{Datum, Text};
use photondb_plan::feed::FeedScope;
use photondb_reql::TermId;
use photondb_table::{DatumRange, Direction, KeyRange, Program, ReadMode, ReadOp, Source as ReadSource};

use crate::error::{EvalError, Result};
use crate::value::TableRef;

/// A table, perhaps restricted to a range or keys, perhaps ordered by an index.
#[derive(Clone)]
pub(crate) struct TableRead {
    pub(crate) table: Arc<TableRef>,
    /// The index that `source` speaks of; the primary key when there is none.
    pub(crate) index: Option<IndexRef>,
    pub(crate) source: TableSource,
    /// Set by `orderBy({index})`; without it any order will do.
    pub(crate) order: Option<Direction>,
    pub(crate) mode: ReadMode,
    /// The `table` term, where complaints about the read as a whole point.
    pub(crate) site: TermId,
}

/// A secondary index by name. Whether it can be used matters only to who reads through it:
/// until then a missing one does no harm.
#[derive(Clone, Debug)]
pub(crate) struct IndexRef {
    pub(crate) name: Text,
    pub(crate) found: Result<IndexId>,
}

impl IndexRef {
    /// The index, or why it cannot be read.
    pub(crate) fn id(&self) -> Result<IndexId> {
        self.found.clone()
    }
}

/// The rows of a table that are read.
#[derive(Clone, Debug)]
pub(crate) enum TableSource {
    All,
    Between(DatumRange),
    /// `getAll`: a key given twice gives its rows twice.
    Keys(Vec<Datum>),
    /// The documents of the table that matter, by their encoded primary keys.
    Narrowed(Arc<[Bytes]>),
    /// Entries of a geospatial index; each row once.
    Raw(Vec<KeyRange>),
}

impl TableRead {
    pub(crate) fn all(table: Arc<TableRef>, mode: ReadMode, site: TermId) -> Self {
        Self { table, index: None, source: TableSource::All, order: None, mode, site }
    }

    /// The name of the index as errors and `info` tell it.
    pub(crate) fn index_name(&self) -> &Text {
        self.index.as_ref().map_or(&self.table.primary_key, |index| &index.name)
    }

    /// What the shards are asked for.
    pub(crate) fn into_operation(self, program: Option<Arc<dyn Program>>) -> Result<ReadOp> {
        let source = match (self.index, self.source) {
            (_, TableSource::Narrowed(keys)) => ReadSource::StoredKeys(keys.to_vec()),
            (None, TableSource::All) => ReadSource::Primary(DatumRange::all()),
            (None, TableSource::Between(range)) => ReadSource::Primary(range),
            (None, TableSource::Keys(keys)) => ReadSource::PrimaryKeys(keys),
            (Some(index), TableSource::All) => {
                ReadSource::Index { index: index.id()?, ranges: vec![DatumRange::all()] }
            }
            (Some(index), TableSource::Between(range)) => {
                ReadSource::Index { index: index.id()?, ranges: vec![range] }
            }
            (Some(index), TableSource::Keys(keys)) => {
                let ranges = keys.into_iter().map(DatumRange::point).collect();
                ReadSource::Index { index: index.id()?, ranges }
            }
            (Some(index), TableSource::Raw(ranges)) => ReadSource::RawIndex { index: index.id()?, ranges },
            (None, TableSource::Raw(_)) => ReadSource::PrimaryKeys(Vec::new()),
        };
        Ok(ReadOp {
            table: self.table.id,
            source,
            direction: self.order.unwrap_or(Direction::Forward),
            mode: self.mode,
            snapshot: None,
            program,
            index_values: false,
        })
    }

    /// What a changefeed on this read watches.
    pub(crate) fn feed_scope(&self) -> Result<FeedScope> {
        if self.order.is_some() {
            return Err(EvalError::logic(
                "Cannot call `changes` on an ordered stream without a `limit`.  Maybe you want `limit`?",
            ));
        }
        Ok(match (&self.index, &self.source) {
            // Which rows these are is for the filter to say that stands behind the read.
            (None, TableSource::All) | (_, TableSource::Raw(_) | TableSource::Narrowed(_)) => {
                FeedScope::Primary { range: DatumRange::all() }
            }
            (None, TableSource::Between(range)) => FeedScope::Primary { range: range.clone() },
            (None, TableSource::Keys(keys)) => FeedScope::PrimaryKeys { keys: keys.clone() },
            (Some(index), TableSource::All) => {
                FeedScope::Index { index: index.id()?, ranges: vec![DatumRange::all()] }
            }
            (Some(index), TableSource::Between(range)) => {
                FeedScope::Index { index: index.id()?, ranges: vec![range.clone()] }
            }
            (Some(index), TableSource::Keys(keys)) => FeedScope::Index {
                index: index.id()?,
                ranges: keys.iter().cloned().map(DatumRange::point).collect(),
            },
        })
    }
}
