//! Commands about databases.

use std::sync::Arc;

use photondb_base::{DatabaseId, TableId};
use photondb_datum::Text;

use crate::catalog::{Applied, Catalog, new_uuid};
use crate::codec;
use crate::error::CatalogError;
use crate::model::{Database, Table};
use crate::names::{NameKind, check_name};
use crate::state::{SYSTEM_DATABASE, State};
use crate::users;

/// The database of a new data directory.
pub(crate) const FIRST_DATABASE: &str = "test";

/// A database before and after a command.
#[derive(Clone, Debug)]
pub struct DatabaseChange {
    /// Absent before it was created.
    pub old: Option<Arc<Database>>,
    /// Absent after it was dropped.
    pub new: Option<Arc<Database>>,
}

/// A database that was dropped.
#[derive(Clone, Debug)]
pub struct DatabaseDrop {
    /// The database.
    pub database: Arc<Database>,
    /// The tables that went with it.
    pub tables: Vec<Arc<Table>>,
}

impl Catalog {
    /// `dbCreate`
    pub fn create_database(&self, name: &str) -> Result<Applied<DatabaseChange>, CatalogError> {
        self.create_database_as(DatabaseId(new_uuid(self.random.as_ref())), name)
    }

    /// Creates a database whose id was chosen already; it must be a new one.
    pub fn create_database_as(
        &self,
        id: DatabaseId,
        name: &str,
    ) -> Result<Applied<DatabaseChange>, CatalogError> {
        check_name(NameKind::Database, name)?;
        self.command(|command| {
            if name == SYSTEM_DATABASE || command.state.databases.contains_key(name) {
                return Err(CatalogError::DatabaseExists(name.to_owned()));
            }
            let database = Arc::new(Database { id, name: Text::from(name) });
            codec::put_database(&mut command.batch, &database);
            command.state.put_database(database.clone());
            Ok(DatabaseChange { old: None, new: Some(database) })
        })
    }

    /// `dbDrop`: drops the tables too, all in one batch.
    pub fn drop_database(&self, name: &str) -> Result<Applied<DatabaseDrop>, CatalogError> {
        check_name(NameKind::Database, name)?;
        if name == SYSTEM_DATABASE {
            return Err(CatalogError::SystemDatabase("delete it"));
        }
        self.drop_database_where(|state| state.database(name).cloned())
    }

    /// The same for a database by id.
    pub fn drop_database_by_id(&self, id: DatabaseId) -> Result<Applied<DatabaseDrop>, CatalogError> {
        self.drop_database_where(|state| state.database_by_id(id).cloned().ok_or(CatalogError::DatabaseGone))
    }

    fn drop_database_where(
        &self,
        find: impl FnOnce(&State) -> Result<Arc<Database>, CatalogError>,
    ) -> Result<Applied<DatabaseDrop>, CatalogError> {
        self.command_with(
            |command| {
                let database = find(&command.state)?;
                let entries = command.state.tables.of_database(database.id);
                // What the disk does not tell would stay behind without its database.
                let tables = entries.filter_map(|entry| entry.try_table().transpose());
                let tables: Vec<Arc<Table>> = tables.map(|table| table.cloned()).collect::<Result<_, _>>()?;
                for table in &tables {
                    codec::delete_table(&mut command.batch, table);
                }
                codec::delete_database(&mut command.batch, database.id);
                users::edit_grants(command, |grants| grants.forget_database(database.id));
                command.state.remove_database(&database);
                Ok(DatabaseDrop { database, tables })
            },
            |dropped, commit| {
                let tables: Vec<TableId> = dropped.tables.iter().map(|table| table.id).collect();
                Ok(self.tables.close_tables(&tables, commit)?)
            },
            |_| Ok(()),
        )
    }

    /// Gives a database another name.
    pub fn rename_database(
        &self,
        id: DatabaseId,
        name: &str,
    ) -> Result<Applied<DatabaseChange>, CatalogError> {
        check_name(NameKind::Database, name)?;
        self.command(|command| {
            let old = command.state.database_by_id(id).ok_or(CatalogError::DatabaseGone)?.clone();
            if old.name != *name && (name == SYSTEM_DATABASE || command.state.databases.contains_key(name)) {
                return Err(CatalogError::DatabaseRename { old: old.name.to_string(), new: name.to_owned() });
            }
            let new = Arc::new(Database { id, name: Text::from(name) });
            codec::put_database(&mut command.batch, &new);
            command.state.put_database(new.clone());
            Ok(DatabaseChange { old: Some(old), new: Some(new) })
        })
    }
}
