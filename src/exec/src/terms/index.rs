//! Secondary indexes and write hooks: making, dropping, renaming, waiting for them.

use std::sync::Arc;
use std::time::Duration;

use photondb_catalog::{Index, IndexOptions, Permission, Table, WriteHookConfig};
use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::index_function::IndexFunction;
use photondb_reql::{Ast, Determinism, print_function, print_index_create};

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::Function;
use crate::stored_function;
use crate::terms::table::table_argument;
use crate::value::{Kind, TableRef, Value};

/// How often `indexWait` looks.
const WAIT_INTERVAL: Duration = Duration::from_millis(2);

/// The table's settings as of now.
fn config(call: &Invocation<'_>, table: &TableRef) -> Result<Arc<Table>> {
    if table.system {
        return Err(EvalError::failed(format!(
            "Table `{}` is an artificial table: it has no secondary indexes.",
            table.full_name()
        )));
    }
    let state = call.env.catalog()?;
    let config = state.table_by_id(table.id).cloned();
    config.ok_or_else(|| EvalError::failed(format!("Table `{}` does not exist.", table.full_name())))
}

/// The same, to change them.
fn config_to_change(call: &Invocation<'_>, table: &TableRef) -> Result<Arc<Table>> {
    let config = config(call, table)?;
    call.env.check_table(Permission::Config, table)?;
    Ok(config)
}

fn status(name: &str) -> Datum {
    Datum::object([(name, Datum::Number(1.0))])
}

pub(crate) fn index_create(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let name = call.value(1)?.into_text()?;
    let (multi, geo) = (call.option_bool("multi")?, call.option_bool("geo")?);
    let unique = call.option_bool("unique")?;
    let table = config_to_change(call, &read.table)?;
    let mut index = IndexFunction::of_field(&name, false, false);
    if call.count() > 2 {
        let value = call.value(2)?;
        match value.kind {
            Kind::Datum(Datum::Binary(blob)) => {
                index = IndexFunction::decode(&blob).map_err(|error| EvalError::logic(error.to_string()))?;
            }
            Kind::Function(function) => index.function = standalone(&function)?,
            kind => {
                return Err(Value::new(kind, value.site).type_error("FUNCTION"));
            }
        }
    }
    // Options given here win over those of a blob.
    index.multi = multi.unwrap_or(index.multi);
    index.geo = geo.unwrap_or(index.geo);
    index.unique = unique.unwrap_or(index.unique);
    let query = Text::from(print_index_create(&name, &index));
    let function = stored_function::blob(&index)?;
    let options =
        IndexOptions { name, multi: index.multi, geo: index.geo, unique: index.unique, function, query };
    let applied = call.env.services()?.catalog.create_index(table.id, options)?;
    call.env.wrote(applied.position);
    call.answer(status("created"))
}

/// The tree of a function that is to be stored; it must always give the same value.
fn standalone(function: &Function) -> Result<Ast> {
    if function.determinism() != Determinism::ALWAYS {
        return Err(EvalError::logic(
            "Could not prove function deterministic.  Index functions must be deterministic.",
        )
        .at(function.body_site()));
    }
    match function.as_closure() {
        Some((template, captures)) => Ok(stored_function::standalone(template, captures)),
        None => Err(EvalError::logic("Index functions must be ReQL functions.")),
    }
}

pub(crate) fn index_drop(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let name = call.value(1)?.into_text()?;
    let table = config_to_change(call, &read.table)?;
    let applied = call.env.services()?.catalog.drop_index(table.id, &name)?;
    call.env.wrote(applied.position);
    call.answer(status("dropped"))
}

pub(crate) fn index_list(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    if read.table.system {
        return call.answer(Datum::array([]));
    }
    let table = config(call, &read.table)?;
    call.answer(Datum::array(table.indexes.keys().cloned().map(Datum::String)))
}

pub(crate) fn index_rename(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let (old, new) = (call.value(1)?.into_text()?, call.value(2)?.into_text()?);
    let overwrite = call.option_bool("overwrite")?.unwrap_or(false);
    let table = config_to_change(call, &read.table)?;
    let applied = call.env.services()?.catalog.rename_index(table.id, &old, &new, overwrite)?;
    call.env.wrote(applied.position);
    call.answer(Datum::object([("renamed", Datum::Number(f64::from(u8::from(applied.outcome))))]))
}

pub(crate) fn index_status(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let table = config(call, &read.table)?;
    let rows = wanted(call, &table)?
        .iter()
        .map(|index| describe(call, &table, index))
        .collect::<Result<Vec<_>>>()?;
    call.answer(Datum::array(rows))
}

pub(crate) fn index_wait(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    loop {
        call.env.check_cancelled()?;
        let table = config(call, &read.table)?;
        let indexes = wanted(call, &table)?;
        let mut ready = true;
        for index in &indexes {
            let progress = call.env.services()?.shards.index_progress(table.id, index.id)?;
            if let Some(error) = progress.error {
                return Err(unusable(&index.name, &read.table, &error));
            }
            ready &= progress.ready;
        }
        if ready {
            let rows =
                indexes.iter().map(|index| describe(call, &table, index)).collect::<Result<Vec<_>>>()?;
            return call.answer(Datum::array(rows));
        }
        std::thread::sleep(WAIT_INTERVAL);
    }
}

/// The complaint about an index that will not be ready however long one waits.
pub(crate) fn unusable(index: &Text, table: &TableRef, error: &str) -> EvalError {
    EvalError::failed(format!("Index `{index}` on table `{}` can't be used: {error}", table.full_name()))
}

/// The indexes that are named, or all of them, in the order of their names.
fn wanted(call: &Invocation<'_>, table: &Table) -> Result<Vec<Arc<Index>>> {
    if call.count() == 1 {
        return Ok(table.indexes.values().cloned().collect());
    }
    let state = call.env.catalog()?;
    let mut names = (1..call.count()).map(|i| call.value(i)?.into_text()).collect::<Result<Vec<_>>>()?;
    names.sort();
    names.dedup();
    names.iter().map(|name| Ok(Arc::clone(state.index(table, name)?))).collect()
}

fn describe(call: &Invocation<'_>, table: &Table, index: &Index) -> Result<Datum> {
    let progress = call.env.services()?.shards.index_progress(table.id, index.id)?;
    let mut row = ObjectBuilder::new();
    row.insert(Text::from("index"), Datum::String(index.name.clone()));
    row.insert(Text::from("ready"), Datum::Bool(progress.ready));
    row.insert(Text::from("outdated"), Datum::Bool(progress.outdated));
    row.insert(Text::from("multi"), Datum::Bool(index.multi));
    row.insert(Text::from("geo"), Datum::Bool(index.geo));
    row.insert(Text::from("function"), Datum::Binary(index.function.clone()));
    // Printed anew: the index may have been renamed since its text was stored.
    let query = IndexFunction::decode(&index.function)
        .map_or_else(|_| index.query.clone(), |stored| Text::from(print_index_create(&index.name, &stored)));
    row.insert(Text::from("query"), Datum::String(query));
    // What RethinkDB does not know is told of those alone that have it.
    if index.unique {
        row.insert(Text::from("unique"), Datum::Bool(true));
    }
    if let Some(error) = &progress.error {
        row.insert(Text::from("error"), Datum::string(error));
    }
    if !progress.ready {
        row.insert(Text::from("progress"), Datum::Number(progress.fraction()));
    }
    Ok(Datum::Object(row.build()))
}

pub(crate) fn set_write_hook(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    let value = call.value(1)?;
    let site = value.site;
    let function = match value.kind {
        Kind::Datum(Datum::Null) => None,
        Kind::Datum(Datum::Binary(blob)) => {
            let stored = IndexFunction::decode(&blob).map_err(|error| EvalError::logic(error.to_string()))?;
            Some(stored.function)
        }
        Kind::Function(function) => {
            if !function.determinism().allows_atomic_write() {
                return Err(EvalError::logic(
                    "Could not prove function deterministic.  Write hook functions must be deterministic.",
                ));
            }
            if function.arity().is_some_and(|arity| arity != 3) {
                return Err(EvalError::logic("Write hook functions must expect 3 arguments."));
            }
            let closure = function
                .as_closure()
                .map(|(template, captures)| stored_function::standalone(template, captures));
            Some(closure.ok_or_else(|| EvalError::logic("Write hooks must be ReQL functions."))?)
        }
        kind => return Err(Value::new(kind, site).type_error("FUNCTION")),
    };
    let table = config_to_change(call, &read.table)?;
    let hook = match function {
        None => None,
        Some(function) => {
            let query = format!("setWriteHook({})", print_function(&function, function.root()));
            let function =
                stored_function::blob(&IndexFunction { function, multi: false, geo: false, unique: false })?;
            Some(WriteHookConfig { function, query: Text::from(query) })
        }
    };
    let removed = hook.is_none();
    let applied = call.env.services()?.catalog.set_write_hook(table.id, hook)?;
    call.env.wrote(applied.position);
    call.answer(status(match (removed, applied.outcome.old.is_some()) {
        (true, _) => "deleted",
        (false, true) => "replaced",
        (false, false) => "created",
    }))
}

pub(crate) fn get_write_hook(call: &Invocation<'_>) -> Result<Value> {
    let read = table_argument(call, 0)?;
    if read.table.system {
        return call.answer(Datum::Null);
    }
    let table = config(call, &read.table)?;
    call.answer(match &table.write_hook {
        None => Datum::Null,
        Some(hook) => Datum::object([
            ("function", Datum::Binary(hook.function.clone())),
            ("query", Datum::String(hook.query.clone())),
        ]),
    })
}
