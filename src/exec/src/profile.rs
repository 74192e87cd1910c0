//! Where the time of a query goes, in the shape that RethinkDB's clients know: the terms
//! that were evaluated at the query's own level as tasks within tasks, and in them the
//! sequences that were read, with what each stage took and gave.
//!
//! What runs once per row is not a task of its own: it counts to its stage, and sequences
//! that are opened again for each row are told as one.

mod meter;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use photondb_datum::{Array, Datum};
use photondb_reql::TermId;

pub(crate) use meter::SequenceMeter;
#[cfg(test)]
use meter::StageMeter;

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

    /// Runs a piece of work as a task, unless it is work on a row.
    pub(crate) fn task<T>(&self, description: &str, work: impl FnOnce() -> T) -> T {
        let begun = !meter::within_rows() && self.begin(description);
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
        });
        true
    }

    fn end(&self) {
        let mut state = self.state.lock();
        let Some(task) = state.open.pop() else { return };
        let duration_ms = task.started.elapsed().as_secs_f64() * 1e3;
        let described = Datum::object([
            ("description", Datum::string(task.description)),
            ("duration(ms)", Datum::Number(duration_ms)),
            ("sub_tasks", describe(&task.parts)),
        ]);
        state.add(Part::Task(described));
    }

    /// The tasks so far.
    pub(crate) fn describe(&self) -> Datum {
        describe(&self.state.lock().done)
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

fn describe(parts: &[Part]) -> Datum {
    let described = parts.iter().map(|part| match part {
        Part::Task(task) => task.clone(),
        Part::Sequence(meter) => meter.describe(),
    });
    Datum::Array(described.collect::<Array>())
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
        assert_eq!(inner.and_then(|parts| parts.as_array().map(Array::len)), Some(1));
    }

    #[test]
    fn work_on_rows_is_told_once() {
        let profiler = Profiler::new();
        let stage = StageMeter::default();
        for _ in 0..3 {
            stage.run(|| {
                profiler.task("not a task", || ());
                profiler
                    .sequence(TermId::default(), || SequenceMeter::new("Inner.".to_owned(), Vec::new(), 1));
            });
        }
        assert_eq!(stage.rows(), 3);
        assert_eq!(profiler.describe().as_array().map(Array::len), Some(1));
    }
}
