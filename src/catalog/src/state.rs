//! The metadata as of one moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use photondb_base::{DatabaseId, IndexId, LogPosition, TableId};
use photondb_datum::Text;

use crate::error::CatalogError;
use crate::model::{ClusterConfig, Database, Index, Server, Table, User};
use crate::permissions::{Permission, Scope};
use crate::table_entry::TableEntry;
use crate::table_set::TableSet;

/// The database whose tables no disk holds.
pub const SYSTEM_DATABASE: &str = "rethinkdb";

/// Its id, the same on every server and in RethinkDB.
pub const SYSTEM_DATABASE_ID: DatabaseId = DatabaseId(0xb99b_9572_8e53_5fef_9a2b_5e6a_ba3e_df1c);

/// A table before and after.
pub type Changed<'a> = (Option<&'a Arc<Table>>, Option<&'a Arc<Table>>);

/// All metadata at one moment; never changes.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) version: u64,
    pub(crate) server: Arc<Server>,
    pub(crate) cluster: ClusterConfig,
    pub(crate) databases: BTreeMap<Text, Arc<Database>>,
    pub(crate) databases_by_id: HashMap<DatabaseId, Arc<Database>>,
    pub(crate) tables: TableSet,
    pub(crate) users: Arc<BTreeMap<Text, Arc<User>>>,
    pub(crate) next_tree: u64,
    /// Where in the log the state was made; 0 for one that was loaded.
    pub(crate) position: LogPosition,
}

impl State {
    /// Grows with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where in the log the state was made: it is durable when this position is. Loaded
    /// states are.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// This server.
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// Settings of the whole cluster.
    pub fn cluster(&self) -> &ClusterConfig {
        &self.cluster
    }

    /// The databases in the order of their names, without the system database.
    pub fn databases(&self) -> impl ExactSizeIterator<Item = &Arc<Database>> {
        self.databases.values()
    }

    /// The names that `dbList` gives, in order, the system database among them.
    pub fn database_names(&self) -> Vec<Text> {
        let mut names: Vec<Text> = self.databases.keys().cloned().collect();
        let system = Text::from(SYSTEM_DATABASE);
        let at = names.partition_point(|name| *name < system);
        names.insert(at, system);
        names
    }

    /// A database by name. The system database is not found here.
    pub fn database(&self, name: &str) -> Result<&Arc<Database>, CatalogError> {
        self.databases.get(name).ok_or_else(|| CatalogError::NoDatabase(name.to_owned()))
    }

    /// A database by id.
    pub fn database_by_id(&self, id: DatabaseId) -> Option<&Arc<Database>> {
        self.databases_by_id.get(&id)
    }

    /// The tables of a database in the order of their names.
    pub fn tables_of(&self, database: DatabaseId) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.of_database(database).filter_map(|entry| entry.table())
    }

    /// The names of the tables of a database, in order.
    pub fn table_names(&self, database: DatabaseId) -> impl Iterator<Item = Text> {
        self.tables.names(database)
    }

    /// All tables, in the order of their ids.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.all().filter_map(|entry| entry.table())
    }

    /// The tables with indexes that are not ready or with documents that expire.
    pub fn unsettled_tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.unsettled().filter_map(|entry| entry.table())
    }

    /// How many tables there are.
    pub fn table_count(&self) -> usize {
        self.tables.count()
    }

    /// The tables that are not the same in a newer state, as they were and as they are: absent
    /// before they were made and after they were dropped. Costs little more than they do.
    pub fn changed_tables<'a>(&'a self, newer: &'a Self) -> Vec<Changed<'a>> {
        let entries = self.tables.differences(&newer.tables);
        let table = |entry: Option<&'a Arc<TableEntry>>| entry.and_then(|entry| entry.table());
        entries.into_iter().map(|(old, new)| (table(old), table(new))).collect()
    }

    /// A table by the names of its database and its own.
    pub fn table(&self, database: &str, name: &str) -> Result<&Arc<Table>, CatalogError> {
        let found = self.database(database)?;
        self.table_in(found, name)
    }

    /// A table of a database that has been looked up.
    pub fn table_in(&self, database: &Database, name: &str) -> Result<&Arc<Table>, CatalogError> {
        let entry = self.tables.find(database.id, name).ok_or_else(|| CatalogError::NoTable {
            database: database.name.to_string(),
            table: name.to_owned(),
        })?;
        entry.try_table()?.ok_or(CatalogError::Damaged("the record of a table"))
    }

    /// A table by id.
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<Table>> {
        self.tables.find_id(id)?.table()
    }

    /// The name of a table's database.
    pub fn database_name(&self, table: &Table) -> Text {
        self.databases_by_id.get(&table.database).map(|database| database.name.clone()).unwrap_or_default()
    }

    /// An index of a table for reading: "was not found" otherwise.
    pub fn index<'a>(&self, table: &'a Table, name: &str) -> Result<&'a Arc<Index>, CatalogError> {
        table.indexes.get(name).ok_or_else(|| CatalogError::IndexNotFound {
            index: name.to_owned(),
            database: self.database_name(table).to_string(),
            table: table.name.to_string(),
        })
    }

    /// An index of a table by id.
    pub fn index_by_id<'a>(&self, table: &'a Table, id: IndexId) -> Option<&'a Arc<Index>> {
        table.indexes.values().find(|index| index.id == id)
    }

    /// The users in the order of their names; `admin` is always among them.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// A user by name.
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// Whether a user may do something somewhere. `admin` may do everything, an unknown user
    /// nothing.
    pub fn allows(&self, user: &str, permission: Permission, scope: Scope) -> bool {
        user == crate::users::ADMIN
            || self.users.get(user).is_some_and(|user| user.grants.allows(permission, scope))
    }

    /// [`State::allows`] with RethinkDB's refusal.
    pub fn check_permission(
        &self,
        user: &str,
        permission: Permission,
        scope: Scope,
    ) -> Result<(), CatalogError> {
        if self.allows(user, permission, scope) {
            return Ok(());
        }
        Err(CatalogError::Denied { user: user.to_owned(), permission: permission.name() })
    }

    pub(crate) fn put_database(&mut self, database: Arc<Database>) {
        if let Some(old) = self.databases_by_id.insert(database.id, database.clone()) {
            self.databases.remove(&old.name);
        }
        self.databases.insert(database.name.clone(), database);
    }

    pub(crate) fn remove_database(&mut self, database: &Database) {
        self.databases.remove(&database.name);
        self.databases_by_id.remove(&database.id);
        self.tables.remove_database(database.id);
    }
}
