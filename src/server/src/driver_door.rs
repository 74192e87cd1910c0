//! The door for drivers: one task per connection reads frames and hands them to the session.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use photondb_catalog::State;
use photondb_wire::{
    Credentials, Event, HandshakeError, NONCE_BYTES, ScramCredentials, ServerProtocol, Version,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::coalescing::Coalescing;
use crate::context::{Context, SERVER_VERSION};
use crate::limits::{CONNECTIONS_MAX, HANDSHAKE_TIMEOUT, READ_BYTES_MAX, SHORT_READ_BYTES_MAX};
use crate::listen::{accept, keep_alive};
use crate::outbox::Outbox;
use crate::session::Session;
use crate::tls::{DoorProtocol, DriverSocket, TlsDoor};

/// The driver protocol behind TLS. Its refusal is in the form of the newest handshake, since
/// drivers of that one stumble over any other.
pub(crate) const DRIVER_PROTOCOL: DoorProtocol = DoorProtocol {
    name: "drivers",
    choices: &[],
    refusal: "{\"error\":\"This port speaks TLS only. Connect with the option `ssl` of drivers, or `--tls-cert` of the \
              tools.\",\"error_code\":-1,\"success\":false}\0",
};

/// Serves drivers until `stopping` turns true; returns when every connection has ended.
pub(crate) async fn serve(
    context: Arc<Context>,
    listener: TcpListener,
    mut stopping: watch::Receiver<bool>,
    connections: Arc<Semaphore>,
    tls: Option<Arc<TlsDoor>>,
) {
    let mut tasks = JoinSet::new();
    loop {
        // Above the limit new connections wait unaccepted.
        let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { break };
        let (socket, client) = tokio::select! {
            accepted = accept(&listener) => accepted,
            _ = stopping.wait_for(|stop| *stop) => break,
            Some(_) = tasks.join_next() => continue,
        };
        let (context, stopping, tls) = (Arc::clone(&context), stopping.clone(), tls.clone());
        tasks.spawn(async move {
            let _permit = permit;
            let _count = context.activity.count_connection();
            match connection(context, socket, client, stopping, tls.as_deref()).await {
                Ok(()) => tracing::debug!(%client, "connection closed"),
                Err(error) => tracing::debug!(%client, %error, "connection ended"),
            }
        });
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// Connections of all doors together.
pub(crate) fn connection_permits() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(CONNECTIONS_MAX))
}

/// One connection, from its first byte to its last.
async fn connection(
    context: Arc<Context>,
    socket: TcpStream,
    client: SocketAddr,
    mut stopping: watch::Receiver<bool>,
    tls: Option<&TlsDoor>,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    keep_alive(&socket)?;
    let socket = match tls {
        None => DriverSocket::plain(socket),
        Some(tls) => tokio::select! {
            accepted = tls.accept(socket, client) => DriverSocket::encrypted(accepted?),
            _ = stopping.wait_for(|stop| *stop) => return Ok(()),
        },
    };
    let outbox = Arc::new(Outbox::new(socket));
    let writer = tokio::spawn({
        let outbox = Arc::clone(&outbox);
        async move { outbox.run_writer().await }
    });
    let result = tokio::select! {
        result = read(context, &outbox, client) => result,
        _ = stopping.wait_for(|stop| *stop) => Ok(()),
    };
    outbox.close();
    // The writer ends by itself once the outbox is closed, with the error of the socket if any.
    drop(writer.await);
    outbox.socket().say_goodbye();
    result
}

async fn read(context: Arc<Context>, outbox: &Arc<Outbox>, client: SocketAddr) -> io::Result<()> {
    let mut protocol = ServerProtocol::new(SERVER_VERSION, nonce());
    let Ok(welcome) = timeout(HANDSHAKE_TIMEOUT, log_in(&context, &mut protocol, outbox, client)).await
    else {
        return Err(io::ErrorKind::TimedOut.into());
    };
    let Some((user, version)) = welcome? else { return Ok(()) };
    tracing::debug!(%client, %user, ?version, "client connected");
    let session = OpenSession(Arc::new(Session::new(context, &user, client, Arc::clone(outbox))));
    queries(&session.0, &mut protocol, outbox, version).await
}

/// A session that ends with its connection, however that ends.
struct OpenSession(Arc<Session>);

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Reads until the client is in; `None` when it is refused.
async fn log_in(
    context: &Context,
    protocol: &mut ServerProtocol,
    outbox: &Outbox,
    client: SocketAddr,
) -> io::Result<Option<(String, Version)>> {
    loop {
        let users = Users(context.catalog.state());
        let mut answer = Vec::new();
        let event = protocol.next_event(&users, &mut answer);
        if !answer.is_empty() {
            outbox.send(&answer);
        }
        match event {
            None => receive(protocol, outbox).await?,
            Some(Event::Authenticated { user, version }) => return Ok(Some((user, version))),
            Some(Event::Refused(error)) => {
                // Strangers are many on an open port; a wrong password is worth a look.
                if matches!(error, HandshakeError::Scram(_) | HandshakeError::IncorrectKey) {
                    tracing::warn!(%client, %error, "a client was refused");
                } else {
                    tracing::debug!(%client, %error, "a client was refused");
                }
                outbox.drain().await;
                return Ok(None);
            }
            Some(Event::Query(_) | Event::TooLarge) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Reads queries until the client goes.
async fn queries(
    session: &Arc<Session>,
    protocol: &mut ServerProtocol,
    outbox: &Outbox,
    version: Version,
) -> io::Result<()> {
    let (mut answer, mut coalescing) = (Vec::new(), Coalescing::default());
    loop {
        match protocol.next_event(&NoUsers, &mut answer) {
            Some(Event::Query(frame)) => {
                coalescing.note(session.handle(frame).await);
                if version == Version::V0_3 {
                    session.release_answers().await;
                    outbox.flush();
                    session.settle().await;
                }
            }
            Some(Event::TooLarge) => {
                outbox.send(&answer);
                outbox.drain().await;
                return Ok(());
            }
            Some(Event::Authenticated { .. } | Event::Refused(_)) => {
                return Err(io::ErrorKind::InvalidData.into());
            }
            // All answers to what one read brought leave together.
            None => {
                session.release_answers().await;
                outbox.flush();
                if let Some(pause) = coalescing.pause() {
                    sleep(pause).await;
                }
                receive(protocol, outbox).await?;
            }
        }
    }
}

/// Waits for bytes; the end of the stream is an error.
async fn receive(protocol: &mut ServerProtocol, outbox: &Outbox) -> io::Result<()> {
    let socket = outbox.socket();
    let input = protocol.input();
    loop {
        input.reserve(if input.is_empty() { SHORT_READ_BYTES_MAX } else { READ_BYTES_MAX });
        match socket.try_read_buf(input) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if input.is_empty() {
                    // Most connections are idle most of the time: they hold no buffer.
                    *input = BytesMut::new();
                }
                socket.readable().await?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The users of the moment.
struct Users(Arc<State>);

impl Credentials for Users {
    fn scram(&self, user: &str) -> Option<ScramCredentials> {
        let stored = &self.0.user(user)?.credentials;
        Some(ScramCredentials {
            salt: stored.salt.to_vec(),
            iterations: stored.iterations,
            stored_key: stored.stored_key,
            server_key: stored.server_key,
        })
    }
}

/// After the handshake nobody asks for users.
struct NoUsers;

impl Credentials for NoUsers {
    fn scram(&self, _user: &str) -> Option<ScramCredentials> {
        None
    }
}

/// Bytes that nobody can foresee.
fn nonce() -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    for chunk in nonce.chunks_mut(16) {
        for (slot, byte) in chunk.iter_mut().zip(Uuid::new_v4().into_bytes()) {
            *slot = byte;
        }
    }
    nonce
}
