//! How a feed sees the documents of its table, and what it tells of a change. The same for
//! all readers of a channel.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{IndexId, TableId};
use photondb_datum::Datum;
use photondb_plan::feed::{FeedDelivery, FeedRow, FeedTransform};
use photondb_reql::ReqlError;
use photondb_table::DatumRange;

use crate::error::failed;
use crate::ground::Ground;
use crate::interest::Interest;
use crate::row::RowFormat;

/// How a feed sees the documents of its table.
#[derive(Clone)]
pub(crate) struct Expression {
    pub(crate) ground: Arc<Ground>,
    pub(crate) table: TableId,
    /// The changes that it is about, and how often a document is found.
    pub(crate) interest: Interest,
    pub(crate) transform: Option<Arc<dyn FeedTransform>>,
    pub(crate) delivery: Option<Arc<dyn FeedDelivery>>,
    pub(crate) format: Arc<RowFormat>,
}

/// A document before or after a change, as the feed sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Side {
    /// `None` when the document is not in the feed.
    pub(crate) view: Option<Datum>,
    /// How often it is there.
    pub(crate) hits: usize,
}

impl Expression {
    /// What a document looks like in the feed; `None` when it is filtered out.
    pub(crate) fn view(&self, document: &Datum) -> Result<Option<Datum>, ReqlError> {
        match &self.transform {
            Some(transform) => transform.apply(document),
            None => Ok(Some(document.clone())),
        }
    }

    /// A document of a change. One that the filters and mappings fail for is not in the feed,
    /// as documents are not in an index whose function fails for them.
    pub(crate) fn side(&self, key: &Bytes, document: Option<&Datum>) -> Result<Side, ReqlError> {
        let Some(document) = document else { return Ok(Side::default()) };
        let hits = match &self.interest {
            // Once: the keys that are told are the ones that are wanted.
            Interest::All | Interest::Point(_) | Interest::Range(_) => 1,
            // As often as its key was asked for.
            Interest::Keys(keys) => keys.get(key).copied().unwrap_or(0),
            // As often as the ranges find it: entries of a multi index count one by one.
            Interest::Index { index, ranges } => {
                let values = self.index_values(*index, document)?;
                let found = |range: &DatumRange| values.iter().filter(|value| range.contains(value)).count();
                ranges.iter().map(found).sum()
            }
        };
        Ok(self.seen(document, hits))
    }

    /// A document that is found so often.
    pub(crate) fn seen(&self, document: &Datum, hits: usize) -> Side {
        let view = if hits > 0 { self.view(document).unwrap_or(None) } else { None };
        Side { hits: if view.is_some() { hits } else { 0 }, view }
    }

    /// The values of an index for a document.
    pub(crate) fn index_values(&self, index: IndexId, document: &Datum) -> Result<Vec<Datum>, ReqlError> {
        self.ground.shards.index_values(self.table, index, document).map_err(|error| failed(&error))
    }

    /// Appends the rows that a change from one side to the other makes.
    pub(crate) fn rows(&self, old: &Side, new: &Side, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        let (old_view, new_view) = (old.view.as_ref(), new.view.as_ref());
        let both = old.hits.min(new.hits);
        if old_view != new_view {
            self.repeat(old_view, new_view, both, out)?;
        }
        // What is found less often than before leaves, what is found more often comes.
        self.repeat(old_view, None, old.hits - both, out)?;
        self.repeat(None, new_view, new.hits - both, out)
    }

    /// Appends what is delivered of a row.
    pub(crate) fn deliver(&self, row: Datum, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        match &self.delivery {
            Some(delivery) => delivery.deliver(row, out),
            None => {
                out.push(row);
                Ok(())
            }
        }
    }

    /// Appends what is delivered of the word that so many changes were missed.
    pub(crate) fn skipped(&self, count: u64, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        let mut rows = Vec::new();
        self.deliver(self.format.skipped(count), &mut rows)?;
        out.extend(rows.into_iter().map(FeedRow::Own));
        Ok(())
    }

    fn repeat(
        &self,
        old: Option<&Datum>,
        new: Option<&Datum>,
        count: usize,
        out: &mut Vec<Datum>,
    ) -> Result<(), ReqlError> {
        if count == 0 {
            return Ok(());
        }
        let row = self.format.change(old, new);
        for _ in 1..count {
            self.deliver(row.clone(), out)?;
        }
        self.deliver(row, out)
    }
}
