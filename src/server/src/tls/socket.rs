//! The socket of a driver's connection, with TLS or without.

use std::io::{self, BufRead, IoSlice, Read, Write};

use bytes::BytesMut;
use parking_lot::Mutex;
use rustls::ServerConnection;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A socket that never blocks and can be read and written at once, as Tokio's own.
pub(crate) struct DriverSocket {
    socket: TcpStream,
    /// Absent in the clear.
    session: Option<Mutex<ServerConnection>>,
}

impl DriverSocket {
    pub(crate) fn plain(socket: TcpStream) -> Self {
        Self { socket, session: None }
    }

    /// After the handshake.
    pub(crate) fn encrypted(stream: TlsStream<TcpStream>) -> Self {
        let (socket, session) = stream.into_inner();
        Self { socket, session: Some(Mutex::new(session)) }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    /// Appends what has arrived; `Ok(0)` is the end.
    pub(crate) fn try_read_buf(&self, input: &mut BytesMut) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.socket.try_read_buf(input) };
        let mut session = session.lock();
        loop {
            let mut reader = session.reader();
            match reader.fill_buf() {
                Ok(bytes) => {
                    let length = bytes.len();
                    input.extend_from_slice(bytes);
                    reader.consume(length);
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            session.read_tls(&mut TryIo(&self.socket))?;
            if let Err(error) = session.process_new_packets() {
                // The alert that says why; the connection ends either way.
                session.write_tls(&mut TryIo(&self.socket)).unwrap_or_default();
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
    }

    /// Takes bytes to be sent. With TLS they may not have left before [`Self::try_flush`] says so.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(session) = &self.session else { return self.socket.try_write(bytes) };
        let mut session = session.lock();
        // One portion at a time, so that what is encrypted does not pile up.
        self.send(&mut session)?;
        session.writer().write(bytes)
    }

    /// Sends what was taken; fails with `WouldBlock` when the socket is full before the end.
    pub(crate) fn try_flush(&self) -> io::Result<()> {
        match &self.session {
            None => Ok(()),
            Some(session) => self.send(&mut session.lock()),
        }
    }

    /// Tells the client that nothing more comes, if the socket takes that now.
    pub(crate) fn say_goodbye(&self) {
        if let Some(session) = &self.session {
            let mut session = session.lock();
            session.send_close_notify();
            // The client may be gone already.
            self.send(&mut session).unwrap_or_default();
        }
    }

    fn send(&self, session: &mut ServerConnection) -> io::Result<()> {
        while session.wants_write() {
            session.write_tls(&mut TryIo(&self.socket))?;
        }
        Ok(())
    }
}

/// The socket as the encryption wants it.
struct TryIo<'a>(&'a TcpStream);

impl Read for TryIo<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for TryIo<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
