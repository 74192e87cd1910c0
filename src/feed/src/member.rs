//! What all kinds of feeds have in common; a union has several of them.

use photondb_datum::Datum;
use photondb_plan::feed::{FeedRow, Wake};
use photondb_reql::ReqlError;
use photondb_table::Budget;

/// One feed over one table.
pub(crate) trait Member: Send {
    /// Appends initial values within the budget; `false` when there are no more of them.
    /// Called until then, before the first call of `changes`.
    fn initial(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool, ReqlError>;

    /// Appends the rows of the changes that wait, within the budget.
    fn changes(&mut self, budget: &Budget, out: &mut Vec<FeedRow>) -> Result<(), ReqlError>;

    /// Sets whom to tell when changes wait, once after each time that there were none.
    fn on_ready(&mut self, wake: Wake);

    /// Microseconds until something that is held back may be read.
    fn due_in_us(&self) -> Option<u64>;

    /// Evaluates what waits, for others who may wait for the same.
    fn prepare(&mut self) {}

    /// Whether the next changes may have to read documents.
    fn may_block(&self) -> bool {
        false
    }
}
