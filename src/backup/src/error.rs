//! Why a backup cannot be made or used.

use std::io;
use std::path::{Path, PathBuf};

use photondb_storage::StorageError;
use thiserror::Error;

/// Why a backup cannot be made or used.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The file system.
    #[error("cannot {operation} {path}: {source}", path = .path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The engine that is backed up, or the one that is restored.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Bytes of a backup are not what was written.
    #[error("{file} is damaged at byte {offset}: {detail}")]
    Damaged {
        /// The file.
        file: String,
        /// Where what is damaged begins.
        offset: u64,
        /// What is wrong there.
        detail: &'static str,
    },
    /// A backup of a later version.
    #[error("{file} has version {found} of the format of backups; this program reads up to {supported}")]
    NewerFormat {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// The highest that can be read.
        supported: u32,
    },
    /// What was written since the last backup cannot be had.
    #[error("the backups cannot be continued: {reason}")]
    Discontinued {
        /// Why not.
        reason: String,
    },
    /// There is nothing to continue.
    #[error("there is no backup in {directory} to continue", directory = .directory.display())]
    NothingToContinue {
        /// Where.
        directory: PathBuf,
    },
    /// A directory without backups.
    #[error("there is no backup in {directory}", directory = .directory.display())]
    NoBackup {
        /// Where.
        directory: PathBuf,
    },
    /// The set does not lead to what is asked for.
    #[error("{0}")]
    NotCovered(String),
    /// Somebody else is writing into the set.
    #[error("another backup is being written into {directory}", directory = .directory.display())]
    Busy {
        /// Where.
        directory: PathBuf,
    },
    /// The directory to restore into holds something.
    #[error("{directory} is not empty; restore into a new directory", directory = .directory.display())]
    NotEmpty {
        /// Where.
        directory: PathBuf,
    },
    /// Whoever sends the backup failed.
    #[error("{0}")]
    Source(String),
    /// It was asked to end.
    #[error("the backup was cancelled")]
    Cancelled,
}

impl BackupError {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }

    pub(crate) fn damaged(file: &str, offset: u64, detail: &'static str) -> Self {
        Self::Damaged { file: file.to_owned(), offset, detail }
    }
}
