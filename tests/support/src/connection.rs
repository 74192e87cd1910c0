//! Frames and answers of the driver protocol, over one blocking socket.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::handshake::{self, Version};
use crate::{SupportError, while_doing};

/// Response types of the driver protocol.
pub mod kind {
    /// One value.
    pub const ATOM: u64 = 1;
    /// The last (or only) batch of a sequence.
    pub const SEQUENCE: u64 = 2;
    /// A batch with more to come.
    pub const PARTIAL: u64 = 3;
    /// All noreply queries before are done.
    pub const WAIT_COMPLETE: u64 = 4;
    /// Facts about the server.
    pub const SERVER_INFO: u64 = 5;
    /// Types from here on are errors.
    pub const FIRST_ERROR: u64 = 16;
    /// The client sent nonsense.
    pub const CLIENT_ERROR: u64 = 16;
}

const HEADER_BYTES: usize = 12;
const READ_BYTES: usize = 64 * 1024;
const CONTINUE: &str = "[2]";
const STOP: &str = "[3]";
const NOREPLY_WAIT: &str = "[4]";
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// One response frame.
#[derive(Debug, Clone, Deserialize)]
pub struct Response {
    /// The type, see [`kind`].
    #[serde(rename = "t")]
    pub kind: u64,
    /// Values, or the message of an error.
    #[serde(rename = "r", default)]
    pub rows: Vec<Value>,
    /// The error's number.
    #[serde(rename = "e")]
    pub error: Option<u64>,
    /// The error's path into the query.
    #[serde(rename = "b")]
    pub backtrace: Option<Value>,
    /// Notes about a feed.
    #[serde(rename = "n", default)]
    pub notes: Vec<u64>,
}

impl Response {
    /// Whether this is any of the error types.
    pub fn is_error(&self) -> bool {
        self.kind >= kind::FIRST_ERROR
    }

    /// The message of an error.
    pub fn message(&self) -> &str {
        self.rows.first().and_then(Value::as_str).unwrap_or_default()
    }
}

/// All batches of one query, joined.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The last response; its rows are those of all batches, or an error's message.
    pub response: Response,
    /// Rows that arrived before a late error.
    pub rows_before_error: usize,
}

/// Why [`Connection::value`] has no value.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No answer came: the write may or may not have happened.
    #[error(transparent)]
    Support(#[from] SupportError),
    /// The server answered with an error.
    #[error("the server answered: {}", .0.message())]
    Server(Response),
}

/// A connection to the driver port.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// Responses of other tokens that arrived while one was awaited.
    inbox: HashMap<u64, VecDeque<Response>>,
    last_token: u64,
    /// How long [`Connection::value`] waits.
    pub timeout: Duration,
}

impl Connection {
    /// Connects and logs in with the newest handshake.
    pub fn open(port: u16, user: &str, password: &str, timeout: Duration) -> Result<Self, SupportError> {
        let mut connection = Self::open_silent(port, timeout)?;
        handshake::scram(&mut connection, user, password, timeout)?;
        Ok(connection)
    }

    /// Connects with the handshake of old drivers, which knows no users.
    pub fn open_v0_4(port: u16, timeout: Duration) -> Result<Self, SupportError> {
        Self::open_old(port, Version::V0_4, "", timeout)
    }

    /// Connects with an old handshake and an authorization key.
    pub fn open_old(port: u16, version: Version, key: &str, timeout: Duration) -> Result<Self, SupportError> {
        let mut connection = Self::open_silent(port, timeout)?;
        handshake::authorization_key(&mut connection, version, key, timeout)?;
        Ok(connection)
    }

    /// Connects and says nothing.
    pub fn open_silent(port: u16, timeout: Duration) -> Result<Self, SupportError> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(while_doing("connect"))?;
        stream.set_nodelay(true).map_err(while_doing("set TCP_NODELAY"))?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT)).map_err(while_doing("set the write timeout"))?;
        Ok(Self { stream, received: Vec::new(), inbox: HashMap::new(), last_token: 0, timeout })
    }

    /// Sends a query (JSON text, `[1, term, optargs]`) under a new token.
    pub fn send(&mut self, query: &str) -> Result<u64, SupportError> {
        self.last_token += 1;
        self.send_as(self.last_token, query)?;
        Ok(self.last_token)
    }

    /// Asks for the next batch of a cursor.
    pub fn send_continue(&mut self, token: u64) -> Result<(), SupportError> {
        self.send_as(token, CONTINUE)
    }

    /// Ends a cursor.
    pub fn send_stop(&mut self, token: u64) -> Result<(), SupportError> {
        self.send_as(token, STOP)
    }

    /// Waits until every noreply query of this connection is done.
    pub fn noreply_wait(&mut self, timeout: Duration) -> Result<Response, SupportError> {
        let token = self.send(NOREPLY_WAIT)?;
        self.receive(token, timeout)
    }

    /// Sends a frame with any token and body.
    pub fn send_as(&mut self, token: u64, body: &str) -> Result<(), SupportError> {
        let mut frame = Vec::with_capacity(HEADER_BYTES + body.len());
        frame.extend_from_slice(&token.to_le_bytes());
        frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
        frame.extend_from_slice(body.as_bytes());
        self.send_bytes(&frame)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), SupportError> {
        self.stream.write_all(bytes).map_err(while_doing("send"))
    }

    /// The next response for `token`.
    pub fn receive(&mut self, token: u64, timeout: Duration) -> Result<Response, SupportError> {
        let end = Instant::now() + timeout;
        loop {
            if let Some(response) = self.inbox.get_mut(&token).and_then(VecDeque::pop_front) {
                return Ok(response);
            }
            let (other, response) = self.receive_frame(end)?;
            self.inbox.entry(other).or_default().push_back(response);
        }
    }

    /// Sends a query and joins all batches of its answer.
    pub fn run(&mut self, query: &str, timeout: Duration) -> Result<Answer, SupportError> {
        let end = Instant::now() + timeout;
        let token = self.send(query)?;
        let mut response = self.receive(token, timeout)?;
        let mut rows = Vec::new();
        while response.kind == kind::PARTIAL {
            rows.append(&mut response.rows);
            self.send_continue(token)?;
            response = self.receive(token, end.saturating_duration_since(Instant::now()))?;
        }
        let rows_before_error = if response.is_error() { rows.len() } else { 0 };
        if response.kind == kind::SEQUENCE {
            rows.append(&mut response.rows);
            response.rows = rows;
        }
        Ok(Answer { response, rows_before_error })
    }

    /// Runs a term (JSON text) and gives its value; a sequence becomes an array.
    pub fn value(&mut self, term: &str) -> Result<Value, Failure> {
        let answer = self.run(&format!("[1,{term},{{}}]"), self.timeout)?;
        let mut response = answer.response;
        match response.kind {
            kind::ATOM if response.rows.len() == 1 => Ok(response.rows.remove(0)),
            kind::SEQUENCE => Ok(Value::Array(response.rows)),
            _ => Err(Failure::Server(response)),
        }
    }

    /// Reads up to and without the next zero byte.
    pub fn read_to_zero(&mut self, timeout: Duration) -> Result<Vec<u8>, SupportError> {
        let end = Instant::now() + timeout;
        let mut searched = 0;
        loop {
            if let Some(at) = self.received[searched..].iter().position(|&byte| byte == 0) {
                let text = self.received[..searched + at].to_vec();
                self.received.drain(..=searched + at);
                return Ok(text);
            }
            searched = self.received.len();
            self.fill(end)?;
        }
    }

    /// Reads everything until the server closes the connection.
    pub fn read_to_close(&mut self, timeout: Duration) -> Result<Vec<u8>, SupportError> {
        let end = Instant::now() + timeout;
        loop {
            match self.fill(end) {
                Ok(()) => {}
                Err(SupportError::Closed) => return Ok(std::mem::take(&mut self.received)),
                Err(error) => return Err(error),
            }
        }
    }

    fn receive_frame(&mut self, end: Instant) -> Result<(u64, Response), SupportError> {
        while self.received.len() < HEADER_BYTES {
            self.fill(end)?;
        }
        let (token, rest) = self.received.split_at(8);
        let token = u64::from_le_bytes(token.try_into().expect("eight bytes"));
        let size = u32::from_le_bytes(rest[..4].try_into().expect("four bytes")) as usize;
        while self.received.len() < HEADER_BYTES + size {
            self.fill(end)?;
        }
        let parsed = serde_json::from_slice(&self.received[HEADER_BYTES..HEADER_BYTES + size]);
        self.received.drain(..HEADER_BYTES + size);
        Ok((token, parsed?))
    }

    /// Takes what the socket has, waiting until `end` for at least one byte.
    fn fill(&mut self, end: Instant) -> Result<(), SupportError> {
        // A zero timeout would mean "for ever" to the system.
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left)).map_err(while_doing("set the read timeout"))?;
        let before = self.received.len();
        self.received.resize(before + READ_BYTES, 0);
        let result = self.stream.read(&mut self.received[before..]);
        self.received.truncate(before + result.as_ref().copied().unwrap_or(0));
        match result {
            Ok(0) => Err(SupportError::Closed),
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                    Err(SupportError::Timeout { timeout_ms: left.as_millis() })
                }
                ErrorKind::Interrupted => Ok(()),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Err(SupportError::Closed),
                _ => Err(while_doing("receive")(error)),
            },
        }
    }
}
