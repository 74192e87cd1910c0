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

mod cheap;
mod environment;
mod error;
mod evaluate;
mod executor;
mod feed_identity;
mod fetch;
mod function;
mod memory;
mod mixed_feed;
mod narrowing;
mod parallelism;
mod path;
mod pattern;
mod prepared;
mod profile;
mod request;
mod row_expression;
mod sequence;
mod shared_plans;
mod sort;
mod stored_function;
mod terms;
mod value;

pub use environment::TERMINATED_MESSAGE;
pub use executor::Executor;
pub use fetch::{
    AuthenticationScheme, FetchBody, FetchCredentials, FetchError, FetchMethod, FetchRequest, FetchResponse,
    FetchSession, Fetcher,
};
pub use memory::{MemoryLimits, MemoryPool, MemoryUse, QUERY_MEMORY_BYTES_MIN};
pub use narrowing::Narrowing;
pub use parallelism::Parallelism;
pub use prepared::PreparedQuery;
pub use request::{
    Answer, Failure, Outcome, Request, ResultStream, Script, ScriptFunction, Scripts, Services, SystemTables,
    SystemWrite, system_database_id, system_table_id,
};
pub use sort::{NoSpill, SpillFile, SpillSpace};
pub use stored_function::StoredFunctions;
