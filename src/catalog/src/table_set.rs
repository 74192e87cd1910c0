//! The tables of a state, found by name and by id.

use std::collections::HashMap;
use std::sync::Arc;

use photondb_base::{DatabaseId, TableId};
use photondb_datum::Text;

use crate::chunked_map::{ChunkedMap, Difference};
use crate::model::Table;
use crate::stored_tables::StoredTables;
use crate::table_entry::TableEntry;

/// All tables. Copies share what is the same in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableSet {
    /// As a directory lists them, until the first of them changes; the maps are empty then.
    stored: Option<Arc<StoredTables>>,
    maps: TableMaps,
}

/// Entries by name and by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableMaps {
    by_name: HashMap<DatabaseId, Arc<ChunkedMap<Text, Arc<TableEntry>>>>,
    by_id: ChunkedMap<TableId, Arc<TableEntry>>,
}

impl TableSet {
    /// Tables of a directory.
    pub(crate) fn stored(stored: StoredTables) -> Self {
        Self { stored: Some(Arc::new(stored)), maps: TableMaps::default() }
    }

    /// Tables that are in the order of their ids.
    pub(crate) fn from_sorted(entries: Vec<Arc<TableEntry>>) -> Self {
        Self { stored: None, maps: TableMaps::from_sorted(entries) }
    }

    pub(crate) fn find(&self, database: DatabaseId, name: &str) -> Option<&Arc<TableEntry>> {
        match &self.stored {
            Some(stored) => stored.find(database, name),
            None => self.maps.by_name.get(&database)?.get(name),
        }
    }

    pub(crate) fn find_id(&self, id: TableId) -> Option<&Arc<TableEntry>> {
        match &self.stored {
            Some(stored) => stored.find_id(id),
            None => self.maps.by_id.get(&id),
        }
    }

    /// The tables of a database in the order of their names.
    pub(crate) fn of_database(&self, database: DatabaseId) -> impl Iterator<Item = &Arc<TableEntry>> {
        let stored = self.stored.iter().flat_map(move |stored| stored.of_database(database));
        stored.chain(self.maps.by_name.get(&database).into_iter().flat_map(|tables| tables.values()))
    }

    /// Their names alone: for these no entry is made.
    pub(crate) fn names(&self, database: DatabaseId) -> impl Iterator<Item = Text> {
        let stored = self.stored.iter().flat_map(move |stored| stored.names(database));
        let made = self.maps.by_name.get(&database).into_iter().flat_map(|tables| tables.values());
        stored.chain(made.map(|entry| entry.name.clone()))
    }

    /// All tables, in the order of their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<TableEntry>> {
        self.stored.iter().flat_map(|stored| stored.all()).chain(self.maps.by_id.values())
    }

    /// Those with something to do before anybody uses them.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = &Arc<TableEntry>> {
        let stored = self.stored.iter().flat_map(|stored| stored.unsettled());
        stored.chain(self.maps.by_id.values().filter(|entry| !entry.is_settled))
    }

    pub(crate) fn count(&self) -> usize {
        self.stored.as_ref().map_or(self.maps.by_id.values().len(), |stored| stored.count())
    }

    /// The entries that are not the same in other tables: in these and in those.
    pub(crate) fn differences<'a>(&'a self, other: &'a Self) -> Vec<Difference<'a, Arc<TableEntry>>> {
        match (&self.stored, &other.stored) {
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => Vec::new(),
            _ => self.maps().by_id.differences(&other.maps().by_id, Arc::ptr_eq),
        }
    }

    /// Puts a table in the place of the one with its id.
    pub(crate) fn put(&mut self, table: Arc<Table>) {
        let entry = Arc::new(TableEntry::new(table));
        let maps = self.maps_mut();
        if let Some(old) = maps.by_id.insert(entry.id, entry.clone())
            && let Some(siblings) = maps.by_name.get_mut(&old.database)
        {
            Arc::make_mut(siblings).remove(&old.name);
        }
        let siblings = maps.by_name.entry(entry.database).or_default();
        Arc::make_mut(siblings).insert(entry.name.clone(), entry);
    }

    pub(crate) fn remove(&mut self, table: &Table) {
        let maps = self.maps_mut();
        maps.by_id.remove(&table.id);
        if let Some(siblings) = maps.by_name.get_mut(&table.database) {
            Arc::make_mut(siblings).remove(&table.name);
        }
    }

    pub(crate) fn remove_database(&mut self, database: DatabaseId) {
        let maps = self.maps_mut();
        if let Some(tables) = maps.by_name.remove(&database) {
            for table in tables.values() {
                maps.by_id.remove(&table.id);
            }
        }
    }

    fn maps(&self) -> &TableMaps {
        self.stored.as_ref().map_or(&self.maps, |stored| stored.maps())
    }

    /// The maps, from now on in the place of the directory.
    fn maps_mut(&mut self) -> &mut TableMaps {
        if let Some(stored) = self.stored.take() {
            self.maps = stored.maps().clone();
        }
        &mut self.maps
    }
}

impl TableMaps {
    /// Of tables that are in the order of their ids.
    pub(crate) fn from_sorted(entries: Vec<Arc<TableEntry>>) -> Self {
        let mut by_database: HashMap<DatabaseId, Vec<Arc<TableEntry>>> = HashMap::new();
        for entry in &entries {
            by_database.entry(entry.database).or_default().push(entry.clone());
        }
        let databases = by_database.into_iter().map(|(database, entries)| (database, by_name(entries)));
        Self::new(databases, entries.into_iter().map(|entry| (entry.id, entry)).collect())
    }

    /// Of entries that are in order.
    pub(crate) fn new(
        databases: impl Iterator<Item = (DatabaseId, Vec<(Text, Arc<TableEntry>)>)>,
        by_id: Vec<(TableId, Arc<TableEntry>)>,
    ) -> Self {
        let named = |entries| Arc::new(ChunkedMap::from_sorted(entries));
        let by_name = databases.map(|(database, entries)| (database, named(entries))).collect();
        Self { by_name, by_id: ChunkedMap::from_sorted(by_id) }
    }
}

/// Tables in the order of their names, which mostly differ in the bytes behind what all of them
/// begin with.
fn by_name(entries: Vec<Arc<TableEntry>>) -> Vec<(Text, Arc<TableEntry>)> {
    let first = entries.first().map(|entry| entry.name.clone()).unwrap_or_default();
    let shared = |length, entry: &Arc<TableEntry>| {
        let both = first.bytes().zip(entry.name.bytes()).take(length);
        both.take_while(|(a, b)| a == b).count()
    };
    let shared = entries.iter().fold(first.len(), shared);
    let head = |name: &Text| {
        let mut head = [0; 8];
        let bytes = name.as_bytes().get(shared..).unwrap_or_default();
        head.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        u64::from_be_bytes(head)
    };
    let mut named: Vec<_> = entries.into_iter().map(|entry| (head(&entry.name), entry)).collect();
    named.sort_unstable_by(|(a, left), (b, right)| a.cmp(b).then_with(|| left.name.cmp(&right.name)));
    named.into_iter().map(|(_, entry)| (entry.name.clone(), entry)).collect()
}
