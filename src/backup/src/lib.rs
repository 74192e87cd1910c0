//! Physical backups: a consistent copy of all trees, and the log from there on.
//!
//! * [`BackupStream`] makes a backup of an engine that goes on working: the pieces of one file.
//! * [`BackupSet`] is a directory of such files: which there are, what they lead to, whether
//!   they are whole.
//! * [`take`] adds to a set what is missing in it, from a [`BackupSource`].
//! * [`restore`] makes a data directory of a set again, as of its end, or as of any position or
//!   moment in the log that it holds.
//! * [`BackupReader`] reads what a file holds.
//!
//! Invariants: only what is durable goes into a backup. A file says which stretch of which log
//! it holds, and never changes; it has its name only when it is whole and durable. An increment
//! counts only behind a file that ends with the very record it begins behind. No damage goes
//! unnoticed: every byte is under a checksum that knows its file and its place in it. Memory is
//! bounded by the largest value or record, whatever a file says. `docs/format-backup.md`
//! specifies every byte.
//!
//! Does not know about: what a key or a value means, servers, networks.

#![deny(missing_docs)]

mod block;
mod content;
mod error;
mod file;
mod header;
mod reader;
mod restore;
mod set;
mod stream;
mod take;
mod time_text;

pub use error::BackupError;
pub use file::BackupFile;
pub use header::{BackupKind, FileHeader, Totals};
pub use photondb_storage::LogMark;
pub use reader::{BackupItem, BackupReader};
pub use restore::{RestoreProgress, Restored, restore, restore_directory};
pub use set::{BackupSet, Moment, RestorePlan, Stretch, Unreadable};
pub use stream::BackupStream;
pub use take::{BackupMode, BackupProgress, BackupSource, EngineSource, Taken, take};
pub use time_text::{time_name, time_text};
