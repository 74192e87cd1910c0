//! A table as a state keeps it: its record is read when somebody asks for the table first.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use photondb_base::{DatabaseId, TableId};
use photondb_datum::Text;

use crate::codec;
use crate::model::Table;

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
    /// Shares the page that it was loaded from; empty for a table that was made since.
    record: Bytes,
    /// Absent in the cell when the record is damaged.
    table: OnceLock<Option<Arc<Table>>>,
}

impl TableEntry {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self {
            id: table.id,
            database: table.database,
            name: table.name.clone(),
            is_settled: table.expiry.is_none() && table.indexes.values().all(|index| index.ready),
            record: Bytes::new(),
            table: OnceLock::from(Some(table)),
        }
    }

    pub(crate) fn stored(
        id: TableId,
        database: DatabaseId,
        name: Text,
        is_settled: bool,
        record: Bytes,
    ) -> Self {
        Self { id, database, name, is_settled, record, table: OnceLock::new() }
    }

    /// The table, unless its record is damaged.
    pub(crate) fn table(&self) -> Option<&Arc<Table>> {
        let read = || match codec::decode_table(&self.record) {
            Ok(table) => Some(Arc::new(table)),
            Err(error) => {
                tracing::error!(table = %self.id, name = %self.name, %error, "a table cannot be served");
                None
            }
        };
        self.table.get_or_init(read).as_ref()
    }
}
