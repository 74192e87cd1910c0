//! Administration: creating and dropping databases and tables, their settings and state.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_catalog::{
    Database, Permission, Permissions, PermissionsEdit, Replicas, SYSTEM_DATABASE, SYSTEM_DATABASE_ID, Scope,
    Table, TableEdit, TableOptions, TimeToLive,
};
use photondb_datum::{Datum, Text};

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::request::system_table_id;
use crate::terms::{table, write};
use crate::value::{DatabaseRef, Kind, Row, RowOrigin, TableRef, Value};

fn one(name: &str, changes: Vec<Datum>, more: Option<(&str, Datum)>) -> Datum {
    let mut fields = vec![("config_changes", Datum::array(changes)), (name, Datum::Number(1.0))];
    fields.extend(more);
    Datum::object(fields)
}

fn change(old: Datum, new: Datum) -> Datum {
    Datum::object([("old_val", old), ("new_val", new)])
}

fn described(database: Option<&Arc<Database>>) -> Datum {
    database.map_or(Datum::Null, |database| database.describe())
}

pub(crate) fn db_create(call: &Invocation<'_>) -> Result<Value> {
    let name = call.value(0)?.into_text()?;
    call.env.check_permission(Permission::Config, Scope::Global)?;
    let applied = call.env.services()?.catalog.create_database(&name)?;
    call.env.wrote(applied.position);
    let changes = vec![change(Datum::Null, described(applied.outcome.new.as_ref()))];
    call.answer(one("dbs_created", changes, None))
}

pub(crate) fn db_drop(call: &Invocation<'_>) -> Result<Value> {
    let name = call.value(0)?.into_text()?;
    call.env.check_permission(Permission::Config, Scope::Global)?;
    let applied = call.env.services()?.catalog.drop_database(&name)?;
    call.env.wrote(applied.position);
    let changes = vec![change(applied.outcome.database.describe(), Datum::Null)];
    let tables = Datum::Number(applied.outcome.tables.len() as f64);
    call.answer(one("dbs_dropped", changes, Some(("tables_dropped", tables))))
}

pub(crate) fn db_list(call: &Invocation<'_>) -> Result<Value> {
    let names = call.env.catalog()?.database_names();
    call.answer(Datum::array(names.into_iter().map(Datum::String)))
}

/// The database that a term is about and the position of the argument after it.
fn database_argument(call: &Invocation<'_>, with_name: bool) -> Result<(DatabaseRef, usize)> {
    let explicit = if with_name { call.count() > 1 } else { call.count() > 0 };
    if !explicit {
        return Ok((table::default_database(call)?, 0));
    }
    let value = call.value(0)?;
    match value.kind {
        Kind::Database(database) => Ok((database, 1)),
        kind => Err(Value::new(kind, value.site).type_error("DATABASE")),
    }
}

pub(crate) fn table_list(call: &Invocation<'_>) -> Result<Value> {
    let (database, _) = database_argument(call, false)?;
    if database.name.as_str() == SYSTEM_DATABASE {
        let names = call.env.services()?.system_tables.names();
        return call.answer(Datum::array(names.iter().map(|name| Datum::from(*name))));
    }
    let state = call.env.catalog()?;
    let names: Vec<Datum> = state.table_names(database.id).map(Datum::String).collect();
    call.answer(Datum::array(names))
}

pub(crate) fn table_create(call: &Invocation<'_>) -> Result<Value> {
    let (database, position) = database_argument(call, true)?;
    let name = call.value(position)?.into_text()?;
    let mut options = TableOptions::default();
    if let Some(primary_key) = call.option_text("primary_key")? {
        options.primary_key = primary_key;
    }
    if let Some(durability) = write::durability_option(call)? {
        options.durability = durability;
    }
    if let Some(ttl) = call.option("ttl")? {
        let site = ttl.site;
        options.ttl = TimeToLive::parse(&ttl.into_datum()?)
            .map_err(|error| EvalError::logic(error.to_string()).at(site))?;
    }
    let placement = Placement::from_options(call)?;
    options.shards = placement.shards.unwrap_or(1);
    options.replicas = placement.replicas.unwrap_or_else(|| Replicas::count(1));
    call.env.check_permission(Permission::Config, Scope::Database(database.id))?;
    let applied = call.env.services()?.catalog.create_table(&database.name, &name, options)?;
    call.env.wrote(applied.position);
    let new = described_table(call, applied.outcome.new.as_ref())?;
    call.answer(one("tables_created", vec![change(Datum::Null, new)], None))
}

fn described_table(call: &Invocation<'_>, table: Option<&Arc<Table>>) -> Result<Datum> {
    let state = call.env.catalog()?;
    Ok(table.map_or(Datum::Null, |table| state.describe_table(table, IdentifierFormat::Name)))
}

pub(crate) fn table_drop(call: &Invocation<'_>) -> Result<Value> {
    let (database, position) = database_argument(call, true)?;
    let name = call.value(position)?.into_text()?;
    let state = call.env.catalog()?;
    call.env.check_permission(Permission::Config, Scope::Database(database.id))?;
    let applied = call.env.services()?.catalog.drop_table(&database.name, &name)?;
    call.env.wrote(applied.position);
    let old = applied
        .outcome
        .old
        .as_ref()
        .map_or(Datum::Null, |table| state.describe_table(table, IdentifierFormat::Name));
    call.answer(one("tables_dropped", vec![change(old, Datum::Null)], None))
}

/// What `reconfigure` and `tableCreate` say about shards and replicas.
struct Placement {
    shards: Option<usize>,
    replicas: Option<Replicas>,
}

impl Placement {
    fn from_options(call: &Invocation<'_>) -> Result<Self> {
        let shards =
            match call.option("shards")? {
                None => None,
                Some(value) => {
                    let site = value.site;
                    let shards = value.into_integer()?;
                    let positive = usize::try_from(shards).ok().filter(|shards| *shards > 0);
                    Some(positive.ok_or_else(|| {
                        EvalError::logic("Every table must have at least one shard.").at(site)
                    })?)
                }
            };
        let tag = call.option_text("primary_replica_tag")?;
        let nonvoting = nonvoting_tags(call)?;
        let replicas = match call.option("replicas")? {
            None => None,
            Some(value) => {
                let site = value.site;
                let datum = value.into_datum()?;
                Some(replicas(&datum, tag.as_ref(), nonvoting.as_deref()).map_err(|error| {
                    if error.kind() == photondb_reql::ErrorKind::OpFailed { error } else { error.at(site) }
                })?)
            }
        };
        Ok(Self { shards, replicas })
    }
}

fn nonvoting_tags(call: &Invocation<'_>) -> Result<Option<Vec<Text>>> {
    match call.option_datum("nonvoting_replica_tags")? {
        None => Ok(None),
        Some(Datum::Array(tags)) => {
            tags.iter().map(|tag| crate::value::text(&tag)).collect::<Result<_>>().map(Some)
        }
        Some(other) => Err(crate::value::wrong_type("ARRAY", &other)),
    }
}

/// The replicas per shard, from a number or from numbers per server tag.
fn replicas(datum: &Datum, tag: Option<&Text>, nonvoting: Option<&[Text]>) -> Result<Replicas> {
    let count = |datum: &Datum| {
        let count = crate::value::integer(datum)?;
        usize::try_from(count).map_err(|_| EvalError::logic("Can't have a negative number of replicas"))
    };
    let Datum::Object(tags) = datum else {
        let count = count(datum)?;
        if tag.is_some() {
            return Err(EvalError::logic(
                "`replicas` must be an OBJECT if `primary_replica_tag` is specified.",
            ));
        }
        if nonvoting.is_some() {
            return Err(EvalError::logic(
                "`replicas` must be an OBJECT if `nonvoting_replica_tags` is specified.",
            ));
        }
        return Ok(Replicas::count(count));
    };
    let Some(tag) = tag else {
        return Err(EvalError::logic(
            "`primary_replica_tag` must be specified when `replicas` is an OBJECT.",
        ));
    };
    let counts = tags.iter().map(|(tag, value)| Ok((tag, count(&value)?))).collect::<Result<_>>()?;
    if !tags.contains_key(tag) {
        return Err(EvalError::failed(format!(
            "Can't use server tag `{tag}` for primary replicas because you specified no replicas in server tag `{tag}`."
        )));
    }
    for tag in nonvoting.into_iter().flatten() {
        if !tags.contains_key(tag) {
            return Err(EvalError::failed(format!(
                "You specified that the replicas in server tag `{tag}` should be non-voting, but you didn't specify a \
                 number of replicas in server tag `{tag}`."
            )));
        }
    }
    Ok(Replicas::by_tag(counts))
}

/// The user tables that a meta operation is about: one, or all of a database.
fn tables_argument(call: &Invocation<'_>) -> Result<(Vec<Arc<Table>>, bool)> {
    let state = call.env.catalog()?;
    let all = |database: &DatabaseRef| state.tables_of(database.id).cloned().collect::<Vec<_>>();
    if call.count() == 0 {
        return Ok((all(&table::default_database(call)?), true));
    }
    let value = call.value(0)?;
    match value.kind {
        Kind::Database(database) => Ok((all(&database), true)),
        Kind::Table(read) if read.table.system => Err(EvalError::failed(format!(
            "Table `{}` is an artificial table and can't be configured.",
            read.table.full_name()
        ))),
        Kind::Table(read) => {
            let table = state.table_by_id(read.table.id).cloned();
            let missing = || EvalError::failed(format!("Table `{}` does not exist.", read.table.full_name()));
            Ok((vec![table.ok_or_else(missing)?], false))
        }
        kind => Err(Value::new(kind, value.site).type_error("TABLE")),
    }
}

/// A row of a table of the `rethinkdb` database, by its key.
fn system_row(call: &Invocation<'_>, name: &str, key: Datum, configuration: bool) -> Result<Value> {
    let tables = &call.env.services()?.system_tables;
    let missing = || EvalError::failed(format!("Table `rethinkdb.{name}` does not exist."));
    let primary_key = tables.primary_key(name).ok_or_else(missing)?;
    let datum = tables.row(name, &key, IdentifierFormat::Name).ok_or_else(missing)??;
    let database = table::database(call, &Text::from(SYSTEM_DATABASE))?;
    let table = Arc::new(TableRef {
        id: system_table_id(name),
        database,
        name: Text::from(name),
        primary_key: Text::from(primary_key),
        system: true,
        identifiers: IdentifierFormat::Name,
        configuration,
    });
    Ok(Value::new(Kind::Row(Box::new(Row { table, key, datum, origin: RowOrigin::Key })), call.site))
}

pub(crate) fn config(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    if let Kind::Database(database) = &value.kind {
        if database.name.as_str() == SYSTEM_DATABASE {
            return Err(EvalError::failed("Database `rethinkdb` is special; you can't configure it."));
        }
        call.env.check_permission(Permission::Config, Scope::Database(database.id))?;
        return system_row(call, "db_config", Datum::string(database.id.to_string()), true);
    }
    let (tables, _) = tables_of_value(call, value)?;
    match tables.first() {
        Some(table) => {
            call.env.check_permission(Permission::Config, Scope::Table(table.database, table.id))?;
            system_row(call, "table_config", Datum::string(table.id.to_string()), true)
        }
        None => call.answer(Datum::Null),
    }
}

fn tables_of_value(call: &Invocation<'_>, value: Value) -> Result<(Vec<Arc<Table>>, bool)> {
    let first = std::cell::RefCell::new(Some(value));
    tables_argument(&Invocation { first: Some(&first), ..*call })
}

pub(crate) fn status(call: &Invocation<'_>) -> Result<Value> {
    let (tables, _) = tables_argument(call)?;
    match tables.first() {
        Some(table) => system_row(call, "table_status", Datum::string(table.id.to_string()), false),
        None => call.answer(Datum::Null),
    }
}

pub(crate) fn wait(call: &Invocation<'_>) -> Result<Value> {
    let (tables, _) = tables_argument(call)?;
    if let Some(wait_for) = call.option_text("wait_for")?
        && !matches!(
            wait_for.as_str(),
            "ready_for_outdated_reads" | "ready_for_reads" | "ready_for_writes" | "all_replicas_ready"
        )
    {
        return Err(EvalError::logic(format!(
            "Unknown table readiness state: '{wait_for}', must be one of 'ready_for_outdated_reads', 'ready_for_reads', \
             'ready_for_writes', or 'all_replicas_ready'"
        )));
    }
    call.option("timeout")?;
    call.answer(Datum::object([("ready", Datum::Number(tables.len() as f64))]))
}

pub(crate) fn reconfigure(call: &Invocation<'_>) -> Result<Value> {
    let (tables, whole_database) = tables_argument(call)?;
    let dry_run = call.option_bool("dry_run")?.unwrap_or(false);
    if let Some(value) = call.option("emergency_repair")? {
        let site = value.site;
        match value.into_datum()? {
            Datum::Null => {}
            mode => return Err(emergency_repair(call, &mode, whole_database, site)),
        }
    }
    let placement = Placement::from_options(call)?;
    let (Some(shards), Some(replicas)) = (placement.shards, placement.replicas) else {
        let missing = if placement.shards.is_none() { "shards" } else { "replicas" };
        return Err(EvalError::logic(format!("Missing required argument `{missing}`.")));
    };
    let catalog = &call.env.services()?.catalog;
    let mut changes = Vec::with_capacity(tables.len());
    for table in &tables {
        let old = described_table(call, Some(table))?;
        let shards = catalog.shards(shards, &replicas)?;
        let new = if dry_run {
            described_table(call, Some(&Arc::new(Table { shards, ..(**table).clone() })))?
        } else {
            call.env.check_permission(Permission::Config, Scope::Table(table.database, table.id))?;
            let applied = catalog
                .configure_table(table.id, TableEdit { shards: Some(shards), ..TableEdit::default() })?;
            call.env.wrote(applied.position);
            described_table(call, applied.outcome.new.as_ref())?
        };
        changes.push(change(old, new));
    }
    let count = if dry_run { 0.0 } else { tables.len() as f64 };
    call.answer(Datum::object([
        ("config_changes", Datum::array(changes)),
        ("reconfigured", Datum::Number(count)),
    ]))
}

fn emergency_repair(
    call: &Invocation<'_>,
    mode: &Datum,
    whole_database: bool,
    site: photondb_reql::TermId,
) -> EvalError {
    if whole_database {
        return EvalError::logic(
            "Can't emergency repair an entire database at once; instead you should run `reconfigure()` on each table \
             individually.",
        );
    }
    if !matches!(mode.as_str(), Some("unsafe_rollback" | "unsafe_rollback_or_erase")) {
        return EvalError::logic(
            "`emergency_repair` should be \"unsafe_rollback\" or \"unsafe_rollback_or_erase\"",
        )
        .at(site);
    }
    if ["shards", "replicas"].iter().any(|name| call.call.option(name).is_some()) {
        return EvalError::logic("In emergency repair mode, you can't specify shards, replicas, etc.");
    }
    EvalError::failed("This table doesn't need to be repaired.")
}

pub(crate) fn rebalance(call: &Invocation<'_>) -> Result<Value> {
    let (tables, _) = tables_argument(call)?;
    let mut changes = Vec::with_capacity(tables.len());
    for table in &tables {
        let row =
            system_row(call, "table_status", Datum::string(table.id.to_string()), false)?.into_datum()?;
        let settling = settling(&row);
        changes.push(change(row, settling));
    }
    let count = Datum::Number(tables.len() as f64);
    call.answer(Datum::object([("rebalanced", count), ("status_changes", Datum::array(changes))]))
}

/// The status that a table has right after its balance was changed.
fn settling(row: &Datum) -> Datum {
    let (Datum::Object(row), Some(Datum::Object(status))) = (row, row.get("status")) else {
        return row.clone();
    };
    let status = status.with(Text::from("all_replicas_ready"), Datum::Bool(false));
    Datum::Object(row.clone().with(Text::from("status"), Datum::Object(status)))
}

pub(crate) fn grant(call: &Invocation<'_>) -> Result<Value> {
    let value = if call.count() > 2 { Some(call.value(0)?) } else { None };
    let last = call.count() - 1;
    let scope = match value {
        None => Scope::Global,
        Some(value) => match value.kind {
            Kind::Database(database) => Scope::Database(database.id),
            Kind::Table(read) => Scope::Table(read.table.database.id, read.table.id),
            kind => return Err(Value::new(kind, value.site).type_error("TABLE")),
        },
    };
    let user = call.value(last - 1)?.into_text()?;
    let said = call.value(last)?.into_datum()?;
    let edit = PermissionsEdit::parse(&said, scope).map_err(|error| EvalError::failed(error.to_string()))?;
    // It is a way of writing that table, and takes what writing it takes.
    let permissions = Scope::Table(SYSTEM_DATABASE_ID, system_table_id("permissions"));
    call.env.check_permission(Permission::Read, permissions)?;
    call.env.check_permission(Permission::Write, permissions)?;
    let applied = call.env.services()?.catalog.grant(&user, scope, |granted| edit.apply(granted))?;
    call.env.wrote(applied.position);
    let (old, new) = applied.outcome;
    let told = |granted: Permissions| if granted.is_empty() { Datum::Null } else { granted.describe() };
    let changes = Datum::array([change(told(old), told(new))]);
    call.answer(Datum::object([("granted", Datum::Number(1.0)), ("permissions_changes", changes)]))
}
