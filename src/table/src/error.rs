//! What can go wrong with a table as a whole, with one row, or in a program.

use std::error::Error;
use std::fmt;

use photondb_base::{IndexId, TableId};
use photondb_datum::DatumError;
use photondb_storage::StorageError;
use thiserror::Error as ThisError;

/// An error of an operation on a table.
#[derive(Debug, ThisError)]
pub enum TableError {
    /// The table is not, or no longer, served here.
    #[error("the table {0} is not available: it was dropped or never opened here")]
    NoTable(TableId),
    /// The table has no such index, or no longer.
    #[error("the index {0} is not available: it was dropped or never created")]
    NoIndex(IndexId),
    /// The index is still being built.
    #[error("the index {0} was accessed before its construction was finished")]
    IndexNotReady(IndexId),
    /// The stored function of the index cannot be loaded.
    #[error("the index {index} cannot be used: {source}")]
    IndexBroken {
        /// The index.
        index: IndexId,
        /// Why its function could not be loaded.
        source: RowError,
    },
    /// The stored write hook cannot be loaded.
    #[error("the write hook of the table cannot be used: {0}")]
    WriteHookBroken(RowError),
    /// A value that was asked for cannot be a key; the message is RethinkDB's.
    #[error(transparent)]
    Key(#[from] DatumError),
    /// The program of a read failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A limit was hit.
    #[error("the limit of {max} {what} was reached")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        max: usize,
    },
    /// The storage engine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl TableError {
    /// Whether the operation may succeed later, or elsewhere, without a repair.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::NoTable(_) | Self::NoIndex(_) | Self::IndexNotReady(_) | Self::IndexBroken { .. } => true,
            Self::Storage(error) => error.is_full(),
            Self::WriteHookBroken(_) | Self::Key(_) | Self::Program(_) | Self::Limit { .. } => false,
        }
    }
}

/// Why one row was refused. Counted in a write's `errors`; the first is told.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{message}")]
pub struct RowError {
    /// What the user is told, in RethinkDB's words.
    pub message: String,
}

impl RowError {
    /// An error with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<DatumError> for RowError {
    fn from(error: DatumError) -> Self {
        Self::new(error.to_string())
    }
}

/// An error of the evaluator, carried through this crate without looking into it.
pub struct ProgramError(Box<dyn Error + Send + Sync>);

impl ProgramError {
    /// Wraps an error of the evaluator.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }

    /// The error that was wrapped, when it is of this type.
    pub fn downcast<E: Error + 'static>(self) -> Result<E, Self> {
        self.0.downcast::<E>().map(|error| *error).map_err(Self)
    }
}

impl fmt::Debug for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Error for ProgramError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
