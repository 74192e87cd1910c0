//! `group` and `ungroup`, and how a term is applied to grouped data.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::TermType;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::Shortcut;
use crate::sequence::{GroupStage, Groups, RowStream, Sequence, Source, Stage, Terminal, TerminalAnswer};
use crate::terms::{self, table};
use crate::value::{Kind, Value};

pub(crate) fn group(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let mut sequence = Sequence::from_value(value)?;
    if sequence.is_grouped() {
        return Err(EvalError::logic(
            "Cannot call `group` on the output of `group` (did you mean to `ungroup`?).",
        ));
    }
    let mut functions = Vec::with_capacity(call.count());
    for position in 1..call.count() {
        functions.push(call.function(position, Shortcut::Field)?);
    }
    let index = call.option_text("index")?;
    let multi = call.option_bool("multi")?.unwrap_or(false);
    if functions.is_empty() && index.is_none() {
        return Err(EvalError::logic("Cannot group by nothing."));
    }
    let mut by_index = false;
    if let Some(index) = index {
        let Source::Table(read) = &mut sequence.source else {
            return Err(EvalError::logic("Can only group by an index on a TABLE or TABLE_SLICE."));
        };
        if !sequence.stages.is_empty() {
            return Err(EvalError::logic("Can only group by an index on a TABLE or TABLE_SLICE."));
        }
        if index == read.table.primary_key {
            functions.push(Arc::new(crate::function::Function::field(index, call.site)));
        } else {
            table::through_index(call, read, &index)?;
            by_index = true;
        }
    }
    let stage = Stage::Group(Arc::new(GroupStage { by_index, functions, multi }));
    call.answer_sequence(sequence.with(stage))
}

pub(crate) fn ungroup(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let groups = match into_groups(call.env, value)? {
        Ok(groups) => groups,
        Err(value) => return Err(value.type_error("GROUPED_DATA")),
    };
    match groups {
        Groups::Few(groups)
            if groups.len() <= call.env.options.array_size_max || call.env.options.has_array_limit =>
        {
            let rows = groups.into_iter().map(|(group, reduction)| ungrouped(group, reduction));
            let rows = rows.collect();
            call.answer(call.env.array(rows)?)
        }
        groups => {
            let rows = Box::new(Ungrouped { pairs: groups.into_stream() });
            call.answer_sequence(Sequence::new(Source::Stream(rows), false, call.site))
        }
    }
}

fn ungrouped(group: Datum, reduction: Datum) -> Datum {
    let mut row = ObjectBuilder::new();
    row.insert(Text::from("group"), group);
    row.insert(Text::from("reduction"), reduction);
    Datum::Object(row.build())
}

/// More groups than an array holds, as rows.
struct Ungrouped {
    pairs: Box<dyn RowStream>,
}

impl RowStream for Ungrouped {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let before = out.len();
        let more = self.pairs.next_batch(budget, out)?;
        for row in out.iter_mut().skip(before) {
            if let Datum::Array(pair) = &row
                && let (Some(group), Some(reduction)) = (pair.get(0), pair.get(1))
            {
                *row = ungrouped(group, reduction);
            }
        }
        Ok(more)
    }
}

/// The groups of grouped data or of a grouped stream; the value itself if it is neither.
pub(crate) fn into_groups(
    env: &Arc<Environment>,
    value: Value,
) -> Result<std::result::Result<Groups, Value>> {
    match value.kind {
        Kind::Grouped(groups) => Ok(Ok(groups)),
        Kind::Sequence(sequence) if sequence.is_grouped() => match sequence.run(env, Terminal::Collect)? {
            TerminalAnswer::Grouped(groups) => Ok(Ok(groups)),
            TerminalAnswer::Single(datum) => Ok(Err(Value::datum(datum, value.site))),
        },
        kind => Ok(Err(Value::new(kind, value.site))),
    }
}

/// Applies a term whose first argument may be grouped.
pub(crate) fn apply(call: &Invocation<'_>) -> Result<Value> {
    let first = call.value(0)?;
    let streams = matches!(&first.kind, Kind::Sequence(sequence) if sequence.is_grouped());
    if streams && goes_through_groups(call.call.term) {
        return with_first(call, first);
    }
    let site = first.site;
    match into_groups(call.env, first)? {
        Err(first) => with_first(call, first),
        Ok(groups) => {
            let mut answers = BTreeMap::new();
            for (group, datum) in groups.collect(call.env)? {
                let answer = with_first(call, Value::datum(datum, site))?;
                answers.insert(group, into_group_value(call.env, answer)?);
            }
            Ok(Value::new(Kind::Grouped(Groups::Few(answers)), call.site))
        }
    }
}

/// A group holds data: streams become arrays.
fn into_group_value(env: &Arc<Environment>, value: Value) -> Result<Datum> {
    match value.kind {
        Kind::Sequence(sequence) | Kind::Selection(_, sequence) => Ok(Datum::Array(sequence.collect(env)?)),
        kind => Value::new(kind, value.site).into_datum(),
    }
}

fn with_first(call: &Invocation<'_>, first: Value) -> Result<Value> {
    let slot = RefCell::new(Some(first));
    terms::dispatch(&Invocation { first: Some(&slot), ..*call })
}

/// Terms that work on a grouped stream row by row; all others see each group's array.
fn goes_through_groups(term: TermType) -> bool {
    use TermType as T;
    matches!(
        term,
        T::Map
            | T::ConcatMap
            | T::Filter
            | T::Reduce
            | T::Count
            | T::Sum
            | T::Avg
            | T::Min
            | T::Max
            | T::Pluck
            | T::Without
            | T::Merge
            | T::GetField
            | T::HasFields
            | T::WithFields
            | T::Group
    )
}
