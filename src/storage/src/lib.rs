//! The storage engine: trees of bytes behind one write-ahead log, safe on disk.
//!
//! Invariants: a commit is applied wholly or not at all, in the order of its position; what was
//! reported durable survives a power cut; a snapshot never changes; nothing whose checksum
//! fails is ever served; nothing that a snapshot or the last checkpoint reaches is overwritten;
//! a failed sync is never retried. `docs/format.md` specifies every byte on disk.
//!
//! Does not know about: what a key or a value means, tables, indexes, networks, async runtimes.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::indexing_slicing))]
#![deny(missing_docs)]

mod background;
mod batch;
mod check;
mod checkpoint;
mod compaction;
mod counter;
mod cursor;
mod descent;
mod disk;
mod disk_engine;
mod dropped;
mod engine;
mod error;
mod handle;
mod health;
mod held;
mod internal;
mod key_heads;
mod leaf;
mod link;
mod load;
mod log;
mod log_format;
mod log_history;
mod log_reader;
mod log_spares;
mod log_writer;
mod lookup;
mod memory_engine;
mod node;
mod open;
mod open_options;
mod page;
mod page_writer;
mod path;
mod pointer;
mod range;
mod recovery;
mod scrub;
mod search;
mod shared;
mod slab;
mod slab_map;
mod space;
mod state;
mod state_cell;
mod store;
mod superblock;
mod sweep;
mod tree;
mod view;

pub use batch::{BATCH_BYTES_MAX, Batch, KEY_BYTES_MAX, Operation, Operations, VALUE_BYTES_MAX};
pub use check::{CheckReport, check, check_disk};
pub use cursor::Cursor;
pub use disk::{Cut, Disk, DiskFile, RealDisk, SimulatedDisk, SimulatedEvent};
pub use disk_engine::DiskEngine;
pub use engine::{
    Acknowledgement, Durability, Engine, LogRecords, ScrubReport, Snapshot, Statistics, WhenReached,
};
pub use error::StorageError;
pub use health::Health;
pub use load::{Loaded, load};
pub use log_history::{LogEntry, LogHistory, LogMark};
pub use lookup::Lookup;
pub use memory_engine::MemoryEngine;
pub use open_options::OpenOptions;
pub use page::StoredValue;
pub use photondb_base::{LogPosition, TreeId};
pub use range::{Direction, KeyRange};
