//! The stages of a sequence, fused: a row is pushed through all of them before the next.

use std::collections::HashMap;
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
    single: Option<Partial>,
    groups: HashMap<Datum, Partial>,
}

impl Machine {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline, single: None, groups: HashMap::new() }
    }

    /// Pushes one row through the stages; what comes out goes to `out` or to the terminal.
    pub(crate) fn push(
        &mut self,
        row: &Datum,
        index_value: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let pipeline = Arc::clone(&self.pipeline);
        if pipeline.with_index_value {
            let index_value = index_value.cloned().unwrap_or(Datum::Null);
            out.push(Datum::Array(vec![index_value, row.clone()].into()));
            return Ok(());
        }
        self.stage(&pipeline, 0, row.clone(), index_value, None, out)
    }

    fn stage(
        &mut self,
        pipeline: &Pipeline,
        position: usize,
        row: Datum,
        index_value: Option<&Datum>,
        group: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &pipeline.env;
        let Some(stage) = pipeline.stages.get(position) else {
            return self.emit(pipeline, row, group, out);
        };
        let next = position + 1;
        match stage {
            Stage::Map(function) => {
                let row = function.datum(env, &[row])?;
                self.stage(pipeline, next, row, index_value, group, out)
            }
            Stage::Filter { predicate, default } => {
                if keeps(env, predicate, default, &row)? {
                    self.stage(pipeline, next, row, index_value, group, out)?;
                }
                Ok(())
            }
            Stage::Apply(transform) => match transform.apply(env, &row)? {
                Some(row) => self.stage(pipeline, next, row, index_value, group, out),
                None => Ok(()),
            },
            Stage::Repeat(count) => {
                for _ in 0..count.count(env, &row) {
                    self.stage(pipeline, next, row.clone(), index_value, group, out)?;
                }
                Ok(())
            }
            Stage::ConcatMap(function) => {
                let inner = function.call(env, &[row])?;
                let site = inner.site;
                let inner = match inner.kind {
                    Kind::Datum(Datum::Array(items)) => {
                        for item in items.iter() {
                            self.stage(pipeline, next, item, index_value, group, out)?;
                        }
                        return Ok(());
                    }
                    kind => Sequence::from_value(crate::value::Value::new(kind, site))
                        .map_err(|error| error.at(function.site))?,
                };
                inner.for_each(env, &mut |item| self.stage(pipeline, next, item, index_value, group, out))
            }
            Stage::Group(stage) => {
                let mut groups = Vec::new();
                stage.groups(env, &row, index_value, &mut groups)?;
                for group in &groups {
                    self.stage(pipeline, next, row.clone(), index_value, Some(group), out)?;
                }
                Ok(())
            }
        }
    }

    fn emit(
        &mut self,
        pipeline: &Pipeline,
        row: Datum,
        group: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &pipeline.env;
        match (&pipeline.terminal, group) {
            (None, None) => out.push(row),
            (None, Some(group)) => out.push(Datum::Array(vec![group.clone(), row].into())),
            (Some(terminal), None) => {
                let partial = self.single.get_or_insert_with(|| terminal.start());
                terminal.add(env, partial, row)?;
            }
            (Some(terminal), Some(group)) => {
                if let Some(partial) = self.groups.get_mut(group) {
                    terminal.add(env, partial, row)?;
                    return Ok(());
                }
                if self.groups.len() >= env.options.array_size_max {
                    return Err(EvalError::resource(format!(
                        "Grouped data over size limit `{}`.  Try putting a reduction (like `.reduce` or \
                         `.count`) on the end.",
                        env.options.array_size_max
                    )));
                }
                let mut partial = terminal.start();
                // A group is there once a row of it counts.
                if terminal.add(env, &mut partial, row)? {
                    self.groups.insert(group.clone(), partial);
                }
            }
        }
        Ok(())
    }

    /// The partial results: one, or pairs of group and partial.
    pub(crate) fn finish_into(&mut self, out: &mut Vec<Datum>) {
        if let Some(partial) = self.single.take() {
            out.push(partial.into_datum());
        }
        for (group, partial) in self.groups.drain() {
            out.push(Datum::Array(vec![group, partial.into_datum()].into()));
        }
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
