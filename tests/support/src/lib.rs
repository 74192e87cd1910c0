//! What the test suites share: building, starting and killing the server, a small
//! client of the driver protocol, and the fetching of the official drivers.
//!
//! The protocol is written here a second time on purpose: a judge that used the server's
//! own protocol crate could not see that crate's mistakes.
//!
//! Invariants: a started server is killed when its handle is dropped; every wait has a
//! timeout; downloads land complete or not at all.
//!
//! Does not know about: the server's crates, what a query means.

mod clients;
mod connection;
mod handshake;
mod script;
mod server;
mod workspace;

pub use clients::{JavascriptClient, PythonClient};
pub use connection::{Answer, Connection, Failure, Response, kind};
pub use handshake::Version;
pub use script::{Script, ScriptOutput};
pub use server::{Server, ServerOptions};
pub use workspace::{server_binary, target_root, workspace_root};

/// What can go wrong while preparing or driving a test.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// A file, socket or process operation failed.
    #[error("{action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Nothing arrived in time.
    #[error("no answer within {timeout_ms} ms")]
    Timeout {
        /// How long was waited.
        timeout_ms: u128,
    },
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The server refused the handshake, or proved no knowledge of the password.
    #[error("handshake refused: {reason}")]
    Handshake {
        /// The server's words.
        reason: String,
    },
    /// The server sent something that is no JSON or lacks a field.
    #[error("malformed answer: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The server process ended before it listened.
    #[error("the server did not come up ({status}); its output:\n{output}")]
    ServerDown {
        /// How it ended, or that it still runs.
        status: String,
        /// What it printed.
        output: String,
    },
    /// A helper program (cargo, pip, npm) failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it printed.
        output: String,
    },
}

/// Attaches what was being done to an input/output error.
pub(crate) fn while_doing(action: &'static str) -> impl FnOnce(std::io::Error) -> SupportError {
    move |source| SupportError::Io { action, source }
}
