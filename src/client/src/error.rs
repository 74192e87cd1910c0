//! What can go wrong.

use std::io;
use std::path::PathBuf;

use photondb_reql::ReqlError;
use photondb_wire::{ClientHandshakeError, FrameTooLarge};
use rustls::AlertDescription;

/// What can go wrong between a program and its server.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The query failed; the connection is fine.
    #[error(transparent)]
    Query(#[from] ReqlError),
    /// The server did not let us in.
    #[error(transparent)]
    Handshake(#[from] ClientHandshakeError),
    /// The network failed, or took too long.
    #[error("connection failed: {0}")]
    Io(#[from] io::Error),
    /// A file of certificates or keys cannot be used.
    #[error("{} cannot be used for TLS: {reason}", .path.display())]
    Certificates {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The server hung up.
    #[error("the server closed the connection")]
    Closed,
    /// An answer is larger than the client allows.
    #[error("an answer of {size} bytes is larger than {bytes_max}", size = .0.size, bytes_max = .0.bytes_max)]
    ResponseTooLarge(FrameTooLarge),
    /// A query does not fit into a frame.
    #[error("a query of {0} bytes is too large to be sent")]
    QueryTooLarge(usize),
    /// The server's answer makes no sense.
    #[error("malformed answer: {0}")]
    Malformed(&'static str),
    /// The host has no address.
    #[error("no address for {0}")]
    UnknownHost(String),
}

impl ClientError {
    /// Whether the answer did not come in time; it may still come.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    /// Whether the server lets in only clients that show it a certificate, and had none to see.
    pub fn wants_certificate(&self) -> bool {
        let Self::Io(error) = self else { return false };
        let error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        matches!(error, Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)))
    }

    /// The error of the query, if that is what failed.
    pub fn query(&self) -> Option<&ReqlError> {
        match self {
            Self::Query(error) => Some(error),
            _ => None,
        }
    }
}
