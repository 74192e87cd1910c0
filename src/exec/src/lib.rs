//! The evaluator: runs plans against tables.
//!
//! One file per family of terms. A query is opened with [`Executor::run`], which gives an
//! atom, a stream of batches or a changefeed; the caller pulls, at its own pace, under its
//! own budget.
//!
//! Invariants: evaluation never blocks on a disk sync (the answer carries the log position
//! to wait for); nothing grows without a named limit; an error carries the backtrace of
//! the term that raised it; a cancelled query stops at its next batch.
//!
//! Does not know about: sockets, sessions, the cluster.

mod request;

pub use request::{Answer, Executor, Outcome, Request, ResultStream, RunOptions, Services, SystemTables};
