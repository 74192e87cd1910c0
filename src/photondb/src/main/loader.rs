//! Documents into a table, batch by batch.

use std::collections::VecDeque;
use std::io::Read;

use photondb_archive::Documents;
use photondb_client::{Connection, Term, Token};
use photondb_datum::Datum;

use crate::progress::Progress;
use crate::remote::CommandError;

/// Documents of one insert.
const BATCH_ROWS_MAX: usize = 1_000;
/// Bytes of their text after which an insert is sent; one document may be larger.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Inserts that are on their way: the server writes one while the next are read.
const INSERTS_UNANSWERED_MAX: usize = 4;
/// Elements of an array in a document. Whoever wrote it had a reason; the server's own limits
/// of size hold all the same.
const ARRAY_SIZE_MAX: u32 = u32::MAX;

/// Fills one table.
pub struct Loader<'a> {
    connection: &'a mut Connection,
    table: &'a Term,
    name: String,
    conflict: &'static str,
    batch: Vec<Term>,
    batch_bytes: usize,
    unanswered: VecDeque<Token>,
}

impl<'a> Loader<'a> {
    /// Fills a table, which errors call by a name.
    pub fn new(connection: &'a mut Connection, table: &'a Term, name: String, replace: bool) -> Self {
        Self {
            connection,
            table,
            name,
            conflict: if replace { "replace" } else { "error" },
            batch: Vec::new(),
            batch_bytes: 0,
            unanswered: VecDeque::new(),
        }
    }

    /// Inserts all documents; they are on disk when this returns.
    pub fn load(
        mut self,
        mut documents: Documents<impl Read>,
        progress: &mut Progress,
    ) -> Result<(), CommandError> {
        let mut bytes_before = 0;
        while let Some(document) = documents.next_document()? {
            let document = Term::from(document);
            self.batch_bytes += document.wire().len();
            self.batch.push(document);
            if self.batch.len() >= BATCH_ROWS_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
                self.send()?;
            }
            let bytes = documents.bytes_read();
            progress.advance(&self.name, 1, bytes - bytes_before);
            bytes_before = bytes;
        }
        self.send()?;
        while self.receive()? {}
        self.connection.run_value(&self.table.sync().start())?;
        Ok(())
    }

    fn send(&mut self) -> Result<(), CommandError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        if self.unanswered.len() >= INSERTS_UNANSWERED_MAX {
            self.receive()?;
        }
        // A hook has seen these documents when they were written first.
        let insert = self
            .table
            .insert(Term::array(&self.batch))
            .option("conflict", self.conflict)
            .option("durability", "soft")
            .option("ignore_write_hook", true);
        self.batch.clear();
        self.batch_bytes = 0;
        let query = insert.start_with(&[("array_limit", ARRAY_SIZE_MAX.into())]);
        self.unanswered.push_back(self.connection.send(&query)?);
        Ok(())
    }

    /// Waits for the oldest insert; `false` when there is none.
    fn receive(&mut self) -> Result<bool, CommandError> {
        let Some(token) = self.unanswered.pop_front() else { return Ok(false) };
        let response = self.connection.receive(token)?;
        let first_error = response.rows.first().and_then(|summary| summary.get("first_error"));
        match first_error.as_ref().and_then(Datum::as_str) {
            None => Ok(true),
            Some(error) => Err(CommandError::Refused(format!(
                "a document of {} cannot be inserted: {error}; what was restored before it stays",
                self.name
            ))),
        }
    }
}
