//! Key paths: small pieces of work that many queries are made of.
//!
//! `cargo bench -p photondb-micro` measures their time with Criterion;
//! `cargo run --release -p photondb-micro` counts their instructions under Callgrind and compares
//! the counts with the committed baseline. Counts do not depend on how busy the machine is.
//!
//! Invariants: a path does the same work whenever it is run; what it stands on is prepared
//! before it is measured.
//!
//! Does not know about: sockets (see `benches/load`), other engines (see `benches/compare`).

mod language;
mod queries;
mod trees;
mod values;

/// One step of a path. Its result is of no interest.
pub type Step = Box<dyn FnMut()>;

/// A piece of work that is worth measuring by itself.
pub struct KeyPath {
    /// Its name, `family/what`.
    pub name: &'static str,
    /// Makes what it stands on; gives one step of it.
    pub prepare: fn() -> Step,
}

/// All of them.
pub fn key_paths() -> impl Iterator<Item = &'static KeyPath> {
    [values::PATHS, language::PATHS, trees::PATHS, queries::PATHS].into_iter().flatten()
}

/// Runs a step. Callgrind counts what happens in here and nothing else.
#[inline(never)]
pub fn measured(step: &mut Step, times: u32) {
    for _ in 0..times {
        step();
    }
}
