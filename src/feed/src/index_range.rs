//! A feed of documents by the values of a secondary index.

use photondb_base::IndexId;
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::{Budget, DatumRange, ShardStream, Source};

use crate::error::failed;
use crate::mailbox::{Waiting, Wake};
use crate::member::{Expansion, Member, deliver_mail};
use crate::range::{open_initial, read_initial};
use crate::row::RowFormat;
use crate::watch::Watch;

/// The feed of some ranges of an index.
pub(crate) struct IndexRangeFeed {
    watch: Watch,
    index: IndexId,
    ranges: Vec<DatumRange>,
    format: RowFormat,
    reading: Option<Box<dyn ShardStream>>,
}

impl IndexRangeFeed {
    pub(crate) fn new(watch: Watch, index: IndexId, ranges: Vec<DatumRange>, format: RowFormat) -> Self {
        Self { watch, index, ranges, format, reading: None }
    }

    /// How often the ranges find a document: entries of a multi index count one by one.
    fn hits(&self, document: Option<&Datum>) -> Result<usize, ReqlError> {
        let Some(document) = document else { return Ok(0) };
        let values = self
            .watch
            .shards
            .index_values(self.watch.table, self.index, document)
            .map_err(|error| failed(&error))?;
        Ok(self.ranges.iter().map(|range| values.iter().filter(|value| range.contains(value)).count()).sum())
    }

    fn deliver(&self, change: &Waiting, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        let (old_hits, new_hits) = (self.hits(change.old_document())?, self.hits(change.new_document())?);
        let old = if old_hits > 0 { self.watch.view_of(change.old_document())? } else { None };
        let new = if new_hits > 0 { self.watch.view_of(change.new_document())? } else { None };
        let old_hits = if old.is_some() { old_hits } else { 0 };
        let new_hits = if new.is_some() { new_hits } else { 0 };
        let both = old_hits.min(new_hits);
        if both > 0 && old != new {
            let row = self.format.change(old.as_ref(), new.as_ref());
            out.extend(std::iter::repeat_n(row, both));
        }
        // Entries that only one of the documents has come into the range or leave it.
        if old_hits > both {
            let row = self.format.change(old.as_ref(), None);
            out.extend(std::iter::repeat_n(row, old_hits - both));
        }
        if new_hits > both {
            let row = self.format.change(None, new.as_ref());
            out.extend(std::iter::repeat_n(row, new_hits - both));
        }
        Ok(())
    }
}

impl Member for IndexRangeFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        if self.reading.is_none() {
            let source = Source::Index { index: self.index, ranges: self.ranges.clone() };
            self.reading = Some(open_initial(&mut self.watch, source)?);
        }
        let more = read_initial(&self.watch, self.reading.as_deref_mut(), &self.format, budget, out)?;
        if !more {
            self.reading = None;
        }
        Ok(more)
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        deliver_mail(&self.watch.mailbox, &self.format, Expansion::Many, budget, out, |change, out| {
            self.deliver(change, out)
        })
    }

    fn on_ready(&mut self, wake: Wake) {
        self.watch.mailbox.on_ready(wake);
    }

    fn due_in_us(&self) -> Option<u64> {
        self.watch.mailbox.due_in_us()
    }
}
