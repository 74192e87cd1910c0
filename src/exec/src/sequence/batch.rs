//! How far a batch is.

use photondb_datum::Datum;
use photondb_table::Budget;

/// A batch being filled. Rows that a query makes may be large: their memory counts as well
/// as their number.
pub(crate) struct Batch {
    rows_end: usize,
    bytes_left: usize,
    counted: usize,
}

impl Batch {
    /// A batch whose rows come behind those in `out`.
    pub(crate) fn begin(budget: &Budget, out: &[Datum]) -> Self {
        let rows_end = out.len().saturating_add(budget.rows_max.max(1));
        Self { rows_end, bytes_left: budget.bytes_max.max(1), counted: out.len() }
    }

    /// Whether the rows that have come to `out` reach the budget.
    pub(crate) fn is_full(&mut self, out: &[Datum]) -> bool {
        let new = out.get(self.counted..).unwrap_or_default();
        for row in new {
            self.bytes_left = self.bytes_left.saturating_sub(row.memory_bytes());
        }
        self.counted = out.len();
        out.len() >= self.rows_end || self.bytes_left == 0
    }

    /// What is left of the budget.
    pub(crate) fn left(&self, out: &[Datum]) -> Budget {
        Budget { rows_max: self.rows_end.saturating_sub(out.len()), bytes_max: self.bytes_left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_bytes_fill_a_batch() {
        let budget = Budget { rows_max: 3, bytes_max: 1000 };
        let mut rows = vec![Datum::Null];
        let mut batch = Batch::begin(&budget, &rows);
        assert!(!batch.is_full(&rows));
        rows.extend([Datum::Null, Datum::string("x".repeat(600))]);
        assert!(!batch.is_full(&rows));
        assert_eq!(batch.left(&rows).rows_max, 1);
        rows.push(Datum::Null);
        assert!(batch.is_full(&rows));

        let mut batch = Batch::begin(&Budget { rows_max: usize::MAX, ..budget }, &rows);
        rows.extend([Datum::string("x".repeat(600)), Datum::string("x".repeat(600))]);
        assert!(batch.is_full(&rows));
    }
}
