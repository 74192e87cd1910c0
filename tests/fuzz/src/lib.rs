//! The fuzz suite: bytes as a stranger may send them, and what must hold for every one of
//! them. A target is a plain function over bytes that panics when a property is broken.
//!
//! Invariants: a target needs nothing but its input, so one file is the whole report of a
//! fault; every input that once was a fault stays in `corpus/`, which an ordinary test
//! replays.
//!
//! Does not know about: sockets, disks, how a query is evaluated.
//!
//! `cargo test -p photondb-fuzz` replays the corpus, then builds the targets once more with
//! instrumentation and lets libFuzzer mutate the corpus for [`SECONDS_DEFAULT`] seconds per
//! target, in the direction of code that no input has reached. That needs a C++ compiler;
//! without one the corpus is replayed only, except in CI, where it must be there.
//!
//! * To fuzz longer: `PHOTONDB_FUZZ_SECONDS=3600 cargo test -p photondb-fuzz --test fuzz`.
//!   To fuzz one target only, add `PHOTONDB_FUZZ_TARGET=reql`. What is found goes into
//!   `fuzz/` in the build folder, where the next run goes on. 0 seconds only replay.
//! * When something is found, the test prints the file. To see the fault again:
//!   `cargo run -p photondb-fuzz -- reql FILE`. Repair it and put the file into
//!   `corpus/reql/` under a name that says what it is.
//! * To take what a long run has reached into the corpus, without what adds nothing:
//!   `PHOTONDB_FUZZ_MERGE=1 cargo test -p photondb-fuzz --test fuzz`.
//! * A new target is a module with a function `check` and a line in [`TARGETS`].

mod archive;
mod backup;
mod datum;
mod json_oracle;
mod pieces;
mod query_path;
mod reql;
mod wire;

use std::path::{Path, PathBuf};

/// How long each target is fuzzed unless `PHOTONDB_FUZZ_SECONDS` says otherwise.
pub const SECONDS_DEFAULT: u64 = 60;

/// Something that takes bytes from strangers.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics when a property is broken.
    pub check: fn(&[u8]),
    /// The longest input worth trying: long enough to cross the limits of the code.
    pub input_bytes_max: usize,
}

/// Every target.
pub const TARGETS: [Target; 5] = [
    Target { name: "archive", check: archive::check, input_bytes_max: 8192 },
    Target { name: "backup", check: backup::check, input_bytes_max: 2048 },
    Target { name: "datum", check: datum::check, input_bytes_max: 2048 },
    Target { name: "reql", check: reql::check, input_bytes_max: 4096 },
    Target { name: "wire", check: wire::check, input_bytes_max: 4096 },
];

/// Fails for six bytes that no corpus holds: whether they are found tells whether the fuzzer
/// is guided at all.
pub const DECOY: Target = Target { name: "decoy", check: decoy, input_bytes_max: 64 };

impl Target {
    /// The target with a name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().chain([DECOY]).find(|target| target.name == name)
    }

    /// The folder of its inputs.
    pub fn corpus(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name)
    }
}

fn decoy(bytes: &[u8]) {
    if let [b'p', b'h', b'o', b't', b'o', b'n', ..] = bytes {
        panic!("the decoy was found");
    }
}
