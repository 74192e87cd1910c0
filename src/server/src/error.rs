//! What keeps a server from running.

use std::io;
use std::net::SocketAddr;

use photondb_storage::StorageError;
use thiserror::Error;

use crate::tls::TlsError;

/// An error of the server as a whole; queries have [`photondb_reql::ReqlError`].
#[derive(Debug, Error)]
pub enum ServerError {
    /// A door cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A door was opened but does not say where.
    #[error("cannot tell the port of a listener: {0}")]
    LocalAddress(io::Error),
    /// A certificate or a key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The engine failed while the server was stopping.
    #[error("the storage engine did not stop cleanly: {0}")]
    Storage(#[from] StorageError),
}
