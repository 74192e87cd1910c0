//! Suites whose files print the Test Anything Protocol.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use photondb_test_support::{Script, SupportError};

use crate::Report;

/// Runs one file with `node` and adds its assertions to the report. A file that does not end
/// in time fails as a whole.
pub fn run_tap(
    mut node: Command,
    path: &Path,
    timeout: Duration,
    report: &mut Report,
) -> Result<(), SupportError> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    node.arg(path);
    let output = Script::new(node, timeout).run()?;
    let before = report.passed + report.failed.len();
    for line in output.stdout.lines().map(str::trim_start) {
        if let Some(assertion) = line.strip_prefix("not ok ") {
            report.failed.insert(format!("{file}: {}", title(assertion)), output.stderr.clone());
        } else if line.starts_with("ok ") {
            report.passed += 1;
        }
    }
    if report.passed + report.failed.len() == before {
        report.failed.insert(format!("{file}: makes no assertion"), output.stderr);
    }
    Ok(())
}

/// The assertion without its number and the time it took.
fn title(assertion: &str) -> &str {
    let title = assertion.split_once(" - ").map_or(assertion, |(_, title)| title);
    title.split_once(" # time=").map_or(title, |(title, _)| title)
}
