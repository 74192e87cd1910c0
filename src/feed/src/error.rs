//! The ends of feeds in RethinkDB's words.

use photondb_reql::ReqlError;
use photondb_table::{CloseReason, TableError};

/// Why nothing follows.
pub(crate) fn closed(why: CloseReason) -> ReqlError {
    ReqlError::op_failed(match why {
        CloseReason::TableDropped => "Changefeed aborted (table unavailable).",
        CloseReason::IndexDropped => "Changefeed aborted (index unavailable).",
        CloseReason::Shutdown => "Changefeed aborted (server shutting down).",
    })
}

/// What a failed read or subscription means for the feed.
pub(crate) fn failed(error: &TableError) -> ReqlError {
    match error {
        TableError::NoTable(_) => closed(CloseReason::TableDropped),
        TableError::NoIndex(_) => closed(CloseReason::IndexDropped),
        TableError::Key(_) => ReqlError::logic(error.to_string()),
        TableError::Limit { .. } => ReqlError::resource_limit(error.to_string()),
        error if error.is_unavailable() => ReqlError::op_failed(error.to_string()),
        error => ReqlError::internal(error.to_string()),
    }
}
