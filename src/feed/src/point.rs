//! A feed of one document, present or not.

use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::{Budget, ReadMode};

use crate::error::failed;
use crate::mailbox::Wake;
use crate::member::{Expansion, Member, deliver_mail};
use crate::row::RowFormat;
use crate::watch::Watch;

/// The feed of one document.
pub(crate) struct PointFeed {
    watch: Watch,
    key: Datum,
    format: RowFormat,
}

impl PointFeed {
    pub(crate) fn new(watch: Watch, key: Datum, format: RowFormat) -> Self {
        Self { watch, key, format }
    }
}

impl Member for PointFeed {
    fn initial(&mut self, _budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let snapshot = self.watch.take_snapshot()?;
        let document = self
            .watch
            .shards
            .get(self.watch.table, &self.key, ReadMode::Single, Some(&snapshot))
            .map_err(|error| failed(&error))?;
        let view = self.watch.view_of(document.as_ref())?;
        out.push(self.format.initial(view.unwrap_or(Datum::Null), None));
        Ok(false)
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        deliver_mail(&self.watch.mailbox, &self.format, Expansion::One, budget, out, |change, out| {
            let old = self.watch.view_of(change.old_document())?;
            let new = self.watch.view_of(change.new_document())?;
            if old != new {
                out.push(self.format.change(old.as_ref(), new.as_ref()));
            }
            Ok(())
        })
    }

    fn on_ready(&mut self, wake: Wake) {
        self.watch.mailbox.on_ready(wake);
    }

    fn due_in_us(&self) -> Option<u64> {
        self.watch.mailbox.due_in_us()
    }
}
