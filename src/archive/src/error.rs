//! Why an archive cannot be read or written.

use std::io;

use thiserror::Error;

/// Why an archive cannot be read or written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The file system, or a stream that is cut off or damaged below the archive's own form.
    #[error("cannot {operation} {what}: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file or the member of the archive.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A member that is not what its place says.
    #[error("{member}: {detail}")]
    Member {
        /// Its path in the archive.
        member: String,
        /// What is wrong.
        detail: String,
    },
    /// Rows that cannot be read.
    #[error("{name}: line {line} (row {row}, byte {offset}): {detail}")]
    Row {
        /// Where the rows come from.
        name: String,
        /// Counted from one.
        row: u64,
        /// On which it begins, counted from one.
        line: u64,
        /// From the beginning of the rows' text.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// Nothing in it is a table.
    #[error("the archive holds no table; RethinkDB's dumps hold DUMP/DATABASE/TABLE.json and TABLE.info")]
    NoTables,
    /// It is larger than any dump.
    #[error("the archive holds more than {0}")]
    TooMany(&'static str),
}

impl ArchiveError {
    pub(crate) fn io(operation: &'static str, what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { operation, what, source }
    }

    pub(crate) fn member(member: &str, detail: impl Into<String>) -> Self {
        Self::Member { member: member.to_owned(), detail: detail.into() }
    }
}
