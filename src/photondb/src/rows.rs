//! The answer to a query of an embedded database.

use std::collections::VecDeque;
use std::sync::Arc;

use photondb_datum::Datum;
use photondb_exec::{Answer, Outcome, ResultStream};
use photondb_storage::{Acknowledgement, Engine};
use photondb_table::Budget;

use crate::error::RunError;

/// The rows of a query, made batch by batch as they are asked for. An iterator: it ends with
/// the rows, or with an error. One value, an array too, comes as one row.
pub struct Rows {
    ready: VecDeque<Datum>,
    stream: Option<Box<dyn ResultStream>>,
    budget: Budget,
    is_sequence: bool,
    profile: Option<Datum>,
    /// How far the log must have come before the last row is given.
    acknowledgement: Acknowledgement,
    engine: Arc<dyn Engine>,
}

impl Rows {
    pub(crate) fn new(answer: Answer, engine: Arc<dyn Engine>, budget: Budget) -> Result<Self, RunError> {
        let is_sequence = !matches!(answer.outcome, Outcome::Atom(_));
        let (ready, stream) = match answer.outcome {
            Outcome::Atom(value) => (VecDeque::from([value]), None),
            Outcome::Stream(stream) => (VecDeque::new(), Some(stream)),
            Outcome::Feed(_) => return Err(RunError::Endless),
        };
        let (profile, acknowledgement) = (answer.profile, answer.acknowledgement);
        let rows = Self { ready, stream, budget, is_sequence, profile, acknowledgement, engine };
        if rows.stream.is_none() {
            rows.wait_for_log()?;
        }
        Ok(rows)
    }

    /// Whether the answer is a sequence rather than one value.
    pub fn is_sequence(&self) -> bool {
        self.is_sequence
    }

    /// The profile, if the query asked for one.
    pub fn profile(&self) -> Option<&Datum> {
        self.profile.as_ref()
    }

    /// The rows that are made already.
    pub fn buffered(&mut self) -> impl Iterator<Item = Datum> + '_ {
        self.ready.drain(..)
    }

    /// Makes the next batch; `false` when there is none.
    pub fn fetch(&mut self) -> Result<bool, RunError> {
        let Some(stream) = &mut self.stream else { return Ok(false) };
        let mut batch = Vec::new();
        let goes_on = match stream.next_batch(&self.budget, &mut batch) {
            Ok(goes_on) => goes_on,
            Err(error) => {
                self.stream = None;
                return Err(error.into());
            }
        };
        self.ready.extend(batch);
        if !goes_on {
            self.stream = None;
            self.wait_for_log()?;
        }
        Ok(true)
    }

    fn wait_for_log(&self) -> Result<(), RunError> {
        Ok(self.acknowledgement.wait(self.engine.as_ref())?)
    }
}

impl Iterator for Rows {
    type Item = Result<Datum, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.ready.pop_front() {
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
