//! All doors of a database.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use photondb_http::{HTTPS, HttpDoor, HttpOptions};
use photondb_server::tls::{TlsDoor, TlsFiles};
use photondb_server::{Context, ServerError};

/// Where a server listens, and for whom.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The addresses of all doors.
    pub addresses: Vec<IpAddr>,
    /// The port for drivers; 0 for any free one.
    pub driver_port: u16,
    /// The port for HTTP, 0 for any free one; `None` for no HTTP.
    pub http_port: Option<u16>,
    /// What can be chosen about HTTP.
    pub http: HttpOptions,
    /// The certificate that drivers are met with over TLS; `None` for connections in the clear.
    pub driver_tls: Option<TlsFiles>,
    /// The same for HTTP.
    pub http_tls: Option<TlsFiles>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            driver_port: 28015,
            http_port: Some(8080),
            http: HttpOptions::default(),
            driver_tls: None,
            http_tls: None,
        }
    }
}

/// A running server. Must be stopped; dropping it ends connections at once.
pub struct Server {
    doors: photondb_server::Server,
    http_port: Option<u16>,
}

impl Server {
    /// Opens the doors.
    pub(crate) async fn start(context: Arc<Context>, options: &ServerOptions) -> Result<Self, ServerError> {
        let driver_options = photondb_server::ServerOptions {
            addresses: options.addresses.clone(),
            driver_port: options.driver_port,
            tls: options.driver_tls.clone(),
        };
        let http_tls = options.http_tls.clone().map(|files| TlsDoor::open(files, HTTPS)).transpose()?;
        let mut doors = photondb_server::Server::start(context, &driver_options).await?;
        let mut http_port = None;
        if let Some(port) = options.http_port {
            let door = HttpDoor::new(options.http.clone());
            let serve = |listener| photondb_http::serve(Arc::clone(&door), listener);
            http_port = Some(doors.open_door(port, http_tls, serve).await?);
        }
        Ok(Self { doors, http_port })
    }

    /// Reads the certificates of all doors again, for connections from now on. A door whose
    /// files are bad keeps what it has; the log says so either way.
    pub fn reload_certificates(&self) {
        self.doors.reload_certificates();
    }

    /// The port for drivers.
    pub fn driver_port(&self) -> u16 {
        self.doors.driver_port()
    }

    /// The port for HTTP, if there is one.
    pub fn http_port(&self) -> Option<u16> {
        self.http_port
    }

    /// The addresses of all doors.
    pub fn addresses(&self) -> &[IpAddr] {
        self.doors.addresses()
    }

    /// Where drivers connect.
    pub fn driver_addresses(&self) -> Vec<SocketAddr> {
        self.doors.driver_addresses()
    }

    /// Closes the doors and all connections, cancels what runs and waits for its end;
    /// `false` when something still runs after the time for that.
    pub async fn stop(self) -> bool {
        self.doors.stop().await
    }
}
