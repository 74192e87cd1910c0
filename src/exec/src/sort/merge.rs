//! Runs become one order again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use photondb_datum::Datum;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::Result;
use crate::memory::{Purpose, Reservation};
use crate::sequence::{Batch, RowStream};
use crate::sort::run::{BUFFER_BYTES, Run, RunReader};
use crate::terms::order::{Rank, RankedRow};

/// The rows of all runs, the first of each waiting in a heap. Of equal rows that of the earlier
/// run is first.
pub(super) struct MergedRuns {
    runs: Vec<RunReader>,
    /// Of each key, whether it is descending.
    directions: Vec<bool>,
    heads: BinaryHeap<Reverse<RankedRow>>,
    /// The buffers of the runs.
    _memory: Reservation,
}

impl MergedRuns {
    pub(super) fn open(env: &Arc<Environment>, directions: Vec<bool>, runs: Vec<Run>) -> Result<Self> {
        let mut memory = Reservation::new(Purpose::Sort);
        memory.grow(&env.memory, runs.len() * BUFFER_BYTES)?;
        let runs = runs.into_iter().map(Run::read).collect::<Result<Vec<_>>>()?;
        let mut merged = Self { runs, directions, heads: BinaryHeap::new(), _memory: memory };
        for run in 0..merged.runs.len() {
            merged.advance(run)?;
        }
        Ok(merged)
    }

    /// The next row of all.
    pub(super) fn next(&mut self) -> Result<Option<RankedRow>> {
        let Some(Reverse(first)) = self.heads.pop() else { return Ok(None) };
        self.advance(first.position as usize)?;
        Ok(Some(first))
    }

    /// Puts the next row of a run into the heap.
    fn advance(&mut self, run: usize) -> Result<()> {
        let Some(reader) = self.runs.get_mut(run) else { return Ok(()) };
        if let Some((values, row)) = reader.next()? {
            let rank = Rank::all(values, &self.directions);
            self.heads.push(Reverse(RankedRow { rank, position: run as u64, row }));
        }
        Ok(())
    }
}

impl RowStream for MergedRuns {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        while !self.heads.is_empty() && !batch.is_full(out) {
            if let Some(first) = self.next()? {
                out.push(first.row);
            }
        }
        Ok(!self.heads.is_empty())
    }
}
