//! Why a command failed, and how the process ends then.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use photondb::{OpenError, RunError};
use photondb_archive::ArchiveError;
use photondb_backup::BackupError;
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_client::ClientError;
use photondb_reql::ReqlError;
use thiserror::Error;

/// The help of every command that asks a database.
pub const EXIT_CODES: &str = "\
Exit codes: 0 when all is well, 1 when a query or a file failed, 2 for a command line that
makes no sense, 3 when the server cannot be reached or does not let the user in.";

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
const EXIT_UNREACHABLE: u8 = 3;

/// Why a command that asks a database failed.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error("cannot connect to {host}:{port}: {source}")]
    Connect { host: String, port: u16, source: ClientError },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("cannot open {directory}: {source}", directory = .directory.display())]
    Open { directory: PathBuf, source: OpenError },
    #[error(transparent)]
    Embedded(#[from] RunError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("cannot {operation} {path}: {source}", path = .path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot read the standard input: {0}")]
    Input(io::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
    #[error("cannot ask at the terminal: {0}")]
    Terminal(io::Error),
    /// A query that cannot be read or run, shown at its place.
    #[error("{0}")]
    Query(String),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A request that the state of the database or of the files speaks against.
    #[error("{0}")]
    Refused(String),
    /// Work that ended in the middle, and how to go on with it.
    #[error("{source}")]
    Unfinished { source: Box<Self>, hint: &'static str },
    /// A command line that makes no sense together with what it is about.
    #[error("{0}")]
    Usage(String),
}

impl CommandError {
    /// Says which file it was.
    pub fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { operation, path, source }
    }

    /// Says how to go on.
    pub fn unfinished(self, hint: &'static str) -> Self {
        Self::Unfinished { source: Box::new(self), hint }
    }

    /// The error of the query, if that is what failed.
    pub fn query(&self) -> Option<&ReqlError> {
        match self {
            Self::Client(error) => error.query(),
            Self::Embedded(RunError::Query(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether whoever reads the output has enough.
    fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether nothing more can be asked after it.
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Output(_) | Self::Terminal(_) | Self::Client(ClientError::Io(_) | ClientError::Closed)
        )
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open { source, .. } if source.is_locked() => {
                Some("a server has this directory open: ask it with --connect, or stop it first")
            }
            Self::Connect { source, .. } if source.wants_certificate() => Some(
                "this server lets in only clients with a certificate: show one with --tls-client-cert and \
                 --tls-client-key",
            ),
            Self::Unfinished { hint, .. } => Some(hint),
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Connect { .. } | Self::Client(ClientError::Io(_) | ClientError::Closed) => EXIT_UNREACHABLE,
            Self::Open { source, .. } if source.is_locked() => EXIT_UNREACHABLE,
            Self::Usage(_) => EXIT_USAGE,
            Self::Unfinished { source, .. } => source.exit_code(),
            _ => EXIT_FAILED,
        }
    }
}

/// Runs a command and tells why it failed.
pub fn run(command: impl FnOnce() -> Result<(), CommandError> + Send) -> ExitCode {
    // Documents may nest deeply.
    let outcome = thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(THREAD_STACK_BYTES);
        let thread = builder.spawn_scoped(scope, command).map_err(CommandError::Thread)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => tell(&error),
    }
}

/// Tells why a command failed, and gives the exit code that says so.
pub fn tell(error: &CommandError) -> ExitCode {
    if error.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    eprintln!("photondb: {error}");
    if let Some(hint) = error.hint() {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(error.exit_code())
}
