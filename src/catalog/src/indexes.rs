//! Commands about secondary indexes and write hooks.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{IndexId, TableId};
use photondb_datum::Text;

use crate::catalog::{Applied, Catalog, Command, new_uuid};
use crate::codec;
use crate::error::CatalogError;
use crate::model::{Index, Table, WriteHookConfig};

/// What `indexCreate` says about an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexOptions {
    /// Its name.
    pub name: Text,
    /// Whether each element of an array is an entry of its own.
    pub multi: bool,
    /// Whether the values are geometry.
    pub geo: bool,
    /// Whether no two documents may have the same value.
    pub unique: bool,
    /// The stored function, opaque here.
    pub function: Bytes,
    /// How status answers tell it.
    pub query: Text,
}

/// The write hook of a table before and after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteHookChange {
    /// Before.
    pub old: Option<WriteHookConfig>,
    /// After.
    pub new: Option<WriteHookConfig>,
}

impl Catalog {
    /// `indexCreate`. The index is built in the background.
    pub fn create_index(
        &self,
        table: TableId,
        options: IndexOptions,
    ) -> Result<Applied<Arc<Index>>, CatalogError> {
        self.command_with(
            |command| {
                let mut edited = edit(command, table)?;
                let name = &options.name;
                if options.unique && options.geo {
                    return Err(CatalogError::UniqueGeo);
                }
                check_index_name(&edited, name)?;
                if edited.indexes.contains_key(name) {
                    let (database, table) = names(command, &edited);
                    return Err(CatalogError::IndexExists { index: name.to_string(), database, table });
                }
                let index = Arc::new(Index {
                    id: IndexId(new_uuid(self.random.as_ref())),
                    name: options.name.clone(),
                    tree: command.new_tree(),
                    multi: options.multi,
                    geo: options.geo,
                    unique: options.unique,
                    function: options.function,
                    query: options.query,
                    ready: false,
                });
                edited.indexes.insert(options.name, index.clone());
                store(command, edited);
                Ok(index)
            },
            |_, commit| Ok(commit()?),
            |index| Ok(self.tables.add_index(table, index.layout())?),
        )
    }

    /// `indexDrop`
    pub fn drop_index(&self, table: TableId, name: &str) -> Result<Applied<Arc<Index>>, CatalogError> {
        self.command_with(
            |command| {
                let mut edited = edit(command, table)?;
                check_index_name(&edited, name)?;
                let Some(index) = edited.indexes.remove(name) else {
                    let (database, table) = names(command, &edited);
                    return Err(CatalogError::NoIndex { index: name.to_owned(), database, table });
                };
                command.batch.drop_tree(index.tree);
                store(command, edited);
                Ok(index)
            },
            |index, commit| Ok(self.tables.remove_index(table, index.id, commit)?),
            |_| Ok(()),
        )
    }

    /// `indexRename`; `false` when both names are the same.
    pub fn rename_index(
        &self,
        table: TableId,
        old: &str,
        new: &str,
        overwrite: bool,
    ) -> Result<Applied<bool>, CatalogError> {
        let renamed = self.command_with(
            |command| {
                let mut edited = edit(command, table)?;
                check_index_name(&edited, old)?;
                check_index_name(&edited, new)?;
                let known = edited.indexes.contains_key(old);
                let taken = old != new && !overwrite && edited.indexes.contains_key(new);
                if !known || taken {
                    let (database, table) = names(command, &edited);
                    let (old, new) = (old.to_owned(), new.to_owned());
                    return Err(CatalogError::IndexRename { old, new, database, table });
                }
                if old == new {
                    return Ok((None, None));
                }
                let Some(index) = edited.indexes.remove(old) else { return Ok((None, None)) };
                let index = Arc::new(Index { name: Text::from(new), ..(*index).clone() });
                let replaced = edited.indexes.insert(index.name.clone(), index.clone());
                if let Some(replaced) = &replaced {
                    command.batch.drop_tree(replaced.tree);
                }
                store(command, edited);
                Ok((Some(index), replaced))
            },
            |(_, replaced), commit| match replaced {
                Some(replaced) => Ok(self.tables.remove_index(table, replaced.id, commit)?),
                None => Ok(commit()?),
            },
            |(index, _)| match index {
                Some(index) => Ok(self.tables.rename_index(table, index.id, index.name.clone())?),
                None => Ok(()),
            },
        )?;
        Ok(Applied { outcome: renamed.outcome.0.is_some(), position: renamed.position })
    }

    /// Sets, replaces or removes a write hook.
    pub fn set_write_hook(
        &self,
        table: TableId,
        hook: Option<WriteHookConfig>,
    ) -> Result<Applied<WriteHookChange>, CatalogError> {
        self.command_with(
            |command| {
                let mut edited = edit(command, table)?;
                let old = edited.write_hook.clone();
                edited.write_hook = hook.clone();
                store(command, edited);
                Ok(WriteHookChange { old, new: hook })
            },
            |_, commit| Ok(commit()?),
            |change| {
                let function = change.new.as_ref().map(|hook| hook.function.clone());
                Ok(self.tables.set_write_hook(table, function)?)
            },
        )
    }

    /// Notes whether the tree of an index is complete.
    pub(crate) fn mark_index(&self, table: TableId, index: IndexId, ready: bool) -> Result<(), CatalogError> {
        let marked = self.command(|command| {
            // Dropped or renamed meanwhile: found by id, or nothing to note.
            let Ok(mut edited) = edit(command, table) else { return Ok(()) };
            if let Some(expiry) = edited.expiry.as_mut().filter(|expiry| expiry.id == index) {
                expiry.ready = ready;
                store(command, edited);
                return Ok(());
            }
            let Some(found) = edited.indexes.values().find(|known| known.id == index).cloned() else {
                return Ok(());
            };
            let marked = Arc::new(Index { ready, ..(*found).clone() });
            edited.indexes.insert(marked.name.clone(), marked);
            store(command, edited);
            Ok(())
        });
        // Nobody waits for this to be durable: lost, the index is built once more.
        marked.map(|_| ())
    }
}

fn edit(command: &Command, table: TableId) -> Result<Table, CatalogError> {
    command.state.table_by_id(table).map(|table| (**table).clone()).ok_or(CatalogError::TableGone)
}

fn store(command: &mut Command, table: Table) {
    let table = Arc::new(table);
    codec::put_table(&mut command.batch, &table);
    command.state.tables.put(table);
}

fn names(command: &Command, table: &Table) -> (String, String) {
    (command.state.database_name(table).to_string(), table.name.to_string())
}

fn check_index_name(table: &Table, name: &str) -> Result<(), CatalogError> {
    if table.primary_key == *name {
        return Err(CatalogError::IndexIsPrimaryKey(name.to_owned()));
    }
    Ok(())
}
