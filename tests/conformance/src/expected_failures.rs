//! The list of checks that are known to fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::suite::Report;

const HEADER: &str = "\
# Checks that do not pass yet, one a line: file:n reason.
# The list may only shrink: the suite fails when a check that is not here fails, and when
# one that is here passes. PHOTONDB_BLESS=1 writes it anew.
";
/// A reason is for a reader's eye; the test prints the whole one.
const REASON_CHARACTERS_MAX: usize = 120;

/// Failing checks by file and line, with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedFailures(BTreeMap<(String, usize), String>);

/// The list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A line does not read `file:n reason`.
    #[error("{path}:{line}: not of the form `file:n reason`")]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

impl ExpectedFailures {
    /// Reads the list.
    pub fn load(path: &Path) -> Result<Self, ListError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ListError::Io { path: path.to_path_buf(), source })?;
        let mut list = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || ListError::Line { path: path.to_path_buf(), line: index + 1 };
            let (place, reason) = line.split_once(' ').unwrap_or((line, ""));
            let (file, n) = place.rsplit_once(':').ok_or_else(malformed)?;
            let n = n.parse().map_err(|_| malformed())?;
            list.0.insert((file.to_owned(), n), reason.to_owned());
        }
        Ok(list)
    }

    /// The failures of a run.
    pub fn of(report: &Report) -> Self {
        let checks = report.files.iter().flat_map(|file| file.checks.iter().map(move |check| (file, check)));
        let failures = checks.filter_map(|(file, check)| {
            let reason = check.failure.as_ref()?;
            let line: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let short = line.chars().take(REASON_CHARACTERS_MAX).collect();
            Some(((file.name.clone(), check.n), short))
        });
        Self(failures.collect())
    }

    /// Writes the list.
    pub fn save(&self, path: &Path) -> Result<(), ListError> {
        let mut text = HEADER.to_owned();
        for ((file, n), reason) in &self.0 {
            text.push_str(&format!("{file}:{n} {}\n", reason.trim_end()));
        }
        std::fs::write(path, text).map_err(|source| ListError::Io { path: path.to_path_buf(), source })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this check is among them.
    pub fn contains(&self, file: &str, n: usize) -> bool {
        self.0.contains_key(&(file.to_owned(), n))
    }
}
