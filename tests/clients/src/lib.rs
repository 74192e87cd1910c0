//! Client software that people run against RethinkDB, unmodified from its packages, against
//! the server: command line tools, drivers, and the test suites that packages bring along.
//!
//! Invariants: nothing in a package is changed; each failure of a package's own suite is
//! listed with its reason, and the list may only shrink; every run has a deadline.
//!
//! Does not know about: the server's crates, what the packages' tests check.

mod expected_failures;
mod mocha;
mod tap;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use expected_failures::{ExpectedFailures, ListError};
pub use mocha::{MochaError, run_mocha};
pub use tap::run_tap;

/// Set to `full` to run the heavy suites as a whole.
const SUITES_VARIABLE: &str = "PHOTONDB_CLIENT_SUITES";

/// Results of a suite: what each test said, by `file: title`.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Tests that passed.
    pub passed: usize,
    /// Messages of those that failed.
    pub failed: BTreeMap<String, String>,
}

impl Report {
    /// The part of the tests that passed, in percent.
    pub fn percent_passed(&self) -> f64 {
        let total = self.passed + self.failed.len();
        if total == 0 { 0.0 } else { self.passed as f64 * 100.0 / total as f64 }
    }
}

/// Whether the heavy suites are to run as a whole.
pub fn suites_are_full() -> bool {
    std::env::var(SUITES_VARIABLE).is_ok_and(|value| value == "full")
}

/// A file of this crate.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Lets whatever a program sends to the drivers' default port reach the server instead:
/// some tests of packages name that port.
pub fn redirect_default_port(command: &mut Command, port: u16) {
    command
        .env("NODE_OPTIONS", format!("--require {}", file("scripts/redirect.js").display()))
        .env("PHOTONDB_PORT", port.to_string());
}
