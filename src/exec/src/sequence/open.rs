//! Running a sequence: batch by batch, row by row, or down to one value.

use std::collections::VecDeque;
use std::sync::Arc;

use photondb_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use photondb_base::prompt;
use photondb_catalog::Permission;
use photondb_datum::{Array, Datum};
use photondb_reql::TermId;
use photondb_table::{Budget, Program, ReadOp, ShardStream};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::memory::{Purpose, Reservation};
use crate::sequence::batch::Batch;
use crate::sequence::concat::ConcatStream;
use crate::sequence::groups;
use crate::sequence::machine::{Machine, Pipeline, PipelineProgram};
use crate::sequence::metered::MeteredStream;
use crate::sequence::parallel;
use crate::sequence::passing::Passing;
use crate::sequence::read::{TableRead, TableSource};
use crate::sequence::sources::{
    Interleave, ItemsStream, MergeStream, RangeStream, UnionStream, WindowStream, ZipStream,
};
use crate::sequence::terminal::{Partial, Terminal, TerminalAnswer};
use crate::sequence::{Refinement, Sequence, Source, Stage};

/// An open sequence.
pub(crate) trait RowStream: Send {
    /// Appends rows within the budget; `false` when nothing follows.
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool>;

    /// Leaves rows out; tells how many there were to leave out. An element may become many
    /// rows: those that came with the last one left out go to `surplus`, to be used next.
    fn skip(&mut self, env: &Arc<Environment>, count: u64, surplus: &mut Vec<Datum>) -> Result<u64> {
        let mut rows = Vec::new();
        let mut skipped = 0;
        while skipped < count {
            env.check_cancelled()?;
            rows.clear();
            let rows_max = usize::try_from(count - skipped).unwrap_or(usize::MAX).min(BATCH_ROWS_MAX);
            let more = self.next_batch(&Budget { rows_max, bytes_max: BATCH_BYTES_MAX }, &mut rows)?;
            skipped += rows.len() as u64;
            if skipped > count {
                let first = rows.len() - usize::try_from(skipped - count).unwrap_or(rows.len());
                surplus.extend(rows.drain(first..));
                return Ok(count);
            }
            if !more {
                break;
            }
        }
        Ok(skipped)
    }
}

/// The budget of work that nobody waits for batch by batch.
pub(crate) const INNER_BUDGET: Budget = Budget { rows_max: BATCH_ROWS_MAX, bytes_max: BATCH_BYTES_MAX };

impl Sequence {
    /// Opens the sequence for batches.
    pub(crate) fn open(mut self, env: &Arc<Environment>) -> Result<Box<dyn RowStream>> {
        let site = self.site;
        self.narrow(env).map_err(|error| error.at(site))?;
        self.open_with(env, None, false).map_err(|error| error.at(site))
    }

    /// Visits each row; the visitor's error ends the walk.
    pub(crate) fn for_each(
        self,
        env: &Arc<Environment>,
        visit: &mut dyn FnMut(Datum) -> Result<()>,
    ) -> Result<()> {
        self.refuse_infinite()?;
        let mut stream = self.open(env)?;
        let mut rows = Vec::new();
        loop {
            env.check_cancelled()?;
            let more = stream.next_batch(&INNER_BUDGET, &mut rows)?;
            for row in rows.drain(..) {
                env.on_row(|| visit(row))?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// The first row that there is, or none.
    pub(crate) fn first(self, env: &Arc<Environment>, skip: u64) -> Result<Option<Datum>> {
        let mut stream = self.open(env)?;
        let mut rows = Vec::new();
        if skip > 0 && stream.skip(env, skip, &mut rows)? < skip {
            return Ok(None);
        }
        if !rows.is_empty() {
            return Ok(rows.into_iter().next());
        }
        loop {
            env.check_cancelled()?;
            let more = stream.next_batch(&Budget { rows_max: 1, bytes_max: BATCH_BYTES_MAX }, &mut rows)?;
            if !rows.is_empty() || !more {
                return Ok(rows.into_iter().next());
            }
        }
    }

    /// Runs all rows into a terminal.
    pub(crate) fn run(self, env: &Arc<Environment>, terminal: Terminal) -> Result<TerminalAnswer> {
        self.refuse_infinite()?;
        if let (Terminal::Count, Some(read)) = (&terminal, self.as_plain_read())
            && !read.table.system
        {
            env.check_table(Permission::Read, &read.table)?;
            let shards = &env.services()?.shards;
            let operation = read.clone().into_operation(None)?;
            let count = env.task("Perform read on shard.", || shards.count(&operation))?;
            return Ok(TerminalAnswer::Single(Datum::Number(count as f64)));
        }
        if let Terminal::Count = terminal
            && self.stages.is_empty()
            && !matches!(self.source, Source::Table(_))
        {
            // To count is to pass over everything.
            let count = self.open_with(env, None, false)?.skip(env, u64::MAX, &mut Vec::new())?;
            env.check_cancelled()?;
            return Ok(TerminalAnswer::Single(Datum::Number(count as f64)));
        }
        let (grouped, site) = (self.is_grouped(), self.site);
        let parts = match self.into_parts(env, &terminal)? {
            Ok(parts) => parts,
            Err(sequence) => vec![sequence.open_with(env, Some(terminal.clone()), false)?],
        };
        if grouped {
            let count = parts.len();
            let drained = parallel::drain_all(parts, |part| groups::drain(env, site, count, part))?;
            env.check_cancelled()?;
            return Ok(TerminalAnswer::Grouped(groups::finish(env, site, &terminal, drained)?));
        }
        let drained = parallel::drain_all(parts, |part| drain(env, part))?;
        env.check_cancelled()?;
        let answer = finish_single(env, &terminal, drained)?;
        Ok(TerminalAnswer::Single(env.memory.charge(answer)?))
    }

    /// Opens a sequence with a `concatMap`, whose rows may be many more than a batch.
    fn open_concatenated(self, env: &Arc<Environment>) -> Result<Box<dyn RowStream>> {
        let site = self.site;
        match self.split_at_concat() {
            Err(sequence) => sequence.open_with(env, None, false),
            Ok((outer, function, stages)) => {
                let stream = ConcatStream::new(env, outer.open_with(env, None, false)?, function);
                Self::of_stream(Box::new(stream), stages, site).open_with(env, None, false)
            }
        }
    }

    /// The streams of the parts of a large table read, to be worked on side by side; the
    /// sequence itself when that does not pay.
    fn into_parts(
        mut self,
        env: &Arc<Environment>,
        terminal: &Terminal,
    ) -> Result<std::result::Result<Vec<Box<dyn RowStream>>, Self>> {
        self.narrow(env)?;
        let parallelism = env.options.parallelism;
        let Source::Table(read) = &self.source else { return Ok(Err(self)) };
        if parallelism.threads < 2 || read.table.system || matches!(terminal, Terminal::Collect) {
            return Ok(Err(self));
        }
        env.check_table(Permission::Read, &read.table)?;
        let shards = &env.services()?.shards;
        let read = (**read).clone();
        let rows = match &read.source {
            TableSource::Narrowed(keys) => keys.len() as u64,
            _ => shards.count(&read.clone().into_operation(None)?)?,
        };
        if rows < parallelism.rows_min {
            return Ok(Err(self));
        }
        prompt::before_waiting()?;
        let index_values = self.groups_by_index();
        let meter = env
            .profiler
            .as_ref()
            .map(|profiler| self.meter(env, profiler, Some(terminal), parallelism.threads));
        let terminal = Some(terminal.clone());
        let sparse = self.is_sparse();
        let pipeline =
            Pipeline { env: Arc::clone(env), stages: self.stages, terminal, with_index_value: false, sparse };
        let program: Arc<dyn Program> = Arc::new(PipelineProgram(Arc::new(pipeline)));
        let operation = ReadOp { index_values, ..read.into_operation(Some(program))? };
        let streams = shards.read_split(operation, parallelism.threads)?;
        let parts = streams.into_iter().enumerate().map(|(part, stream)| {
            let stream: Box<dyn RowStream> = Box::new(ProgramStream { stream });
            match &meter {
                Some(meter) => Box::new(MeteredStream::new(stream, Arc::clone(meter), part)),
                None => stream,
            }
        });
        Ok(Ok(parts.collect()))
    }

    fn groups_by_index(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Group(group) if group.by_index))
    }

    pub(crate) fn refuse_infinite(&self) -> Result<()> {
        if self.is_feed() {
            return Err(EvalError::logic(
                "Cannot call a terminal (`reduce`, `count`, etc.) on an infinite stream (such as a changefeed).",
            )
            .at(self.site));
        }
        if self.is_infinite() {
            return Err(EvalError::logic(
                "Cannot use an infinite stream with an aggregation function (`reduce`, `count`, etc.) or coerce \
                 it to an array.",
            )
            .at(self.site));
        }
        Ok(())
    }

    /// Whether the rows are probably few of those on the pages that they lie on.
    fn is_sparse(&self) -> bool {
        let scattered = match &self.source {
            Source::Table(read) => read.index.is_some() || matches!(read.source, TableSource::Keys(_)),
            _ => false,
        };
        scattered || self.stages.iter().any(|stage| matches!(stage, Stage::Filter { .. }))
    }

    fn open_with(
        mut self,
        env: &Arc<Environment>,
        terminal: Option<Terminal>,
        with_index_value: bool,
    ) -> Result<Box<dyn RowStream>> {
        let Some(profiler) = &env.profiler else {
            return self.open_unmetered(env, terminal, with_index_value);
        };
        let meter = self.meter(env, profiler, terminal.as_ref(), 1);
        let stream = self.open_unmetered(env, terminal, with_index_value)?;
        Ok(Box::new(MeteredStream::new(stream, meter, 0)))
    }

    fn open_unmetered(
        self,
        env: &Arc<Environment>,
        terminal: Option<Terminal>,
        with_index_value: bool,
    ) -> Result<Box<dyn RowStream>> {
        // For a terminal the rows need not be put into batches.
        let in_batches = terminal.is_none() && !self.is_grouped();
        if in_batches && self.stages.iter().any(|stage| matches!(stage, Stage::ConcatMap(_))) {
            return self.open_concatenated(env);
        }
        let sparse = self.is_sparse();
        let by_index = self.groups_by_index();
        let bare = self.stages.is_empty() && terminal.is_none() && !with_index_value;
        let pipeline = Arc::new(Pipeline {
            env: Arc::clone(env),
            stages: self.stages,
            terminal,
            with_index_value,
            sparse,
        });
        let source: Box<dyn RowStream> = match self.source {
            Source::Table(read) if read.table.system => Box::new(ItemsStream::new(system_rows(env, &read)?)),
            Source::Table(read) => {
                env.check_table(Permission::Read, &read.table)?;
                let program = (!bare).then(|| Arc::new(PipelineProgram(pipeline)) as Arc<dyn Program>);
                let mut operation = (*read).into_operation(program)?;
                operation.index_values = with_index_value || by_index;
                let stream = env.services()?.shards.read(operation)?;
                return Ok(if bare {
                    Box::new(TableStream { stream })
                } else {
                    Box::new(ProgramStream { stream })
                });
            }
            Source::Refined(read, refinement) => open_refined(env, *read, refinement, self.site)?,
            Source::Items(items) => Box::new(ItemsStream::new(items)),
            Source::Range(start, end) => Box::new(RangeStream::new(start, end)),
            Source::Union(inputs, interleave) => {
                let inputs = inputs.into_iter().map(|input| input.open(env)).collect::<Result<Vec<_>>>()?;
                match interleave {
                    Interleave::No => Box::new(UnionStream::new(inputs)),
                    Interleave::By(order) => Box::new(MergeStream::new(Arc::clone(env), inputs, order)),
                }
            }
            Source::Window { inner, skip, take } => {
                Box::new(WindowStream::new(Arc::clone(env), inner.open(env)?, skip, take))
            }
            Source::Zip(inputs, function) => {
                let inputs = inputs.into_iter().map(|input| input.open(env)).collect::<Result<Vec<_>>>()?;
                Box::new(ZipStream::new(Arc::clone(env), inputs, function))
            }
            Source::Stream(stream) => stream,
            Source::Feed(_) => {
                return Err(EvalError::logic("Cannot read a changefeed inside another query."));
            }
        };
        if bare {
            return Ok(source);
        }
        Ok(Box::new(PipelineStream::new(source, pipeline)))
    }
}

/// The rows of a table of the `rethinkdb` database, filtered as the read says.
fn system_rows(env: &Arc<Environment>, read: &TableRead) -> Result<Array> {
    env.check_table(Permission::Read, &read.table)?;
    prompt::before_waiting()?;
    let tables = &env.services()?.system_tables;
    let (name, format) = (&read.table.name, read.table.identifiers);
    let missing = || EvalError::failed(format!("Table `{}` does not exist.", read.table.full_name()));
    let key = |row: &Datum| row.get(&read.table.primary_key).unwrap_or(Datum::Null);
    let mut rows: Vec<Datum> = match &read.source {
        TableSource::All => tables.rows(name, format).ok_or_else(missing)??,
        TableSource::Between(range) => {
            let rows = tables.rows(name, format).ok_or_else(missing)??;
            rows.into_iter().filter(|row| range.contains(&key(row))).collect()
        }
        TableSource::Keys(keys) => {
            let rows = keys.iter().map(|key| Ok(tables.row(name, key, format).ok_or_else(missing)??));
            rows.filter(|row: &Result<Datum>| !matches!(row, Ok(Datum::Null))).collect::<Result<_>>()?
        }
        // These tables have no index.
        TableSource::Raw(_) | TableSource::Narrowed(_) => Vec::new(),
    };
    if let Some(direction) = read.order {
        rows.sort_by_cached_key(key);
        if direction == photondb_table::Direction::Backward {
            rows.reverse();
        }
    }
    Ok(rows.into())
}

/// Rows in the order of an index, rows of equal index value sorted further.
fn open_refined(
    env: &Arc<Environment>,
    read: TableRead,
    refinement: Arc<dyn Refinement>,
    site: TermId,
) -> Result<Box<dyn RowStream>> {
    let pairs = Sequence::table(read, site).open_with(env, None, true)?;
    Ok(Box::new(RefinedStream {
        env: Arc::clone(env),
        pairs,
        refinement,
        current: None,
        equal: Vec::new(),
        ready: VecDeque::new(),
        memory: Reservation::new(Purpose::Sort),
        more: true,
    }))
}

impl Sequence {
    /// The values by which an index finds the rows of a read, in the index's order.
    pub(crate) fn index_values(env: &Arc<Environment>, read: TableRead, site: TermId) -> Result<Self> {
        let pairs = Self::table(read, site).open_with(env, None, true)?;
        Ok(Self::new(Source::Stream(Box::new(FirstOfPair { pairs })), false, site))
    }
}

/// The index values of pairs of index value and row.
struct FirstOfPair {
    pairs: Box<dyn RowStream>,
}

impl RowStream for FirstOfPair {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut pairs = Vec::new();
        let more = self.pairs.next_batch(budget, &mut pairs)?;
        out.extend(pairs.into_iter().filter_map(|pair| pair.as_array()?.get(0)));
        Ok(more)
    }
}

/// What a program gives beside the documents of one shard. How many rows a document
/// becomes is known by running it only, so rows are passed over by reading them.
struct ProgramStream {
    stream: Box<dyn ShardStream>,
}

impl RowStream for ProgramStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        Ok(self.stream.next_batch(*budget, out)?)
    }
}

/// The documents of one shard as they are.
struct TableStream {
    stream: Box<dyn ShardStream>,
}

impl RowStream for TableStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        Ok(self.stream.next_batch(*budget, out)?)
    }

    fn skip(&mut self, _env: &Arc<Environment>, count: u64, _surplus: &mut Vec<Datum>) -> Result<u64> {
        Ok(self.stream.skip(count)?)
    }
}

/// Stages over a stream that is not a table.
pub(crate) struct PipelineStream {
    source: Box<dyn RowStream>,
    machine: Machine,
    /// Rows of the source that were not pushed yet.
    rows: VecDeque<Datum>,
    /// Whether the source has more.
    more: bool,
    ended: bool,
}

impl PipelineStream {
    pub(crate) fn new(source: Box<dyn RowStream>, pipeline: Arc<Pipeline>) -> Self {
        Self { source, machine: Machine::new(pipeline), rows: VecDeque::new(), more: true, ended: false }
    }
}

impl RowStream for PipelineStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.rows.is_empty() && self.more {
            let mut rows = Vec::from(std::mem::take(&mut self.rows));
            self.more = self.source.next_batch(budget, &mut rows)?;
            self.rows = rows.into();
        }
        let mut batch = Batch::begin(budget, out);
        while let Some(row) = self.rows.pop_front() {
            self.machine.push(Passing::Owned(row), None, out)?;
            if batch.is_full(out) {
                break;
            }
        }
        if self.rows.is_empty() && !self.more {
            self.ended = true;
            self.machine.finish_into(out);
        }
        Ok(!self.ended)
    }
}

/// Collects runs of equal index value and sorts each.
struct RefinedStream {
    env: Arc<Environment>,
    pairs: Box<dyn RowStream>,
    refinement: Arc<dyn Refinement>,
    current: Option<Datum>,
    equal: Vec<Datum>,
    ready: VecDeque<Datum>,
    memory: Reservation,
    more: bool,
}

impl RefinedStream {
    fn flush(&mut self) -> Result<()> {
        self.refinement.sort(&self.env, &mut self.equal)?;
        self.ready.extend(self.equal.drain(..));
        Ok(())
    }

    fn fill(&mut self, budget: &Budget) -> Result<()> {
        let mut pairs = Vec::new();
        self.more = self.pairs.next_batch(budget, &mut pairs)?;
        for pair in pairs {
            let Datum::Array(pair) = pair else { continue };
            let (Some(value), Some(row)) = (pair.get(0), pair.get(1)) else { continue };
            if self.current.as_ref() != Some(&value) {
                self.flush()?;
                self.current = Some(value);
            }
            self.memory.grow(&self.env.memory, size_of::<Datum>() + row.memory_bytes())?;
            self.equal.push(row);
            self.env.check_array_size(self.equal.len())?;
        }
        if !self.more {
            self.flush()?;
        }
        Ok(())
    }
}

impl RowStream for RefinedStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        while self.ready.is_empty() && self.more {
            self.env.check_cancelled()?;
            self.fill(budget)?;
        }
        let count = self.ready.len().min(budget.rows_max.max(1));
        for row in self.ready.drain(..count) {
            self.memory.shrink(size_of::<Datum>() + row.memory_bytes());
            out.push(row);
        }
        Ok(self.more || !self.ready.is_empty())
    }
}

/// All that a stream gives, with the memory of it.
pub(crate) fn drain(env: &Arc<Environment>, mut stream: Box<dyn RowStream>) -> Result<Drained> {
    let mut drained = Drained { rows: Vec::new(), memory: Reservation::new(Purpose::Rows) };
    loop {
        let before = drained.rows.len();
        let more = stream.next_batch(&INNER_BUDGET, &mut drained.rows)?;
        for row in drained.rows.get(before..).unwrap_or_default() {
            drained.memory.grow(&env.memory, size_of::<Datum>() + row.unguarded_bytes())?;
        }
        if !more {
            return Ok(drained);
        }
        env.check_cancelled()?;
    }
}

/// What a stream gave.
pub(crate) struct Drained {
    pub(crate) rows: Vec<Datum>,
    pub(crate) memory: Reservation,
}

fn finish_single(env: &Arc<Environment>, terminal: &Terminal, parts: Vec<Drained>) -> Result<Datum> {
    let mut whole: Option<Partial> = None;
    let (rows, memory): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.rows, part.memory)).unzip();
    for partial in rows.into_iter().flatten() {
        let partial = terminal.partial(partial)?;
        whole = Some(match whole {
            None => partial,
            Some(left) => terminal.merge(env, left, partial)?,
        });
    }
    let whole = whole.unwrap_or_else(|| terminal.start());
    // Until the answer is counted itself.
    drop(memory);
    terminal.finish(whole)
}
