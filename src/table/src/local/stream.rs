//! Streams: documents through a program, batch by batch.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use photondb_base::Clock;
use photondb_datum::Datum;
use photondb_storage::{Engine, Snapshot};

use super::scan::{Found, Scan};
use super::table::OpenTable;
use crate::error::TableError;
use crate::function::{Flow, Row, RowMachine};
use crate::limits::{SCAN_BYTES_MAX, SCAN_ROWS_MAX};
use crate::read::{Budget, ShardStream};

/// What streams of one server share.
pub(crate) struct StreamContext {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) snapshot_us_max: u64,
}

/// A stream over the documents of one table.
pub(crate) struct LocalStream {
    context: Arc<StreamContext>,
    table: Arc<OpenTable>,
    /// Absent at the end, so that an exhausted stream holds no space.
    snapshot: Option<Arc<dyn Snapshot>>,
    /// Whether the query chose the snapshot; then it is kept.
    pinned: bool,
    snapshot_since_us: u64,
    scan: Scan,
    machine: Option<Box<dyn RowMachine>>,
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
        let snapshot_since_us = context.clock.monotonic_us();
        Self { context, table, snapshot: Some(snapshot), pinned, snapshot_since_us, scan, machine }
    }

    /// The snapshot to go on with; `None` at the end of the stream.
    fn current_snapshot(&mut self) -> Result<Option<Arc<dyn Snapshot>>, TableError> {
        if self.snapshot.is_none() {
            return Ok(None);
        }
        self.table.check_open()?;
        self.scan.check_present()?;
        let now_us = self.context.clock.monotonic_us();
        if !self.pinned && now_us.saturating_sub(self.snapshot_since_us) > self.context.snapshot_us_max {
            self.scan.release();
            self.snapshot = Some(self.context.engine.snapshot());
            self.snapshot_since_us = now_us;
        }
        Ok(self.snapshot.clone())
    }

    fn end(&mut self, out: &mut Vec<Datum>) -> Result<bool, TableError> {
        self.snapshot = None;
        self.scan.release();
        if let Some(mut machine) = self.machine.take() {
            machine.finish(out)?;
        }
        Ok(false)
    }

    fn fill(
        &mut self,
        snapshot: &Arc<dyn Snapshot>,
        budget: Budget,
        out: &mut Vec<Datum>,
    ) -> Result<bool, TableError> {
        let rows_end = out.len().saturating_add(budget.rows_max.max(1));
        let (mut bytes, mut scanned, mut scanned_bytes) = (0, 0, 0);
        let more = loop {
            let full = out.len() >= rows_end || bytes >= budget.bytes_max;
            if full || scanned >= SCAN_ROWS_MAX || scanned_bytes >= SCAN_BYTES_MAX {
                break true;
            }
            let Some(found) = self.scan.next(snapshot)? else { break false };
            scanned += 1;
            scanned_bytes += found.bytes;
            match &mut self.machine {
                None => {
                    bytes += found.bytes;
                    out.push(found.document);
                }
                Some(machine) => {
                    let before = out.len();
                    let flow = run(machine.as_mut(), &found, out)?;
                    bytes += out[before..].iter().map(Datum::packed_bytes).sum::<usize>();
                    if flow == Flow::Stop {
                        break false;
                    }
                }
            }
        };
        self.table.rows_read.fetch_add(scanned as u64, Ordering::Relaxed);
        Ok(more)
    }
}

fn run(machine: &mut dyn RowMachine, found: &Found, out: &mut Vec<Datum>) -> Result<Flow, TableError> {
    let row = Row { key: &found.key, document: &found.document, index_value: found.index_value.as_ref() };
    Ok(machine.row(row, out)?)
}

impl ShardStream for LocalStream {
    fn next_batch(&mut self, budget: Budget, out: &mut Vec<Datum>) -> Result<bool, TableError> {
        let result = match self.current_snapshot() {
            Ok(None) => return Ok(false),
            Ok(Some(snapshot)) => self.fill(&snapshot, budget, out),
            Err(error) => Err(error),
        };
        match result {
            Ok(true) => Ok(true),
            Ok(false) => self.end(out),
            Err(error) => {
                // A stream that failed has ended.
                self.snapshot = None;
                self.scan.release();
                self.machine = None;
                Err(error)
            }
        }
    }

    fn skip(&mut self, n: u64) -> Result<u64, TableError> {
        if self.machine.is_some() {
            return Ok(0);
        }
        match self.current_snapshot()? {
            Some(snapshot) => self.scan.skip(&snapshot, n),
            None => Ok(0),
        }
    }
}
