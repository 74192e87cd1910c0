//! A running server: the drivers' door and those that stand beside it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::door::DoorListener;
use crate::driver_door::{self, DRIVER_PROTOCOL};
use crate::error::ServerError;
use crate::limits::{SHUTDOWN_TIMEOUT, WORKERS_MAX};
use crate::listen::listen;
use crate::tls::{TlsDoor, TlsFiles};

/// How often the end of running queries is looked for.
const STOP_POLL: Duration = Duration::from_millis(5);

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The addresses of all doors.
    pub addresses: Vec<IpAddr>,
    /// The port for drivers; 0 for any free one.
    pub driver_port: u16,
    /// The certificate that drivers are met with over TLS; `None` for connections in the clear.
    pub tls: Option<TlsFiles>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], driver_port: 28015, tls: None }
    }
}

/// A running server. Must be stopped; dropping it ends connections at once.
pub struct Server {
    context: Arc<Context>,
    driver_port: u16,
    addresses: Vec<IpAddr>,
    stopping: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    doors: JoinSet<()>,
    /// Of the doors that have it.
    tls_doors: Vec<Arc<TlsDoor>>,
}

impl Server {
    /// Opens the door for drivers.
    pub async fn start(context: Arc<Context>, options: &ServerOptions) -> Result<Self, ServerError> {
        let (stopping, _) = watch::channel(false);
        let tls = options.tls.clone().map(|files| TlsDoor::open(files, DRIVER_PROTOCOL)).transpose()?;
        let (listeners, driver_port) = listen(&options.addresses, options.driver_port).await?;
        let connections = driver_door::connection_permits();
        let mut doors = JoinSet::new();
        for listener in listeners {
            let (context, connections) = (Arc::clone(&context), Arc::clone(&connections));
            doors.spawn(driver_door::serve(
                context,
                listener,
                stopping.subscribe(),
                connections,
                tls.clone(),
            ));
        }
        let addresses = options.addresses.clone();
        let tls_doors = tls.into_iter().collect();
        Ok(Self { context, driver_port, addresses, stopping, connections, doors, tls_doors })
    }

    /// Opens another door on a port of all addresses; 0 takes any free one. With `tls` the
    /// listener has it, and `serve` must shake hands by it. `serve` is called once for each
    /// address and must return soon after the listener says that the server stops. Gives the port.
    pub async fn open_door<S, F>(
        &mut self,
        port: u16,
        tls: Option<Arc<TlsDoor>>,
        serve: S,
    ) -> Result<u16, ServerError>
    where
        S: Fn(DoorListener) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let (listeners, port) = listen(&self.addresses, port).await?;
        for listener in listeners {
            let (context, connections) = (Arc::clone(&self.context), Arc::clone(&self.connections));
            self.doors.spawn(serve(DoorListener::new(
                context,
                listener,
                self.stopping.subscribe(),
                connections,
                tls.clone(),
            )));
        }
        self.tls_doors.extend(tls);
        Ok(port)
    }

    /// Reads the certificates of all doors again, for connections from now on. A door whose
    /// files are bad keeps what it has; the log says so either way.
    pub fn reload_certificates(&self) {
        if self.tls_doors.is_empty() {
            tracing::info!("nothing to read again: no port has a certificate");
        }
        for door in &self.tls_doors {
            match door.reload() {
                Ok(()) => tracing::info!(door = door.name(), "the certificate was read again"),
                Err(error) => {
                    tracing::error!(door = door.name(), %error, "the certificate stays as it was");
                }
            }
        }
    }

    /// The port for drivers.
    pub fn driver_port(&self) -> u16 {
        self.driver_port
    }

    /// The addresses of all doors.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Where drivers connect.
    pub fn driver_addresses(&self) -> Vec<SocketAddr> {
        self.addresses.iter().map(|ip| SocketAddr::new(*ip, self.driver_port)).collect()
    }

    /// Closes the doors and all connections, cancels what runs and waits for its end;
    /// `false` when something still runs after the time for that.
    pub async fn stop(mut self) -> bool {
        let end = Instant::now() + SHUTDOWN_TIMEOUT;
        self.stopping.send_replace(true);
        let doors = timeout_at(end, async { while self.doors.join_next().await.is_some() {} }).await;
        while self.context.workers.idle() < WORKERS_MAX {
            if Instant::now() >= end {
                return false;
            }
            tokio::time::sleep(STOP_POLL).await;
        }
        doors.is_ok()
    }
}
