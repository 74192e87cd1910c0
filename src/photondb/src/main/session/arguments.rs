//! Which database a command asks, and as whom.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use photondb::{Database, DatabaseOptions};
use photondb_client::{Connection, Options};

use super::Session;
use crate::command_error::CommandError;

const HOST: &str = "localhost";
const DRIVER_PORT: u16 = 28015;

/// Which database is asked, and as whom. Behind a verb of its own, as in `db list -c HOST`, too.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where the database is")]
pub struct SessionArguments {
    /// Where the server listens for drivers [default: localhost:28015]
    #[arg(short, long, value_name = "HOST:PORT", env = "PHOTONDB_CONNECT", global = true)]
    pub connect: Option<Address>,

    /// The host alone; --connect counts for more
    #[arg(long, value_name = "HOST", env = "RETHINKDB_HOSTNAME", global = true)]
    pub host_name: Option<String>,

    /// The driver port alone; --connect counts for more
    #[arg(long = "driver-port", value_name = "PORT", env = "RETHINKDB_DRIVER_PORT", global = true)]
    pub remote_port: Option<u16>,

    /// Connect with TLS and trust the certificates of this PEM file, of authorities or the server's own
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TRUSTED_CERT", global = true)]
    pub tls_cert: Option<PathBuf>,

    /// The user to log in as
    #[arg(short, long, value_name = "NAME", default_value = "admin", env = "PHOTONDB_USER", global = true)]
    pub user: String,

    /// Ask for the user's password at the terminal; without it and --password-file it is empty
    #[arg(short, long, global = true, conflicts_with = "password_file")]
    pub password: bool,

    /// File with the user's password on its first line; `-` is the standard input
    #[arg(long, value_name = "FILE", env = "PHOTONDB_PASSWORD_FILE", global = true)]
    pub password_file: Option<PathBuf>,

    /// Open this data directory in this process instead of asking a server; none may have it open
    #[arg(long, value_name = "DIR", env = "PHOTONDB_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

impl SessionArguments {
    /// Connects and logs in, or opens the directory.
    pub fn open(&self) -> Result<Session, CommandError> {
        match &self.data_dir {
            None => Ok(Session::Remote(Box::new(self.connect()?))),
            Some(_) => Ok(self.pool()?.open()?),
        }
    }

    /// What opens any number of sessions, the password being asked for once.
    pub fn pool(&self) -> Result<SessionPool, CommandError> {
        match &self.data_dir {
            None => Ok(SessionPool::Remote(self.options()?)),
            Some(directory) => {
                let fail = |source| CommandError::Open { directory: directory.clone(), source };
                if !directory.is_dir() {
                    let text = format!("{} is no data directory", directory.display());
                    return Err(CommandError::Refused(text));
                }
                let database = Database::open(&DatabaseOptions::directory(directory)).map_err(fail)?;
                Ok(SessionPool::Embedded(Arc::new(database)))
            }
        }
    }

    /// Connects to the server and logs in.
    pub fn connect(&self) -> Result<Connection, CommandError> {
        connect(&self.options()?)
    }

    /// The address of the server.
    pub fn address(&self) -> Address {
        self.connect.clone().unwrap_or_else(|| Address {
            host: self.host_name.clone().unwrap_or_else(|| HOST.to_owned()),
            port: self.remote_port.unwrap_or(DRIVER_PORT),
        })
    }

    fn options(&self) -> Result<Options, CommandError> {
        let Address { host, port } = self.address();
        let options = Options::new(host, port).with_user(self.user.clone(), self.password()?);
        Ok(Options { trusted_certificates: self.tls_cert.clone(), ..options })
    }

    fn password(&self) -> Result<String, CommandError> {
        match &self.password_file {
            Some(path) => crate::password::from_file(path),
            None if self.password => crate::password::ask(&format!("Password of user \"{}\": ", self.user)),
            None => Ok(String::new()),
        }
    }
}

/// Opens sessions with the same database.
pub enum SessionPool {
    /// One connection each.
    Remote(Options),
    /// All of the one database that this process has open.
    Embedded(Arc<Database>),
}

impl SessionPool {
    /// One more session.
    pub fn open(&self) -> Result<Session, CommandError> {
        match self {
            Self::Remote(options) => Ok(Session::Remote(Box::new(connect(options)?))),
            Self::Embedded(database) => Ok(Session::Embedded(Arc::clone(database))),
        }
    }
}

fn connect(options: &Options) -> Result<Connection, CommandError> {
    Connection::open(options).map_err(|source| CommandError::Connect {
        host: options.host.clone(),
        port: options.port,
        source,
    })
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address.
    pub host: String,
    /// The driver port.
    pub port: u16,
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
            _ => Err(format!("`{text}` is no HOST:PORT, such as {HOST}:{DRIVER_PORT}")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
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
            let address = Address { host: host.to_owned(), port };
            assert_eq!(text.parse(), Ok(address.clone()), "{text}");
            assert_eq!(address.to_string().parse(), Ok(address), "{text}");
        }
        for text in ["", ":1", "here:", "here:port", "here:70000"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
