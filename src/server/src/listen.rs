//! Listening sockets of a door.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::error::ServerError;

/// How long a door waits after the system refused a connection, for want of files mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens a port on every address. Port 0 takes any free one, the same for all addresses.
pub(crate) async fn listen(addresses: &[IpAddr], port: u16) -> Result<(Vec<TcpListener>, u16), ServerError> {
    let mut listeners = Vec::new();
    let mut port = port;
    for ip in addresses {
        let address = SocketAddr::new(*ip, port);
        let listener =
            TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })?;
        port = listener.local_addr().map_err(ServerError::LocalAddress)?.port();
        listeners.push(listener);
    }
    Ok((listeners, port))
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
