//! Sorting more rows than memory may hold: sorted runs on disk, merged when they are read.

mod first_rows;
mod merge;
mod run;
mod spill;

use std::io::ErrorKind;
use std::sync::Arc;

use photondb_base::prompt;
use photondb_datum::Datum;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::Result;
use crate::memory::{Purpose, Reservation};
use crate::sequence::{Batch, INNER_BUDGET, Keeper, Passing, Refinement, RowStream, Sequence};
use crate::terms::order::{OrderKeys, RankedRow};

use merge::MergedRuns;
use run::{Run, RunWriter};

pub(crate) use first_rows::{FirstRows, FirstSoFar};
pub use spill::{NoSpill, SpillFile, SpillSpace};

/// Runs that are merged at once; more are first made fewer.
const RUNS_MAX: usize = 64;
/// Bytes that one sort may put on disk.
const SPILLED_BYTES_MAX: u64 = 256 << 30;

/// The rows in order.
pub(crate) enum Sorted {
    /// Few enough for an array.
    Rows(Vec<Datum>),
    Stream(Box<dyn RowStream>),
}

/// The rows that a sorter took.
pub(crate) enum Taken {
    /// As they came, with their memory.
    Rows(Vec<Datum>, Reservation),
    Sorted(Box<dyn RowStream>),
}

impl Taken {
    /// The rows in order.
    pub(crate) fn into_stream(self, env: &Arc<Environment>, keys: &OrderKeys) -> Result<Box<dyn RowStream>> {
        match self {
            Self::Sorted(stream) => Ok(stream),
            Self::Rows(mut rows, memory) => {
                keys.sort(env, &mut rows)?;
                Ok(Box::new(SortedRows { rows: rows.into_iter(), _memory: memory }))
            }
        }
    }
}

/// Sorts the rows of a sequence. Without an `array_limit` of the query's own there may be any
/// number; those that an array would not hold come as a stream.
pub(crate) fn sort(env: &Arc<Environment>, sequence: Sequence, keys: OrderKeys) -> Result<Sorted> {
    sequence.refuse_infinite()?;
    let bytes_max = env.memory.sort_bytes_max();
    let mut sorter = Sorter::new(Arc::clone(env), keys, Purpose::Sort, bytes_max);
    let mut keeper = Keeper::new(false);
    let mut stream = sequence.open(env)?;
    let mut batch = Vec::new();
    loop {
        let more = stream.next_batch(&INNER_BUDGET, &mut batch)?;
        for row in batch.drain(..) {
            sorter.push(keeper.keep(Passing::Owned(row)))?;
        }
        if !more {
            return sorter.finish();
        }
        env.check_cancelled()?;
    }
}

/// Takes rows until there are no more.
pub(crate) struct Sorter {
    env: Arc<Environment>,
    keys: OrderKeys,
    rows: Vec<Datum>,
    /// Of `rows`.
    bytes: usize,
    /// What `rows` may take before they become a run.
    bytes_max: usize,
    memory: Reservation,
    runs: Vec<Run>,
    /// Their buffers take no more than `bytes_max` when they are merged.
    runs_max: usize,
    spilled_bytes: u64,
}

impl Sorter {
    /// One that keeps rows of so many bytes in memory.
    pub(crate) fn new(env: Arc<Environment>, keys: OrderKeys, purpose: Purpose, bytes_max: usize) -> Self {
        Self {
            keys,
            rows: Vec::new(),
            bytes: 0,
            bytes_max,
            memory: Reservation::new(purpose),
            runs: Vec::new(),
            runs_max: (bytes_max / run::BUFFER_BYTES).clamp(2, RUNS_MAX),
            spilled_bytes: 0,
            env,
        }
    }

    /// Takes a row that keeps nothing else in memory.
    pub(crate) fn push(&mut self, row: Datum) -> Result<()> {
        let bytes = size_of::<Datum>() + row.unguarded_bytes();
        if self.bytes + bytes > self.bytes_max && !self.rows.is_empty() {
            self.spill()?;
        }
        self.memory.grow(&self.env.memory, bytes)?;
        self.bytes += bytes;
        self.rows.push(row);
        if self.env.options.has_array_limit {
            self.env.check_array_size(self.rows.len())?;
        }
        Ok(())
    }

    /// Makes a run of the rows, if there is a place for it.
    fn spill(&mut self) -> Result<()> {
        if self.env.options.has_array_limit {
            return Ok(());
        }
        prompt::before_waiting()?;
        let file = match self.env.services()?.spill.file() {
            Ok(file) => file,
            // The memory of the query is all there is.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.bytes_max = usize::MAX;
                return Ok(());
            }
            Err(error) => return Err(run::failed(&error)),
        };
        let mut writer = RunWriter::new(file);
        let rows = std::mem::take(&mut self.rows);
        for (values, row) in self.keys.sorted(&self.env, rows)? {
            writer.write(values, row)?;
        }
        self.take_run(writer)?;
        self.memory.shrink(std::mem::take(&mut self.bytes));
        if self.runs.len() >= self.runs_max {
            self.make_one_run()?;
        }
        Ok(())
    }

    fn take_run(&mut self, writer: RunWriter) -> Result<()> {
        let run = writer.finish()?;
        self.spilled_bytes += run.bytes();
        if self.spilled_bytes > SPILLED_BYTES_MAX {
            return Err(run::too_much(SPILLED_BYTES_MAX));
        }
        self.runs.push(run);
        Ok(())
    }

    fn make_one_run(&mut self) -> Result<()> {
        let file = self.env.services()?.spill.file().map_err(|error| run::failed(&error))?;
        let mut writer = RunWriter::new(file);
        let merged_bytes: u64 = self.runs.iter().map(Run::bytes).sum();
        let mut merged = MergedRuns::open(&self.env, self.keys.directions(), std::mem::take(&mut self.runs))?;
        while let Some(RankedRow { rank, row, .. }) = merged.next()? {
            self.env.check_cancelled()?;
            writer.write(rank.into_iter().map(Into::into).collect(), row)?;
        }
        drop(merged);
        self.spilled_bytes -= merged_bytes;
        self.take_run(writer)
    }

    fn finish(mut self) -> Result<Sorted> {
        if self.runs.is_empty() {
            self.keys.sort(&self.env, &mut self.rows)?;
            if self.rows.len() <= self.env.options.array_size_max {
                return Ok(Sorted::Rows(self.rows));
            }
            let rows = self.rows.into_iter();
            return Ok(Sorted::Stream(Box::new(SortedRows { rows, _memory: self.memory })));
        }
        self.merge().map(Sorted::Stream)
    }

    /// The rows, sorted only if they are not all in memory.
    pub(crate) fn finish_unsorted(self) -> Result<Taken> {
        if self.runs.is_empty() {
            return Ok(Taken::Rows(self.rows, self.memory));
        }
        self.merge().map(Taken::Sorted)
    }

    fn merge(mut self) -> Result<Box<dyn RowStream>> {
        if !self.rows.is_empty() {
            self.spill()?;
        }
        let merged = MergedRuns::open(&self.env, self.keys.directions(), self.runs)?;
        Ok(Box::new(merged))
    }
}

/// Rows that are in order, and their memory.
struct SortedRows {
    rows: std::vec::IntoIter<Datum>,
    _memory: Reservation,
}

impl RowStream for SortedRows {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        for row in self.rows.by_ref() {
            out.push(row);
            if batch.is_full(out) {
                break;
            }
        }
        Ok(self.rows.len() > 0)
    }
}
