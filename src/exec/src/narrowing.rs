//! When a filter over a table is answered through an index.

/// Rows from which on an index may be worth a look.
const ROWS_MIN: u64 = 1_000;
/// Rows that are passed in a scan in the time that it takes to find one by its key.
const ROWS_PER_KEY_MIN: u64 = 10;

/// When a filter over a table reads only the documents that an index leads to, instead of all.
/// The default is what pays; others are for tests. No answer depends on it, neither its rows
/// nor their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// Tables of fewer rows are read as a whole.
    pub rows_min: u64,
    /// The table must have so many rows for each that an index leads to.
    pub rows_per_key_min: u64,
}

impl Default for Narrowing {
    fn default() -> Self {
        Self { rows_min: ROWS_MIN, rows_per_key_min: ROWS_PER_KEY_MIN }
    }
}
