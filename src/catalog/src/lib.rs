//! The metadata state machine: databases, tables, indexes, users, permissions, the server's
//! own name and settings.
//!
//! Invariants:
//! * The state in memory is what the reserved metadata tree holds; a command is one storage
//!   batch, so that a crash leaves it done or not begun. The table directory is a cache of that
//!   tree in itself, and only of the version that it tells.
//! * Readers see immutable states; a command makes the next one.
//! * A tree belongs to at most one table or index, and its number is never given out twice.
//!
//! Does not know about: execution of queries, the documents in the tables, the network.

#![deny(missing_docs)]

mod catalog;
mod check;
mod chunked_map;
mod codec;
mod credentials;
mod databases;
mod describe;
mod directory_record;
mod error;
mod expiry;
mod indexes;
mod load;
mod model;
mod names;
mod permissions;
mod record;
mod state;
mod stored_tables;
mod table_directory;
mod table_entry;
mod table_set;
mod tables;
mod users;

pub use catalog::{Applied, Catalog, CatalogOptions, StateObserver};
pub use check::{CheckProgress, CheckReport, check};
pub use credentials::ScramCredentials;
pub use databases::{DatabaseChange, DatabaseDrop};
pub use error::{CatalogError, ErrorClass};
pub use expiry::{Expiry, TimeToLive, TimeToLiveError};
pub use indexes::{IndexOptions, WriteHookChange};
pub use model::{
    ClusterConfig, Database, Index, Server, ServerId, ShardConfig, Table, User, WriteAcks, WriteHookConfig,
};
pub use names::{NameKind, check_name};
pub use permissions::{Grants, Permission, Permissions, PermissionsEdit, PermissionsError, Scope};
pub use state::{SYSTEM_DATABASE, SYSTEM_DATABASE_ID, State};
pub use tables::{DEFAULT_TAG, Replicas, TableChange, TableEdit, TableOptions};
pub use users::{ITERATIONS_MAX, Password, UserChange};
