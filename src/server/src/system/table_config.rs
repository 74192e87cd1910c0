//! `table_config`: what can be set about tables.

use std::sync::Arc;

use photondb_base::{IdentifierFormat, TableId};
use photondb_catalog::{
    Database, Permission, Scope, ShardConfig, State, Table, TableEdit, TableOptions, TimeToLive, WriteAcks,
};
use photondb_datum::{Datum, Text};
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;
use photondb_table::Durability;

use super::fields::{self, Fields, within, wrong_format};
use super::{Sources, SystemTable, refused, shards};

pub(super) struct TableConfig(pub(super) Arc<Sources>);

/// A row that is to be written, read. What a new table need not say may be absent.
struct Row {
    name: Text,
    database: Arc<Database>,
    primary_key: Option<Text>,
    shards: Option<Vec<ShardConfig>>,
    write_acks: Option<WriteAcks>,
    durability: Option<Durability>,
    data: Datum,
    ttl: Option<TimeToLive>,
}

impl SystemTable for TableConfig {
    fn name(&self) -> &'static str {
        "table_config"
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.0.catalog.state();
        Ok(state.tables().map(|table| state.describe_table(table, format)).collect())
    }

    fn row(&self, key: &Datum, format: IdentifierFormat) -> Result<Datum, ReqlError> {
        let state = self.0.catalog.state();
        let table = key.as_str().and_then(TableId::parse).and_then(|id| state.table_by_id(id));
        Ok(table.map_or(Datum::Null, |table| state.describe_table(table, format)))
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        let state = self.0.catalog.state();
        let id = write.key.as_str().and_then(TableId::parse);
        match (id.and_then(|id| state.table_by_id(id)), write.new.is_null()) {
            (None, true) => Ok(()),
            (Some(table), true) => {
                check_config(&state, write, Scope::Table(table.database, table.id))?;
                self.0.settle(self.0.catalog.drop_table_by_id(table.id)).map(drop)
            }
            (Some(table), false) => self.edit(&state, table, write),
            (None, false) => {
                let Some(id) = id.filter(|_| write.key_is_generated) else {
                    return Err(ReqlError::op_failed(
                        "There is no existing table with the given ID. To create a new table by inserting into \
                         `rethinkdb.table_config`, you must let the database generate the primary key \
                         automatically.",
                    ));
                };
                self.create(&state, id, write)
            }
        }
    }
}

impl TableConfig {
    fn create(&self, state: &State, id: TableId, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        let row = Row::parse(write, state, None).map_err(wrong_format(self.name()))?;
        check_config(state, write, Scope::Database(row.database.id))?;
        let usual = TableOptions::default();
        let options = TableOptions {
            id: Some(id),
            primary_key: row.primary_key.unwrap_or(usual.primary_key),
            durability: row.durability.unwrap_or(usual.durability),
            shards: row.shards.map_or(usual.shards, |shards| shards.len()),
            replicas: usual.replicas,
            write_acks: row.write_acks.unwrap_or_default(),
            data: row.data,
            ttl: row.ttl,
        };
        self.0.settle(self.0.catalog.create_table(&row.database.name, &row.name, options)).map(drop)
    }

    fn edit(&self, state: &State, table: &Table, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        check_config(state, write, Scope::Table(table.database, table.id))?;
        let row = Row::parse(write, state, Some(table)).map_err(wrong_format(self.name()))?;
        if row.database.id != table.database {
            check_config(state, write, Scope::Database(row.database.id))?;
        }
        if row.primary_key.is_some_and(|primary_key| primary_key != table.primary_key) {
            return Err(ReqlError::op_failed("It's illegal to change a table's primary key"));
        }
        let ttl = table.expiry.as_ref().map(|expiry| &expiry.ttl);
        // What stays is not mentioned: somebody else may be changing it.
        let edit = TableEdit {
            name: (row.name != table.name).then_some(row.name),
            database: (row.database.id != table.database).then_some(row.database.id),
            durability: row.durability.filter(|durability| *durability != table.durability),
            write_acks: row.write_acks.filter(|acks| *acks != table.write_acks),
            shards: row.shards.filter(|shards| *shards != table.shards),
            data: (row.data != table.data).then_some(row.data),
            ttl: (row.ttl.as_ref() != ttl).then_some(row.ttl),
        };
        self.0.settle(self.0.catalog.configure_table(table.id, edit)).map(drop)
    }
}

impl Row {
    fn parse(write: &SystemWrite<'_>, state: &State, table: Option<&Table>) -> Result<Self, ReqlError> {
        let is_new = table.is_none();
        let format = write.identifiers;
        let mut fields = Fields::of(write.new)?;
        let name = fields::name(&fields.require("name")?, "table name").map_err(within("name"))?;
        let database = fields::database(&fields.require("db")?, state, format)?;
        fields.require("id")?;
        check_indexes(&mut fields, table)?;
        let primary_key = fields.require_unless(is_new, "primary_key")?;
        let primary_key =
            primary_key.map(|datum| fields::text(&datum)).transpose().map_err(within("primary_key"))?;
        let shards = fields.require_unless(is_new, "shards")?;
        let shards = shards.map(|datum| shards::parse(&datum, state.server(), format)).transpose()?;
        let write_acks = fields.require_unless(is_new, "write_acks")?;
        let write_acks = write_acks
            .map(|acks| {
                fields::one_of(&acks, [("single", WriteAcks::Single), ("majority", WriteAcks::Majority)])
            })
            .transpose()
            .map_err(within("write_acks"))?;
        let durability = fields.require_unless(is_new, "durability")?;
        let durability = durability
            .map(|durability| {
                fields::one_of(&durability, [("soft", Durability::Soft), ("hard", Durability::Hard)])
            })
            .transpose()
            .map_err(within("durability"))?;
        check_flush_interval(fields.take("flush_interval")).map_err(within("flush_interval"))?;
        check_write_hook(&mut fields, write, table)?;
        let data = fields.take("data").unwrap_or(Datum::Null);
        let ttl = TimeToLive::parse(&fields.take("ttl").unwrap_or(Datum::Null))
            .map_err(|error| ReqlError::op_failed(error.to_string()))?;
        fields.finish()?;
        Ok(Self { name, database, primary_key, shards, write_acks, durability, data, ttl })
    }
}

fn check_config(state: &State, write: &SystemWrite<'_>, scope: Scope) -> Result<(), ReqlError> {
    state.check_permission(write.user, Permission::Config, scope).map_err(|error| refused(&error))
}

/// Indexes are told here and made elsewhere.
fn check_indexes(fields: &mut Fields<'_>, table: Option<&Table>) -> Result<(), ReqlError> {
    let Some(said) = fields.require_unless(table.is_none(), "indexes")? else { return Ok(()) };
    let Datum::Array(said) = &said else {
        return Err(within("indexes")(ReqlError::op_failed(format!(
            "Expected an array, got {}",
            said.print()
        ))));
    };
    let mut names = said
        .iter()
        .map(|name| fields::text(&name))
        .collect::<Result<Vec<_>, _>>()
        .map_err(within("indexes"))?;
    names.sort();
    let same = match table {
        Some(table) => names.iter().eq(table.indexes.keys()),
        None => names.is_empty(),
    };
    match (same, table.is_some()) {
        (true, _) => Ok(()),
        (false, true) => Err(ReqlError::op_failed(
            "The `indexes` field is read-only and can't be used to create or drop indexes.",
        )),
        (false, false) => {
            Err(ReqlError::op_failed("The `indexes` field is read-only and can't be used to create indexes."))
        }
    }
}

/// The write hook is told here and set elsewhere.
fn check_write_hook(
    fields: &mut Fields<'_>,
    write: &SystemWrite<'_>,
    table: Option<&Table>,
) -> Result<(), ReqlError> {
    let Some(said) = fields.require_unless(table.is_none(), "write_hook")? else { return Ok(()) };
    if said == write.old.get("write_hook").unwrap_or(Datum::Null) {
        return Ok(());
    }
    Err(ReqlError::op_failed(
        "The `write_hook` field is read-only and can't be used to create or drop a write hook function.",
    ))
}

/// Successors of RethinkDB 2.4 say here when soft writes are written out. Here they are in the
/// log at once, and nothing is kept of it.
fn check_flush_interval(said: Option<Datum>) -> Result<(), ReqlError> {
    match said {
        None => Ok(()),
        Some(Datum::String(word)) if matches!(word.as_str(), "default" | "never") => Ok(()),
        Some(Datum::Number(seconds)) if !seconds.is_sign_negative() => Ok(()),
        Some(other @ Datum::Number(_)) => {
            Err(ReqlError::op_failed(format!("Expected non-negative number, got: {}", other.print())))
        }
        Some(other) => Err(ReqlError::op_failed(format!(
            "Expected \"default\", \"never\", or a non-negative number, got: {}",
            other.print()
        ))),
    }
}
