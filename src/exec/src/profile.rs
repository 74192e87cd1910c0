//! Where the time of a query goes, in the shape that RethinkDB's clients know: the terms
//! that were evaluated at the query's own level as tasks within tasks, and in them the
//! sequences that were read, with what each stage took and gave.
//!
//! What runs once per row is not a task of its own: it counts to its stage, and sequences
//! that are opened again for each row are told as one.

mod meter;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use photondb_datum::Datum;
use photondb_reql::TermId;

#[cfg(test)]
use meter::StageMeter;
pub(crate) use meter::{SequenceMeter, on_row};

/// Tasks of one query that are told apart; the rest counts to the task around it.
const TASKS_MAX: usize = 1000;

/// The tasks of a query, as they begin and end.
pub(crate) struct Profiler {
    state: Mutex<State>,
}

struct State {
    open: Vec<Task>,
    done: Vec<Part>,
    count: usize,
    /// Sequences that are opened once per row, by the term that gives them.
    inner: HashMap<TermId, Arc<SequenceMeter>>,
}

struct Task {
    description: String,
    started: Instant,
    parts: Vec<Part>,
    /// What ran once per row, by its description.
    samples: BTreeMap<String, Sample>,
}

/// Work that was done again and again.
#[derive(Default)]
struct Sample {
    runs: u64,
    duration_ms: f64,
}

/// A piece of a profile.
enum Part {
    Task(Datum),
    /// Still being read, perhaps: told as it is when the profile is.
    Sequence(Arc<SequenceMeter>),
}

impl Profiler {
    pub(crate) fn new() -> Self {
        let state = State { open: Vec::new(), done: Vec::new(), count: 0, inner: HashMap::new() };
        Self { state: Mutex::new(state) }
    }

    /// Runs a piece of work as a task; work on a row is added to that on other rows.
    pub(crate) fn task<T>(&self, description: &str, work: impl FnOnce() -> T) -> T {
        if meter::within_rows() {
            let started = Instant::now();
            let result = work();
            self.sample(description, started);
            return result;
        }
        let begun = self.begin(description);
        let result = work();
        if begun {
            self.end();
        }
        result
    }

    /// Notes a sequence that is opened at a term. The meter is one that is known already if
    /// this happens once per row.
    pub(crate) fn sequence(&self, site: TermId, make: impl FnOnce() -> SequenceMeter) -> Arc<SequenceMeter> {
        let mut state = self.state.lock();
        let within_rows = meter::within_rows();
        if within_rows && let Some(known) = state.inner.get(&site) {
            return Arc::clone(known);
        }
        let meter = Arc::new(make());
        if state.count < TASKS_MAX {
            state.count += 1;
            state.add(Part::Sequence(Arc::clone(&meter)));
            if within_rows {
                state.inner.insert(site, Arc::clone(&meter));
            }
        }
        meter
    }

    fn begin(&self, description: &str) -> bool {
        let mut state = self.state.lock();
        if state.count == TASKS_MAX {
            return false;
        }
        state.count += 1;
        state.open.push(Task {
            description: description.to_owned(),
            started: Instant::now(),
            parts: Vec::new(),
            samples: BTreeMap::new(),
        });
        true
    }

    fn sample(&self, description: &str, started: Instant) {
        let duration_ms = started.elapsed().as_secs_f64() * 1e3;
        let mut state = self.state.lock();
        let Some(task) = state.open.last_mut() else { return };
        if !task.samples.contains_key(description) {
            task.samples.insert(description.to_owned(), Sample::default());
        }
        if let Some(sample) = task.samples.get_mut(description) {
            sample.runs += 1;
            sample.duration_ms += duration_ms;
        }
    }

    fn end(&self) {
        let mut state = self.state.lock();
        let Some(task) = state.open.pop() else { return };
        let duration_ms = task.started.elapsed().as_secs_f64() * 1e3;
        let samples = task.samples.iter().map(|(description, sample)| sample.describe(description));
        let told = Datum::object([
            ("description", Datum::string(task.description)),
            ("duration(ms)", Datum::Number(duration_ms)),
            ("sub_tasks", Datum::array(described(&task.parts).chain(samples))),
        ]);
        state.add(Part::Task(told));
    }

    /// The tasks so far.
    pub(crate) fn describe(&self) -> Datum {
        Datum::array(described(&self.state.lock().done))
    }
}

impl State {
    fn add(&mut self, part: Part) {
        match self.open.last_mut() {
            Some(parent) => parent.parts.push(part),
            None => self.done.push(part),
        }
    }
}

impl Sample {
    fn describe(&self, description: &str) -> Datum {
        Datum::object([
            ("description", Datum::from(description)),
            ("duration(ms)", Datum::Number(self.duration_ms)),
            ("mean_duration(ms)", Datum::Number(self.duration_ms / self.runs.max(1) as f64)),
            ("n_samples", Datum::Number(self.runs as f64)),
        ])
    }
}

fn described(parts: &[Part]) -> impl Iterator<Item = Datum> + '_ {
    parts.iter().map(|part| match part {
        Part::Task(task) => task.clone(),
        Part::Sequence(meter) => meter.describe(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_nest_as_they_ran() {
        let profiler = Profiler::new();
        profiler.task("outer", || profiler.task("inner", || ()));
        profiler.task("next", || ());
        let Datum::Array(tasks) = profiler.describe() else { panic!("no array") };
        let names: Vec<_> = tasks.iter().filter_map(|task| task.get("description")).collect();
        assert_eq!(names, [Datum::from("outer"), Datum::from("next")]);
        let inner = tasks.get(0).and_then(|task| task.get("sub_tasks"));
        assert_eq!(inner.and_then(|parts| parts.as_array().map(|parts| parts.len())), Some(1));
    }

    #[test]
    fn work_on_rows_is_told_once() {
        let profiler = Profiler::new();
        let stage = StageMeter::default();
        profiler.task("outer", || {
            for _ in 0..3 {
                stage.run(|| {
                    profiler.task("again", || ());
                    profiler.sequence(TermId::default(), || {
                        SequenceMeter::new("Inner.".to_owned(), Vec::new(), 1)
                    });
                });
            }
        });
        assert_eq!(stage.rows(), 3);
        let outer = profiler.describe().as_array().and_then(|tasks| tasks.get(0)).expect("a task");
        let parts = outer.get("sub_tasks").and_then(|parts| Some(parts.as_array()?.to_vec())).expect("parts");
        let told: Vec<_> =
            parts.iter().map(|part| (part.get("description"), part.get("n_samples"))).collect();
        assert_eq!(
            told,
            [(Some(Datum::from("Inner.")), None), (Some(Datum::from("again")), Some(Datum::from(3)))]
        );
    }
}
