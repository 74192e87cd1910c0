//! What all kinds of feeds have in common; a union has several of them.

use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::Budget;

use crate::mailbox::{Mail, Mailbox, Wake};
use crate::row::RowFormat;

/// One feed over one table.
pub(crate) trait Member: Send {
    /// Appends initial values within the budget; `false` when there are no more of them.
    /// Called until then, before the first call of `changes`.
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError>;

    /// Appends the rows of the changes that wait, within the budget.
    fn changes(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<(), ReqlError>;

    /// Sets whom to tell when changes wait.
    fn on_ready(&mut self, wake: Wake);

    /// Microseconds until something that is held back may be read.
    fn due_in_us(&self) -> Option<u64>;
}

/// How many rows one change may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expansion {
    One,
    /// The rows of one change may exceed the budget.
    Many,
}

/// Appends the rows of all waiting changes, one by one, until the budget is used up.
/// `deliver` turns one change into rows. The end of the feed is told after its last row.
pub(crate) fn deliver_mail(
    mailbox: &Mailbox,
    format: &RowFormat,
    expansion: Expansion,
    budget: &Budget,
    out: &mut Vec<Datum>,
    mut deliver: impl FnMut(&crate::mailbox::Waiting, &mut Vec<Datum>) -> Result<(), ReqlError>,
) -> Result<(), ReqlError> {
    let start = out.len();
    let mut bytes = 0;
    loop {
        let left = budget.rows_max.saturating_sub(out.len() - start);
        if left == 0 || bytes >= budget.bytes_max {
            return Ok(());
        }
        // Not all at once: what is beyond the budget must stay in the mailbox.
        let take_max = if expansion == Expansion::Many { 1 } else { left.min(TAKE_ROWS_MAX) };
        let Mail { skipped, changes, closed } = mailbox.take(take_max);
        if skipped > 0 {
            out.push(format.skipped(skipped));
        }
        let empty = changes.is_empty();
        for change in &changes {
            let before = out.len();
            deliver(change, out)?;
            bytes += out.get(before..).unwrap_or_default().iter().map(Datum::packed_bytes).sum::<usize>();
        }
        if let Some(why) = closed {
            // Rows that were just made are delivered first; the error comes next time.
            return if out.len() > start { Ok(()) } else { Err(crate::error::closed(why)) };
        }
        if empty {
            return Ok(());
        }
    }
}

/// Changes taken out of a mailbox at once.
const TAKE_ROWS_MAX: usize = 64;
