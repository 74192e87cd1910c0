//! What a set holds.

use std::path::PathBuf;

use photondb_backup::{BackupSet, Moment};

/// A set: a base and the increments behind it.
#[derive(Clone, Debug)]
pub struct SetReport {
    /// Its name, the moment when it was begun.
    pub name: String,
    /// Where it is.
    pub directory: PathBuf,
    /// Its files in the order in which they came.
    pub files: Vec<FileReport>,
    /// Length of all files together.
    pub bytes: u64,
    /// First and last position of the log that can be restored.
    pub positions: (u64, u64),
    /// First and last moment that can be restored, in milliseconds since 1970.
    pub times_ms: (u64, u64),
    /// What is wrong with it, as far as the ends of its files tell.
    pub problems: Vec<String>,
    /// What the last verification since the start of the server has found.
    pub verification: Option<Verification>,
}

/// A file of a set.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// `base` or `increment`.
    pub kind: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Entries of the trees, or records of the log.
    pub items: u64,
    /// First and last position of the log.
    pub positions: (u64, u64),
    /// When it was taken, in milliseconds since 1970.
    pub time_ms: u64,
}

/// What reading every byte of a set has found.
#[derive(Clone, Debug)]
pub struct Verification {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What is wrong; empty when nothing is.
    pub problems: Vec<String>,
}

impl SetReport {
    pub(super) fn new(name: &str, set: &BackupSet, verification: Option<Verification>) -> Self {
        let stretches = set.stretches();
        let newest = stretches.last();
        let files = set.files().iter().map(|file| FileReport {
            name: file.name(),
            path: file.path.clone(),
            kind: file.header.kind.name(),
            bytes: file.bytes,
            items: file.header.items,
            positions: (file.header.start.position.0, file.header.end.position.0),
            time_ms: file.header.time_ms,
        });
        Self {
            name: name.to_owned(),
            directory: set.directory().to_owned(),
            files: files.collect(),
            bytes: set.bytes(),
            positions: newest.map_or((0, 0), |stretch| stretch.positions()),
            times_ms: newest.map_or((0, 0), |stretch| stretch.times_ms()),
            problems: problems(set),
            verification,
        }
    }
}

/// What the ends of the files tell of damage and of gaps.
pub(super) fn problems(set: &BackupSet) -> Vec<String> {
    let unreadable = set.unreadable().iter().map(|file| file.error.to_string());
    let mut problems: Vec<String> = unreadable.collect();
    if problems.is_empty() {
        problems.extend(set.plan(Moment::Latest).err().map(|error| error.to_string()));
    }
    problems
}
