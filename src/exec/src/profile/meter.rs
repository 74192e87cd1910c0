//! Counts and times of sequences and their stages.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use photondb_datum::{Datum, ObjectBuilder, Text};

thread_local! {
    /// How many stages this thread is in, each within a row of the one before.
    static STAGES_DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread works on a row of some sequence.
pub(super) fn within_rows() -> bool {
    STAGES_DEPTH.get() > 0
}

/// Work that is counted and timed.
#[derive(Default)]
struct Timer {
    runs: AtomicU64,
    nanos: AtomicU64,
}

impl Timer {
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        result
    }

    fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    fn duration_ms(&self) -> f64 {
        self.nanos.load(Ordering::Relaxed) as f64 / 1e6
    }
}

/// The rows that come to a stage, and the time that they spend there and in all stages
/// behind it.
#[derive(Default)]
pub(crate) struct StageMeter {
    rows: Timer,
}

/// Leaves the stage, even if what ran in it panicked.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        STAGES_DEPTH.set(STAGES_DEPTH.get().saturating_sub(1));
    }
}

/// Does work on a row.
pub(crate) fn on_row<T>(work: impl FnOnce() -> T) -> T {
    STAGES_DEPTH.set(STAGES_DEPTH.get().saturating_add(1));
    let _leave = Leave;
    work()
}

impl StageMeter {
    /// Works on one row.
    pub(crate) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        on_row(|| self.rows.run(work))
    }

    /// The rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.runs()
    }
}

/// One of the streams that a sequence is read by.
#[derive(Default)]
pub(crate) struct StreamMeter {
    batches: Timer,
    rows: AtomicU64,
}

impl StreamMeter {
    /// Reads a batch, which adds rows to `out`.
    pub(crate) fn batch<T>(&self, out: &mut Vec<Datum>, read: impl FnOnce(&mut Vec<Datum>) -> T) -> T {
        let before = out.len();
        let result = self.batches.run(|| read(out));
        self.rows.fetch_add(out.len().saturating_sub(before) as u64, Ordering::Relaxed);
        result
    }
}

/// A sequence that is read: its stages in their order, and the streams that it is split
/// into.
pub(crate) struct SequenceMeter {
    description: String,
    /// What each stage is called, the terminal last if there is one.
    names: Vec<String>,
    /// One in front of each stage, and one more where rows leave the last of them.
    stages: Vec<StageMeter>,
    streams: Vec<StreamMeter>,
    /// Whether the rows are those of a table, read beside the documents.
    of_table: bool,
    opened: AtomicU64,
}

impl SequenceMeter {
    /// A meter for a sequence that is read by `streams` streams side by side.
    pub(crate) fn new(description: String, names: Vec<String>, streams: usize) -> Self {
        let stages = (0..=names.len()).map(|_| StageMeter::default()).collect();
        let streams = (0..streams.max(1)).map(|_| StreamMeter::default()).collect();
        Self { description, names, stages, streams, of_table: false, opened: AtomicU64::new(0) }
    }

    /// The same for rows of a table.
    #[must_use]
    pub(crate) fn of_table(mut self) -> Self {
        self.of_table = true;
        self
    }

    /// Notes that the sequence is opened once more.
    pub(crate) fn open(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// The meter in front of a stage.
    pub(crate) fn stage(&self, position: usize) -> Option<&StageMeter> {
        self.stages.get(position)
    }

    /// The meter of a stream.
    pub(crate) fn stream(&self, part: usize) -> Option<&StreamMeter> {
        self.streams.get(part)
    }

    /// The sequence as a task of a profile.
    pub(super) fn describe(&self) -> Datum {
        let opened = self.opened.load(Ordering::Relaxed);
        // Streams that are read side by side take as long as the slowest.
        let duration_ms = self.streams.iter().map(|stream| stream.batches.duration_ms()).fold(0.0, f64::max);
        let mut task = ObjectBuilder::new();
        let mut set = |name: &str, value: Datum| drop(task.insert(Text::from(name), value));
        set("description", Datum::from(self.description.as_str()));
        set("duration(ms)", Datum::Number(duration_ms));
        if opened > 1 {
            set("n_samples", number(opened));
            set("mean_duration(ms)", Datum::Number(duration_ms / opened as f64));
        }
        let stages = self.describe_stages();
        if self.of_table {
            let mut parts: Vec<Datum> =
                self.streams.iter().filter(|stream| stream.batches.runs() > 0).map(describe_stream).collect();
            if parts.len() > 1 {
                let side_by_side = Datum::array(parts.into_iter().map(|part| Datum::array([part])));
                parts = vec![Datum::object([("parallel_tasks", side_by_side)])];
            }
            set("sub_tasks", Datum::array(parts.into_iter().chain(stages)));
        } else {
            set("sub_tasks", Datum::array(stages));
            if let Some(stream) = self.streams.first() {
                set("batches", number(stream.batches.runs()));
                set("rows", number(stream.rows.load(Ordering::Relaxed)));
            }
        }
        Datum::Object(task.build())
    }

    fn describe_stages(&self) -> Vec<Datum> {
        let stages = self.names.iter().zip(self.stages.iter().zip(self.stages.iter().skip(1)));
        stages
            .map(|(name, (stage, next))| {
                let rows = stage.rows();
                // What the stages behind it took is theirs.
                let duration_ms = (stage.rows.duration_ms() - next.rows.duration_ms()).max(0.0);
                let mean_ms = if rows == 0 { 0.0 } else { duration_ms / rows as f64 };
                Datum::object([
                    ("description", Datum::from(format!("Evaluating {name} on each row.").as_str())),
                    ("duration(ms)", Datum::Number(duration_ms)),
                    ("mean_duration(ms)", Datum::Number(mean_ms)),
                    ("n_samples", number(rows)),
                    ("rows_in", number(rows)),
                    ("rows_out", number(next.rows())),
                ])
            })
            .collect()
    }
}

/// The words are RethinkDB's: its clients count the shards that a query reads by them.
fn describe_stream(stream: &StreamMeter) -> Datum {
    Datum::object([
        ("batches", number(stream.batches.runs())),
        ("description", Datum::from("Perform read on shard.")),
        ("duration(ms)", Datum::Number(stream.batches.duration_ms())),
        ("rows", number(stream.rows.load(Ordering::Relaxed))),
        ("sub_tasks", Datum::array([])),
    ])
}

fn number(count: u64) -> Datum {
    Datum::Number(count as f64)
}
