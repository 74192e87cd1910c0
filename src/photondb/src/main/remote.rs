//! The server that a command talks to, and how such a command ends.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::thread;

use clap::Args;
use photondb_archive::ArchiveError;
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_client::{ClientError, Connection, Options, Term};
use photondb_reql::TermType;
use thiserror::Error;

/// The help of every command that talks to a server.
pub const EXIT_CODES: &str = "\
Exit codes: 0 when all is well, 1 when a query or a file failed, 2 for a command line that
makes no sense, 3 when the server cannot be reached or does not let the user in.";

const DRIVER_PORT: u16 = 28015;
const EXIT_FAILED: u8 = 1;
const EXIT_UNREACHABLE: u8 = 3;

/// Where the server is, and who asks it. Behind a verb of its own, as in `db list -c HOST`, too.
#[derive(Debug, Args)]
pub struct RemoteArguments {
    /// Where the server listens for drivers
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:28015",
        env = "PHOTONDB_CONNECT",
        global = true
    )]
    pub connect: Address,

    /// The user to log in as
    #[arg(long, value_name = "NAME", default_value = "admin", env = "PHOTONDB_USER", global = true)]
    pub user: String,

    /// File with the user's password on its first line; without one, the password is empty
    #[arg(short, long, value_name = "FILE", env = "PHOTONDB_PASSWORD_FILE", global = true)]
    pub password_file: Option<PathBuf>,
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a command that talks to a server failed.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error("cannot connect to {host}:{port}: {source}")]
    Connect { host: String, port: u16, source: ClientError },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("cannot {operation} {path}: {source}", path = .path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot read the standard input: {0}")]
    Input(io::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(io::Error),
    /// A query that cannot be read or run, shown at its place.
    #[error("{0}")]
    Query(String),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    /// A request that the state of the server or of the files speaks against.
    #[error("{0}")]
    Refused(String),
}

impl CommandError {
    /// Says which file it was.
    pub fn file(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { operation, path, source }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Connect { .. } | Self::Client(ClientError::Io(_) | ClientError::Closed) => EXIT_UNREACHABLE,
            _ => EXIT_FAILED,
        }
    }
}

impl RemoteArguments {
    /// Connects and logs in.
    pub fn open(&self) -> Result<Connection, CommandError> {
        let password = match &self.password_file {
            None => String::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(CommandError::file("read", path))?;
                text.lines().next().unwrap_or_default().to_owned()
            }
        };
        let Address { host, port } = self.connect.clone();
        let options = Options::new(host.clone(), port).with_user(self.user.clone(), password);
        Connection::open(&options).map_err(|source| CommandError::Connect { host, port, source })
    }
}

/// The names that a term gives as an array.
pub fn names(connection: &mut Connection, term: &Term) -> Result<Vec<String>, CommandError> {
    let names = connection.run_value(&term.start())?;
    let names = names.as_array().into_iter().flatten();
    Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// The names of all databases.
pub fn databases(connection: &mut Connection) -> Result<Vec<String>, CommandError> {
    names(connection, &Term::call(TermType::DbList, &[], &[]))
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
        Err(error) => {
            eprintln!("photondb: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = match text.rsplit_once(':') {
            // An address of IPv6 has colons of its own; brackets set its port apart.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, None),
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.map_or(Ok(DRIVER_PORT), str::parse);
        match port {
            Ok(port) if !host.is_empty() => Ok(Self { host: host.to_owned(), port }),
            _ => Err(format!("`{text}` is no HOST:PORT, such as localhost:{DRIVER_PORT}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("db.example:1234", "db.example", 1234),
            ("db.example", "db.example", DRIVER_PORT),
            ("::1", "::1", DRIVER_PORT),
            ("[::1]", "::1", DRIVER_PORT),
            ("[::1]:9", "::1", 9),
        ] {
            assert_eq!(text.parse(), Ok(Address { host: host.to_owned(), port }), "{text}");
        }
        for text in ["", ":1", "here:", "here:port", "here:70000"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
