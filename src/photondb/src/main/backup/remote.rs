//! Backups of a server, over the driver protocol.

use std::collections::VecDeque;

use bytes::Bytes;
use photondb_backup::{BackupError, BackupSource, LogMark};
use photondb_client::{ClientError, Connection, Response, Token};
use photondb_datum::Datum;
use photondb_reql::BACKUP_QUERY_TYPE;

use crate::command_error::CommandError;

/// Backups of a server.
pub struct RemoteSource {
    connection: Connection,
    token: Token,
    rows: VecDeque<Datum>,
    /// The server has more, and was asked for it.
    is_open: bool,
    failure: Option<ClientError>,
}

impl RemoteSource {
    /// Over a connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection, token: Token(0), rows: VecDeque::new(), is_open: false, failure: None }
    }

    /// What the connection or the server said, if that is why it failed.
    pub fn failure(&mut self) -> Option<CommandError> {
        self.failure.take().map(CommandError::Client)
    }

    fn start(&mut self, after: Option<LogMark>) -> Result<(), ClientError> {
        let query = match after {
            None => format!("[{BACKUP_QUERY_TYPE}]"),
            Some(mark) => format!("[{BACKUP_QUERY_TYPE},\"{mark}\"]"),
        };
        self.token = self.connection.send(query.as_bytes())?;
        self.fetch()
    }

    /// Waits for a batch, and asks for the next one, which the server makes meanwhile.
    fn fetch(&mut self) -> Result<(), ClientError> {
        let response: Response = self.connection.receive(self.token)?;
        self.is_open = response.is_partial();
        if self.is_open {
            self.connection.continue_query(self.token)?;
        }
        self.rows.extend(response.rows);
        Ok(())
    }

    fn keep(&mut self, result: Result<(), ClientError>) -> Result<(), BackupError> {
        result.map_err(|error| {
            self.is_open = false;
            let source = BackupError::Source(error.to_string());
            self.failure = Some(error);
            source
        })
    }
}

impl BackupSource for RemoteSource {
    fn begin(&mut self, after: Option<LogMark>) -> Result<bool, BackupError> {
        let started = self.start(after);
        self.keep(started)?;
        let reason = self.rows.front().and_then(|row| row.get("discontinued"));
        if let Some(reason) = reason.as_ref().and_then(Datum::as_str) {
            let reason = reason.to_owned();
            self.rows.clear();
            return Err(BackupError::Discontinued { reason });
        }
        Ok(!self.rows.is_empty() || self.is_open)
    }

    fn next_piece(&mut self) -> Result<Option<Bytes>, BackupError> {
        while self.rows.is_empty() && self.is_open {
            let fetched = self.fetch();
            self.keep(fetched)?;
        }
        match self.rows.pop_front() {
            None => Ok(None),
            Some(Datum::Binary(piece)) => Ok(Some(piece)),
            Some(_) => Err(BackupError::Source("the server sent something that is no backup".to_owned())),
        }
    }
}
