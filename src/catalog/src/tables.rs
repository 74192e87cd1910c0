//! Commands about tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use photondb_base::{DatabaseId, IndexId, TableId};
use photondb_datum::{Datum, Text};
use photondb_table::Durability;

use crate::catalog::{Applied, Catalog, Command, new_uuid};
use crate::codec;
use crate::error::CatalogError;
use crate::expiry::{Expiry, TimeToLive};
use crate::model::{ServerId, ShardConfig, Table, WriteAcks};
use crate::names::{NameKind, check_name};
use crate::state::{SYSTEM_DATABASE, State};
use crate::users;

/// Shards of one table, as in RethinkDB.
pub const SHARDS_MAX: usize = 64;

/// The tag of every server until it is given others.
pub const DEFAULT_TAG: &str = "default";

/// How many replicas of each shard are to be on servers with which tags, primaries included.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicas(Vec<(Text, usize)>);

impl Replicas {
    /// So many on servers with the tag that all servers have at first.
    pub fn count(count: usize) -> Self {
        Self(vec![(Text::from_static(DEFAULT_TAG), count)])
    }

    /// So many on servers with each of the tags.
    pub fn by_tag(tags: Vec<(Text, usize)>) -> Self {
        Self(tags)
    }
}

/// What `tableCreate` may say about a table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOptions {
    /// The table's id when it was chosen already; it must be a new one.
    pub id: Option<TableId>,
    /// Name of the primary key field.
    pub primary_key: Text,
    /// For writes that do not ask for one.
    pub durability: Durability,
    /// Number of shards.
    pub shards: usize,
    /// Replicas of each shard.
    pub replicas: Replicas,
    /// How many replicas must have a write.
    pub write_acks: WriteAcks,
    /// Whatever the user keeps with the settings; null for nothing.
    pub data: Datum,
    /// How documents expire, when they do.
    pub ttl: Option<TimeToLive>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            id: None,
            primary_key: Text::from("id"),
            durability: Durability::Hard,
            shards: 1,
            replicas: Replicas::count(1),
            write_acks: WriteAcks::default(),
            data: Datum::Null,
            ttl: None,
        }
    }
}

/// What is to change about a table; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TableEdit {
    /// Its name.
    pub name: Option<Text>,
    /// Its database.
    pub database: Option<DatabaseId>,
    /// For writes that do not ask for one.
    pub durability: Option<Durability>,
    /// How many replicas must have a write.
    pub write_acks: Option<WriteAcks>,
    /// Where its documents are.
    pub shards: Option<Vec<ShardConfig>>,
    /// Whatever the user keeps with the settings.
    pub data: Option<Datum>,
    /// How documents expire; the inner `None` for never.
    pub ttl: Option<Option<TimeToLive>>,
}

/// A table before and after a command.
#[derive(Clone, Debug)]
pub struct TableChange {
    /// Absent before it was created.
    pub old: Option<Arc<Table>>,
    /// Absent after it was dropped.
    pub new: Option<Arc<Table>>,
    /// The name of its database at the time.
    pub database_name: Text,
}

impl Catalog {
    /// `tableCreate`
    pub fn create_table(
        &self,
        database: &str,
        name: &str,
        options: TableOptions,
    ) -> Result<Applied<TableChange>, CatalogError> {
        check_name(NameKind::Table, name)?;
        if database == SYSTEM_DATABASE {
            return Err(CatalogError::SystemDatabase("create new tables in it"));
        }
        self.command_with(
            |command| {
                let parent = command.state.database(database)?.clone();
                match command.state.table_in(&parent, name) {
                    Ok(_) => return Err(exists(database, name)),
                    Err(CatalogError::NoTable { .. }) => {}
                    Err(error) => return Err(error),
                }
                let shards = self.shards(options.shards, &options.replicas)?;
                let expiry = options.ttl.map(|ttl| Expiry {
                    // There is no document yet that it could lack.
                    ready: true,
                    ..self.new_expiry(command, ttl)
                });
                let table = Arc::new(Table {
                    id: options.id.unwrap_or_else(|| TableId(new_uuid(self.random.as_ref()))),
                    database: parent.id,
                    name: Text::from(name),
                    primary_key: options.primary_key,
                    tree: command.new_tree(),
                    durability: options.durability,
                    write_acks: options.write_acks,
                    shards,
                    indexes: BTreeMap::new(),
                    write_hook: None,
                    expiry,
                    data: options.data,
                });
                codec::put_table(&mut command.batch, &table);
                command.state.tables.put(table.clone());
                Ok(TableChange { old: None, new: Some(table), database_name: parent.name.clone() })
            },
            |_, commit| Ok(commit()?),
            |change| match &change.new {
                Some(table) => Ok(self.tables.open_table(table.layout())?),
                None => Ok(()),
            },
        )
    }

    /// `tableDrop`
    pub fn drop_table(&self, database: &str, name: &str) -> Result<Applied<TableChange>, CatalogError> {
        check_name(NameKind::Table, name)?;
        if database == SYSTEM_DATABASE {
            return Err(CatalogError::SystemDatabase("drop tables in it"));
        }
        self.drop_table_where(|state| state.table(database, name).cloned())
    }

    /// The same for a table by id.
    pub fn drop_table_by_id(&self, id: TableId) -> Result<Applied<TableChange>, CatalogError> {
        self.drop_table_where(|state| state.table_by_id(id).cloned().ok_or(CatalogError::TableGone))
    }

    fn drop_table_where(
        &self,
        find: impl FnOnce(&State) -> Result<Arc<Table>, CatalogError>,
    ) -> Result<Applied<TableChange>, CatalogError> {
        self.command_with(
            |command| {
                let table = find(&command.state)?;
                let database_name = command.state.database_name(&table);
                codec::delete_table(&mut command.batch, &table);
                users::edit_grants(command, |grants| grants.forget_table(table.id));
                command.state.tables.remove(&table);
                Ok(TableChange { old: Some(table), new: None, database_name })
            },
            |change, commit| {
                let table: Vec<TableId> = change.old.iter().map(|table| table.id).collect();
                Ok(self.tables.close_tables(&table, commit)?)
            },
            |_| Ok(()),
        )
    }

    /// Changes the settings of a table.
    pub fn configure_table(
        &self,
        id: TableId,
        edit: TableEdit,
    ) -> Result<Applied<TableChange>, CatalogError> {
        if let Some(name) = &edit.name {
            check_name(NameKind::Table, name)?;
        }
        self.command_with(
            |command| {
                let old = command.state.table_by_id(id).ok_or(CatalogError::TableGone)?.clone();
                let mut table = (*old).clone();
                table.name = edit.name.unwrap_or(table.name);
                table.database = edit.database.unwrap_or(table.database);
                table.durability = edit.durability.unwrap_or(table.durability);
                table.write_acks = edit.write_acks.unwrap_or(table.write_acks);
                table.data = edit.data.unwrap_or(table.data);
                if let Some(ttl) = edit.ttl
                    && old.expiry.as_ref().map(|expiry| &expiry.ttl) != ttl.as_ref()
                {
                    if let Some(former) = &old.expiry {
                        command.batch.drop_tree(former.tree);
                    }
                    table.expiry = ttl.map(|ttl| self.new_expiry(command, ttl));
                }
                if let Some(shards) = edit.shards {
                    check_shards(&shards)?;
                    table.shards = shards;
                }
                let parent =
                    command.state.database_by_id(table.database).ok_or(CatalogError::DatabaseGone)?.clone();
                match command.state.table_in(&parent, &table.name) {
                    Ok(other) if other.id != id => {
                        let full_name =
                            |table: &Table| format!("{}.{}", command.state.database_name(table), table.name);
                        return Err(CatalogError::TableRename {
                            old: full_name(&old),
                            new: full_name(&table),
                        });
                    }
                    Ok(_) | Err(CatalogError::NoTable { .. }) => {}
                    Err(error) => return Err(error),
                }
                if table.database != old.database {
                    users::edit_grants(command, |grants| grants.move_table(id, old.database, table.database));
                }
                let table = Arc::new(table);
                codec::put_table(&mut command.batch, &table);
                command.state.tables.put(table.clone());
                Ok(TableChange { old: Some(old), new: Some(table), database_name: parent.name.clone() })
            },
            |change, commit| match (&change.old, &change.new) {
                (Some(old), Some(new)) if !same_expiry(old, new) => {
                    let expiry = new.expiry.as_ref().map(Expiry::layout);
                    Ok(self.tables.set_expiry(id, expiry, commit)?)
                }
                _ => Ok(commit()?),
            },
            |change| match &change.new {
                Some(table) => Ok(self.tables.set_durability(table.id, table.durability)?),
                None => Ok(()),
            },
        )
    }

    fn new_expiry(&self, command: &mut Command, ttl: TimeToLive) -> Expiry {
        let id = IndexId(new_uuid(self.random.as_ref()));
        Expiry { ttl, id, tree: command.new_tree(), ready: false }
    }

    /// The placement of `shards` shards on the servers there are: on the only one.
    pub fn shards(&self, shards: usize, replicas: &Replicas) -> Result<Vec<ShardConfig>, CatalogError> {
        let state = self.state();
        let tags: Vec<&(Text, usize)> = replicas.0.iter().filter(|(_, count)| *count > 0).collect();
        if tags.is_empty() {
            return Err(CatalogError::NoReplicas);
        }
        for (tag, count) in &tags {
            let servers = usize::from(state.server().tags.contains(tag));
            if *count > servers {
                let (replicas, tag) = (*count, tag.to_string());
                return Err(CatalogError::TooManyReplicas { replicas, tag, servers });
            }
        }
        if let [(first, _), (second, _), ..] = tags[..] {
            return Err(CatalogError::TagsOverlap {
                first: first.to_string(),
                second: second.to_string(),
                server: state.server().name.to_string(),
            });
        }
        let server: ServerId = state.server().id;
        let placement: Vec<ShardConfig> = (0..shards.min(SHARDS_MAX + 1))
            .map(|_| ShardConfig { primary: server, replicas: vec![server], nonvoting: Vec::new() })
            .collect();
        check_shards(&placement)?;
        Ok(placement)
    }
}

fn same_expiry(old: &Table, new: &Table) -> bool {
    old.expiry.as_ref().map(|expiry| expiry.id) == new.expiry.as_ref().map(|expiry| expiry.id)
}

fn check_shards(shards: &[ShardConfig]) -> Result<(), CatalogError> {
    match shards.len() {
        0 => Err(CatalogError::NoShards),
        n if n > SHARDS_MAX => Err(CatalogError::TooManyShards { max: SHARDS_MAX }),
        _ => Ok(()),
    }
}

fn exists(database: &str, table: &str) -> CatalogError {
    CatalogError::TableExists { database: database.to_owned(), table: table.to_owned() }
}
