//! The handshake of one door.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{TlsError, TlsFiles};
use crate::limits::HANDSHAKE_TIMEOUT;

/// The first byte of whoever begins a handshake of TLS.
const HANDSHAKE_RECORD: u8 = 22;
/// How long, and for how many bytes, a refused client is listened to, so that it reads why: an
/// unread byte would make the system take the answer back.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
const FAREWELL_BYTES_MAX: u64 = 64 * 1024;

/// What is spoken behind a door.
#[derive(Clone, Copy, Debug)]
pub struct DoorProtocol {
    /// What the log calls it.
    pub name: &'static str,
    /// The names of the protocols that clients may choose from, the best first.
    pub choices: &'static [&'static [u8]],
    /// What a client is told that does not speak TLS.
    pub refusal: &'static str,
}

/// TLS in front of a door.
#[derive(Debug)]
pub struct TlsDoor {
    files: TlsFiles,
    protocol: DoorProtocol,
    config: ArcSwap<ServerConfig>,
}

impl TlsDoor {
    /// Reads the files.
    pub fn open(files: TlsFiles, protocol: DoorProtocol) -> Result<Arc<Self>, TlsError> {
        let config = ArcSwap::from_pointee(files.load(protocol.choices)?);
        Ok(Arc::new(Self { files, protocol, config }))
    }

    /// Reads the files again, for connections from now on. Bad files change nothing.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(self.files.load(self.protocol.choices)?));
        Ok(())
    }

    /// What is spoken behind it, for the log.
    pub(crate) fn name(&self) -> &'static str {
        self.protocol.name
    }

    /// Shakes hands with a client. Who does not speak TLS is told so, and the log too.
    pub async fn accept(&self, socket: TcpStream, client: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        timeout(HANDSHAKE_TIMEOUT, self.shake_hands(socket, client)).await?
    }

    async fn shake_hands(&self, socket: TcpStream, client: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let mut first = [0];
        match socket.peek(&mut first).await? {
            // Gone without a word, as probes of a port are.
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if first == [HANDSHAKE_RECORD] => {}
            _ => {
                tracing::warn!(
                    %client,
                    door = self.name(),
                    "a client without TLS was refused: it has to connect with TLS (https, or the driver's `ssl`), \
                     or the server has to be started without a certificate"
                );
                drop(timeout(FAREWELL_TIMEOUT, self.refuse(socket)).await);
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the client does not speak TLS"));
            }
        }
        TlsAcceptor::from(self.config.load_full()).accept(socket).await
    }

    async fn refuse(&self, mut socket: TcpStream) -> io::Result<()> {
        socket.write_all(self.protocol.refusal.as_bytes()).await?;
        socket.shutdown().await?;
        tokio::io::copy(&mut socket.take(FAREWELL_BYTES_MAX), &mut tokio::io::sink()).await?;
        Ok(())
    }
}
