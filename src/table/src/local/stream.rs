//! Streams: documents through a program, batch by batch.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use photondb_base::Clock;
use photondb_datum::Datum;
use photondb_storage::{Engine, Snapshot};

use super::position::{Position, Sweeper};
use super::scan::Scan;
use super::table::OpenTable;
use crate::error::TableError;
use crate::function::{Flow, RowMachine};
use crate::limits::{SCAN_BYTES_MAX, SCAN_ROWS_MAX};
use crate::read::{Budget, ShardStream};

/// What streams of one server share.
pub(crate) struct StreamContext {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) snapshot_us_max: u64,
    pub(crate) sweeper: Arc<Sweeper>,
}

/// A stream over the documents of one table.
pub(crate) struct LocalStream {
    context: Arc<StreamContext>,
    table: Arc<OpenTable>,
    position: Arc<Mutex<Position>>,
    machine: Option<Box<dyn RowMachine>>,
    watched: bool,
}

impl LocalStream {
    pub(crate) fn new(
        context: Arc<StreamContext>,
        table: Arc<OpenTable>,
        snapshot: Arc<dyn Snapshot>,
        pinned: bool,
        scan: Scan,
        machine: Option<Box<dyn RowMachine>>,
    ) -> Self {
        let position = Position::new(scan, snapshot, pinned, context.clock.monotonic_us());
        Self { context, table, position: Arc::new(Mutex::new(position)), machine, watched: false }
    }

    /// The snapshot to go on with, while the stream may go on.
    fn snapshot(&self, position: &mut Position) -> Result<Arc<dyn Snapshot>, TableError> {
        self.table.check_open()?;
        position.scan.check_present()?;
        let now_us = self.context.clock.monotonic_us();
        Ok(position.snapshot(self.context.engine.as_ref(), now_us, self.context.snapshot_us_max))
    }

    fn fill(
        &mut self,
        position: &mut Position,
        budget: Budget,
        out: &mut Vec<Datum>,
    ) -> Result<bool, TableError> {
        let snapshot = self.snapshot(position)?;
        let rows_end = out.len().saturating_add(budget.rows_max.max(1));
        let (mut bytes, mut scanned, mut scanned_bytes) = (0, 0, 0);
        let more = loop {
            let full = out.len() >= rows_end || bytes >= budget.bytes_max;
            if full || scanned >= SCAN_ROWS_MAX || scanned_bytes >= SCAN_BYTES_MAX {
                break true;
            }
            let Some(row) = position.scan.next(&snapshot)? else { break false };
            scanned += 1;
            let row_bytes = row.document.packed_bytes();
            scanned_bytes += row_bytes;
            match &mut self.machine {
                None => {
                    bytes += row_bytes;
                    out.push(row.to_datum());
                }
                Some(machine) => {
                    let before = out.len();
                    let flow = machine.row(row, out)?;
                    bytes += out[before..].iter().map(Datum::packed_bytes).sum::<usize>();
                    if flow == Flow::Stop {
                        break false;
                    }
                }
            }
        };
        self.table.rows_read.fetch_add(scanned as u64, Ordering::Relaxed);
        if !more && let Some(mut machine) = self.machine.take() {
            machine.finish(out)?;
        }
        Ok(more)
    }
}

impl ShardStream for LocalStream {
    fn next_batch(&mut self, budget: Budget, out: &mut Vec<Datum>) -> Result<bool, TableError> {
        let shared = self.position.clone();
        let mut position = shared.lock();
        if position.ended {
            return Ok(false);
        }
        let result = self.fill(&mut position, budget, out);
        match result {
            Ok(true) if !self.watched => {
                self.watched = true;
                drop(position);
                self.context.sweeper.watch(&shared);
            }
            Ok(true) => {}
            // A stream that failed has ended, too.
            Ok(false) | Err(_) => {
                position.end();
                self.machine = None;
            }
        }
        result
    }

    fn skip(&mut self, n: u64) -> Result<u64, TableError> {
        let mut position = self.position.lock();
        if self.machine.is_some() || position.ended {
            return Ok(0);
        }
        let snapshot = self.snapshot(&mut position)?;
        position.scan.skip(&snapshot, n)
    }
}
