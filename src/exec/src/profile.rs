//! Where the time of a query goes: a tree of the terms that were evaluated at the query's
//! own level. What runs once per row counts to the term that reads the rows.

use std::time::Instant;

use parking_lot::Mutex;
use photondb_datum::{Array, Datum};

/// Tasks of one query that are told apart; the rest counts to the task around it.
const TASKS_MAX: usize = 1000;

/// The tasks of a query, as they begin and end.
pub(crate) struct Profiler {
    state: Mutex<State>,
}

struct State {
    open: Vec<Task>,
    done: Vec<Datum>,
    count: usize,
}

struct Task {
    description: String,
    started: Instant,
    parts: Vec<Datum>,
}

impl Profiler {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { open: Vec::new(), done: Vec::new(), count: 0 }) }
    }

    /// Runs a piece of work as a task.
    pub(crate) fn task<T>(&self, description: &str, work: impl FnOnce() -> T) -> T {
        let begun = self.begin(description);
        let result = work();
        if begun {
            self.end();
        }
        result
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
        let ms = task.started.elapsed().as_secs_f64() * 1e3;
        let described = Datum::object([
            ("description", Datum::string(task.description)),
            ("duration(ms)", Datum::Number(ms)),
            ("sub_tasks", Datum::Array(Array::from(task.parts))),
        ]);
        match state.open.last_mut() {
            Some(parent) => parent.parts.push(described),
            None => state.done.push(described),
        }
    }

    /// The tasks so far, in RethinkDB's shape.
    pub(crate) fn describe(&self) -> Datum {
        Datum::Array(self.state.lock().done.iter().cloned().collect())
    }
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
}
