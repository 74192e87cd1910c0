//! The stages of a sequence, fused: a row is pushed through all of them before the next.

use std::slice;
use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use photondb_datum::{Datum, DatumRef};
use photondb_table::{Flow, Program, ProgramError, Row, RowMachine};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::memory::{Purpose, Reservation};
use crate::row_expression::Untold;
use crate::sequence::keeper::Keeper;
use crate::sequence::passing::{Passing, RowWriter};
use crate::sequence::terminal::{Partial, Terminal};
use crate::sequence::{FilterDefault, GroupStage, RowTransform, Sequence, Stage};
use crate::value::Kind;

/// Memory of a place in a table of groups, free places included.
const GROUP_ENTRY_BYTES: usize = 2 * size_of::<(Datum, Partial)>();

/// Parts of what a sort may take that the groups of one run are: several run side by side, and
/// what has left one of them is sorted.
const GROUP_RUNS: usize = 4;

/// Stages and an optional terminal, ready to be run beside the rows.
pub(crate) struct Pipeline {
    pub(crate) env: Arc<Environment>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) terminal: Option<Terminal>,
    /// Rows leave as pairs of index value and row.
    pub(crate) with_index_value: bool,
    /// Whether the rows are few of those that lie near them.
    pub(crate) sparse: bool,
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
    run: Run,
}

/// What a run has come to so far, and its tools.
struct Run {
    single: Option<Partial>,
    groups: HashMap<Datum, Partial>,
    /// What the groups may take before their partial results leave, to be merged with later ones.
    group_bytes_max: usize,
    writer: RowWriter,
    keeper: Keeper,
    memory: Reservation,
}

impl Run {
    fn new(pipeline: &Pipeline) -> Self {
        let purpose = match &pipeline.terminal {
            _ if pipeline.stages.iter().any(|stage| matches!(stage, Stage::Group(_))) => Purpose::Groups,
            Some(Terminal::Distinct) => Purpose::Distinct,
            _ => Purpose::Rows,
        };
        Self {
            single: None,
            groups: HashMap::new(),
            group_bytes_max: group_bytes_max(&pipeline.env),
            writer: RowWriter::default(),
            keeper: Keeper::new(pipeline.sparse),
            memory: Reservation::new(purpose),
        }
    }

    /// Gives out the partial results of all groups when they have become too large.
    fn relieve(&mut self, out: &mut Vec<Datum>) {
        if self.memory.used_bytes() > self.group_bytes_max {
            self.drain_groups(out);
            // Without its places: they have been counted, too.
            self.groups = HashMap::new();
            self.memory.shrink(usize::MAX);
        }
    }

    fn drain_groups(&mut self, out: &mut Vec<Datum>) {
        let pairs = self.groups.drain();
        out.extend(pairs.map(|(group, partial)| Datum::Array(vec![group, partial.into_datum()].into())));
    }

    /// Counts what a partial has grown by.
    fn grown(&mut self, env: &Environment, bytes: isize) -> Result<()> {
        match usize::try_from(bytes) {
            Ok(more) => self.memory.grow(&env.memory, more),
            Err(_) => {
                self.memory.shrink(bytes.unsigned_abs());
                Ok(())
            }
        }
    }
}

/// What a row carries along besides itself.
#[derive(Clone, Copy)]
struct Companions<'a> {
    index_value: Option<&'a Datum>,
    group: Option<DatumRef<'a>>,
}

/// A group that is looked for.
#[derive(Hash)]
struct GroupKey<'a>(DatumRef<'a>);

impl Equivalent<Datum> for GroupKey<'_> {
    fn equivalent(&self, key: &Datum) -> bool {
        self.0 == key.view()
    }
}

impl Machine {
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        let run = Run::new(&pipeline);
        Self { pipeline, run }
    }

    /// Pushes one row through the stages; what comes out goes to `out` or to the terminal.
    pub(crate) fn push(
        &mut self,
        row: Passing<'_>,
        index_value: Option<&Datum>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        if self.pipeline.with_index_value {
            let index_value = index_value.cloned().unwrap_or(Datum::Null);
            out.push(Datum::Array(vec![index_value, row.into_datum()].into()));
            return Ok(());
        }
        let companions = Companions { index_value, group: None };
        self.pipeline.stage(&mut self.run, &self.pipeline.stages, row, companions, out)
    }

    /// The partial results: one, or pairs of group and partial.
    pub(crate) fn finish_into(&mut self, out: &mut Vec<Datum>) {
        if let Some(partial) = self.run.single.take() {
            out.push(partial.into_datum());
        }
        self.run.drain_groups(out);
    }
}

impl Pipeline {
    /// Runs the first of the stages that are left and, by it, the others. A row that is
    /// only looked at is never copied.
    fn stage(
        &self,
        run: &mut Run,
        stages: &[Stage],
        row: Passing<'_>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &self.env;
        let Some((stage, rest)) = stages.split_first() else {
            return self.emit(run, row, companions.group, out);
        };
        match stage {
            Stage::Map(function) => self.map(run, function, rest, &row, companions, out),
            Stage::Filter { predicate, default } => {
                if keeps(env, predicate, default, &row)? {
                    self.stage(run, rest, row, companions, out)?;
                }
                Ok(())
            }
            Stage::Apply(transform) => self.apply(run, transform.as_ref(), rest, &row, companions, out),
            Stage::Repeat(count) => {
                for _ in 0..count.count(env, &row.datum()) {
                    self.stage(run, rest, row.again(), companions, out)?;
                }
                Ok(())
            }
            Stage::Meter(meter, position) => match meter.stage(*position) {
                Some(stage) => stage.run(|| self.stage(run, rest, row, companions, out)),
                None => self.stage(run, rest, row, companions, out),
            },
            Stage::ConcatMap(function) => self.concat_map(run, function, rest, &row, companions, out),
            Stage::Group(stage) => self.group(run, stage, rest, &row, companions, out),
        }
    }

    fn map(
        &self,
        run: &mut Run,
        function: &Function,
        rest: &[Stage],
        row: &Passing<'_>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let view = row.view();
        match function.answer(&self.env, &[view]) {
            Ok(mapped) if !mapped.is_tree() => {
                return self.stage(run, rest, row.part(mapped), companions, out);
            }
            _ => {}
        }
        let mapped = match run.writer.row(view, |out| function.write(&self.env, &[view], out)) {
            Some(mapped) => mapped,
            None => function.datum(&self.env, slice::from_ref(&*row.datum()))?,
        };
        self.stage(run, rest, Passing::Owned(mapped), companions, out)
    }

    fn apply(
        &self,
        run: &mut Run,
        transform: &dyn RowTransform,
        rest: &[Stage],
        row: &Passing<'_>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let view = row.view();
        match transform.answer(view) {
            Ok(None) => return Ok(()),
            Ok(Some(next)) if !next.is_tree() => {
                return self.stage(run, rest, row.part(next), companions, out);
            }
            _ => {}
        }
        let next = match run.writer.row(view, |out| transform.write(view, out)) {
            Some(next) => Some(next),
            None => transform.apply(&self.env, &row.datum())?,
        };
        match next {
            Some(next) => self.stage(run, rest, Passing::Owned(next), companions, out),
            None => Ok(()),
        }
    }

    fn concat_map(
        &self,
        run: &mut Run,
        function: &Function,
        rest: &[Stage],
        row: &Passing<'_>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &self.env;
        match function.answer(env, &[row.view()]) {
            Ok(inner @ DatumRef::Array(items)) if !inner.is_tree() => {
                return items
                    .iter()
                    .try_for_each(|item| self.stage(run, rest, row.part(item), companions, out));
            }
            _ => {}
        }
        let inner = function.call(env, slice::from_ref(&*row.datum()))?;
        if let Kind::Datum(Datum::Array(items)) = &inner.kind {
            return items
                .iter()
                .try_for_each(|item| self.stage(run, rest, Passing::Owned(item), companions, out));
        }
        let inner = Sequence::from_value(inner).map_err(|error| error.at(function.site))?;
        inner.for_each(env, &mut |item| self.stage(run, rest, Passing::Owned(item), companions, out))
    }

    fn group(
        &self,
        run: &mut Run,
        stage: &GroupStage,
        rest: &[Stage],
        row: &Passing<'_>,
        companions: Companions<'_>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let only = stage.only_function().ok_or(Untold::Unsure);
        let told = match only.and_then(|function| function.answer(&self.env, &[row.view()])) {
            Err(Untold::Absent) => Some(DatumRef::Null),
            Err(Untold::Unsure) | Ok(DatumRef::MinVal | DatumRef::MaxVal) => None,
            Ok(group) => Some(group),
        };
        if told.is_some() {
            let companions = Companions { group: told, ..companions };
            return self.stage(run, rest, row.again(), companions, out);
        }
        let mut groups = Vec::new();
        stage.groups(&self.env, &row.datum(), companions.index_value, &mut groups)?;
        for group in &groups {
            let companions = Companions { group: Some(group.view()), ..companions };
            self.stage(run, rest, row.again(), companions, out)?;
        }
        Ok(())
    }

    fn emit(
        &self,
        run: &mut Run,
        row: Passing<'_>,
        group: Option<DatumRef<'_>>,
        out: &mut Vec<Datum>,
    ) -> Result<()> {
        let env = &self.env;
        match (&self.terminal, group) {
            (None, None) => out.push(row.into_datum()),
            (None, Some(group)) => out.push(Datum::Array(vec![group.to_datum(), row.into_datum()].into())),
            (Some(terminal), None) => {
                let partial = run.single.get_or_insert_with(|| terminal.start());
                if let Some(bytes) = terminal.add(env, &mut run.keeper, partial, row)? {
                    run.grown(env, bytes)?;
                }
            }
            (Some(terminal), Some(group)) => {
                if let Some(partial) = run.groups.get_mut(&GroupKey(group)) {
                    if let Some(bytes) = terminal.add(env, &mut run.keeper, partial, row)?
                        && bytes != 0
                    {
                        run.grown(env, bytes)?;
                        run.relieve(out);
                    }
                    return Ok(());
                }
                if env.options.has_array_limit && run.groups.len() >= env.options.array_size_max {
                    return Err(EvalError::resource(format!(
                        "Grouped data over size limit `{}`.  Try putting a reduction (like `.reduce` or \
                         `.count`) on the end.",
                        env.options.array_size_max
                    )));
                }
                let mut partial = terminal.start();
                // A group is there once a row of it counts.
                if let Some(bytes) = terminal.add(env, &mut run.keeper, &mut partial, row)? {
                    let group = group.to_datum();
                    let entry_bytes = GROUP_ENTRY_BYTES + group.memory_bytes();
                    run.groups.insert(group, partial);
                    run.grown(env, bytes.saturating_add_unsigned(entry_bytes))?;
                    run.relieve(out);
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
        self.push(Passing::View(row.document, Some(row.storage)), row.index_value, out)?;
        Ok(Flow::Continue)
    }

    fn finish(&mut self, out: &mut Vec<Datum>) -> std::result::Result<(), ProgramError> {
        self.finish_into(out);
        Ok(())
    }
}

/// What the groups of one run may take in memory. There is no bound where they could not go to
/// disk, or where the query bounds their number.
fn group_bytes_max(env: &Environment) -> usize {
    let spills = env.services().is_ok_and(|services| services.spill.is_available());
    if spills && !env.options.has_array_limit { env.memory.sort_bytes_max() / GROUP_RUNS } else { usize::MAX }
}

/// Whether a filter lets a row through.
pub(crate) fn keeps(
    env: &Arc<Environment>,
    predicate: &Function,
    default: &FilterDefault,
    row: &Passing<'_>,
) -> Result<bool> {
    match (predicate.tells(env, row.view()), default) {
        (Ok(held), _) => return Ok(held),
        (Err(Untold::Absent), FilterDefault::Skip) => return Ok(false),
        (Err(Untold::Absent), FilterDefault::Keep) => return Ok(true),
        _ => {}
    }
    let row = row.datum();
    if let FilterDefault::Skip = default {
        return predicate.holds_or_absent(env, &row);
    }
    match predicate.holds(env, &row) {
        Err(error) if error.is_absent() => match default {
            FilterDefault::Skip => Ok(false),
            FilterDefault::Keep => Ok(true),
            FilterDefault::Fail => Err(error),
            FilterDefault::Value(function) => function.holds(env, &row),
        },
        other => other,
    }
}
