//! Where to connect, and as whom.

use std::path::PathBuf;
use std::time::Duration;

/// RethinkDB's driver port.
pub const DRIVER_PORT: u16 = 28015;

/// The files of a client's certificate, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and, after it, those that lead to an authority.
    pub certificate: PathBuf,
    /// Its private key, without a password.
    pub key: PathBuf,
}

/// Where to connect, and as whom.
#[derive(Clone)]
pub struct Options {
    /// A name or an address.
    pub host: String,
    /// The driver port.
    pub port: u16,
    /// The user, `admin` by default.
    pub user: String,
    /// The user's password, empty by default.
    pub password: String,
    /// A PEM file with the certificates of authorities, or of servers, to trust; connections
    /// speak TLS then. `None` for connections in the clear.
    pub trusted_certificates: Option<PathBuf>,
    /// What this client shows to servers that ask for a certificate; only with
    /// `trusted_certificates`.
    pub client_certificate: Option<ClientCertificate>,
    /// How long each address may take to answer, and the handshake after it.
    pub connect_timeout: Duration,
    /// How long an answer may take; `None` waits for ever, which feeds need.
    pub read_timeout: Option<Duration>,
    /// How long the server may refuse to take a query.
    pub write_timeout: Option<Duration>,
    /// Bytes of one answer.
    pub response_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: DRIVER_PORT,
            user: "admin".to_owned(),
            password: String::new(),
            trusted_certificates: None,
            client_certificate: None,
            connect_timeout: Duration::from_secs(20),
            read_timeout: None,
            write_timeout: Some(Duration::from_secs(60)),
            response_bytes_max: 1 << 30,
        }
    }
}

impl Options {
    /// The defaults, somewhere else.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port, ..Self::default() }
    }

    /// As this user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.user = user.into();
        self.password = password.into();
        self
    }

    /// Over TLS, with servers whose certificate the PEM file vouches for.
    #[must_use]
    pub fn with_tls(mut self, trusted_certificates: impl Into<PathBuf>) -> Self {
        self.trusted_certificates = Some(trusted_certificates.into());
        self
    }

    /// With a certificate of one's own, for servers that let in only those of an authority.
    #[must_use]
    pub fn with_client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_certificate =
            Some(ClientCertificate { certificate: certificate.into(), key: key.into() });
        self
    }

    /// With this much patience for an answer.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = Some(timeout);
        self
    }
}

impl std::fmt::Debug for Options {
    /// The password stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
