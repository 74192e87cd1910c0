//! Suites that are written for mocha.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{Script, SupportError};
use serde::Deserialize;

use crate::Report;

/// A suite could not be run.
#[derive(Debug, thiserror::Error)]
pub enum MochaError {
    /// It could not be started or its report not be kept.
    #[error(transparent)]
    Support(#[from] SupportError),
    /// It left no report.
    #[error("no report ({source}); its output:\n{output}")]
    NoReport {
        /// The system's answer.
        source: std::io::Error,
        /// What it printed.
        output: String,
    },
    /// The report is not what it should be.
    #[error("malformed report: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Debug, Deserialize)]
struct MochaReport {
    passes: Vec<MochaTest>,
    failures: Vec<MochaTest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MochaTest {
    full_title: String,
    file: PathBuf,
    err: MochaFailure,
}

#[derive(Debug, Deserialize)]
struct MochaFailure {
    message: Option<String>,
}

/// Runs test files under mocha. `node` finds the package `mocha` in `packages`; the report
/// goes into `folder`.
pub fn run_mocha(
    mut node: Command,
    packages: &Path,
    files: &[PathBuf],
    test_timeout: Duration,
    timeout: Duration,
    folder: &Path,
) -> Result<Report, MochaError> {
    let path = folder.join("report.json");
    node.arg(packages.join("node_modules/mocha/bin/_mocha"))
        .args(["--exit", "--timeout", &test_timeout.as_millis().to_string()])
        .args(["--reporter", "json", "--reporter-option"])
        .arg(format!("output={}", path.display()))
        .args(files);
    let output = Script::new(node, timeout).run()?;
    let text = std::fs::read_to_string(&path).map_err(|source| MochaError::NoReport {
        source,
        output: format!("{}\n{}", output.stdout, output.stderr),
    })?;
    let report: MochaReport = serde_json::from_str(&text)?;
    let failed = report.failures.into_iter().map(|test| (name(&test), test.err.message.unwrap_or_default()));
    Ok(Report { passed: report.passes.len(), failed: failed.collect() })
}

fn name(test: &MochaTest) -> String {
    let file = test.file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{file}: {}", test.full_title)
}
