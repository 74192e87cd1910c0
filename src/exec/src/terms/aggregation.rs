//! Aggregations: many rows become one value.

use std::collections::VecDeque;
use std::sync::Arc;

use photondb_datum::{Array, Datum, DatumRef};
use photondb_table::{Budget, Direction};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, Shortcut, plural};
use crate::memory::{Purpose, Reservation};
use crate::row_expression::Answer;
use crate::sequence::{Batch, FilterDefault, RowStream, Sequence, Source, Stage, Terminal, TerminalAnswer};
use crate::terms::table;
use crate::value::{Kind, Value};

fn finish(call: &Invocation<'_>, sequence: Sequence, terminal: Terminal) -> Result<Value> {
    match sequence.run(call.env, terminal)? {
        TerminalAnswer::Single(datum) => call.answer(datum),
        TerminalAnswer::Grouped(groups) => Ok(Value::new(Kind::Grouped(groups), call.site)),
    }
}

pub(crate) fn count(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let size = match &value.kind {
        Kind::Datum(Datum::Object(object)) => Some(object.len()),
        Kind::Datum(Datum::Binary(bytes)) => Some(bytes.len()),
        Kind::Datum(Datum::String(text)) => Some(text.chars().count()),
        _ => None,
    };
    if let (Some(size), 1) = (size, call.count()) {
        return call.answer(Datum::Number(size as f64));
    }
    let sequence = Sequence::from_value(value)?;
    if call.count() == 1 {
        return finish(call, sequence, Terminal::Count);
    }
    let predicate = equal_or_function(call, 1)?;
    finish(call, sequence.with(Stage::Filter { predicate, default: FilterDefault::Skip }), Terminal::Count)
}

/// A function as it is, anything else as "equals this".
fn equal_or_function(call: &Invocation<'_>, position: usize) -> Result<Arc<Function>> {
    let value = call.value(position)?;
    let site = value.site;
    match value.kind {
        Kind::Function(function) => Ok(function),
        kind => {
            let wanted = Value::new(kind, site).into_datum()?;
            Ok(Arc::new(Function::native(Arc::new(Equals(wanted)), site)))
        }
    }
}

struct Equals(Datum);

impl crate::function::NativeFunction for Equals {
    fn call(&self, _env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        Ok(Datum::Bool(arguments.first() == Some(&self.0)))
    }

    fn answer<'a>(&'a self, rows: &[DatumRef<'a>]) -> Answer<'a> {
        Ok(DatumRef::Bool(rows.first() == Some(&self.0.view())))
    }
}

/// The function that a numeric aggregation is over, if one is given.
fn by(call: &Invocation<'_>) -> Result<Option<Arc<Function>>> {
    if call.count() > 1 { call.function(1, Shortcut::Field).map(Some) } else { Ok(None) }
}

pub(crate) fn sum(call: &Invocation<'_>) -> Result<Value> {
    finish(call, call.sequence(0)?, Terminal::Sum(by(call)?))
}

pub(crate) fn avg(call: &Invocation<'_>) -> Result<Value> {
    finish(call, call.sequence(0)?, Terminal::Average(by(call)?))
}

pub(crate) fn min(call: &Invocation<'_>) -> Result<Value> {
    extreme(call, false)
}

pub(crate) fn max(call: &Invocation<'_>) -> Result<Value> {
    extreme(call, true)
}

fn extreme(call: &Invocation<'_>, maximum: bool) -> Result<Value> {
    let mut sequence = call.sequence(0)?;
    // The least and the greatest row of a whole table are those by primary key.
    let implied = match sequence.as_plain_read() {
        Some(read) if call.count() == 1 && !read.table.system => Some(read.index_name().clone()),
        _ => None,
    };
    let Some(index) = call.option_text("index")?.or(implied) else {
        let by = by(call)?;
        let row_table = sequence.table.clone();
        let answer = finish(call, sequence, Terminal::Extreme { maximum, by })?;
        return Ok(match (answer.kind, row_table) {
            (Kind::Datum(datum), Some(table)) => table::row(&table, datum, call.site),
            (kind, _) => Value::new(kind, call.site),
        });
    };
    if call.count() > 1 {
        return Err(EvalError::logic("Cannot provide both a function and an index to `min` or `max`."));
    }
    let plain = sequence.stages.is_empty();
    let Source::Table(read) = &mut sequence.source else {
        return Err(EvalError::logic("Expected type TABLE_SLICE but found SEQUENCE."));
    };
    if !plain {
        return Err(EvalError::logic("Expected type TABLE_SLICE but found SELECTION."));
    }
    table::through_index(call, read, &index)?;
    read.order = Some(if maximum { Direction::Backward } else { Direction::Forward });
    let first = read.clone();
    match sequence.first(call.env, 0)? {
        Some(datum) => Ok(table::first_row(first, datum, call.site)),
        None => {
            let name = if maximum { "max" } else { "min" };
            Err(EvalError::absent(format!("`{name}` found no entries in index `{index}`.")))
        }
    }
}

pub(crate) fn reduce(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let function = call.function(1, Shortcut::None)?;
    finish(call, sequence, Terminal::Reduce(function))
}

pub(crate) fn distinct(call: &Invocation<'_>) -> Result<Value> {
    let mut sequence = call.sequence(0)?;
    let eager = sequence.eager;
    if let Some(index) = call.option_text("index")? {
        let plain = sequence.stages.is_empty();
        let Source::Table(read) = &mut sequence.source else {
            return Err(EvalError::logic("Can only perform an indexed distinct on a TABLE."));
        };
        if !plain {
            return Err(EvalError::logic("Can only perform an indexed distinct on a TABLE."));
        }
        if index == read.table.primary_key {
            let field = Arc::new(Function::field(index, call.site));
            sequence = sequence.with(Stage::Map(field));
        } else {
            table::through_index(call, read, &index)?;
            let read = (**read).clone();
            sequence = Sequence::index_values(call.env, read, call.site)?;
        }
    }
    match sequence.run(call.env, Terminal::Distinct)? {
        TerminalAnswer::Grouped(groups) => Ok(Value::new(Kind::Grouped(groups), call.site)),
        TerminalAnswer::Single(Datum::Array(rows)) if !eager => {
            call.answer_sequence(Sequence::new(Source::Items(rows), false, call.site))
        }
        TerminalAnswer::Single(datum) => call.answer(datum),
    }
}

pub(crate) fn is_empty(call: &Invocation<'_>) -> Result<Value> {
    let empty = call.sequence(0)?.first(call.env, 0)?.is_none();
    call.answer(Datum::Bool(empty))
}

pub(crate) fn contains(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let mut wanted = Vec::with_capacity(call.count());
    for position in 1..call.count() {
        wanted.push(equal_or_function(call, position)?);
    }
    if wanted.is_empty() {
        return call.answer(Datum::Bool(true));
    }
    let mut stream = sequence.open(call.env)?;
    let mut rows = Vec::new();
    loop {
        call.env.check_cancelled()?;
        rows.clear();
        let more = stream.next_batch(&Budget { rows_max: 256, bytes_max: 1 << 20 }, &mut rows)?;
        for row in &rows {
            let mut left = Vec::with_capacity(wanted.len());
            for predicate in wanted {
                let found = predicate.holds_or_absent(call.env, row)?;
                if !found {
                    left.push(predicate);
                }
            }
            wanted = left;
            if wanted.is_empty() {
                return call.answer(Datum::Bool(true));
            }
        }
        if !more {
            return call.answer(Datum::Bool(false));
        }
    }
}

pub(crate) fn offsets_of(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let wanted = equal_or_function(call, 1)?;
    let mut offsets = Vec::new();
    let mut memory = Reservation::new(Purpose::Rows);
    let mut position = 0u64;
    sequence.for_each(call.env, &mut |row| {
        if wanted.holds(call.env, &row)? {
            memory.grow(&call.env.memory, size_of::<Datum>())?;
            offsets.push(Datum::Number(position as f64));
            call.env.check_array_size(offsets.len())?;
        }
        position += 1;
        Ok(())
    })?;
    drop(memory);
    call.answer(Datum::Array(offsets.into()))
}

pub(crate) fn fold(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let base = call.datum(1)?;
    let function = call.function(2, Shortcut::None)?;
    let emit = call.option("emit")?.map(|value| Function::from_value(value, Shortcut::None)).transpose()?;
    let last =
        call.option("final_emit")?.map(|value| Function::from_value(value, Shortcut::None)).transpose()?;
    let Some(emit) = emit else {
        let mut accumulator = base;
        sequence.for_each(call.env, &mut |row| {
            accumulator = function.datum(call.env, &[accumulator.clone(), row])?;
            Ok(())
        })?;
        return match last {
            Some(last) => call.answer(last.datum(call.env, &[accumulator])?),
            None => call.answer(accumulator),
        };
    };
    let eager = sequence.eager;
    let stream = FoldStream {
        env: Arc::clone(call.env),
        inner: sequence.open(call.env)?,
        accumulator: base,
        function,
        emit,
        last,
        rows: VecDeque::new(),
        more: true,
        ended: false,
    };
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), eager, call.site))
}

/// `fold` with `emit`: a stream of what each step emits.
struct FoldStream {
    env: Arc<Environment>,
    inner: Box<dyn RowStream>,
    accumulator: Datum,
    function: Arc<Function>,
    emit: Arc<Function>,
    last: Option<Arc<Function>>,
    rows: VecDeque<Datum>,
    /// Whether `inner` has more.
    more: bool,
    ended: bool,
}

impl RowStream for FoldStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.rows.is_empty() && self.more {
            let mut rows = Vec::new();
            self.more = self.inner.next_batch(budget, &mut rows)?;
            self.rows = rows.into();
        }
        let mut batch = Batch::begin(budget, out);
        while let Some(row) = self.rows.pop_front() {
            let next = self.function.datum(&self.env, &[self.accumulator.clone(), row.clone()])?;
            let emitted = self.emit.datum(&self.env, &[self.accumulator.clone(), row, next.clone()])?;
            out.extend(array(emitted)?.iter());
            self.accumulator = next;
            if batch.is_full(out) {
                return Ok(true);
            }
        }
        if !self.more {
            self.ended = true;
            if let Some(last) = &self.last {
                out.extend(array(last.datum(&self.env, std::slice::from_ref(&self.accumulator))?)?.iter());
            }
        }
        Ok(!self.ended)
    }
}

fn array(datum: Datum) -> Result<Array> {
    match datum {
        Datum::Array(items) => Ok(items),
        other => Err(crate::value::wrong_type("ARRAY", &other)),
    }
}

/// "The function passed to `map` expects 2 arguments, but 1 sequence was found."
pub(crate) fn check_map_arity(function: &Function, sequences: usize) -> Result<()> {
    match function.arity() {
        Some(arity) if arity != sequences => Err(EvalError::logic(format!(
            "The function passed to `map` expects {}, but {} found.",
            plural(arity, "argument"),
            if sequences == 1 { "1 sequence was".to_owned() } else { format!("{sequences} sequences were") }
        ))),
        _ => Ok(()),
    }
}
