//! When a query is worked on by several threads.

use std::sync::OnceLock;
use std::thread;

/// Rows from which on more than one thread pays.
const ROWS_MIN: u64 = 10_000;
/// Threads of one query.
const THREADS_MAX: usize = 16;

/// When and how far a query over a table is split to be worked on side by side. The
/// default is what pays on this machine; others are for tests, and for hosts that want
/// their cores for themselves. No answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parallelism {
    /// Tables and ranges of fewer rows are worked on by one thread.
    pub rows_min: u64,
    /// The number of parts, each on a thread of its own.
    pub threads: usize,
}

impl Default for Parallelism {
    fn default() -> Self {
        static THREADS: OnceLock<usize> = OnceLock::new();
        let threads =
            *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX));
        Self { rows_min: ROWS_MIN, threads }
    }
}
