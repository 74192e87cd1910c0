//! Documents into a table, batch by batch.

use std::collections::VecDeque;

use photondb_client::Term;
use photondb_datum::Datum;

use crate::command_error::CommandError;
use crate::session::{Session, Ticket};

/// Documents of one insert.
pub const BATCH_ROWS_MAX: usize = 1_000;
/// Bytes of their text after which an insert is sent; one document may be larger.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Elements of an array in a document. Whoever wrote it had a reason; the server's own limits
/// of size hold all the same.
const ARRAY_SIZE_MAX: u32 = u32::MAX;

/// What becomes of a document whose key is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Conflict {
    /// Nothing is imported any more
    #[default]
    Error,
    /// The new document takes the place of the old one
    Replace,
    /// The fields of the new document are merged into the old one
    Update,
    /// The old document stays
    Keep,
}

/// How documents are written.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// What becomes of a document whose key is taken.
    pub conflict: Conflict,
    /// Whether each insert waits for the disk; otherwise the end of all does.
    pub hard_durability: bool,
    /// Whether the table's hook is passed by: it has seen the documents when they were written
    /// first.
    pub ignore_write_hook: bool,
    /// Inserts that are on their way: the server writes one while the next are read.
    pub inserts_unanswered_max: usize,
}

/// Fills one table.
pub struct Loader<'a> {
    session: &'a mut Session,
    table: &'a Term,
    /// What errors call the source.
    name: String,
    options: LoadOptions,
    batch: Batch,
    unanswered: VecDeque<(Ticket, Batch)>,
}

/// Documents of one insert, each with the place it comes from.
#[derive(Default)]
struct Batch {
    rows: Vec<(Datum, u64)>,
    terms: Vec<Term>,
    bytes: usize,
}

impl<'a> Loader<'a> {
    /// Fills a table from what errors call by a name.
    pub fn new(session: &'a mut Session, table: &'a Term, name: String, options: LoadOptions) -> Self {
        Self { session, table, name, options, batch: Batch::default(), unanswered: VecDeque::new() }
    }

    /// Takes a document and its place, a number that an error tells: of its line, or its row.
    pub fn push(&mut self, document: Datum, place: u64) -> Result<(), CommandError> {
        let term = Term::from(&document);
        self.batch.bytes += term.wire().len();
        self.batch.terms.push(term);
        self.batch.rows.push((document, place));
        if self.batch.rows.len() >= BATCH_ROWS_MAX || self.batch.bytes >= BATCH_BYTES_MAX {
            self.send()?;
        }
        Ok(())
    }

    /// Inserts what is left; all documents are on disk when this returns.
    pub fn finish(mut self) -> Result<(), CommandError> {
        self.send()?;
        while self.receive()? {}
        self.session.run(&self.table.sync())?;
        Ok(())
    }

    fn send(&mut self) -> Result<(), CommandError> {
        let batch = std::mem::take(&mut self.batch);
        if batch.rows.is_empty() {
            return Ok(());
        }
        if self.unanswered.len() >= self.options.inserts_unanswered_max {
            self.receive()?;
        }
        let insert = self.table.insert(Term::array(&batch.terms));
        let insert = match self.options.conflict {
            Conflict::Error => insert.option("conflict", "error"),
            Conflict::Replace => insert.option("conflict", "replace"),
            Conflict::Update => insert.option("conflict", "update"),
            Conflict::Keep => insert.option("conflict", Term::function3(|_, old, _| old)),
        };
        let insert = insert
            .option("durability", if self.options.hard_durability { "hard" } else { "soft" })
            .option("ignore_write_hook", self.options.ignore_write_hook);
        let query = insert.start_with(&[("array_limit", ARRAY_SIZE_MAX.into())]);
        self.unanswered.push_back((self.session.send(&query)?, batch));
        Ok(())
    }

    /// Waits for the oldest insert; `false` when there is none.
    fn receive(&mut self) -> Result<bool, CommandError> {
        let Some((ticket, batch)) = self.unanswered.pop_front() else { return Ok(false) };
        let Some(summary) = self.session.receive(ticket)?.next() else { return Ok(true) };
        let first_error = summary?.get("first_error");
        match first_error.as_ref().and_then(Datum::as_str) {
            None => Ok(true),
            Some(error) => {
                let place = self.place_of_failure(&batch);
                // What is under way is written or not; whoever goes on may meet it again.
                let name = &self.name;
                Err(CommandError::Refused(format!(
                    "{name} {place}: the document cannot be inserted: {error}"
                )))
            }
        }
    }

    /// The place of the first document of a batch that the table does not have as it was sent.
    fn place_of_failure(&mut self, batch: &Batch) -> String {
        let exact = self.first_missing(batch);
        let places = batch.rows.first().zip(batch.rows.last());
        match (exact, places) {
            (Some(place), _) => place.to_string(),
            (None, Some(((_, first), (_, last)))) => format!("{first} to {last}"),
            (None, None) => String::new(),
        }
    }

    fn first_missing(&mut self, batch: &Batch) -> Option<u64> {
        let info = self.session.run(&self.table.info()).ok()?;
        let primary_key = info.get("primary_key")?;
        for (document, place) in &batch.rows {
            let Some(key) = document.get(primary_key.as_str()?) else { continue };
            // A key that no document may have is an error of its own.
            let stored = self.session.run(&self.table.get(&key)).ok();
            if stored.as_ref() != Some(document) {
                return Some(*place);
            }
        }
        None
    }
}
