//! The rows of one query.

use std::collections::VecDeque;

use photondb_datum::Datum;
use photondb_wire::{ResponseNote, ResponseType, Token};

use crate::{ClientError, Connection, Response};

/// The rows of one query, fetched batch by batch. An iterator: it ends with the rows, or
/// with an error.
pub struct Cursor<'a> {
    connection: &'a mut Connection,
    token: Token,
    rows: VecDeque<Datum>,
    notes: Vec<ResponseNote>,
    profile: Option<Datum>,
    sequence: bool,
    open: bool,
    /// The next batch is asked for and has not come yet.
    waiting: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn open(connection: &'a mut Connection, token: Token) -> Result<Self, ClientError> {
        let response = connection.receive(token)?;
        let mut cursor = Self {
            connection,
            token,
            rows: VecDeque::new(),
            notes: Vec::new(),
            profile: None,
            sequence: response.kind != ResponseType::SuccessAtom,
            open: false,
            waiting: false,
        };
        cursor.accept(response);
        Ok(cursor)
    }

    /// The query's token.
    pub fn token(&self) -> Token {
        self.token
    }

    /// What the server told about the rows.
    pub fn notes(&self) -> &[ResponseNote] {
        &self.notes
    }

    /// The profile, if the query asked for it.
    pub fn profile(&self) -> Option<&Datum> {
        self.profile.as_ref()
    }

    /// Whether the answer is a sequence; one value, an array too, comes as one row.
    pub fn is_sequence(&self) -> bool {
        self.sequence
    }

    /// Whether rows come for as long as they are waited for.
    pub fn is_feed(&self) -> bool {
        use ResponseNote as N;
        let feeds = [N::SequenceFeed, N::AtomFeed, N::OrderByLimitFeed, N::UnionedFeed];
        self.notes.iter().any(|note| feeds.contains(note))
    }

    /// Whether the server may have more rows.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The rows that are here already, without waiting.
    pub fn buffered(&mut self) -> impl Iterator<Item = Datum> + '_ {
        self.rows.drain(..)
    }

    /// Fetches the next batch; `false` when there is none. A time-out leaves the batch to
    /// be fetched again.
    pub fn fetch(&mut self) -> Result<bool, ClientError> {
        if !self.open {
            return Ok(false);
        }
        if !self.waiting {
            self.connection.continue_query(self.token)?;
            self.waiting = true;
        }
        match self.connection.receive(self.token) {
            Ok(response) => {
                self.waiting = false;
                self.accept(response);
                Ok(true)
            }
            Err(error) => {
                self.open = error.is_timeout();
                Err(error)
            }
        }
    }

    /// Ends the query and waits until the server has forgotten it.
    pub fn close(mut self) -> Result<(), ClientError> {
        if std::mem::take(&mut self.open) {
            self.connection.stop(self.token)?;
        }
        Ok(())
    }

    fn accept(&mut self, response: Response) {
        self.open = response.is_partial();
        self.rows.extend(response.rows);
        self.notes = response.notes;
        if response.profile.is_some() {
            self.profile = response.profile;
        }
    }
}

impl Iterator for Cursor<'_> {
    type Item = Result<Datum, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Some(Ok(row));
            }
            match self.fetch() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Drop for Cursor<'_> {
    fn drop(&mut self) {
        if self.open {
            // A connection that cannot be written to has ended the query already.
            drop(self.connection.forget(self.token, self.waiting));
        }
    }
}
