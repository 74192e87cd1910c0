//! The failures of a package's suite that are known, each with its reason.
//!
//! A line is `file: title` of a test, or a reason (`# ...`) of the tests that follow it up to
//! the next reason. A test marked `? ` passes or fails with the version of Node, the
//! machine's speed or its network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Report;

const REASON: &str = "# ";
const VARYING: &str = "? ";

/// Known failures by test.
#[derive(Debug, Clone, Default)]
pub struct ExpectedFailures(BTreeMap<String, Expectation>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expectation {
    Fails,
    Varies,
}

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A test stands before any reason.
    #[error("{path}: no reason for `{test}`")]
    NoReason {
        /// Which file.
        path: PathBuf,
        /// Which test.
        test: String,
    },
}

impl ExpectedFailures {
    /// Reads a list.
    pub fn load(path: &Path) -> Result<Self, ListError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ListError::Io { path: path.to_path_buf(), source })?;
        let mut list = Self::default();
        let mut has_reason = false;
        for line in text.lines().filter(|line| !line.is_empty()) {
            if line.starts_with(REASON) {
                has_reason = true;
                continue;
            }
            if !has_reason {
                return Err(ListError::NoReason { path: path.to_path_buf(), test: line.to_owned() });
            }
            let (test, expectation) = match line.strip_prefix(VARYING) {
                Some(test) => (test, Expectation::Varies),
                None => (line, Expectation::Fails),
            };
            list.0.insert(test.to_owned(), expectation);
        }
        Ok(list)
    }

    /// What is wrong with a run: failures that are not listed and, after a run of the whole
    /// suite, listed ones that did not fail.
    pub fn judge(&self, report: &Report, whole: bool) -> Vec<String> {
        let surprises = report
            .failed
            .iter()
            .filter(|(test, _)| !self.0.contains_key(*test))
            .map(|(test, message)| format!("fails, and is not listed: {test}\n    {message}"));
        let mended = self
            .0
            .iter()
            .filter(|(test, expectation)| {
                whole && **expectation == Expectation::Fails && !report.failed.contains_key(*test)
            })
            .map(|(test, _)| format!("passes now, take it off the list: {test}"));
        surprises.chain(mended).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<ExpectedFailures, ListError> {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("it can be written");
        ExpectedFailures::load(file.path())
    }

    #[test]
    fn a_list_is_held_to_what_happens() {
        let expected = list("# since\na: one\n? a: two\n").expect("the list is well formed");
        let report = |tests: &[&str]| Report {
            passed: 1,
            failed: tests.iter().map(|t| ((*t).into(), String::new())).collect(),
        };
        assert!(expected.judge(&report(&["a: one"]), true).is_empty());
        assert!(expected.judge(&report(&["a: one", "a: two"]), true).is_empty());
        assert_eq!(expected.judge(&report(&["a: one", "b: new"]), true).len(), 1);
        assert_eq!(expected.judge(&report(&[]), true).len(), 1);
        assert!(expected.judge(&report(&[]), false).is_empty());
    }

    #[test]
    fn each_test_needs_a_reason() {
        assert!(matches!(list("a: one\n"), Err(ListError::NoReason { .. })));
    }
}
