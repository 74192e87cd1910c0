//! Writes as values, and what comes of them.

use std::sync::Arc;

use photondb_base::TableId;
use photondb_datum::Datum;
use photondb_storage::{Acknowledgement, Durability};

use crate::function::{ConflictFunction, WriteFunction};

/// A write to one table.
#[derive(Clone, Debug)]
pub struct WriteOp {
    /// The table.
    pub table: TableId,
    /// What to write.
    pub kind: WriteKind,
    /// Overrides the table's own.
    pub durability: Option<Durability>,
    /// Whether old and new rows are handed back.
    pub return_changes: ReturnChanges,
    /// Whether the write hook is passed by.
    pub ignore_write_hook: bool,
    /// The time of the query in seconds since 1970, for the write hook.
    pub now_seconds: f64,
}

/// What a write does.
#[derive(Clone, Debug)]
pub enum WriteKind {
    /// Stores documents that carry their primary key.
    Insert {
        /// The documents.
        documents: Vec<Datum>,
        /// What happens when a key exists.
        conflict: Conflict,
    },
    /// Replaces the documents of some keys by what a function makes of them.
    Replace {
        /// Primary keys, distinct or not.
        keys: Vec<Datum>,
        /// The function.
        function: Arc<dyn WriteFunction>,
        /// What the user asked for; decides how absent rows are treated.
        verb: Verb,
    },
}

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `insert`
    Insert,
    /// `update`: an absent row is skipped without asking the function; the function's
    /// result is the whole new row.
    Update,
    /// `replace`
    Replace,
    /// `delete`: an absent row is skipped without asking the function.
    Delete,
}

/// What an insert does when the key exists.
#[derive(Clone, Debug)]
pub enum Conflict {
    /// An error of that row.
    Error,
    /// The new row takes the place of the old one.
    Replace,
    /// The new row is merged into the old one.
    Update,
    /// A function decides.
    Function(Arc<dyn ConflictFunction>),
}

/// Whether old and new rows are handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReturnChanges {
    /// Never.
    #[default]
    No,
    /// Those of rows that changed.
    Yes,
    /// Those of all rows, with errors and unchanged ones.
    Always,
}

/// What a write did: the counts that ReQL tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteSummary {
    /// Rows that were not there before.
    pub inserted: u64,
    /// Rows that changed.
    pub replaced: u64,
    /// Rows that were to change and are as before.
    pub unchanged: u64,
    /// Rows that are no longer there.
    pub deleted: u64,
    /// Rows that were absent and stay so.
    pub skipped: u64,
    /// Rows that were refused.
    pub errors: u64,
    /// The message of the first refused row.
    pub first_error: Option<String>,
    /// Old and new rows, in the order of the keys or documents of the write.
    pub changes: Vec<ChangePair>,
    /// Things the user should know.
    pub warnings: Vec<String>,
    /// How far the log must have come before the write is acknowledged.
    pub acknowledgement: Acknowledgement,
}

impl WriteSummary {
    /// Adds what a later part of the same write did.
    pub fn absorb(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.skipped += other.skipped;
        self.errors += other.errors;
        if self.first_error.is_none() {
            self.first_error = other.first_error;
        }
        self.changes.extend(other.changes);
        for warning in other.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.acknowledgement = self.acknowledgement.and(other.acknowledgement);
    }
}

/// The old and the new row of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangePair {
    /// Null when absent.
    pub old: Datum,
    /// Null when absent; equal to `old` when the row was refused or did not change.
    pub new: Datum,
    /// Why the row was refused.
    pub error: Option<String>,
}
