//! A feed of documents by primary key: a range, the whole table, or some keys.

use std::collections::HashMap;

use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::{Budget, ReadOp, ShardStream, Source};

use bytes::Bytes;

use crate::error::failed;
use crate::mailbox::{Waiting, Wake};
use crate::member::{Expansion, Member, deliver_mail};
use crate::row::RowFormat;
use crate::watch::Watch;

/// The feed of a range or of some keys.
pub(crate) struct RangeFeed {
    watch: Watch,
    source: Source,
    /// How often a key was asked for, when keys were; each change comes that often.
    copies: Option<HashMap<Bytes, usize>>,
    format: RowFormat,
    reading: Option<Box<dyn ShardStream>>,
}

impl RangeFeed {
    pub(crate) fn new(
        watch: Watch,
        source: Source,
        copies: Option<HashMap<Bytes, usize>>,
        format: RowFormat,
    ) -> Self {
        Self { watch, source, copies, format, reading: None }
    }

    fn expansion(&self) -> Expansion {
        if self.copies.is_none() { Expansion::One } else { Expansion::Many }
    }

    fn deliver(&self, change: &Waiting, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        let old = self.watch.view_of(change.old_document())?;
        let new = self.watch.view_of(change.new_document())?;
        if old == new {
            return Ok(());
        }
        let row = self.format.change(old.as_ref(), new.as_ref());
        let copies = match &self.copies {
            None => 1,
            Some(copies) => copies.get(change.key()).copied().unwrap_or(0),
        };
        out.extend(std::iter::repeat_n(row, copies));
        Ok(())
    }
}

impl Member for RangeFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        if self.reading.is_none() {
            self.reading = Some(open_initial(&mut self.watch, self.source.clone())?);
        }
        let more = read_initial(&self.watch, self.reading.as_deref_mut(), &self.format, budget, out)?;
        if !more {
            self.reading = None;
        }
        Ok(more)
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        deliver_mail(&self.watch.mailbox, &self.format, self.expansion(), budget, out, |change, out| {
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

/// Opens the read of the initial values.
pub(crate) fn open_initial(watch: &mut Watch, source: Source) -> Result<Box<dyn ShardStream>, ReqlError> {
    let snapshot = Some(watch.take_snapshot()?);
    let operation = ReadOp { snapshot, ..ReadOp::new(watch.table, source) };
    watch.shards.read(operation).map_err(|error| failed(&error))
}

/// Appends a batch of initial values; `false` when there are no more.
pub(crate) fn read_initial(
    watch: &Watch,
    reading: Option<&mut (dyn ShardStream + 'static)>,
    format: &RowFormat,
    budget: &Budget,
    out: &mut Vec<Datum>,
) -> Result<bool, ReqlError> {
    let Some(reading) = reading else { return Ok(false) };
    let mut documents = Vec::new();
    let more = reading.next_batch(*budget, &mut documents).map_err(|error| failed(&error))?;
    for document in &documents {
        if let Some(view) = watch.view(document)? {
            out.push(format.initial(view, None));
        }
    }
    Ok(more)
}
