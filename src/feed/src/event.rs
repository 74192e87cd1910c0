//! What happened: one change as all readers of a channel are told it. The first reader who
//! comes evaluates it for all of them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use photondb_base::LogPosition;
use photondb_datum::Datum;
use photondb_plan::feed::SharedRow;
use photondb_reql::ReqlError;
use photondb_table::Change;
use smallvec::SmallVec;

use crate::expression::{Expression, Side};
use crate::limits::TOTAL_BYTES_MAX;

/// What an event takes besides its documents.
const EVENT_BYTES: usize = 256;

/// The rows of an event; most have one.
pub(crate) type Rows = SmallVec<[Arc<SharedRow>; 1]>;

/// The bytes of all events that wait for somebody.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicUsize);

impl Gauge {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether slow readers have to do without.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes() > TOTAL_BYTES_MAX
    }
}

/// One change as all readers of a channel are told it.
pub(crate) struct Event {
    /// Where it stands in the log.
    pub(crate) position: LogPosition,
    /// When it came, in microseconds of the clock; 0 where nobody asks.
    pub(crate) arrived_us: u64,
    /// Absent when there are only rows.
    change: Option<Arc<Change>>,
    told: OnceLock<Result<Told, ReqlError>>,
    bytes: usize,
    gauge: Arc<Gauge>,
}

/// What a change comes to.
pub(crate) struct Told {
    pub(crate) rows: Rows,
    /// The document before and after, for readers that join several changes.
    sides: Option<Box<(Side, Side)>>,
}

impl Event {
    pub(crate) fn of_change(change: Arc<Change>, arrived_us: u64, gauge: &Arc<Gauge>) -> Self {
        let documents = [&change.old, &change.new].into_iter().flatten();
        let bytes = change.key.len() + documents.map(Datum::packed_bytes).sum::<usize>();
        Self::new(change.position, arrived_us, Some(change), OnceLock::new(), bytes, gauge)
    }

    /// Rows that are made already, or why there are none.
    pub(crate) fn of_rows(
        position: LogPosition,
        rows: Result<Vec<Datum>, ReqlError>,
        gauge: &Arc<Gauge>,
    ) -> Self {
        let bytes = rows.iter().flatten().map(Datum::packed_bytes).sum();
        let told = rows.map(|rows| Told { rows: shared(rows), sides: None });
        Self::new(position, 0, None, OnceLock::from(told), bytes, gauge)
    }

    fn new(
        position: LogPosition,
        arrived_us: u64,
        change: Option<Arc<Change>>,
        told: OnceLock<Result<Told, ReqlError>>,
        bytes: usize,
        gauge: &Arc<Gauge>,
    ) -> Self {
        let bytes = bytes + EVENT_BYTES;
        gauge.0.fetch_add(bytes, Ordering::Relaxed);
        Self { position, arrived_us, change, told, bytes, gauge: Arc::clone(gauge) }
    }

    /// What this event takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The key of the document that changed.
    pub(crate) fn key(&self) -> Option<&Bytes> {
        self.change.as_ref().map(|change| &change.key)
    }

    pub(crate) fn change(&self) -> Option<&Arc<Change>> {
        self.change.as_ref()
    }

    /// Whether somebody has evaluated it.
    pub(crate) fn is_told(&self) -> bool {
        self.told.get().is_some()
    }

    /// Whether it is known that nobody is told anything.
    pub(crate) fn is_silent(&self) -> bool {
        self.told.get().is_some_and(|told| told.as_ref().is_ok_and(|told| told.rows.is_empty()))
    }

    /// What the change comes to, and whether this call found out.
    pub(crate) fn told(
        &self,
        expression: &Expression,
        keeps_sides: bool,
    ) -> (Result<&Told, ReqlError>, bool) {
        let mut fresh = false;
        let told = self.told.get_or_init(|| {
            fresh = true;
            self.evaluate(expression, keeps_sides)
        });
        (told.as_ref().map_err(ReqlError::clone), fresh)
    }

    fn evaluate(&self, expression: &Expression, keeps_sides: bool) -> Result<Told, ReqlError> {
        let Some(change) = &self.change else { return Ok(Told { rows: Rows::new(), sides: None }) };
        let old = expression.side(&change.key, change.old.as_ref())?;
        let new = expression.side(&change.key, change.new.as_ref())?;
        let mut rows = Vec::new();
        expression.rows(&old, &new, &mut rows)?;
        Ok(Told { rows: shared(rows), sides: keeps_sides.then(|| Box::new((old, new))) })
    }

    /// The same with documents of its own: those of a change may be parts of much larger
    /// pages, which must not be kept for a reader that sleeps.
    pub(crate) fn compacted(&self) -> Self {
        let with = |change, told, documents_bytes| {
            Self::new(self.position, self.arrived_us, change, told, documents_bytes, &self.gauge)
        };
        let documents_bytes = self.bytes - EVENT_BYTES;
        match self.told.get() {
            Some(Err(error)) => return with(None, OnceLock::from(Err(error.clone())), documents_bytes),
            Some(Ok(Told { rows, sides: None })) => {
                let rows = shared(rows.iter().map(|row| copy(row.datum())).collect());
                return with(None, OnceLock::from(Ok(Told { rows, sides: None })), documents_bytes);
            }
            _ => {}
        }
        let change = self.change.as_ref().map(|change| {
            Arc::new(Change {
                table: change.table,
                position: change.position,
                key: Bytes::copy_from_slice(&change.key),
                old: change.old.as_ref().map(copy),
                new: change.new.as_ref().map(copy),
            })
        });
        with(change, OnceLock::new(), documents_bytes)
    }
}

impl Told {
    /// Appends the rows of several changes of one document as one: from before the first of
    /// them to after the last.
    pub(crate) fn join(
        first: &Self,
        last: &Self,
        expression: &Expression,
        out: &mut Vec<Datum>,
    ) -> Result<(), ReqlError> {
        let (Some(first), Some(last)) = (&first.sides, &last.sides) else {
            return Err(ReqlError::internal("changes are joined that were not kept for it"));
        };
        expression.rows(&first.0, &last.1, out)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("position", &self.position).finish_non_exhaustive()
    }
}

fn shared(rows: Vec<Datum>) -> Rows {
    rows.into_iter().map(|row| Arc::new(SharedRow::new(row))).collect()
}

/// A value that shares its bytes with nothing.
fn copy(datum: &Datum) -> Datum {
    datum.view().to_datum()
}
