//! The server's side of a connection: bytes in, events and bytes out.

use bytes::BytesMut;
use photondb_base::limits::QUERY_BYTES_MAX;
use photondb_reql::ReqlError;

use crate::frame::{Frame, take_frame};
use crate::handshake::{Credentials, Handshake, HandshakeError, Progress, Version};
use crate::response::write_error;
use crate::scram::NONCE_BYTES;

/// What happened on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The user is in.
    Authenticated {
        /// Who.
        user: String,
        /// How the driver speaks; before 0.4, queries are answered one after the other.
        version: Version,
    },
    /// A query, a continuation, a stop.
    Query(Frame),
    /// The handshake failed: send what is to be sent, close.
    Refused(HandshakeError),
    /// The driver sent too much at once: send what is to be sent, close.
    TooLarge,
}

enum State {
    Handshake(Box<Handshake>),
    Open,
    Closed,
}

/// The protocol of one connection.
pub struct ServerProtocol {
    state: State,
    input: BytesMut,
    query_bytes_max: usize,
}

impl ServerProtocol {
    /// A new connection. `nonce` must be fresh random bytes.
    pub fn new(server_version: impl Into<String>, nonce: [u8; NONCE_BYTES]) -> Self {
        Self {
            state: State::Handshake(Box::new(Handshake::new(server_version, nonce))),
            input: BytesMut::new(),
            // RethinkDB refuses the limit itself.
            query_bytes_max: QUERY_BYTES_MAX - 1,
        }
    }

    /// Another limit for the size of a query.
    #[must_use]
    pub fn with_query_bytes_max(mut self, query_bytes_max: usize) -> Self {
        self.query_bytes_max = query_bytes_max;
        self
    }

    /// Takes bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Where a socket may read into directly, by appending.
    pub fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Whether nothing more will happen.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The next event; `None` when more bytes are needed. Answers that the protocol gives
    /// by itself are appended to `output`.
    pub fn next_event(&mut self, credentials: &dyn Credentials, output: &mut Vec<u8>) -> Option<Event> {
        match &mut self.state {
            State::Handshake(handshake) => {
                let mut rest: &[u8] = &self.input;
                let progress = handshake.advance(&mut rest, credentials, output);
                let taken = self.input.len() - rest.len();
                drop(self.input.split_to(taken));
                match progress {
                    Progress::Pending => None,
                    Progress::Authenticated { user, version } => {
                        self.state = State::Open;
                        Some(Event::Authenticated { user, version })
                    }
                    Progress::Refused(error) => {
                        self.close();
                        Some(Event::Refused(error))
                    }
                }
            }
            State::Open => match take_frame(&mut self.input, self.query_bytes_max) {
                Ok(frame) => frame.map(Event::Query),
                Err(error) => {
                    write_error(error.token, &ReqlError::client(error.to_string()), None, output);
                    self.close();
                    Some(Event::TooLarge)
                }
            },
            State::Closed => {
                self.input.clear();
                None
            }
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.input = BytesMut::new();
    }
}
