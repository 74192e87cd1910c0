//! A WebSocket: messages in, messages out, and the queries between.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{interval, timeout};

use super::message::{self, ClientMessage};
use super::socket_query::{Request, SocketQuery};
use crate::caller::Caller;
use crate::door::{Shared, stopped};
use crate::error::HttpError;
use crate::limits::{
    BODY_BYTES_MAX, QUERIES_PER_SOCKET_MAX, SOCKET_MESSAGES_MAX, SOCKET_PING_INTERVAL, SOCKET_REQUESTS_MAX,
    SOCKET_SEND_TIMEOUT, SOCKET_SILENCE_MAX,
};

/// `/api/ws`
pub(crate) async fn open(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .max_message_size(BODY_BYTES_MAX)
        .max_frame_size(BODY_BYTES_MAX)
        .on_upgrade(move |socket| async move { Connection::new(shared, caller).serve(socket).await })
}

/// What one WebSocket has open.
struct Connection {
    shared: Arc<Shared>,
    caller: Caller,
    /// The queries by the client's names for them.
    queries: HashMap<u64, Sender<Request>>,
    /// Where queries put their messages.
    out: Sender<Outgoing>,
    outgoing: Receiver<Outgoing>,
}

/// A message of a query on its way.
pub(super) struct Outgoing {
    pub id: u64,
    pub text: String,
    /// Whether the query has ended with it.
    pub is_last: bool,
}

/// Why a WebSocket ends.
enum End {
    /// The client said so; nobody will come back for its feeds.
    Closed,
    /// The connection is gone.
    Lost,
    /// The server says so.
    Ours(u16, &'static str),
}

impl Connection {
    fn new(shared: Arc<Shared>, caller: Caller) -> Self {
        let (out, outgoing) = mpsc::channel(SOCKET_MESSAGES_MAX);
        Self { shared, caller, queries: HashMap::new(), out, outgoing }
    }

    async fn serve(mut self, mut socket: WebSocket) {
        let end = self.talk(&mut socket).await;
        match end {
            End::Lost => {
                // The queries see that nobody asks any more; feeds are kept for a while.
            }
            End::Closed => self.cancel_all().await,
            End::Ours(code, reason) => {
                self.cancel_all().await;
                let frame = CloseFrame { code, reason: reason.into() };
                drop(timeout(SOCKET_SEND_TIMEOUT, socket.send(Message::Close(Some(frame)))).await);
            }
        }
    }

    async fn talk(&mut self, socket: &mut WebSocket) -> End {
        let mut stopping = self.shared.stopping.clone();
        let mut ping = interval(SOCKET_PING_INTERVAL);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                received = socket.recv() => {
                    heard = Instant::now();
                    let text = match received {
                        None | Some(Err(_)) => return End::Lost,
                        Some(Ok(Message::Close(frame))) => return end_of(frame.as_ref()),
                        Some(Ok(Message::Text(text))) => text,
                        Some(Ok(Message::Binary(_))) => {
                            return End::Ours(close_code::UNSUPPORTED, "Expected messages of text.");
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    };
                    if let Some(answer) = self.take(text.as_str())
                        && !send(socket, answer).await
                    {
                        return End::Lost;
                    }
                }
                Some(message) = self.outgoing.recv() => {
                    if message.is_last {
                        self.queries.remove(&message.id);
                    }
                    if !send(socket, message.text).await {
                        return End::Lost;
                    }
                }
                _ = ping.tick() => {
                    if !self.shared.context.logins.holds(&self.caller.identity) {
                        return End::Ours(close_code::POLICY, "The user was dropped or has another password.");
                    }
                    let asked = timeout(SOCKET_SEND_TIMEOUT, socket.send(Message::Ping(Vec::new().into())));
                    if heard.elapsed() > SOCKET_SILENCE_MAX || !matches!(asked.await, Ok(Ok(()))) {
                        return End::Lost;
                    }
                }
                () = stopped(&mut stopping) => {
                    return End::Ours(close_code::AWAY, "The server is shutting down.");
                }
            }
        }
    }

    /// Takes a message; gives what is to be answered at once.
    fn take(&mut self, text: &str) -> Option<String> {
        let message = match ClientMessage::parse(text) {
            Ok(message) => message,
            Err(error) => return Some(message::error(None, &error)),
        };
        match message {
            ClientMessage::Ping => Some("{\"type\":\"pong\"}".to_owned()),
            ClientMessage::More(id) => self.tell(id, Request::More),
            ClientMessage::Cancel(id) => self.tell(id, Request::Cancel),
            ClientMessage::Query(query) => {
                let id = query.id;
                let refuse = |why: String| Some(message::error(Some(id), &HttpError::bad_request(why)));
                if self.queries.contains_key(&id) {
                    return refuse(format!("A query with the id {id} is open."));
                }
                if self.queries.len() >= QUERIES_PER_SOCKET_MAX {
                    return refuse(format!("Too many queries are open (over {QUERIES_PER_SOCKET_MAX})."));
                }
                if !self.shared.context.logins.holds(&self.caller.identity) {
                    let why = "The user was dropped or has another password.";
                    return Some(message::error(Some(id), &HttpError::unauthorized(why)));
                }
                let (ask, requests) = mpsc::channel(SOCKET_REQUESTS_MAX);
                self.queries.insert(id, ask);
                let session = self.caller.session(&self.shared);
                let query_task =
                    SocketQuery::new(id, Arc::clone(&self.shared), session, requests, self.out.clone());
                tokio::spawn(query_task.run(query));
                None
            }
        }
    }

    /// Passes a request on to a query. One that has ended just now needs none.
    fn tell(&mut self, id: u64, request: Request) -> Option<String> {
        let query = self.queries.get(&id)?;
        match query.try_send(request) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(_)) => {
                let why = format!("Too many requests for one query wait (over {SOCKET_REQUESTS_MAX}).");
                Some(message::error(Some(id), &HttpError::bad_request(why)))
            }
        }
    }

    async fn cancel_all(&mut self) {
        for (_, query) in self.queries.drain() {
            if query.send(Request::Cancel).await.is_err() {
                // It has ended already.
                continue;
            }
        }
    }
}

/// Sends a message; `false` when the client does not take it.
async fn send(socket: &mut WebSocket, text: String) -> bool {
    matches!(timeout(SOCKET_SEND_TIMEOUT, socket.send(Message::Text(text.into()))).await, Ok(Ok(())))
}

/// Whether the client, or something between, has ended the connection.
fn end_of(frame: Option<&CloseFrame>) -> End {
    match frame.map(|frame| frame.code) {
        Some(close_code::NORMAL | close_code::AWAY) => End::Closed,
        _ => End::Lost,
    }
}
