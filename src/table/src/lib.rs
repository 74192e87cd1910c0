//! Document tables on the storage engine: primary and secondary index trees, reads and
//! writes as values, the changes that writes cause, and index builds.
//!
//! Invariants:
//! * One storage batch holds a document's new bytes and every index entry that changes
//!   with it, so that no crash can separate them.
//! * An index tree holds exactly the entries that its function gives for the documents of
//!   the primary tree, as soon as the index is ready.
//! * No two documents have an entry with the same value in the tree of a unique index, at no
//!   time of its life.
//! * Subscribers of a table see its changes in log order, each once.
//! * A function runs once per document and write; what reaches the log are its effects.
//!
//! Does not know about: how a function is evaluated (the [`Evaluator`] is injected), names
//! of tables, permissions, the network.

#![deny(missing_docs)]

mod change;
mod error;
mod function;
mod layout;
pub mod limits;
mod local;
mod read;
mod shards;
mod write;

pub use change::{Change, CloseReason, Subscriber, Subscription};
pub use error::{ProgramError, RowError, TableError};
pub use function::{
    ConflictFunction, Evaluator, Flow, IndexFunction, IndexValue, Program, Row, RowMachine, WriteFunction,
    WriteHook, WriteHookContext,
};
pub use layout::{ExpiryLayout, IndexLayout, TableLayout, TableLayouts};
pub use local::{
    LocalShards, LocalShardsOptions, TableProblem, TableReport, check_replacement, check_table,
    duplicate_key, primary_key_of,
};
pub use photondb_storage::{Acknowledgement, Direction, Durability, KeyRange};
pub use read::{
    Budget, DatumRange, IndexBounds, KeysOp, NarrowOp, Narrowed, ReadMode, ReadOp, ReadSnapshot, ShardStream,
    Source,
};
pub use shards::{IndexObserver, IndexProgress, KeyVisitor, Shards, TableSizes, TableStatistics, Tables};
pub use write::{ChangePair, Conflict, ReturnChanges, Verb, WriteKind, WriteOp, WriteSummary};
