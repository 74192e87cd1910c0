//! Sessions, cursors, doors and system tables: what turns the evaluator into a server.
//!
//! Invariants: no client can stop the server or make it take memory without a named limit;
//! a panic of one query is that query's error; nothing here blocks a thread of the runtime
//! (what may block runs on [`Workers`]); an answer to a write leaves only when the write is
//! as durable as was asked for; a connection that ends takes its queries, cursors and feeds
//! along.
//!
//! The driver's door is here; others stand on [`door`].
//!
//! Does not know about: how a query is evaluated, how documents are stored, other protocols
//! than the driver's, the command line.

mod admission;
pub mod backups;
mod batch;
mod coalescing;
mod configuration_log;
mod context;
pub mod door;
mod driver_door;
mod durability;
mod error;
mod fence;
pub mod issues;
mod jobs;
pub mod limits;
mod listen;
mod log_book;
pub mod metrics;
mod outbox;
mod server;
mod session;
mod system;
pub mod tls;
mod workers;

pub use configuration_log::ConfigurationLog;
pub use context::{Activity, Context, SERVER_VERSION};
pub use error::ServerError;
pub use jobs::{Job, Jobs};
pub use log_book::{LogBook, LogMessage};
pub use photondb_storage::Statistics as EngineStatistics;
pub use server::{Server, ServerOptions};
pub use system::{DoorFacts, MeasureDisk, ProcessFacts, Sources, SystemCatalog};
pub use workers::{Workers, guarded};
