//! Functions as this crate sees them: things that turn documents into other values. The
//! evaluator that carries them out is injected.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use photondb_datum::{Datum, DatumRef};

use crate::error::{ProgramError, RowError};
use crate::write::Verb;

/// Loads stored functions. Injected by the composition root.
pub trait Evaluator: Send + Sync {
    /// The function of an index.
    fn index_function(
        &self,
        stored: &[u8],
        multi: bool,
        geo: bool,
    ) -> Result<Arc<dyn IndexFunction>, RowError>;

    /// The write hook of a table.
    fn write_hook(&self, stored: &[u8]) -> Result<Arc<dyn WriteHook>, RowError>;
}

/// What an index holds for one document.
#[derive(Clone, Debug, PartialEq)]
pub enum IndexValue {
    /// A value in ReQL's order. Values that cannot be keys (null, plain objects) are left out.
    Datum(Datum),
    /// Key bytes in an order of the function's own, as geometry cells. All of one index must
    /// have the same length or be free of prefixes of each other.
    Raw(Bytes),
}

/// The function of an index.
pub trait IndexFunction: Send + Sync {
    /// Appends the value, or for a multi index each of the values, of a document. Nothing
    /// when the function fails or yields nothing: then the document is not in the index.
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>);

    /// Whether two documents surely have the same values. Cheaper than finding them.
    fn agree(&self, _old: &Datum, _new: &Datum) -> bool {
        false
    }
}

/// What a write does to one document.
pub trait WriteFunction: Send + Sync {
    /// The new row for the old one (null when absent); null deletes. An error is counted.
    fn new_row(&self, old: &Datum) -> Result<Datum, RowError>;
}

/// What an insert does when the key exists.
pub trait ConflictFunction: Send + Sync {
    /// The row to store, for the primary key, the stored row and the inserted one.
    fn resolve(&self, key: &Datum, old: &Datum, new: &Datum) -> Result<Datum, RowError>;
}

/// What a write hook is told besides the rows.
pub struct WriteHookContext<'a> {
    /// The primary key of the row.
    pub primary_key: &'a Datum,
    /// The time of the query.
    pub timestamp: &'a Datum,
    /// Whether the write inserts, replaces or deletes: the kind of its effect.
    pub verb: Verb,
}

/// A function of the table that every write passes through.
pub trait WriteHook: Send + Sync {
    /// The row to store instead of `new`; either row is null when absent.
    fn apply(&self, context: &WriteHookContext<'_>, old: &Datum, new: &Datum) -> Result<Datum, RowError>;
}

/// The part of a query that runs beside the documents: maps, filters, aggregations.
pub trait Program: Send + Sync {
    /// A machine for one stream of rows.
    fn start(&self) -> Box<dyn RowMachine>;
}

/// One run of a program.
pub trait RowMachine: Send {
    /// Takes a row and appends what comes of it.
    fn row(&mut self, row: Row<'_>, out: &mut Vec<Datum>) -> Result<Flow, ProgramError>;

    /// Called once after the last row: appends what aggregation has gathered.
    fn finish(&mut self, out: &mut Vec<Datum>) -> Result<(), ProgramError>;
}

/// Whether a machine wants more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Yes.
    Continue,
    /// No: the stream ends, after `finish`.
    Stop,
}

/// A row on its way into a program, borrowed from where it is stored.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The document.
    pub document: DatumRef<'a>,
    /// What holds the bytes of the document.
    pub storage: &'a Bytes,
    /// The value by which an index read found the row; `None` for other reads.
    pub index_value: Option<&'a Datum>,
}

impl Row<'_> {
    /// The document as a value of its own, sharing the storage.
    pub fn to_datum(&self) -> Datum {
        self.document.to_datum_sharing([self.storage])
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for dyn $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

opaque_debug!(Evaluator, IndexFunction, WriteFunction, ConflictFunction, WriteHook, Program);
