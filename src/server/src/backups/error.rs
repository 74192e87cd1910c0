//! Why something cannot be done with the backups.

use std::io;
use std::path::{Path, PathBuf};

use photondb_backup::BackupError;
use thiserror::Error;

/// Why something cannot be done with the backups.
#[derive(Debug, Error)]
pub enum BackupsError {
    /// One task at a time.
    #[error("Another backup is being taken or verified.")]
    Busy,
    /// No set has this name.
    #[error("There is no backup `{0}`.")]
    NoSuchSet(String),
    /// An increment needs something before it.
    #[error("There is no backup that an increment could go on from; take a full one first.")]
    NothingToContinue,
    /// The file system.
    #[error("Cannot {operation} {path}: {source}.", path = .path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The files of a set.
    #[error("The backup cannot be read: {0}.")]
    Set(#[from] BackupError),
}

impl BackupsError {
    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }
}
