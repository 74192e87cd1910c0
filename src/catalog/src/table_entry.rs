//! A table as a state keeps it: its record is read when somebody asks for the table first.

use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use photondb_base::{DatabaseId, TableId};
use photondb_datum::Text;
use photondb_storage::{Engine, StorageError};

use crate::codec;
use crate::error::CatalogError;
use crate::model::Table;
use crate::table_directory::Listed;

/// A table of a state. Those that were loaded are records until they are used: a server with
/// many tables starts without reading more of them than their names.
#[derive(Debug)]
pub(crate) struct TableEntry {
    pub(crate) id: TableId,
    pub(crate) database: DatabaseId,
    pub(crate) name: Text,
    /// Whether all indexes are ready and no document expires: there is nothing to do before
    /// somebody uses it.
    pub(crate) is_settled: bool,
    record: Record,
    /// Absent in the cell when the record is damaged.
    table: OnceLock<Option<Arc<Table>>>,
}

/// Where the record of a table is.
#[derive(Debug)]
enum Record {
    /// It was read, and shares the page that it was loaded from.
    Read(Bytes),
    /// It is where the engine has it now. That is still the one of this state: commands get a
    /// table from the state before they change it, so that it is read before.
    Stored(Weak<dyn Engine>),
    /// Nobody needs it: the table was made since.
    Made,
}

impl TableEntry {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self {
            id: table.id,
            database: table.database,
            name: table.name.clone(),
            is_settled: table.expiry.is_none() && table.indexes.values().all(|index| index.ready),
            record: Record::Made,
            table: OnceLock::from(Some(table)),
        }
    }

    /// A table whose record was read.
    pub(crate) fn stored(listed: Listed, record: Bytes) -> Self {
        Self::unread(listed, Record::Read(record))
    }

    /// A table that a directory lists.
    pub(crate) fn listed(listed: Listed, engine: Weak<dyn Engine>) -> Self {
        Self::unread(listed, Record::Stored(engine))
    }

    fn unread(Listed { id, database, name, is_settled }: Listed, record: Record) -> Self {
        Self { id, database, name, is_settled, record, table: OnceLock::new() }
    }

    /// What a directory tells of it.
    pub(crate) fn to_listed(&self) -> Listed {
        Listed { id: self.id, database: self.database, name: self.name.clone(), is_settled: self.is_settled }
    }

    /// The table, unless its record is damaged or cannot be read.
    pub(crate) fn table(&self) -> Option<&Arc<Table>> {
        self.try_table().ok().flatten()
    }

    /// The table; `None` when its record is damaged. An error of the disk is not for good: the next
    /// one who asks may find the table.
    pub(crate) fn try_table(&self) -> Result<Option<&Arc<Table>>, StorageError> {
        if let Some(read) = self.table.get() {
            return Ok(read.as_ref());
        }
        let read = self.read();
        match &read {
            // What was to be prompt is done again by who may wait for the disk.
            Ok(_) | Err(CatalogError::Storage(StorageError::NotPrompt(_))) => {}
            Err(error) => {
                tracing::error!(table = %self.id, name = %self.name, %error, "a table cannot be served");
            }
        }
        match read {
            Err(CatalogError::Storage(error)) => Err(error),
            read => Ok(self.table.get_or_init(|| read.ok().map(Arc::new)).as_ref()),
        }
    }

    fn read(&self) -> Result<Table, CatalogError> {
        let table = match &self.record {
            Record::Read(record) => codec::decode_table(record)?,
            Record::Stored(engine) => {
                let engine = engine.upgrade().ok_or(CatalogError::Damaged("the database is closed"))?;
                codec::read_stored(engine.snapshot().as_ref(), self.id)?
            }
            Record::Made => return Err(CatalogError::Damaged("no record")),
        };
        let is_this = (table.id, table.database, &table.name) == (self.id, self.database, &self.name);
        if is_this { Ok(table) } else { Err(CatalogError::Damaged("of another table")) }
    }
}
