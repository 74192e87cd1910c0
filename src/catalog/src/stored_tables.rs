//! Tables as a directory lists them: each gets an entry when somebody asks for it.

use std::sync::{Arc, OnceLock, Weak};

use photondb_base::{DatabaseId, TableId};
use photondb_datum::Text;
use photondb_storage::Engine;

use crate::table_directory::TableDirectory;
use crate::table_entry::TableEntry;
use crate::table_set::TableMaps;

/// The tables of a directory and what was made of it.
#[derive(Debug)]
pub(crate) struct StoredTables {
    directory: TableDirectory,
    /// By place.
    entries: Box<[OnceLock<Arc<TableEntry>>]>,
    /// Made when a table changes first, with the same entries.
    maps: OnceLock<TableMaps>,
    /// Where the records are. Who keeps an old state does not keep a directory of files locked.
    engine: Weak<dyn Engine>,
}

impl StoredTables {
    pub(crate) fn new(directory: TableDirectory, engine: Weak<dyn Engine>) -> Self {
        let entries = (0..directory.count()).map(|_| OnceLock::new()).collect();
        Self { directory, entries, maps: OnceLock::new(), engine }
    }

    pub(crate) fn find(&self, database: DatabaseId, name: &str) -> Option<&Arc<TableEntry>> {
        self.entry(self.directory.find(database, name)?)
    }

    pub(crate) fn find_id(&self, id: TableId) -> Option<&Arc<TableEntry>> {
        self.entry(self.directory.find_id(id)?)
    }

    /// The tables of a database in the order of their names.
    pub(crate) fn of_database(&self, database: DatabaseId) -> impl Iterator<Item = &Arc<TableEntry>> {
        self.directory.places(database).filter_map(|place| self.entry(place))
    }

    /// Their names.
    pub(crate) fn names(&self, database: DatabaseId) -> impl Iterator<Item = Text> {
        self.directory.places(database).filter_map(|place| self.directory.name(place))
    }

    /// All tables, in the order of their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<TableEntry>> {
        self.directory.places_by_id().filter_map(|place| self.entry(place))
    }

    /// Those with something to do before anybody uses them.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Arc<TableEntry>> {
        self.directory.unsettled().filter_map(|place| self.entry(place))
    }

    pub(crate) fn count(&self) -> usize {
        self.directory.count()
    }

    /// The entries of all tables in maps, the same whenever somebody asks.
    pub(crate) fn maps(&self) -> &TableMaps {
        self.maps.get_or_init(|| {
            let named = |entry: &Arc<TableEntry>| (entry.name.clone(), entry.clone());
            let by_name = |database| self.of_database(database).map(named).collect();
            let databases = self.directory.databases().map(|database| (database, by_name(database)));
            TableMaps::new(databases, self.all().map(|entry| (entry.id, entry.clone())).collect())
        })
    }

    fn entry(&self, place: usize) -> Option<&Arc<TableEntry>> {
        let cell = self.entries.get(place)?;
        if let Some(entry) = cell.get() {
            return Some(entry);
        }
        let listed = self.directory.listed(place)?;
        Some(cell.get_or_init(|| Arc::new(TableEntry::listed(listed, self.engine.clone()))))
    }
}
