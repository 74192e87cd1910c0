//! How large one batch of a cursor becomes.

use std::time::{Duration, Instant};

use photondb_base::Cancel;
use photondb_base::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use photondb_datum::Datum;
use photondb_exec::{ResultStream, TERMINATED_MESSAGE};
use photondb_reql::{ReqlError, StartQuery};
use photondb_table::Budget;

/// RethinkDB's defaults where they differ from our own limits.
const ROWS_MIN_DEFAULT: usize = 8;
const SECONDS_MAX_DEFAULT: f64 = 0.5;
const FIRST_SCALEDOWN_DEFAULT: usize = 4;

/// The limits of the batches of one query, from its run options.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BatchLimits {
    rows_min: usize,
    rows_max: usize,
    bytes_max: usize,
    time_max: Duration,
    first_scaledown: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            rows_min: ROWS_MIN_DEFAULT,
            rows_max: BATCH_ROWS_MAX,
            bytes_max: BATCH_BYTES_MAX,
            time_max: Duration::from_secs_f64(SECONDS_MAX_DEFAULT),
            first_scaledown: FIRST_SCALEDOWN_DEFAULT,
        }
    }
}

impl BatchLimits {
    /// What a query asks for, within our own limits.
    pub(crate) fn of(query: &StartQuery) -> Self {
        let default = Self::default();
        let number = |name| query.constant_optarg(name).and_then(Datum::as_number);
        let count = |name, fallback: usize| {
            number(name).filter(|count| *count >= 1.0).map_or(fallback, |count| count as usize)
        };
        let rows_max = count("max_batch_rows", default.rows_max).min(BATCH_ROWS_MAX);
        let seconds = number("max_batch_seconds").filter(|seconds| *seconds > 0.0 && *seconds < 3600.0);
        Self {
            rows_min: count("min_batch_rows", default.rows_min).min(rows_max),
            rows_max,
            bytes_max: count("max_batch_bytes", default.bytes_max).min(BATCH_BYTES_MAX),
            time_max: seconds.map_or(default.time_max, Duration::from_secs_f64),
            first_scaledown: count("first_batch_scaledown_factor", default.first_scaledown),
        }
    }

    /// The limits of the first batch, which leaves early.
    pub(crate) fn first(&self) -> Self {
        let rows_max = (self.rows_max / self.first_scaledown).max(1);
        Self {
            rows_min: self.rows_min.min(rows_max),
            rows_max,
            bytes_max: (self.bytes_max / self.first_scaledown).max(1),
            ..*self
        }
    }

    /// The most rows of a batch.
    pub(crate) fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// Pulls one batch; `false` when nothing follows it. Blocks.
    pub(crate) fn pull(
        &self,
        stream: &mut dyn ResultStream,
        cancel: &Cancel,
        rows: &mut Vec<Datum>,
    ) -> Result<bool, ReqlError> {
        let start = Instant::now();
        let mut bytes = 0;
        loop {
            if cancel.is_cancelled() {
                return end(cancel);
            }
            let before = rows.len();
            let budget = Budget {
                rows_max: self.rows_max - rows.len(),
                bytes_max: self.bytes_max.saturating_sub(bytes),
            };
            if !stream.next_batch(&budget, rows)? {
                return end(cancel);
            }
            bytes += rows.get(before..).unwrap_or_default().iter().map(Datum::packed_bytes).sum::<usize>();
            let full = rows.len() >= self.rows_max || bytes >= self.bytes_max;
            let late = rows.len() >= self.rows_min && start.elapsed() >= self.time_max;
            let very_late = !rows.is_empty() && start.elapsed() >= self.time_max * 2;
            if full || late || very_late {
                return Ok(true);
            }
        }
    }
}

/// Nothing follows. Rows that are missing must not look as if there were none.
fn end(cancel: &Cancel) -> Result<bool, ReqlError> {
    if cancel.is_terminated() { Err(ReqlError::op_indeterminate(TERMINATED_MESSAGE)) } else { Ok(false) }
}
