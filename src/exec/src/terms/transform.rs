//! Transformations: rows become other rows, fewer rows, or rows of several sequences.

use std::collections::VecDeque;
use std::sync::Arc;

use photondb_datum::Datum;

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::Shortcut;
use crate::memory::{Purpose, Reservation};
use crate::sequence::{FilterDefault, Interleave, Sequence, Source, Stage};
use crate::terms::aggregation::check_map_arity;
use crate::terms::array::Bounds;
use crate::terms::control::is_empty_error;
use crate::terms::{array, binary, order, string, table};
use crate::value::{Kind, Value};

pub(crate) fn map(call: &Invocation<'_>) -> Result<Value> {
    let last = call.count() - 1;
    let mut sequences = (0..last).map(|i| call.sequence(i)).collect::<Result<Vec<_>>>()?;
    let function = call.function(last, Shortcut::None)?;
    check_map_arity(&function, sequences.len())?;
    if sequences.len() == 1
        && let Some(sequence) = sequences.pop()
    {
        return call.answer_sequence(sequence.with(Stage::Map(function)));
    }
    let eager = !sequences.is_empty() && sequences.iter().all(|sequence| sequence.eager);
    call.answer_sequence(Sequence::new(Source::Zip(sequences, function), eager, call.site))
}

pub(crate) fn concat_map(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let function = call.function(1, Shortcut::None)?;
    call.answer_sequence(sequence.with(Stage::ConcatMap(function)))
}

pub(crate) fn filter(call: &Invocation<'_>) -> Result<Value> {
    let sequence = call.sequence(0)?;
    let predicate = call.function(1, Shortcut::Matching)?;
    let default = match call.option("default") {
        Ok(None) => FilterDefault::Skip,
        Ok(Some(value)) => match value.kind {
            Kind::Function(function) => FilterDefault::Value(function),
            kind => match Value::new(kind, call.site).into_datum()? {
                Datum::Bool(false) | Datum::Null => FilterDefault::Skip,
                _ => FilterDefault::Keep,
            },
        },
        Err(error) if is_empty_error(&error) => FilterDefault::Fail,
        Err(error) => return Err(error),
    };
    call.answer_sequence(sequence.with(Stage::Filter { predicate, default }))
}

pub(crate) fn limit(call: &Invocation<'_>) -> Result<Value> {
    if let Some(first) = order::first_rows(call)? {
        return Ok(first);
    }
    let sequence = call.sequence(0)?;
    let take = limit_argument(call)?;
    call.answer_sequence(window(sequence, 0, Some(take)))
}

/// The number of rows that `limit` takes.
pub(crate) fn limit_argument(call: &Invocation<'_>) -> Result<u64> {
    let limit = call.value(1)?.into_integer()?;
    let negative = |_| EvalError::logic(format!("LIMIT takes a non-negative argument (got {limit})"));
    u64::try_from(limit).map_err(negative)
}

pub(crate) fn skip(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let left = call.value(1)?.into_integer()?;
    slice_value(call, value, Bounds { left, right: -1, left_open: false, right_open: false })
}

pub(crate) fn slice(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let left = call.value(1)?.into_integer()?;
    let left_open = bound_is_open(call, "left_bound", false)?;
    // Without an end the slice goes on to the last row, that row included.
    let (right, right_open) = match call.count() {
        2 => (-1, false),
        _ => (call.value(2)?.into_integer()?, bound_is_open(call, "right_bound", true)?),
    };
    slice_value(call, value, Bounds { left, right, left_open, right_open })
}

/// Whether the bound option says "open"; `default` when it is not given.
pub(crate) fn bound_is_open(call: &Invocation<'_>, name: &str, default: bool) -> Result<bool> {
    match call.option_text(name)?.as_deref() {
        None => Ok(default),
        Some("open") => Ok(true),
        Some("closed") => Ok(false),
        Some(other) => Err(EvalError::logic(format!(
            "Expected `open` or `closed` for optarg `{name}` (got `\"{other}\"`)."
        ))),
    }
}

fn slice_value(call: &Invocation<'_>, value: Value, bounds: Bounds) -> Result<Value> {
    let site = value.site;
    match value.kind {
        Kind::Datum(Datum::Binary(bytes)) => call.answer(binary::slice_binary(&bytes, bounds)),
        Kind::Datum(Datum::String(text)) => call.answer(string::slice_string(&text, bounds)),
        Kind::Datum(Datum::Array(items)) => call.answer(Datum::Array(array::slice_array(&items, bounds))),
        Kind::SelectionArray(table, rows) => {
            let rows = array::slice_array(&rows, bounds);
            Ok(Value::new(Kind::SelectionArray(table, rows), call.site))
        }
        kind => slice_stream(call, Sequence::from_value(Value::new(kind, site))?, bounds),
    }
}

fn slice_stream(call: &Invocation<'_>, sequence: Sequence, bounds: Bounds) -> Result<Value> {
    let Ok(left) = u64::try_from(bounds.left) else {
        return Err(EvalError::logic("Cannot use a negative left index on a stream."));
    };
    let skip = left + u64::from(bounds.left_open);
    let take = match (bounds.right, bounds.right_open) {
        (..-1, _) => return Err(EvalError::logic("Cannot use a right index < -1 on a stream.")),
        (-1, true) => return Err(EvalError::logic("Cannot slice to an open right index of -1 on a stream.")),
        (-1, false) => None,
        (right, open) => {
            let end = right.unsigned_abs() + u64::from(!open);
            Some(end.saturating_sub(skip))
        }
    };
    call.answer_sequence(window(sequence, skip, take))
}

/// A part of a sequence by position; rows of a table stay rows of it.
pub(crate) fn window(sequence: Sequence, skip: u64, take: Option<u64>) -> Sequence {
    let (eager, table, site) = (sequence.eager, sequence.table.clone(), sequence.site);
    let mut window = Sequence::new(Source::Window { inner: Box::new(sequence), skip, take }, eager, site);
    window.table = table;
    window
}

pub(crate) fn nth(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let index = call.value(1)?.into_integer()?;
    nth_of(call, value, index)
}

/// The element at a position, counted from the end when negative.
pub(crate) fn nth_of(call: &Invocation<'_>, value: Value, index: i64) -> Result<Value> {
    let site = value.site;
    match value.kind {
        Kind::Datum(Datum::Array(items)) => {
            let position = from_end(index, items.len())?;
            let item = items.get(position).ok_or_else(|| out_of_bounds(index))?;
            call.answer(item)
        }
        Kind::SelectionArray(table, rows) => {
            let position = from_end(index, rows.len())?;
            let row = rows.get(position).ok_or_else(|| out_of_bounds(index))?;
            Ok(table::row(&table, row, call.site))
        }
        kind => {
            let sequence = Sequence::from_value(Value::new(kind, site))?;
            let Ok(skip) = u64::try_from(index) else {
                return nth_from_end(call, sequence, index);
            };
            let table = sequence.table.clone();
            let row = sequence.first(call.env, skip)?.ok_or_else(|| out_of_bounds(index))?;
            match table {
                Some(table) => Ok(table::row(&table, row, call.site)),
                None => call.answer(row),
            }
        }
    }
}

/// Keeps as many rows in mind as the index is far from the end.
fn nth_from_end(call: &Invocation<'_>, sequence: Sequence, index: i64) -> Result<Value> {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    call.env.check_array_size(distance)?;
    let table = sequence.table.clone();
    let mut last: VecDeque<Datum> = VecDeque::new();
    let mut memory = Reservation::new(Purpose::Rows);
    sequence.for_each(call.env, &mut |row| {
        if last.len() == distance
            && let Some(first) = last.pop_front()
        {
            memory.shrink(size_of::<Datum>() + first.unguarded_bytes());
        }
        memory.grow(&call.env.memory, size_of::<Datum>() + row.unguarded_bytes())?;
        last.push_back(row);
        Ok(())
    })?;
    if last.len() < distance {
        return Err(out_of_bounds(index));
    }
    let row = last.pop_front().ok_or_else(|| out_of_bounds(index))?;
    match table {
        Some(table) => Ok(table::row(&table, row, call.site)),
        None => call.answer(row),
    }
}

fn from_end(index: i64, length: usize) -> Result<usize> {
    let position = if index < 0 { index.saturating_add_unsigned(length as u64) } else { index };
    usize::try_from(position).map_err(|_| out_of_bounds(index))
}

fn out_of_bounds(index: i64) -> EvalError {
    EvalError::absent(format!("Index out of bounds: {index}"))
}

pub(crate) fn range(call: &Invocation<'_>) -> Result<Value> {
    let (start, end) = match call.count() {
        0 => (0, None),
        1 => (0, Some(call.value(0)?.into_integer()?)),
        _ => (call.value(0)?.into_integer()?, Some(call.value(1)?.into_integer()?)),
    };
    call.answer_sequence(Sequence::new(Source::Range(start, end), false, call.site))
}

pub(crate) fn union(call: &Invocation<'_>) -> Result<Value> {
    let inputs = (0..call.count()).map(|i| call.sequence(i)).collect::<Result<Vec<_>>>()?;
    let interleave = match call.option("interleave")? {
        None => Interleave::No,
        Some(value) => union_order(call, value)?,
    };
    let eager = inputs.iter().all(|input| input.eager);
    let is_plain_feed = |input: &Sequence| matches!(input.source, Source::Feed(_)) && input.stages.is_empty();
    let all_feeds = !inputs.is_empty() && inputs.iter().all(is_plain_feed);
    if all_feeds {
        return crate::terms::feed::union(call, inputs);
    }
    call.answer_sequence(Sequence::new(Source::Union(inputs, interleave), eager, call.site))
}

fn union_order(call: &Invocation<'_>, value: Value) -> Result<Interleave> {
    let site = value.site;
    let keys = match value.kind {
        Kind::Datum(Datum::Bool(_)) => return Ok(Interleave::No),
        Kind::Datum(Datum::Array(items)) => {
            items.iter().map(|item| order::key(Value::datum(item, site))).collect::<Result<Vec<_>>>()?
        }
        kind => vec![order::key(Value::new(kind, site))?],
    };
    if call.spliced() {
        return Err(EvalError::logic("r.args is not supported in an order_by or union command yet."));
    }
    Ok(Interleave::By(Arc::new(order::OrderKeys::new(keys))))
}
