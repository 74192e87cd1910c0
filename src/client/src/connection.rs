//! One connection.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use photondb_datum::Datum;
use photondb_wire::{ClientHandshake, NONCE_BYTES, Token, take_frame, write_frame};

use crate::stream::Stream;
use crate::{ClientError, Cursor, Options, Response, Term};

/// Bytes read from the socket at once.
const READ_BYTES: usize = 64 * 1024;

/// A connection to a server. Any number of queries may be under way: each [`send`](Self::send)
/// gives a token, and [`receive`](Self::receive) waits for the answer to one of them.
pub struct Connection {
    stream: Stream,
    input: BytesMut,
    response_bytes_max: usize,
    token_next: u64,
    /// Answers that arrived before anybody asked for them.
    early: HashMap<Token, VecDeque<Bytes>>,
    /// Answers that nobody wants any more, per query.
    forgotten: HashMap<Token, u32>,
}

impl Connection {
    /// Connects and logs in.
    pub fn open(options: &Options) -> Result<Self, ClientError> {
        let stream = connect(options)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(options.connect_timeout))?;
        stream.set_write_timeout(options.write_timeout)?;
        let mut connection = Self {
            stream: Stream::new(stream, options)?,
            input: BytesMut::new(),
            response_bytes_max: options.response_bytes_max,
            token_next: 1,
            early: HashMap::new(),
            forgotten: HashMap::new(),
        };
        connection.log_in(options)?;
        connection.set_read_timeout(options.read_timeout)?;
        Ok(connection)
    }

    /// How long [`receive`](Self::receive) waits; `None` for ever. An answer that comes
    /// later is kept.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> Result<(), ClientError> {
        Ok(self.stream.socket().set_read_timeout(timeout)?)
    }

    /// Sends a query in its wire form, `[1, term, options]`, and does not wait.
    pub fn send(&mut self, query: &[u8]) -> Result<Token, ClientError> {
        let token = Token(self.token_next);
        self.token_next += 1;
        self.send_as(token, query)?;
        Ok(token)
    }

    /// Sends on a token of one's own choice: `[2]` to go on, `[3]` to stop.
    pub fn send_as(&mut self, token: Token, query: &[u8]) -> Result<(), ClientError> {
        if u32::try_from(query.len()).is_err() {
            return Err(ClientError::QueryTooLarge(query.len()));
        }
        let mut frame = Vec::with_capacity(query.len() + 12);
        write_frame(token, query, &mut frame);
        self.stream.write_all(&frame)?;
        Ok(())
    }

    /// Waits for an answer to a query; an answer with an error becomes that error.
    pub fn receive(&mut self, token: Token) -> Result<Response, ClientError> {
        Response::parse(&self.receive_bytes(token)?)
    }

    /// Waits for an answer to a query and keeps it for whoever receives it; `false` when it
    /// did not come within the time-out.
    pub fn wait(&mut self, token: Token) -> Result<bool, ClientError> {
        match self.receive_bytes(token) {
            Ok(body) => {
                self.early.entry(token).or_default().push_front(body);
                Ok(true)
            }
            Err(error) if error.is_timeout() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits for an answer to a query and gives its JSON text.
    pub fn receive_bytes(&mut self, token: Token) -> Result<Bytes, ClientError> {
        loop {
            if let Some(body) = self.take_early(token) {
                return Ok(body);
            }
            while let Some(frame) =
                take_frame(&mut self.input, self.response_bytes_max).map_err(ClientError::ResponseTooLarge)?
            {
                if frame.token == token {
                    return Ok(frame.body);
                }
                if !self.is_forgotten(frame.token) {
                    self.early.entry(frame.token).or_default().push_back(frame.body);
                }
            }
            self.read_some()?;
        }
    }

    /// Waits for the next answer to any query and gives its JSON text.
    pub fn receive_any(&mut self) -> Result<(Token, Bytes), ClientError> {
        let early = self.early.keys().next().copied();
        if let Some((token, body)) = early.and_then(|token| Some((token, self.take_early(token)?))) {
            return Ok((token, body));
        }
        loop {
            while let Some(frame) =
                take_frame(&mut self.input, self.response_bytes_max).map_err(ClientError::ResponseTooLarge)?
            {
                if !self.is_forgotten(frame.token) {
                    return Ok((frame.token, frame.body));
                }
            }
            self.read_some()?;
        }
    }

    /// Runs a query and gives all its rows; the rows of an array come as one row.
    pub fn run(&mut self, query: &[u8]) -> Result<Vec<Datum>, ClientError> {
        self.cursor(query)?.collect()
    }

    /// Runs a query whose result is one value.
    pub fn run_value(&mut self, query: &[u8]) -> Result<Datum, ClientError> {
        let token = self.send(query)?;
        let response = self.receive(token)?;
        let partial = response.is_partial();
        let mut rows = response.rows;
        if partial {
            self.forget(token, false)?;
        }
        match (rows.pop(), rows.is_empty()) {
            (Some(value), true) if !partial => Ok(value),
            _ => Err(ClientError::Malformed("a sequence where one value was asked for")),
        }
    }

    /// How the server would run a term, without running it: an object with the query as
    /// text, the stages that rows pass through, and the tree of operations. Servers other
    /// than PhotonDB refuse to tell.
    pub fn explain(&mut self, term: &Term) -> Result<Datum, ClientError> {
        self.run_value(&term.explain())
    }

    /// Runs a query and gives its rows as they come. The connection is free for other
    /// queries when the cursor is gone.
    pub fn cursor(&mut self, query: &[u8]) -> Result<Cursor<'_>, ClientError> {
        let token = self.send(query)?;
        self.cursor_of(token)
    }

    /// The rows of a query that was sent.
    pub fn cursor_of(&mut self, token: Token) -> Result<Cursor<'_>, ClientError> {
        Cursor::open(self, token)
    }

    /// Sends a query whose answer nobody wants; it must say so itself
    /// (`{"noreply": true}`).
    pub fn run_noreply(&mut self, query: &[u8]) -> Result<(), ClientError> {
        self.send(query).map(|_| ())
    }

    /// Waits until every query without reply is done.
    pub fn noreply_wait(&mut self) -> Result<(), ClientError> {
        let token = self.send(b"[4]")?;
        self.receive(token).map(|_| ())
    }

    /// The server's id and name.
    pub fn server_info(&mut self) -> Result<Datum, ClientError> {
        let token = self.send(b"[5]")?;
        let response = self.receive(token)?;
        response.rows.into_iter().next().ok_or(ClientError::Malformed("no server info"))
    }

    /// Asks for the next rows of a query.
    pub fn continue_query(&mut self, token: Token) -> Result<(), ClientError> {
        self.send_as(token, b"[2]")
    }

    /// Ends a query and waits until the server has forgotten it. Rows that were on their
    /// way are lost.
    pub fn stop(&mut self, token: Token) -> Result<(), ClientError> {
        self.early.remove(&token);
        self.send_as(token, b"[3]")?;
        while self.receive(token)?.is_partial() {}
        Ok(())
    }

    /// Ends a query and does not wait. When a batch is `waiting` to come, two answers are
    /// on their way: that one and the end.
    pub(crate) fn forget(&mut self, token: Token, waiting: bool) -> Result<(), ClientError> {
        self.early.remove(&token);
        self.forgotten.insert(token, 1 + u32::from(waiting));
        self.send_as(token, b"[3]")
    }

    /// Whether an answer that arrived is one that nobody wants.
    fn is_forgotten(&mut self, token: Token) -> bool {
        let Some(count) = self.forgotten.get_mut(&token) else { return false };
        *count -= 1;
        if *count == 0 {
            self.forgotten.remove(&token);
        }
        true
    }

    fn take_early(&mut self, token: Token) -> Option<Bytes> {
        let bodies = self.early.get_mut(&token)?;
        let body = bodies.pop_front();
        if bodies.is_empty() {
            self.early.remove(&token);
        }
        body
    }

    fn log_in(&mut self, options: &Options) -> Result<(), ClientError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| std::io::Error::other(error.to_string()))?;
        let mut output = Vec::new();
        let mut handshake =
            ClientHandshake::begin(options.user.clone(), options.password.clone(), nonce, &mut output);
        loop {
            self.stream.write_all(&output)?;
            output.clear();
            self.read_some()?;
            let mut rest: &[u8] = &self.input;
            let open = handshake.advance(&mut rest, &mut output)?;
            let taken = self.input.len() - rest.len();
            drop(self.input.split_to(taken));
            if open {
                return Ok(());
            }
        }
    }

    /// Appends what the socket has to the input; waits for it.
    fn read_some(&mut self) -> Result<(), ClientError> {
        let start = self.input.len();
        self.input.resize(start + READ_BYTES, 0);
        let outcome = loop {
            match self.stream.read(&mut self.input[start..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.input.truncate(start + outcome.as_ref().copied().unwrap_or(0));
        match outcome {
            Ok(0) => Err(ClientError::Closed),
            Ok(_) => Ok(()),
            // Without the farewell of TLS, as when a server is killed.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ClientError::Closed),
            Err(error) => Err(error.into()),
        }
    }
}

fn connect(options: &Options) -> Result<TcpStream, ClientError> {
    let addresses = (options.host.as_str(), options.port).to_socket_addrs()?;
    let mut failure = ClientError::UnknownHost(options.host.clone());
    for address in addresses {
        match TcpStream::connect_timeout(&address, options.connect_timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}
