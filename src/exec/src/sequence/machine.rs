//! The stages of a sequence, fused: a row is pushed through all of them before the next.

use std::borrow::Cow;
use std::collections::HashMap;
use std::slice;
use std::sync::Arc;

use photondb_datum::Datum;
use photondb_table::{Flow, Program, ProgramError, Row, RowMachine};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::sequence::terminal::{Partial, Terminal};
use crate::sequence::{FilterDefault, Sequence, Stage};
use crate::value::Kind;

/// Stages and an optional terminal, ready to be run beside the rows.
pub(crate) struct Pipeline {
    pub(crate) env: Arc<Environment>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) terminal: Option<Terminal>,
    /// Rows leave as pairs of index value and row.
    pub(crate) with_index_value: bool,
}

/// A pipeline as the tables run it.
pub(crate) struct PipelineProgram(pub(crate) Arc<Pipeline>);

impl Program for PipelineProgram {
    fn start(&self) -> Box<dyn RowMachine> {
        Box::new(Machine::new(Arc::clone(&self.0)))
    }
}

/// One run of a pipeline over some of the rows.
pub(crate) struct Machine {
    pipeline: Arc<Pipeline>,
    partials: Partials,
}

/// What the rows have come to so far.
#[derive(Default)]
struct Partials {
    single: Option<Partial>,
    groups: HashMap<Datum, Partial>,
}

/// What a row carries along besides itself.
#[derive(Clone, Copy)]
struct Companions<'a> {
    index_value: Option<&'a Datum>,
    group: Option<&'a Datum>,
}

impl Machine {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline, partials: Partials::default() }
    }

    /// Pushes one row through the stages; what comes out goes to `out` or to the terminal.
    pub(crate) fn push(
        &mut self,
        row: &Datum,
        index_value: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        if self.pipeline.with_index_value {
            let index_value = index_value.cloned().unwrap_or(Datum::Null);
            out.push(Datum::Array(vec![index_value, row.clone()].into()));
            return Ok(());
        }
        let companions = Companions { index_value, group: None };
        let stages = &self.pipeline.stages;
        self.pipeline.stage(&mut self.partials, stages, Cow::Borrowed(row), companions, out)
    }
    /// The partial results: one, or pairs of group and partial.
    pub(crate) fn finish_into(&mut self, out: &mut Vec<Datum>) {
        if let Some(partial) = self.partials.single.take() {
            out.push(partial.into_datum());
        }
        for (group, partial) in self.partials.groups.drain() {
            out.push(Datum::Array(vec![group, partial.into_datum()].into()));
        }
    }
}

impl Pipeline {
    /// Runs the first of the stages that are left and, by it, the others. A row that is
    /// only looked at is never copied.
    fn stage(
        &self,
        partials: &mut Partials,
        stages: &[Stage],
        row: Cow<'_, Datum>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &self.env;
        let Some((stage, rest)) = stages.split_first() else {
            return self.emit(partials, row, companions.group, out);
        };
        match stage {
            Stage::Map(function) => {
                let row = function.datum(env, slice::from_ref(&*row))?;
                self.stage(partials, rest, Cow::Owned(row), companions, out)
            }
            Stage::Filter { predicate, default } => {
                if keeps(env, predicate, default, &row)? {
                    self.stage(partials, rest, row, companions, out)?;
                }
                Ok(())
            }
            Stage::Apply(transform) => match transform.apply(env, &row)? {
                Some(row) => self.stage(partials, rest, Cow::Owned(row), companions, out),
                None => Ok(()),
            },
            Stage::Repeat(count) => {
                for _ in 0..count.count(env, &row) {
                    self.stage(partials, rest, Cow::Borrowed(&*row), companions, out)?;
                }
                Ok(())
            }
            Stage::ConcatMap(function) => {
                let inner = function.call(env, slice::from_ref(&*row))?;
                if let Kind::Datum(Datum::Array(items)) = &inner.kind {
                    for item in items.iter() {
                        self.stage(partials, rest, Cow::Owned(item), companions, out)?;
                    }
                    return Ok(());
                }
                let inner = Sequence::from_value(inner).map_err(|error| error.at(function.site))?;
                inner.for_each(env, &mut |item| self.stage(partials, rest, Cow::Owned(item), companions, out))
            }
            Stage::Meter(meter, position) => match meter.stage(*position) {
                Some(stage) => stage.run(|| self.stage(partials, rest, row, companions, out)),
                None => self.stage(partials, rest, row, companions, out),
            },
            Stage::Group(stage) => {
                let mut groups = Vec::new();
                stage.groups(env, &row, companions.index_value, &mut groups)?;
                for group in &groups {
                    let companions = Companions { group: Some(group), ..companions };
                    self.stage(partials, rest, Cow::Borrowed(&*row), companions, out)?;
                }
                Ok(())
            }
        }
    }

    fn emit(
        &self,
        partials: &mut Partials,
        row: Cow<'_, Datum>,
        group: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &self.env;
        match (&self.terminal, group) {
            (None, None) => out.push(row.into_owned()),
            (None, Some(group)) => out.push(Datum::Array(vec![group.clone(), row.into_owned()].into())),
            (Some(terminal), None) => {
                let partial = partials.single.get_or_insert_with(|| terminal.start());
                terminal.add(env, partial, row)?;
            }
            (Some(terminal), Some(group)) => {
                if let Some(partial) = partials.groups.get_mut(group) {
                    terminal.add(env, partial, row)?;
                    return Ok(());
                }
                if partials.groups.len() >= env.options.array_size_max {
                    return Err(EvalError::resource(format!(
                        "Grouped data over size limit `{}`.  Try putting a reduction (like `.reduce` or \
                         `.count`) on the end.",
                        env.options.array_size_max
                    )));
                }
                let mut partial = terminal.start();
                // A group is there once a row of it counts.
                if terminal.add(env, &mut partial, row)? {
                    partials.groups.insert(group.clone(), partial);
                }
            }
        }
        Ok(())
    }
}

impl RowMachine for Machine {
    fn row(&mut self, row: Row<'_>, out: &mut Vec<Datum>) -> std::result::Result<Flow, ProgramError> {
        if self.pipeline.env.cancel.is_cancelled() {
            return Ok(Flow::Stop);
        }
        self.push(row.document, row.index_value, out)?;
        Ok(Flow::Continue)
    }

    fn finish(&mut self, out: &mut Vec<Datum>) -> std::result::Result<(), ProgramError> {
        self.finish_into(out);
        Ok(())
    }
}

/// Whether a filter lets a row through.
pub(crate) fn keeps(
    env: &Arc<Environment>,
    predicate: &crate::function::Function,
    default: &FilterDefault,
    row: &Datum,
) -> Result<bool> {
    if let FilterDefault::Skip = default {
        return predicate.holds_or_absent(env, row);
    }
    match predicate.holds(env, row) {
        Err(error) if error.is_absent() => match default {
            FilterDefault::Skip => Ok(false),
            FilterDefault::Keep => Ok(true),
            FilterDefault::Fail => Err(error),
            FilterDefault::Value(function) => function.holds(env, row),
        },
        other => other,
    }
}
