//! A feed of documents: of one, of a range or of some keys, or of the whole table, by primary
//! key or by the values of an index.

use photondb_datum::Datum;
use photondb_plan::feed::{FeedRow, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::hub::Reader;
use crate::initial::Initial;
use crate::member::Member;
use crate::reading::Reading;

/// The feed of some documents.
pub(crate) struct DocumentsFeed {
    reader: Reader,
    initial: Option<Box<Initial>>,
    reading: Reading,
}

impl DocumentsFeed {
    /// A feed that begins with some initial values, or with the next change.
    pub(crate) fn new(reader: Reader, initial: Option<Initial>) -> Self {
        Self { reader, initial: initial.map(Box::new), reading: Reading::default() }
    }
}

impl Member for DocumentsFeed {
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError> {
        let Some(initial) = &mut self.initial else { return Ok(false) };
        let more = initial.next_batch(&self.reader, budget, out)?;
        if !more {
            self.initial = None;
        }
        Ok(more)
    }

    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError> {
        self.reading.next_rows(self.reader.channel(), self.reader.id(), budget, out)
    }

    fn on_ready(&mut self, wake: Wake) {
        self.reader.on_ready(wake);
    }

    fn due_in_us(&self) -> Option<u64> {
        self.reader.due_in_us()
    }

    fn prepare(&mut self) {
        self.reader.prepare();
    }
}
