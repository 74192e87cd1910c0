//! The doors of a running server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::driver_door;
use crate::error::ServerError;
use crate::http_door;
use crate::limits::{SHUTDOWN_TIMEOUT, WORKERS_MAX};
use crate::listen::listen;

/// How often the end of running queries is looked for.
const STOP_POLL: Duration = Duration::from_millis(5);

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The addresses of all doors.
    pub addresses: Vec<IpAddr>,
    /// The port for drivers; 0 for any free one.
    pub driver_port: u16,
    /// The port for HTTP, 0 for any free one; `None` for no HTTP.
    pub http_port: Option<u16>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], driver_port: 28015, http_port: Some(8080) }
    }
}

/// A running server. Must be stopped; dropping it ends connections at once.
pub struct Server {
    context: Arc<Context>,
    driver_port: u16,
    http_port: Option<u16>,
    addresses: Vec<IpAddr>,
    stopping: watch::Sender<bool>,
    doors: JoinSet<()>,
}

impl Server {
    /// Opens the doors.
    pub async fn start(context: Arc<Context>, options: &ServerOptions) -> Result<Self, ServerError> {
        let (stopping, stop) = watch::channel(false);
        let (driver_listeners, driver_port) = listen(&options.addresses, options.driver_port).await?;
        let (http_listeners, http_port) = match options.http_port {
            Some(port) => {
                let (listeners, port) = listen(&options.addresses, port).await?;
                (listeners, Some(port))
            }
            None => (Vec::new(), None),
        };
        let mut doors = JoinSet::new();
        let permits = driver_door::connection_permits();
        for listener in driver_listeners {
            let (context, stop, permits) = (Arc::clone(&context), stop.clone(), Arc::clone(&permits));
            doors.spawn(driver_door::serve(context, listener, stop, permits));
        }
        for listener in http_listeners {
            doors.spawn(http_door::serve(Arc::clone(&context), listener, stop.clone()));
        }
        let addresses = options.addresses.clone();
        Ok(Self { context, driver_port, http_port, addresses, stopping, doors })
    }

    /// The port for drivers.
    pub fn driver_port(&self) -> u16 {
        self.driver_port
    }

    /// The port for HTTP, if there is one.
    pub fn http_port(&self) -> Option<u16> {
        self.http_port
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
