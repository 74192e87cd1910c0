//! Listening sockets of a door.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};

use crate::error::ServerError;

/// How long a door waits after the system refused a connection, for want of files mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may be silent before the system asks whether it is there.
const KEEP_ALIVE_IDLE: Duration = Duration::from_secs(60);
/// How often it asks, and how many times.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 4;

/// Opens a port on every address. Port 0 takes any free one, the same for all addresses.
/// The newer loopback address is a convenience: the server does without if it must.
pub(crate) async fn listen(addresses: &[IpAddr], port: u16) -> Result<(Vec<TcpListener>, u16), ServerError> {
    let mut listeners = Vec::new();
    let mut port = port;
    for ip in addresses {
        let address = SocketAddr::new(*ip, port);
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) if *ip == Ipv6Addr::LOCALHOST && !listeners.is_empty() => {
                tracing::warn!(%address, %error, "cannot listen");
                continue;
            }
            Err(source) => return Err(ServerError::Listen { address, source }),
        };
        port = listener.local_addr().map_err(ServerError::LocalAddress)?.port();
        listeners.push(listener);
    }
    Ok((listeners, port))
}

/// Finds out about clients that vanished without a word, even when nothing is sent.
pub(crate) fn keep_alive(socket: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEP_ALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(socket, KEEP_ALIVE_INTERVAL)?;
    Ok(sockopt::set_tcp_keepcnt(socket, KEEP_ALIVE_PROBES)?)
}

/// The next connection; failures of the system are waited out.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
