//! Checks of stored tables: every document has its entries in every index, and every entry
//! its document.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use photondb_datum::{Datum, Text, packed};
use photondb_storage::{Direction, KeyRange, Snapshot, StorageError};

use super::effect::{Scratch, entries_for};
use super::entry::FoundEntry;
use super::keys;
use super::table::{OpenIndex, TableState};
use super::unique::{duplicate, shown_key};
use crate::error::{RowError, TableError};
use crate::function::Evaluator;
use crate::layout::TableLayout;
use crate::limits::{CHECK_PROBLEMS_MAX, CHECK_PROGRESS_ROWS};

/// What a check of a table has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableReport {
    /// Documents that were read.
    pub documents: u64,
    /// Index entries that there are.
    pub entries: u64,
    /// Indexes that are not built yet; they are built when the table is opened.
    pub indexes_unfinished: u64,
    /// What is wrong; at most [`CHECK_PROBLEMS_MAX`] are told.
    pub problems: Vec<TableProblem>,
    /// How much is wrong.
    pub problem_count: u64,
}

/// Something that is wrong with a table. Keys are told as JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum TableProblem {
    /// A document cannot be decoded.
    Document {
        /// Its primary key.
        key: String,
    },
    /// A document is not where its primary key says.
    Key {
        /// The key that it is stored at.
        key: String,
    },
    /// The function of an index cannot be loaded, so that its entries cannot be judged.
    Function {
        /// The index.
        index: Text,
        /// Why.
        error: RowError,
    },
    /// An entry that a document must have is not there, or says something else.
    MissingEntry {
        /// The index.
        index: Text,
        /// The primary key of the document.
        key: String,
    },
    /// An entry that no document must have is there.
    StrayEntry {
        /// The index.
        index: Text,
        /// The primary key of the document that it would lead to.
        key: String,
    },
    /// An entry that cannot be read.
    MalformedEntry {
        /// The index.
        index: Text,
    },
    /// Two documents have the same value in a unique index.
    Duplicate {
        /// What the build of the index would complain about.
        error: RowError,
    },
}

impl fmt::Display for TableProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document { key } => write!(f, "the document with the primary key `{key}` cannot be read"),
            Self::Key { key } => {
                write!(f, "the document that is stored at the primary key `{key}` has another one")
            }
            Self::Function { index, error } => {
                write!(f, "the function of index `{index}` cannot be loaded: {error}")
            }
            Self::MissingEntry { index, key } => {
                write!(f, "index `{index}` lacks an entry of the document with the primary key `{key}`")
            }
            Self::StrayEntry { index, key } => write!(
                f,
                "index `{index}` has an entry that the document with the primary key `{key}` does not have"
            ),
            Self::MalformedEntry { index } => write!(f, "index `{index}` has an entry that cannot be read"),
            Self::Duplicate { error } => write!(f, "{error}"),
        }
    }
}

/// Checks a table as it is stored. `progress` is told now and then how many documents have
/// been read. An error means that the storage could not be read.
pub fn check_table(
    snapshot: &Arc<dyn Snapshot>,
    layout: TableLayout,
    evaluator: &Arc<dyn Evaluator>,
    progress: &mut dyn FnMut(u64),
) -> Result<TableReport, TableError> {
    let state = TableState::new(TableLayout { write_hook: None, ..layout }, evaluator);
    let mut check =
        Check { snapshot, state: &state, scratch: Scratch::default(), report: TableReport::default() };
    check.run(progress)?;
    Ok(check.report)
}

struct Check<'a> {
    snapshot: &'a Arc<dyn Snapshot>,
    state: &'a TableState,
    scratch: Scratch,
    report: TableReport,
}

/// An index and how many of its entries were found from documents.
struct Judged<'a> {
    index: &'a OpenIndex,
    found: u64,
}

impl Check<'_> {
    fn run(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), TableError> {
        let state = self.state;
        let mut indexes = Vec::new();
        for index in &state.indexes {
            if !index.ready.load(std::sync::atomic::Ordering::Acquire) {
                self.report.indexes_unfinished += 1;
            } else if let Some(error) = index.error() {
                let index = index.name.read().clone();
                self.problem(TableProblem::Function { index, error: error.clone() });
            } else {
                indexes.push(Judged { index, found: 0 });
            }
        }
        self.documents(&mut indexes, progress)?;
        for judged in indexes {
            let entries = self.snapshot.count(judged.index.tree, &KeyRange::all())?;
            self.report.entries += entries;
            // Entries have distinct keys: when all have been found none is left over.
            if entries != judged.found {
                self.stray_entries(judged.index)?;
            }
        }
        Ok(())
    }

    fn documents(
        &mut self,
        indexes: &mut [Judged<'_>],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), TableError> {
        let mut cursor = self.snapshot.range(self.state.layout.tree, KeyRange::all(), Direction::Forward);
        while let Some((key, bytes)) = cursor.next()? {
            self.report.documents += 1;
            if self.report.documents.is_multiple_of(CHECK_PROGRESS_ROWS) {
                progress(self.report.documents);
            }
            let Ok(document) = packed::decode(bytes) else {
                self.problem(TableProblem::Document { key: shown_key(&key) });
                continue;
            };
            let own = document.get(&self.state.layout.primary_key).and_then(|own| keys::primary(&own).ok());
            if own.as_ref() != Some(&key) {
                self.problem(TableProblem::Key { key: shown_key(&key) });
            }
            for judged in &mut *indexes {
                judged.found += self.entries(judged.index, &key, &document)?;
            }
        }
        Ok(())
    }

    /// Looks for the entries of a document; how many there are.
    fn entries(&mut self, index: &OpenIndex, key: &Bytes, document: &Datum) -> Result<u64, TableError> {
        entries_for(index, key, document, &mut self.scratch);
        let (mut found, mut problems) = (0, Vec::new());
        for entry in self.scratch.entries() {
            let stored = self.snapshot.get(index.tree, &entry.key)?;
            if stored.is_some_and(|stored| stored == entry.value.as_slice()) {
                found += 1;
            } else {
                let name = index.name.read().clone();
                problems.push(TableProblem::MissingEntry { index: name, key: shown_key(key) });
            }
            if index.unique
                && let Some(duplicate) =
                    duplicate(self.snapshot, self.state.layout.tree, index, entry, key, document)?
            {
                problems.push(TableProblem::Duplicate { error: duplicate.failure(index) });
            }
        }
        problems.into_iter().for_each(|problem| self.problem(problem));
        Ok(found)
    }

    /// Looks for entries that no document has.
    fn stray_entries(&mut self, index: &OpenIndex) -> Result<(), StorageError> {
        let name = index.name.read().clone();
        let mut cursor = self.snapshot.range(index.tree, KeyRange::all(), Direction::Forward);
        while let Some((key, value)) = cursor.next()? {
            let Some(entry) = FoundEntry::parse(key.clone(), &value) else {
                self.problem(TableProblem::MalformedEntry { index: name.clone() });
                continue;
            };
            let primary = entry.primary();
            let stored = self.snapshot.get(self.state.layout.tree, &primary)?;
            let document = stored.and_then(|bytes| packed::decode(bytes).ok());
            let known = document.is_some_and(|document| {
                entries_for(index, &primary, &document, &mut self.scratch);
                self.scratch.entries().iter().any(|entry| entry.key == key)
            });
            if !known {
                let key = shown_key(&primary);
                self.problem(TableProblem::StrayEntry { index: name.clone(), key });
            }
        }
        Ok(())
    }

    fn problem(&mut self, problem: TableProblem) {
        self.report.problem_count += 1;
        if self.report.problems.len() < CHECK_PROBLEMS_MAX {
            self.report.problems.push(problem);
        }
    }
}
