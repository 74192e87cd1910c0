//! What can go wrong with a database as a whole.

use photondb_catalog::CatalogError;
use photondb_reql::ReqlError;
use photondb_storage::StorageError;
use thiserror::Error;

/// Why a database cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The files.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The metadata in them.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl OpenError {
    /// Whether another process has the directory open.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Storage(StorageError::Locked { .. }))
    }
}

/// Why a query of an embedded database failed.
#[derive(Debug, Error)]
pub enum RunError {
    /// The query.
    #[error(transparent)]
    Query(#[from] ReqlError),
    /// Changefeeds have no end; they are for drivers.
    #[error("a changefeed cannot be run to its end")]
    Endless,
    /// What the query wrote could not be made durable.
    #[error("the write was carried out but could not be made durable: {0}")]
    NotDurable(#[from] StorageError),
}
