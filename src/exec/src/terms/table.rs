//! Databases, tables, and choosing rows by key.

use std::ops::Bound;
use std::sync::Arc;

use photondb_base::{IdentifierFormat, IndexId};
use photondb_catalog::{NameKind, Permission, SYSTEM_DATABASE, check_name};
use photondb_datum::{Datum, Text};
use photondb_plan::Operation;
use photondb_reql::TermType;
use photondb_table::{DatumRange, ReadMode};

use crate::error::{EvalError, Result};
use crate::evaluate::{self, Frame, Invocation};
use crate::sequence::{IndexRef, Sequence, TableRead, TableSource};
use crate::terms::transform;
use crate::value::{DatabaseRef, Kind, Row, RowOrigin, TableRef, Value};

/// A string of so many bytes is not too long for a primary key.
const PLAIN_KEY_BYTES_MAX: usize = 64;
/// The database of queries that say nothing about it.
const DEFAULT_DATABASE: &str = "test";

pub(crate) fn db(call: &Invocation<'_>) -> Result<Value> {
    let name = call.value(0)?.into_text()?;
    check_name(NameKind::Database, &name)?;
    Ok(Value::new(Kind::Database(database(call, &name)?), call.site))
}

pub(crate) fn database(call: &Invocation<'_>, name: &Text) -> Result<DatabaseRef> {
    let state = call.env.catalog()?;
    match state.database(name) {
        Ok(database) => Ok(DatabaseRef { id: database.id, name: name.clone() }),
        Err(_) if name.as_str() == SYSTEM_DATABASE => {
            Ok(DatabaseRef { id: crate::request::system_database_id(), name: name.clone() })
        }
        Err(error) => Err(error.into()),
    }
}

/// The database that a query means when it names none: its option `db`, which is looked at
/// only then, so that a query may name a database that it first creates.
pub(crate) fn default_database(call: &Invocation<'_>) -> Result<DatabaseRef> {
    let Some(expression) = call.env.options.global("db") else {
        return database(call, &Text::from(DEFAULT_DATABASE));
    };
    let value = evaluate::value(call.env, expression, Frame::EMPTY)?;
    match value.kind {
        Kind::Database(database) => Ok(database),
        kind => Err(Value::new(kind, value.site).type_error("DATABASE")),
    }
}

pub(crate) fn table(call: &Invocation<'_>) -> Result<Value> {
    let (database, position) = if call.count() > 1 {
        let value = call.value(0)?;
        let Kind::Database(database) = value.kind else { return Err(value.type_error("DATABASE")) };
        (database, 1)
    } else {
        (default_database(call)?, 0)
    };
    let name = call.value(position)?.into_text()?;
    let (mode, identifiers) = options(call)?;
    let table = TableRef { identifiers, ..resolve(call, database, name)? };
    Ok(Value::new(Kind::Table(Box::new(TableRead::all(Arc::new(table), mode, call.site))), call.site))
}

/// The read mode and the format of identifiers that the term or the whole query asks for.
fn options(call: &Invocation<'_>) -> Result<(ReadMode, IdentifierFormat)> {
    let mode = match call.option_text("read_mode")? {
        None => ReadMode::Single,
        Some(mode) => match mode.as_str() {
            "single" | "_debug_direct" => ReadMode::Single,
            "majority" => ReadMode::Majority,
            "outdated" => ReadMode::Outdated,
            other => {
                return Err(EvalError::logic(format!(
                    "Read mode `{other}` unrecognized (options are \"majority\", \"single\", and \"outdated\")."
                )));
            }
        },
    };
    let format = call.option_text("identifier_format")?;
    let identifiers = match format.as_ref().map_or("name", |format| format.as_str()) {
        "name" => IdentifierFormat::Name,
        "uuid" => IdentifierFormat::Uuid,
        other => {
            return Err(EvalError::logic(format!(
                "Identifier format `{other}` unrecognized (options are \"name\" and \"uuid\")."
            )));
        }
    };
    let outdated = call.option_bool("use_outdated")?.unwrap_or(false);
    Ok((if outdated { ReadMode::Outdated } else { mode }, identifiers))
}

fn resolve(call: &Invocation<'_>, database: DatabaseRef, name: Text) -> Result<TableRef> {
    let state = call.env.catalog()?;
    if database.name.as_str() == SYSTEM_DATABASE {
        let Some(primary_key) = call.env.services()?.system_tables.primary_key(&name) else {
            return Err(EvalError::failed(format!("Table `{}.{name}` does not exist.", database.name)));
        };
        return Ok(TableRef {
            id: crate::request::system_table_id(&name),
            database,
            name,
            primary_key: Text::from(primary_key),
            system: true,
            identifiers: IdentifierFormat::Name,
            configuration: false,
        });
    }
    check_name(NameKind::Table, &name)?;
    let table = state.table(&database.name, &name)?;
    Ok(TableRef {
        id: table.id,
        primary_key: table.primary_key.clone(),
        database,
        name,
        system: false,
        identifiers: IdentifierFormat::Name,
        configuration: false,
    })
}

/// The table that an argument is; slices and selections are none.
pub(crate) fn table_argument(call: &Invocation<'_>, position: usize) -> Result<Box<TableRead>> {
    let value = call.value(position)?;
    match value.kind {
        Kind::Table(read) => Ok(read),
        kind => Err(Value::new(kind, value.site).type_error("TABLE")),
    }
}

/// Makes a read go through an index. A read that is restricted already keeps to its index.
pub(crate) fn through_index(call: &Invocation<'_>, read: &mut TableRead, name: &Text) -> Result<()> {
    let restricted = !matches!(read.source, TableSource::All);
    if restricted && name != read.index_name() {
        return Err(EvalError::logic(format!(
            "Cannot order by index `{name}` after calling BETWEEN on index `{}`.",
            read.index_name()
        )));
    }
    if !restricted && read.order.is_some() && name != read.index_name() {
        return Err(EvalError::logic(format!(
            "Cannot call BETWEEN on index `{name}` after ordering by index `{}`.",
            read.index_name()
        )));
    }
    if *name == read.table.primary_key {
        read.index = None;
        return Ok(());
    }
    let found = index(call, &read.table, name).and_then(|index| {
        if !index.geo {
            return Ok(index.id);
        }
        Err(EvalError::logic(format!(
            "Index `{name}` is a geospatial index.  Only get_nearest and get_intersecting can use a geospatial \
             index."
        ))
        .at(call.env.ast.root()))
    });
    read.index = Some(IndexRef { name: name.clone(), found });
    Ok(())
}

/// What is to know about an index before it is read.
pub(crate) struct FoundIndex {
    pub(crate) id: IndexId,
    pub(crate) geo: bool,
}

/// A secondary index by name. RethinkDB finds out while it reads, when it is beyond the
/// terms, so that complaints point at the query as a whole.
pub(crate) fn index(call: &Invocation<'_>, table: &TableRef, name: &Text) -> Result<FoundIndex> {
    find_index(call, table, name).map_err(|error| error.at(call.env.ast.root()))
}

fn find_index(call: &Invocation<'_>, table: &TableRef, name: &Text) -> Result<FoundIndex> {
    let missing =
        || EvalError::failed(format!("Index `{name}` was not found on table `{}`.", table.full_name()));
    if table.system {
        return Err(missing());
    }
    let state = call.env.catalog()?;
    let config = state.table_by_id(table.id).ok_or_else(missing)?;
    let index = config.indexes.get(name.as_str()).ok_or_else(missing)?;
    let progress = call.env.services()?.shards.index_progress(table.id, index.id)?;
    if let Some(error) = &progress.error {
        return Err(super::index::unusable(name, table, error));
    }
    if !progress.ready {
        return Err(EvalError::failed(format!(
            "Index `{name}` on table `{}` was accessed before its construction was finished.",
            table.full_name()
        )));
    }
    Ok(FoundIndex { id: index.id, geo: index.geo })
}

/// A row that was read from a table, to be written to.
pub(crate) fn row(table: &Arc<TableRef>, datum: Datum, site: photondb_reql::TermId) -> Value {
    let key = match &datum {
        Datum::Object(object) => object.get(&table.primary_key).unwrap_or(Datum::Null),
        _ => Datum::Null,
    };
    Value::new(
        Kind::Row(Box::new(Row { table: Arc::clone(table), key, datum, origin: RowOrigin::Sequence })),
        site,
    )
}

/// A row that was read as the first in the order of an index.
pub(crate) fn first_row(read: Box<TableRead>, datum: Datum, site: photondb_reql::TermId) -> Value {
    let table = Arc::clone(&read.table);
    let key = datum.get(&table.primary_key).unwrap_or(Datum::Null);
    Value::new(Kind::Row(Box::new(Row { table, key, datum, origin: RowOrigin::First(read) })), site)
}

pub(crate) fn get(call: &Invocation<'_>) -> Result<Value> {
    row_by_key(call, true)
}

/// The row that is to be written to, when it is one that the first argument gets by its key.
/// The write reads it itself, so that it is not read here.
pub(crate) fn unread_row(call: &Invocation<'_>) -> Result<Option<Value>> {
    let expression = call.expression(0)?;
    match &expression.operation {
        Operation::Call(get)
            if get.term == TermType::Get && call.first.is_none() && !get.spliced && !expression.grouped =>
        {
            let get = Invocation { call: get, site: expression.site, ..*call };
            row_by_key(&get, false).map(Some).map_err(|error| error.at(expression.site))
        }
        _ => Ok(None),
    }
}

/// A row of a table. One that need not be read is, too, where that finds a mistake.
fn row_by_key(call: &Invocation<'_>, must_read: bool) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let key = call.value(1)?.into_datum()?;
    let table = Arc::clone(&read.table);
    let datum = if table.system {
        let read = TableRead { source: TableSource::Keys(vec![key.clone()]), ..*read };
        Sequence::table(read, call.site).first(call.env, 0)?
    } else {
        call.env.check_table(Permission::Read, &table)?;
        if must_read || !is_plain_key(&key) {
            let shards = &call.env.services()?.shards;
            call.env.task("Perform read on shard.", || shards.get(table.id, &key, read.mode, None))?
        } else {
            None
        }
    };
    let datum = datum.unwrap_or(Datum::Null);
    Ok(Value::new(Kind::Row(Box::new(Row { table, key, datum, origin: RowOrigin::Key })), call.site))
}

/// Whether data is surely good for a primary key.
fn is_plain_key(key: &Datum) -> bool {
    match key {
        Datum::Number(_) => true,
        Datum::String(text) => text.len() <= PLAIN_KEY_BYTES_MAX && !text.as_bytes().contains(&0),
        _ => false,
    }
}

pub(crate) fn get_all(call: &Invocation<'_>) -> Result<Value> {
    let mut read = table_argument(call, 0)?;
    if let Some(name) = call.option_text("index")? {
        through_index(call, &mut read, &name)?;
    }
    let mut keys = Vec::with_capacity(call.count());
    for position in 1..call.count() {
        let value = call.value(position)?;
        let site = value.site;
        let key = value.into_datum()?;
        if key.is_null() {
            return Err(EvalError::absent("Keys cannot be NULL.").at(site));
        }
        if key.is_geometry() {
            let message = "Cannot use a geospatial index with `get_all`. Use `get_intersecting` instead.";
            return Err(EvalError::logic(message).at(site));
        }
        keys.push(key);
    }
    read.source = TableSource::Keys(keys);
    let table = Arc::clone(&read.table);
    Ok(Value::new(Kind::Selection(table, Box::new(Sequence::table(*read, call.site))), call.site))
}

pub(crate) fn between(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let (Kind::Table(mut read) | Kind::TableSlice(mut read)) = value.kind else {
        return Err(value.type_error("TABLE_SLICE"));
    };
    let left = bound_argument(call, 1, transform::bound_is_open(call, "left_bound", false)?)?;
    let right = bound_argument(call, 2, transform::bound_is_open(call, "right_bound", true)?)?;
    if !matches!(read.source, TableSource::All) {
        return Err(EvalError::logic("Cannot perform multiple BETWEENs on the same table.").at(read.site));
    }
    let name = match call.option_text("index")? {
        Some(name) => name,
        None if read.order.is_some() => read.index_name().clone(),
        None => read.table.primary_key.clone(),
    };
    through_index(call, &mut read, &name)?;
    read.source = TableSource::Between(DatumRange::new(left, right));
    Ok(Value::new(Kind::TableSlice(read), call.site))
}

fn bound_argument(call: &Invocation<'_>, position: usize, open: bool) -> Result<Bound<Datum>> {
    let value = call.value(position)?;
    let site = value.site;
    Ok(match value.into_datum()? {
        Datum::Null => {
            return Err(EvalError::logic(
                "Cannot use `null` in BETWEEN, use `r.minval` or `r.maxval` to denote unboundedness.",
            )
            .at(site));
        }
        datum if open => Bound::Excluded(datum),
        datum => Bound::Included(datum),
    })
}
