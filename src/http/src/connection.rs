//! Connections: from a stream of bytes to requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use photondb_server::door::{Accepted, ConnectionPlace, DoorListener};
use photondb_server::tls::DoorProtocol;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tower::{ServiceExt, service_fn};

use crate::door::{HttpDoor, stopped};
use crate::limits::{
    GRACE, HEAD_BYTES_MAX, HEAD_TIMEOUT, PING_INTERVAL, PING_TIMEOUT, STREAMS_PER_CONNECTION_MAX,
    SWEEP_INTERVAL,
};

/// HTTP behind TLS: version 2 for those who can.
pub const HTTPS: DoorProtocol = DoorProtocol {
    name: "HTTP",
    choices: &[b"h2", b"http/1.1"],
    refusal: "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n\
              This port speaks TLS only. Use https:// instead of http://.\n",
};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address.
    pub client: SocketAddr,
    /// Whether nobody can listen in.
    pub is_secure: bool,
    /// The connection's place among those of all doors.
    pub place: Arc<ConnectionPlace>,
}

/// Serves HTTP on a listener until the server stops, and returns when its connections ended.
pub async fn serve(door: Arc<HttpDoor>, mut listener: DoorListener) {
    let router = door.router(Arc::clone(listener.context()), listener.stopping());
    let stopping = listener.stopping();
    let mut connections = JoinSet::new();
    let mut sweep = interval(SWEEP_INTERVAL);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = sweep.tick() => {
                door.sweep();
                continue;
            }
            Some(_) = connections.join_next() => continue,
        };
        let Some(Accepted { socket, client, place }) = accepted else { break };
        let (tls, router, stopping) = (listener.tls(), router.clone(), stopping.clone());
        let peer = Peer { client, is_secure: tls.is_some(), place: Arc::new(place) };
        connections.spawn(async move {
            match tls {
                None => serve_connection(router, socket, peer, stopping).await,
                Some(tls) => match tls.accept(socket, client).await {
                    Ok(stream) => serve_connection(router, stream, peer, stopping).await,
                    Err(error) => tracing::debug!(%client, %error, "connection ended"),
                },
            }
        });
    }
    drop(listener);
    let ended = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        connections.shutdown().await;
    }
}

/// Serves HTTP/1.1 or HTTP/2, whichever the client begins with, on any stream.
pub async fn serve_connection<S>(router: Router, stream: S, peer: Peer, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let client = peer.client;
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let service = service_fn(move |request: Request<_>| {
        noted.store(true, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let silence = sleep(HEAD_TIMEOUT);
    tokio::pin!(silence);
    let (mut is_silent, mut is_stopping) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%client, %error, "connection ended");
                }
                return;
            }
            // A client that says nothing has not even chosen a protocol whose limits would hold.
            () = silence.as_mut(), if is_silent => {
                is_silent = false;
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
            }
            () = stopped(&mut stopping), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
