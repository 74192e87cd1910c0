//! Writes: `insert`, `update`, `replace`, `delete`, `sync`.

mod answer;
mod system;

use std::sync::Arc;

use photondb_catalog::Permission;
use photondb_datum::{Datum, FieldLookup};
use photondb_plan::Operation;
use photondb_table::{
    Budget, ChangePair, Conflict, ConflictFunction, Durability, ReturnChanges, RowError, Verb, WriteFunction,
    WriteKind, WriteOp, WriteSummary,
};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut};
use crate::memory::{Purpose, Reservation};
use crate::sequence::Sequence;
use crate::terms::merge::merge;
use crate::terms::table;
use crate::value::{Kind, TableRef, Value};
use answer::describe;
use system::SystemRows;

/// Rows of one `WriteOp`: enough to amortise a log record, few enough to cancel soon.
const WRITE_ROWS_MAX: usize = 1000;
/// Generated keys that an answer lists.
const GENERATED_KEYS_MAX: usize = 100_000;

/// The warning when changes are left out for want of memory.
const CHANGES_TRUNCATED: &str = "Changes over the memory limit of the query, array truncated.";

/// What all writes have in common.
struct WriteOptions {
    durability: Option<Durability>,
    return_changes: ReturnChanges,
    ignore_write_hook: bool,
}

fn options(call: &Invocation<'_>) -> Result<WriteOptions> {
    if call.option("return_vals")?.is_some() {
        return Err(EvalError::logic(
            "Error: encountered obsolete optarg `return_vals`.  Use `return_changes` instead.",
        ));
    }
    let durability = durability_option(call)?;
    let return_changes = match call.option("return_changes")? {
        None => ReturnChanges::No,
        Some(value) => {
            let site = value.site;
            match value.into_datum()? {
                Datum::Bool(false) => ReturnChanges::No,
                Datum::Bool(true) => ReturnChanges::Yes,
                Datum::String(text) if text.as_str() == "always" => ReturnChanges::Always,
                Datum::String(text) => {
                    return Err(EvalError::logic(format!(
                        "Invalid return_changes value `{text}` (options are `true`, `false`, and `\"always\"`)."
                    ))
                    .at(site));
                }
                other => return Err(crate::value::wrong_type("BOOL", &other).at(site)),
            }
        }
    };
    let ignore_write_hook = call.option_bool("ignore_write_hook")?.unwrap_or(false);
    Ok(WriteOptions { durability, return_changes, ignore_write_hook })
}

/// The `durability` option, as writes and `tableCreate` take it.
pub(crate) fn durability_option(call: &Invocation<'_>) -> Result<Option<Durability>> {
    let Some(value) = call.option("durability")? else { return Ok(None) };
    let site = value.site;
    durability(&value.into_text()?).map(Some).map_err(|error| error.at(site))
}

fn durability(text: &str) -> Result<Durability> {
    match text {
        "hard" => Ok(Durability::Hard),
        "soft" => Ok(Durability::Soft),
        other => Err(EvalError::logic(format!(
            "Durability option `{other}` unrecognized (options are \"hard\" and \"soft\")."
        ))),
    }
}

/// Sends one operation and remembers what to wait for.
fn send(
    env: &Arc<Environment>,
    table: &TableRef,
    kind: WriteKind,
    options: &WriteOptions,
) -> Result<WriteSummary> {
    env.check_cancelled()?;
    env.check_table(Permission::Write, table)?;
    let operation = WriteOp {
        table: table.id,
        kind,
        durability: options.durability,
        return_changes: options.return_changes,
        ignore_write_hook: options.ignore_write_hook,
        now_seconds: env.now_seconds(),
    };
    let shards = &env.services()?.shards;
    let summary = env.task("Perform write.", || shards.write(operation))?;
    env.acknowledge_after(summary.acknowledgement);
    Ok(summary)
}

/// Adds what a part of a write did. Its changes are left out when there is no memory for
/// them: the rows are written, and the answer should say so.
fn absorb(env: &Environment, whole: &mut WriteSummary, memory: &mut Reservation, mut part: WriteSummary) {
    let bytes = |change: &ChangePair| {
        size_of::<ChangePair>() + change.old.unguarded_bytes() + change.new.unguarded_bytes()
    };
    let truncated = whole.warnings.iter().any(|warning| warning == CHANGES_TRUNCATED);
    if truncated || memory.grow(&env.memory, part.changes.iter().map(bytes).sum()).is_err() {
        part.changes.clear();
        if !truncated {
            part.warnings.push(CHANGES_TRUNCATED.to_owned());
        }
    }
    whole.absorb(part);
}

pub(crate) fn insert(call: &Invocation<'_>) -> Result<Value> {
    let read = table::table_argument(call, 0)?;
    let table = Arc::clone(&read.table);
    let options = options(call)?;
    let conflict = conflict(call)?;
    let value = call.value(1)?;
    let mut inserter = Inserter {
        env: call.env,
        table: &table,
        options,
        conflict,
        summary: WriteSummary::default(),
        memory: Reservation::new(Purpose::Changes),
        generated: Vec::new(),
        generated_count: 0,
        key_field: FieldLookup::new(table.primary_key.clone()),
    };
    let site = value.site;
    match value.kind {
        Kind::Datum(document @ Datum::Object(_)) => inserter.insert(vec![document])?,
        Kind::Row(row) if matches!(row.datum, Datum::Object(_)) => inserter.insert(vec![row.datum])?,
        kind => {
            let mut stream = Sequence::from_value(Value::new(kind, site))?.open(call.env)?;
            let mut documents = Vec::new();
            let budget = Budget { rows_max: WRITE_ROWS_MAX, ..Budget::default() };
            while stream.next_batch(&budget, &mut documents)? {
                inserter.insert(std::mem::take(&mut documents))?;
            }
            inserter.insert(documents)?;
        }
    }
    inserter.finish(call)
}

fn conflict(call: &Invocation<'_>) -> Result<Conflict> {
    let Some(value) = call.option("conflict")? else { return Ok(Conflict::Error) };
    let site = value.site;
    let function = match value.kind {
        Kind::Function(function) => function,
        kind => {
            return match Value::new(kind, site).into_text()?.as_str() {
                "error" => Ok(Conflict::Error),
                "replace" => Ok(Conflict::Replace),
                "update" => Ok(Conflict::Update),
                other => Err(EvalError::logic(format!(
                    "Conflict option `{other}` unrecognized (options are \"error\", \"replace\" and \"update\")."
                ))
                .at(site)),
            };
        }
    };
    if !function.determinism().allows_atomic_write() {
        return Err(EvalError::logic("The conflict function passed to `insert` must be deterministic."));
    }
    if function.arity().is_some_and(|arity| arity != 3) {
        return Err(EvalError::logic("The conflict function passed to `insert` should expect 3 arguments."));
    }
    Ok(Conflict::Function(Arc::new(Resolve { env: Arc::clone(call.env), function })))
}

/// A conflict function of a query.
struct Resolve {
    env: Arc<Environment>,
    function: Arc<Function>,
}

impl ConflictFunction for Resolve {
    fn resolve(&self, key: &Datum, old: &Datum, new: &Datum) -> std::result::Result<Datum, RowError> {
        self.function.datum(&self.env, &[key.clone(), old.clone(), new.clone()]).map_err(row_error)
    }
}

fn row_error(error: EvalError) -> RowError {
    RowError::new(error.message())
}

struct Inserter<'a> {
    env: &'a Arc<Environment>,
    table: &'a Arc<TableRef>,
    options: WriteOptions,
    conflict: Conflict,
    summary: WriteSummary,
    memory: Reservation,
    generated: Vec<Datum>,
    generated_count: usize,
    key_field: FieldLookup,
}

impl Inserter<'_> {
    fn insert(&mut self, mut documents: Vec<Datum>) -> Result<()> {
        if documents.is_empty() {
            return Ok(());
        }
        documents.retain(|document| self.is_object(document));
        if self.table.system {
            return documents.into_iter().try_for_each(|document| self.insert_system(document));
        }
        for document in &mut documents {
            self.complete(document)?;
        }
        let kind = WriteKind::Insert { documents, conflict: self.conflict.clone() };
        let part = send(self.env, self.table, kind, &self.options)?;
        absorb(self.env, &mut self.summary, &mut self.memory, part);
        Ok(())
    }

    /// Counts what is no document among the errors.
    fn is_object(&mut self, document: &Datum) -> bool {
        if matches!(document, Datum::Object(_)) {
            return true;
        }
        self.summary.errors += 1;
        let message = format!("Expected type OBJECT but found {}.", document.type_name());
        if self.options.return_changes == ReturnChanges::Always {
            let error = Some(message.clone());
            self.summary.changes.push(ChangePair { old: Datum::Null, new: Datum::Null, error });
        }
        self.summary.first_error.get_or_insert(message);
        false
    }

    /// Gives a document without a primary key one; tells whether it did.
    fn complete(&mut self, document: &mut Datum) -> Result<bool> {
        let Datum::Object(object) = document else { return Ok(false) };
        if self.key_field.of(object.view()).is_some() || object.pseudo_type().is_some() {
            return Ok(false);
        }
        let bits = self.env.services()?.random.next_u128();
        let key = Datum::string(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string());
        self.generated_count += 1;
        if self.generated.len() < GENERATED_KEYS_MAX {
            self.generated.push(key.clone());
        }
        *document = Datum::Object(object.clone().with(self.table.primary_key.clone(), key));
        Ok(true)
    }

    fn insert_system(&mut self, mut document: Datum) -> Result<()> {
        let key_is_generated = self.complete(&mut document)?;
        let mut rows = SystemRows::open(self.env, self.table, self.options.return_changes)?;
        rows.insert(document, key_is_generated, &self.conflict, &mut self.summary)
    }

    fn finish(mut self, call: &Invocation<'_>) -> Result<Value> {
        if self.generated_count > self.generated.len() {
            self.summary.warnings.push(format!(
                "Too many generated keys ({}), array truncated to {GENERATED_KEYS_MAX}.",
                self.generated_count
            ));
        }
        let keys = (!self.generated.is_empty()).then(|| Datum::Array(self.generated.into()));
        call.answer(describe(call.env, self.summary, self.options.return_changes, keys)?)
    }
}

pub(crate) fn update(call: &Invocation<'_>) -> Result<Value> {
    modify(call, Verb::Update)
}

pub(crate) fn replace(call: &Invocation<'_>) -> Result<Value> {
    modify(call, Verb::Replace)
}

pub(crate) fn delete(call: &Invocation<'_>) -> Result<Value> {
    modify(call, Verb::Delete)
}

fn modify(call: &Invocation<'_>, verb: Verb) -> Result<Value> {
    let target = match table::unread_row(call)? {
        Some(row) => row,
        None => call.value(0)?,
    };
    let options = options(call)?;
    let function: Arc<dyn WriteFunction> = match verb {
        Verb::Delete => Arc::new(Remove),
        _ => {
            let function =
                if verb == Verb::Update { changes(call)? } else { call.function(1, Shortcut::Constant)? };
            let non_atomic = call.option_bool("non_atomic")?.unwrap_or(false);
            let determinism = match function.as_closure() {
                Some(_) => function.determinism(),
                None => call.expression(1)?.determinism,
            };
            if !non_atomic && !determinism.allows_atomic_write() {
                return Err(EvalError::logic(
                    "Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?",
                ));
            }
            Arc::new(Modify { env: Arc::clone(call.env), function, verb })
        }
    };
    let mut modifier = Modifier {
        call,
        options,
        function,
        verb,
        summary: WriteSummary::default(),
        memory: Reservation::new(Purpose::Changes),
    };
    modifier.run(target)?;
    let Modifier { options, summary, .. } = modifier;
    call.answer(describe(call.env, summary, options.return_changes, None)?)
}

/// What `update` merges. A value that may differ from document to document, or that cannot
/// be computed, is computed for each: an error counts there.
fn changes(call: &Invocation<'_>) -> Result<Arc<Function>> {
    let expression = call.expression(1)?;
    let computed = matches!(expression.operation, Operation::Call(_));
    if !computed || expression.determinism.allows_atomic_write() {
        match call.function(1, Shortcut::Constant) {
            Err(_) if computed => {}
            ready => return ready,
        }
    }
    Ok(Function::computed(expression, call.frame))
}

struct Modifier<'a> {
    call: &'a Invocation<'a>,
    options: WriteOptions,
    function: Arc<dyn WriteFunction>,
    verb: Verb,
    summary: WriteSummary,
    memory: Reservation,
}

impl Modifier<'_> {
    fn run(&mut self, target: Value) -> Result<()> {
        let site = target.site;
        match target.kind {
            Kind::Row(row) => self.write(&row.table, vec![row.key]),
            Kind::SelectionArray(table, rows) => {
                let mut rows = rows.iter().peekable();
                while rows.peek().is_some() {
                    self.write(&table, keys(&table, rows.by_ref().take(WRITE_ROWS_MAX)))?;
                }
                Ok(())
            }
            Kind::Selection(table, sequence) => self.stream(&table, *sequence),
            Kind::Table(read) | Kind::TableSlice(read) => {
                let table = Arc::clone(&read.table);
                self.stream(&table, Sequence::table(*read, site))
            }
            kind => Err(Value::new(kind, site).type_error("SELECTION")),
        }
    }

    fn stream(&mut self, table: &Arc<TableRef>, sequence: Sequence) -> Result<()> {
        let mut stream = sequence.open(self.call.env)?;
        let mut rows = Vec::new();
        let budget = Budget { rows_max: WRITE_ROWS_MAX, ..Budget::default() };
        loop {
            let more = stream.next_batch(&budget, &mut rows)?;
            self.write(table, keys(table, rows.drain(..)))?;
            if !more {
                return Ok(());
            }
        }
    }

    fn write(&mut self, table: &Arc<TableRef>, keys: Vec<Datum>) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let env = self.call.env;
        if table.system {
            let mut rows = SystemRows::open(env, table, self.options.return_changes)?;
            return keys
                .iter()
                .try_for_each(|key| rows.replace(key, self.function.as_ref(), &mut self.summary));
        }
        let kind = WriteKind::Replace { keys, function: Arc::clone(&self.function), verb: self.verb };
        let part = send(env, table, kind, &self.options)?;
        absorb(env, &mut self.summary, &mut self.memory, part);
        Ok(())
    }
}

fn keys(table: &TableRef, rows: impl Iterator<Item = Datum>) -> Vec<Datum> {
    rows.filter_map(|row| row.get(&table.primary_key)).collect()
}

/// `delete`
struct Remove;

impl WriteFunction for Remove {
    fn new_row(&self, _old: &Datum) -> std::result::Result<Datum, RowError> {
        Ok(Datum::Null)
    }
}

/// `update` and `replace`
struct Modify {
    env: Arc<Environment>,
    function: Arc<Function>,
    verb: Verb,
}

impl WriteFunction for Modify {
    fn new_row(&self, old: &Datum) -> std::result::Result<Datum, RowError> {
        if self.verb == Verb::Update && old.is_null() {
            return Ok(Datum::Null);
        }
        let new = self.function.datum(&self.env, std::slice::from_ref(old)).map_err(row_error)?;
        if self.verb == Verb::Replace {
            return Ok(new);
        }
        match &new {
            Datum::Null => Ok(old.clone()),
            Datum::Object(_) => Ok(merge(old, &new)),
            other => Err(RowError::new(format!(
                "Inserted value must be an OBJECT (got {}):\n{}",
                other.type_name(),
                other.print()
            ))),
        }
    }
}

pub(crate) fn sync(call: &Invocation<'_>) -> Result<Value> {
    let read = table::table_argument(call, 0)?;
    if !read.table.system {
        call.env.wrote(call.env.services()?.shards.sync(read.table.id)?);
    }
    call.answer(Datum::object([("synced", Datum::Number(1.0))]))
}
