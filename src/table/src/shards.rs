//! The seam between those who ask for documents and those who hold them.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{IndexId, LogPosition, TableId};
use photondb_datum::{Datum, Text};
use photondb_storage::{Durability, StorageError};

use crate::change::{Subscriber, Subscription};
use crate::error::TableError;
use crate::function::Flow;
use crate::layout::{ExpiryLayout, IndexLayout, TableLayout, TableLayouts};
use crate::read::{KeysOp, NarrowOp, Narrowed, ReadMode, ReadOp, ReadSnapshot, ShardStream};
use crate::write::{WriteOp, WriteSummary};

/// Is given a document and the positions of the keys that lead to it, ascending; says whether
/// it wants more.
pub type KeyVisitor<'a> = &'a mut dyn FnMut(&[usize], Datum) -> Flow;

/// The documents of all tables, wherever they are.
pub trait Shards: Send + Sync {
    /// One document by primary key.
    fn get(
        &self,
        table: TableId,
        key: &Datum,
        mode: ReadMode,
        snapshot: Option<&ReadSnapshot>,
    ) -> Result<Option<Datum>, TableError>;

    /// Looks many keys up at once. The keys come in an order of the shards' own, the documents
    /// of one key in the order of the index; a document that several entries lead to comes
    /// several times.
    fn look_up(&self, op: &KeysOp, visit: KeyVisitor<'_>) -> Result<(), TableError>;

    /// Finds the documents that matter by an index, if they are few enough for it to pay.
    fn narrow(&self, op: &NarrowOp) -> Result<Option<Narrowed>, TableError>;

    /// Opens a read.
    fn read(&self, op: ReadOp) -> Result<Box<dyn ShardStream>, TableError>;

    /// Opens a read as up to `parts` streams over one state, each with a run of its program
    /// of its own, to be read side by side. One after the other they give the rows of
    /// `read` in order.
    fn read_split(&self, op: ReadOp, parts: usize) -> Result<Vec<Box<dyn ShardStream>>, TableError>;

    /// The number of rows a read without a program has; the program is ignored. Reads no
    /// documents where the trees' counts allow.
    fn count(&self, op: &ReadOp) -> Result<u64, TableError>;

    /// Writes. Does not wait for the log: see [`WriteSummary::acknowledgement`].
    fn write(&self, op: WriteOp) -> Result<WriteSummary, TableError>;

    /// Registers for the changes of a table.
    fn subscribe(&self, table: TableId, subscriber: Arc<dyn Subscriber>) -> Result<Subscription, TableError>;

    /// The newest state of all tables.
    fn snapshot(&self, table: TableId) -> Result<ReadSnapshot, TableError>;

    /// The highest position of the log: what was written so far is durable when it is.
    fn sync(&self, table: TableId) -> Result<LogPosition, TableError>;

    /// How far an index is.
    fn index_progress(&self, table: TableId, index: IndexId) -> Result<IndexProgress, TableError>;

    /// Numbers for status tables and `info`.
    fn statistics(&self, table: TableId) -> Result<TableStatistics, TableError>;

    /// How large the table is. Reads a few documents when many have changed since the last time.
    fn sizes(&self, table: TableId) -> Result<TableSizes, TableError>;

    /// The values that an index has for a document: what feeds need to place a change.
    /// Values that cannot be keys are left out.
    fn index_values(
        &self,
        table: TableId,
        index: IndexId,
        document: &Datum,
    ) -> Result<Vec<Datum>, TableError>;
}

/// The tables' lifecycle, driven by the catalog.
pub trait Tables: Send + Sync {
    /// Serves a table. Indexes that are not ready are built from scratch.
    fn open_table(&self, layout: TableLayout) -> Result<(), TableError>;

    /// Serves the tables that `layouts` knows, whose indexes are ready and whose documents do not
    /// expire: each is opened when it is first used, as it is known then. Called once, before
    /// anything is served.
    fn open_when_used(&self, layouts: Arc<dyn TableLayouts>);

    /// Ends the service of some tables: waits for running writes, calls `commit`, which
    /// drops their trees and forgets them, and then ends streams, subscriptions and index
    /// builds. When `commit` fails everything stays as it is. Tables that are not served are
    /// passed by. The layouts may know closed tables until the next ones are closed.
    fn close_tables(
        &self,
        tables: &[TableId],
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError>;

    /// Adds an index and starts to build it.
    fn add_index(&self, table: TableId, index: IndexLayout) -> Result<(), TableError>;

    /// Ends the service of an index: waits for running writes, calls `commit`, which drops
    /// its tree and forgets it, and then ends its streams and its build. When `commit` fails
    /// everything stays as it is. An index that is not served is passed by.
    fn remove_index(
        &self,
        table: TableId,
        index: IndexId,
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError>;

    /// Gives an index another name.
    fn rename_index(&self, table: TableId, index: IndexId, name: Text) -> Result<(), TableError>;

    /// Sets or removes the write hook.
    fn set_write_hook(&self, table: TableId, stored: Option<Bytes>) -> Result<(), TableError>;

    /// Changes whether and how documents expire: waits for running writes, calls `commit`,
    /// which drops the tree of the former order of expiry and notes the new one, and then
    /// builds that.
    fn set_expiry(
        &self,
        table: TableId,
        expiry: Option<ExpiryLayout>,
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError>;

    /// Sets the durability of writes that do not ask for one.
    fn set_durability(&self, table: TableId, durability: Durability) -> Result<(), TableError>;

    /// Sets who is told about finished index builds. Called once, before tables are opened.
    fn observe_indexes(&self, observer: Arc<dyn IndexObserver>);
}

/// Is told about finished index builds; the catalog, which writes it down.
pub trait IndexObserver: Send + Sync {
    /// The tree of the index is complete in the log.
    fn index_ready(&self, table: TableId, index: IndexId);

    /// The tree of the index can no longer be trusted, because its function cannot be
    /// loaded and writes have to pass it by. It must not be opened as ready again.
    fn index_stale(&self, table: TableId, index: IndexId);
}

/// How far an index is.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexProgress {
    /// Whether it can be read.
    pub ready: bool,
    /// Documents covered, while it is built.
    pub rows_processed: u64,
    /// Documents to cover, while it is built.
    pub rows_total: u64,
    /// Whether the stored function has an older meaning than the current one; never here.
    pub outdated: bool,
    /// Why it can never be read as things are: its function cannot be loaded, or it is unique
    /// and documents have the same value.
    pub error: Option<String>,
}

impl IndexProgress {
    /// How much is done, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        if self.ready || self.rows_total == 0 {
            return if self.ready { 1.0 } else { 0.0 };
        }
        (self.rows_processed as f64 / self.rows_total as f64).min(1.0)
    }
}

/// How large a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSizes {
    /// Documents.
    pub rows: u64,
    /// Bytes of all documents and their keys, estimated by a sample of them; exact when there are
    /// few. What the disk takes for them is more: pages and slots are not full, and indexes have
    /// entries of their own.
    pub document_bytes: u64,
    /// Entries of all indexes together.
    pub index_entries: u64,
}

/// Numbers about one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStatistics {
    /// Documents.
    pub rows: u64,
    /// Rows that reads delivered since the table was opened.
    pub rows_read: u64,
    /// Rows that writes changed since the table was opened.
    pub rows_written: u64,
    /// Registered listeners.
    pub subscribers: u64,
}
