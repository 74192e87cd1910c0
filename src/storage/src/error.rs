//! What can go wrong, each with enough to act on it.

use std::io;
use std::sync::Arc;

use photondb_base::LogPosition;
use photondb_base::prompt::NotPrompt;
use thiserror::Error;

/// An error of the storage engine. Cheap to clone: one failed sync answers many writers.
#[derive(Clone, Debug, Error)]
pub enum StorageError {
    /// No room. Nothing of the operation was applied; it may succeed once there is room.
    #[error("the disk is full: could not {operation} {file}")]
    Full {
        /// The file that could not grow.
        file: String,
        /// What was tried.
        operation: &'static str,
    },
    /// The operating system refused.
    #[error("could not {operation} {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// Bytes are not what was written.
    #[error("{file} is damaged at offset {offset}: {detail}")]
    Corrupt {
        /// The file.
        file: String,
        /// Where in the file the damaged piece starts, in bytes.
        offset: u64,
        /// What was expected.
        detail: &'static str,
    },
    /// Another process has the directory open.
    #[error("the data directory {directory} is in use by another process")]
    Locked {
        /// The directory.
        directory: String,
    },
    /// Written by a newer version.
    #[error("{file} has format version {found}; this version reads up to {supported}")]
    NewerFormat {
        /// The file.
        file: String,
        /// Its version.
        found: u32,
        /// The highest version that can be read.
        supported: u32,
    },
    /// An earlier failure made writing unsafe. Reads go on; a restart recovers.
    #[error("writing stopped after an earlier failure: {reason}")]
    Poisoned {
        /// The failure.
        reason: Arc<str>,
    },
    /// A key above the limit.
    #[error("a key of {bytes} bytes is above the limit of {bytes_max}")]
    KeyTooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A value above the limit.
    #[error("a value of {bytes} bytes is above the limit of {bytes_max}")]
    ValueTooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// A batch above the limit.
    #[error("a batch of {bytes} bytes is above the limit of {bytes_max}")]
    BatchTooLarge {
        /// Its encoded length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The log no longer reaches back that far.
    #[error("the log starts after position {oldest}; position {requested} is gone")]
    LogTooOld {
        /// The position that was asked for.
        requested: LogPosition,
        /// The oldest position one can still ask for.
        oldest: LogPosition,
    },
    /// The log has something else at a position than it was said to have.
    #[error(
        "position {position} of this log is another one's: it was taken from another server, or this data \
         directory was restored since"
    )]
    OtherLog {
        /// The position.
        position: LogPosition,
    },
    /// A text that stands for no mark of a log.
    #[error("`{text}` is no mark of a log, such as 1234-00112233aabbccdd")]
    NoMark {
        /// The text.
        text: String,
    },
    /// There is no log of files.
    #[error("a database in memory has no log to look position {position} up in")]
    NoHistory {
        /// The position that was asked for.
        position: LogPosition,
    },
    /// What is to be filled is not empty.
    #[error("there are files in the data directory already, such as {file}")]
    NotEmpty {
        /// One of them.
        file: String,
    },
    /// Entries to be loaded do not ascend.
    #[error("the entries of tree {tree} that are to be loaded are not in order")]
    NotInOrder {
        /// The tree.
        tree: u64,
    },
    /// This thread may not wait for the disk. Nothing was changed.
    #[error(transparent)]
    NotPrompt(#[from] NotPrompt),
}

impl StorageError {
    /// Whether the same operation may succeed later without anybody repairing anything.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// Wraps what the operating system said about `file`.
    pub(crate) fn io(file: &str, operation: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { file: file.into(), operation }
            }
            _ => Self::Io { file: file.into(), operation, source: Arc::new(error) },
        }
    }

    pub(crate) fn corrupt(file: &str, offset: u64, detail: &'static str) -> Self {
        Self::Corrupt { file: file.into(), offset, detail }
    }
}
