//! The listening socket of a door.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::context::Context;
use crate::listen::{accept, keep_alive};
use crate::metrics::{Counted, Gauge};
use crate::tls::TlsDoor;

/// The listening socket of a door, and what the door needs to serve it.
pub struct DoorListener {
    context: Arc<Context>,
    listener: TcpListener,
    stopping: watch::Receiver<bool>,
    connections: Arc<Semaphore>,
    counts: Arc<Gauge>,
    tls: Option<Arc<TlsDoor>>,
}

/// A connection that was accepted. It counts as open until it is dropped.
pub struct Accepted {
    /// The socket, set up to be kept alive and not to wait for more bytes.
    pub socket: TcpStream,
    /// Who is at the other end.
    pub client: SocketAddr,
    /// Its place among the connections; to be kept for as long as the socket.
    pub place: ConnectionPlace,
}

/// The place of a connection among those of all doors, and in their count.
#[derive(Debug)]
pub struct ConnectionPlace {
    _permit: OwnedSemaphorePermit,
    _counted: Counted,
}

impl DoorListener {
    pub(crate) fn new(
        context: Arc<Context>,
        listener: TcpListener,
        stopping: watch::Receiver<bool>,
        connections: Arc<Semaphore>,
        tls: Option<Arc<TlsDoor>>,
    ) -> Self {
        let counts = Arc::clone(&context.metrics.http.connections);
        Self { context, listener, stopping, connections, counts, tls }
    }

    /// What all doors share.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// What shakes hands with those who are accepted, if they have to speak TLS.
    pub fn tls(&self) -> Option<Arc<TlsDoor>> {
        self.tls.clone()
    }

    /// Turns true when the server stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// The next connection; `None` when the server stops. Above the limit of connections new
    /// ones wait unaccepted.
    pub async fn accept(&mut self) -> Option<Accepted> {
        loop {
            let permit = tokio::select! {
                permit = Arc::clone(&self.connections).acquire_owned() => permit.ok()?,
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            };
            let (socket, client) = tokio::select! {
                accepted = accept(&self.listener) => accepted,
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            };
            match set_up(&socket) {
                Ok(()) => {
                    let place = ConnectionPlace { _permit: permit, _counted: self.counts.enter() };
                    return Some(Accepted { socket, client, place });
                }
                // It is gone already.
                Err(error) => tracing::debug!(%client, %error, "connection ended"),
            }
        }
    }
}

fn set_up(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    keep_alive(socket)
}
