//! PhotonDB in one process: open a directory or memory, run queries, serve drivers.
//!
//! This is the composition root: the one place where engine, tables, catalog, evaluator,
//! feeds and doors are made and handed to each other.
//!
//! Invariants: a directory is open in one process at a time; a write that [`Database::run`]
//! has answered is as durable as it was asked to be.
//!
//! Does not know about: how any part does its work.
//!
//! ```
//! use photondb::{Database, DatabaseOptions, Datum};
//!
//! let database = Database::open(&DatabaseOptions::in_memory())?;
//! // r.expr([1, 2, 3]).map(x => x.add(1)), as drivers send it
//! let answer = database.run("[38,[[2,[1,2,3]],[69,[[2,[1]],[24,[[10,[1]],1]]]]]]")?;
//! assert_eq!(answer, [Datum::array([2, 3, 4].map(Datum::from))]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache_size;
mod database;
mod error;
mod log_keep;
mod query_memory;
mod rows;
mod server;

pub use cache_size::{CacheSize, CacheSizeError, memory_bytes};
pub use database::{Database, DatabaseOptions, Place};
pub use error::{OpenError, RunError};
pub use log_keep::{LogKeep, LogKeepError};
pub use photondb_datum::Datum;
pub use photondb_exec::{Narrowing, Parallelism};
pub use photondb_http::HttpOptions;
pub use photondb_reql::ReqlError;
pub use photondb_server::tls::{TlsError, TlsFiles};
pub use photondb_server::{LogBook, ServerError};
pub use query_memory::{MemorySize, MemorySizeError, QueryMemory};
pub use rows::Rows;
pub use server::{Server, ServerOptions};
