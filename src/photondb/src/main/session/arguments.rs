//! Which database a command asks, and as whom.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use photondb::{Database, DatabaseOptions};
use photondb_client::{ClientCertificate, Connection, Options};

use super::Session;
use crate::command_error::CommandError;

const HOST: &str = "localhost";
const DRIVER_PORT: u16 = 28015;

/// Which database is asked, and as whom. Behind a verb of its own, as in `db list -c HOST`, too.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Where the database is")]
pub struct SessionArguments {
    #[command(flatten)]
    server: ServerAddress,

    /// Connect with TLS and trust the certificates of this PEM file, of authorities or the server's own
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TRUSTED_CERT", global = true)]
    pub tls_cert: Option<PathBuf>,

    /// The certificate to show to a server that lets in only clients with one (its --tls-ca)
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TLS_CLIENT_CERT", global = true)]
    tls_client_cert: Option<PathBuf>,

    /// The private key of that certificate, without a password
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TLS_CLIENT_KEY", global = true)]
    tls_client_key: Option<PathBuf>,

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

    fn options(&self) -> Result<Options, CommandError> {
        let Address { host, port } = self.server.0.clone();
        let client_certificate = self.client_certificate()?;
        let options = Options::new(host, port).with_user(self.user.clone(), self.password()?);
        Ok(Options { trusted_certificates: self.tls_cert.clone(), client_certificate, ..options })
    }

    /// Not left to the command line's own rules, which do not see what stands in a
    /// configuration file.
    fn client_certificate(&self) -> Result<Option<ClientCertificate>, CommandError> {
        match (&self.tls_client_cert, &self.tls_client_key, &self.tls_cert) {
            (None, None, _) => Ok(None),
            (Some(certificate), Some(key), Some(_)) => {
                Ok(Some(ClientCertificate { certificate: certificate.clone(), key: key.clone() }))
            }
            _ => Err(CommandError::Usage(
                "to show a certificate takes all of --tls-client-cert, --tls-client-key, and --tls-cert with \
                 what to trust"
                    .to_owned(),
            )),
        }
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

/// Where the server is, as flags and variables say it together.
#[derive(Clone, Debug)]
struct ServerAddress(Address);

#[derive(Debug, Args)]
struct AddressFlags {
    /// Where the server listens for drivers [default: localhost:28015]
    #[arg(short, long, value_name = "HOST:PORT", env = "PHOTONDB_CONNECT", global = true)]
    connect: Option<Address>,

    /// The host alone; --connect counts for more, a variable for it or the file does not
    #[arg(long, value_name = "HOST", env = "RETHINKDB_HOSTNAME", global = true)]
    host_name: Option<String>,

    /// The driver port alone; like --host-name
    #[arg(long = "driver-port", value_name = "PORT", env = "RETHINKDB_DRIVER_PORT", global = true)]
    remote_port: Option<u16>,
}

impl FromArgMatches for ServerAddress {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = AddressFlags::from_arg_matches(matches)?;
        // A part counts for more than the whole only when it was said more explicitly: by a flag
        // rather than a variable, or by one of them rather than the file.
        let whole = matches.value_source("connect");
        let outranks = |part: &str| flags.connect.is_none() || matches.value_source(part) > whole;
        let base =
            flags.connect.clone().unwrap_or_else(|| Address { host: HOST.to_owned(), port: DRIVER_PORT });
        let host = flags.host_name.clone().filter(|_| outranks("host_name")).unwrap_or(base.host);
        let port = flags.remote_port.filter(|_| outranks("remote_port")).unwrap_or(base.port);
        Ok(Self(Address { host, port }))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for ServerAddress {
    fn augment_args(command: Command) -> Command {
        AddressFlags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        AddressFlags::augment_args_for_update(command)
    }
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
