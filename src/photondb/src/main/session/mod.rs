//! A database that a command asks: a server, or a directory opened in this process.

mod arguments;

use std::sync::Arc;
use std::time::Duration;

use photondb::{Database, RunError};
use photondb_client::{ClientError, Connection, Cursor, Term, Token};
use photondb_datum::Datum;
use photondb_reql::TermType;

pub use arguments::{Address, SessionArguments, SessionPool};

use crate::command_error::CommandError;

/// How often whoever waits asks whether to go on.
const PATIENCE: Duration = Duration::from_millis(100);

/// A database that is open for questions. Any number of queries may be under way.
pub enum Session {
    /// Over the driver protocol.
    Remote(Box<Connection>),
    /// In this process, as `admin`.
    Embedded(Arc<Database>),
}

/// A query that was sent and whose answer nobody has looked at.
pub enum Ticket {
    /// Under way.
    Remote(Token),
    /// Opened; an error waits for whoever asks.
    Embedded(Box<Result<photondb::Rows, RunError>>),
}

impl Session {
    /// Sends a query in its wire form, `[1, term, options]`, and does not wait for the answer.
    pub fn send(&mut self, query: &[u8]) -> Result<Ticket, CommandError> {
        match self {
            Self::Remote(connection) => Ok(Ticket::Remote(connection.send(query)?)),
            Self::Embedded(database) => Ok(Ticket::Embedded(Box::new(database.query(query)))),
        }
    }

    /// Waits for the beginning of an answer.
    pub fn receive(&mut self, ticket: Ticket) -> Result<Rows<'_>, CommandError> {
        match (self, ticket) {
            (Self::Remote(connection), Ticket::Remote(token)) => {
                Ok(Rows::Remote(connection.cursor_of(token)?))
            }
            (_, Ticket::Embedded(rows)) => Ok(Rows::Embedded(Box::new((*rows)?))),
            (Self::Embedded(_), Ticket::Remote(_)) => {
                Err(CommandError::Refused("the answer belongs to another session".to_owned()))
            }
        }
    }

    /// The same, but gives up, and stops the query, when `goes_on` says so; `None` then. What
    /// runs in this process cannot be given up.
    pub fn receive_while(
        &mut self,
        ticket: Ticket,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<Rows<'_>>, CommandError> {
        if let (Self::Remote(connection), Ticket::Remote(token)) = (&mut *self, &ticket) {
            connection.set_read_timeout(Some(PATIENCE))?;
            while !connection.wait(*token)? {
                if !goes_on() {
                    connection.set_read_timeout(None)?;
                    connection.stop(*token)?;
                    return Ok(None);
                }
            }
        }
        self.receive(ticket).map(Some)
    }

    /// Waits without end again, after [`receive_while`](Self::receive_while).
    pub fn wait_without_end(&mut self) -> Result<(), CommandError> {
        match self {
            Self::Remote(connection) => Ok(connection.set_read_timeout(None)?),
            Self::Embedded(_) => Ok(()),
        }
    }

    /// Runs a query and gives its rows as they come.
    pub fn rows(&mut self, query: &[u8]) -> Result<Rows<'_>, CommandError> {
        let ticket = self.send(query)?;
        self.receive(ticket)
    }

    /// Runs a query to its end: its one value, or its rows as an array.
    pub fn value(&mut self, query: &[u8]) -> Result<Datum, CommandError> {
        let ticket = self.send(query)?;
        self.receive(ticket)?.into_value()
    }

    /// Runs a term to its end: its one value, or its rows as an array.
    pub fn run(&mut self, term: &Term) -> Result<Datum, CommandError> {
        self.value(&term.start())
    }

    /// Runs a term that gives names.
    pub fn names(&mut self, term: &Term) -> Result<Vec<String>, CommandError> {
        let names = self.run(term)?;
        let names = names.as_array().into_iter().flatten();
        Ok(names.filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// The names of all databases.
    pub fn databases(&mut self) -> Result<Vec<String>, CommandError> {
        self.names(&Term::call(TermType::DbList, &[], &[]))
    }
}

/// The rows of one query, fetched batch by batch. An iterator: it ends with the rows, or with
/// an error. Dropped before its end, it ends the query.
pub enum Rows<'a> {
    /// From a server.
    Remote(Cursor<'a>),
    /// From this process.
    Embedded(Box<photondb::Rows>),
}

impl Rows<'_> {
    /// Whether the answer is a sequence; one value, an array too, comes as one row.
    pub fn is_sequence(&self) -> bool {
        match self {
            Self::Remote(cursor) => cursor.is_sequence(),
            Self::Embedded(rows) => rows.is_sequence(),
        }
    }

    /// Whether rows come for as long as they are waited for.
    pub fn is_feed(&self) -> bool {
        match self {
            Self::Remote(cursor) => cursor.is_feed(),
            Self::Embedded(_) => false,
        }
    }

    /// The rows that are here already, without waiting.
    pub fn buffered(&mut self) -> Vec<Datum> {
        match self {
            Self::Remote(cursor) => cursor.buffered().collect(),
            Self::Embedded(rows) => rows.buffered().collect(),
        }
    }

    /// The profile, if the query asked for one.
    pub fn profile(&self) -> Option<&Datum> {
        match self {
            Self::Remote(cursor) => cursor.profile(),
            Self::Embedded(rows) => rows.profile(),
        }
    }

    /// Waits for the next batch, while `goes_on` says so; `false` when there is none.
    pub fn fetch_while(&mut self, goes_on: &dyn Fn() -> bool) -> Result<bool, CommandError> {
        match self {
            Self::Remote(cursor) => loop {
                match cursor.fetch() {
                    Err(error) if ClientError::is_timeout(&error) => {
                        if !goes_on() {
                            return Ok(false);
                        }
                    }
                    other => return Ok(goes_on() && other?),
                }
            },
            Self::Embedded(rows) => Ok(goes_on() && rows.fetch()?),
        }
    }

    fn into_value(mut self) -> Result<Datum, CommandError> {
        let is_sequence = self.is_sequence();
        let mut rows = Vec::new();
        for row in &mut self {
            rows.push(row?);
        }
        match rows.pop() {
            Some(value) if !is_sequence => Ok(value),
            last => {
                rows.extend(last);
                Ok(Datum::array(rows))
            }
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Datum, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Remote(cursor) => cursor.next().map(|row| row.map_err(CommandError::from)),
            Self::Embedded(rows) => rows.next().map(|row| row.map_err(CommandError::from)),
        }
    }
}
