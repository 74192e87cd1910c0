//! Why nothing could be measured.

use photondb_client::ClientError;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A name that is no workload's.
    #[error("there is no workload {0}; --list shows them all")]
    UnknownWorkload(String),
    /// The server refuses or is not there.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The server answers with an error.
    #[error("the server answered {0}")]
    Answer(String),
    /// A connection ended before its time.
    #[error("a connection's thread has panicked")]
    Thread,
    /// The picture cannot be written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
