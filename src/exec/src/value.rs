//! What an expression evaluates to: data, or something to get data from.

use std::sync::Arc;

use photondb_base::{DatabaseId, IdentifierFormat, TableId};
use photondb_datum::{Array, Datum, Text};
use photondb_reql::{ErrorKind, TermId};

use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::sequence::{Groups, Sequence, TableRead};

/// A value and the term that gave it, for errors about its type.
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) site: TermId,
}

/// The kinds of values, as `typeOf` tells them apart.
pub(crate) enum Kind {
    Datum(Datum),
    Database(DatabaseRef),
    Table(Box<TableRead>),
    /// A table restricted or ordered by an index.
    TableSlice(Box<TableRead>),
    /// Rows of a table that can be written to.
    Selection(Arc<TableRef>, Box<Sequence>),
    /// Rows of a table already in memory that can be written to.
    SelectionArray(Arc<TableRef>, Array),
    /// One row of a table, present (`datum`) or null.
    Row(Box<Row>),
    Sequence(Box<Sequence>),
    Grouped(Groups),
    Function(Arc<Function>),
    /// `r.minval`-like markers of `orderBy`: descending or ascending by something.
    Ordering(Box<Ordering>),
}

/// A database by name.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseRef {
    pub(crate) id: DatabaseId,
    pub(crate) name: Text,
}

/// A table by name, resolved.
#[derive(Clone, Debug)]
pub(crate) struct TableRef {
    pub(crate) id: TableId,
    pub(crate) database: DatabaseRef,
    pub(crate) name: Text,
    pub(crate) primary_key: Text,
    /// A table of the `rethinkdb` database.
    pub(crate) system: bool,
    /// How rows of such a table name other things.
    pub(crate) identifiers: IdentifierFormat,
    /// Whether the rows are what `config` gives: then it is enough to write them that one
    /// may configure what they are about.
    pub(crate) configuration: bool,
}

impl TableRef {
    /// `db.table`, as error messages name it.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.database.name, self.name)
    }
}

/// How a row was found, which tells what a feed of it would watch.
pub(crate) enum RowOrigin {
    /// By its primary key.
    Key,
    /// As the first of a read in the order of an index.
    First(Box<TableRead>),
    /// Somewhere in a sequence: there is nothing to watch.
    Sequence,
}

/// One row of a table.
pub(crate) struct Row {
    pub(crate) table: Arc<TableRef>,
    pub(crate) key: Datum,
    /// Null when there is no such row.
    pub(crate) datum: Datum,
    pub(crate) origin: RowOrigin,
}

/// `asc(x)` or `desc(x)`.
pub(crate) struct Ordering {
    pub(crate) descending: bool,
    pub(crate) by: Value,
}

impl Value {
    pub(crate) fn new(kind: Kind, site: TermId) -> Self {
        Self { kind, site }
    }

    pub(crate) fn datum(datum: Datum, site: TermId) -> Self {
        Self { kind: Kind::Datum(datum), site }
    }

    /// The value as data; streams and tables are none.
    pub(crate) fn into_datum(self) -> Result<Datum> {
        match self.kind {
            Kind::Datum(datum) => Ok(datum),
            Kind::Row(row) => Ok(row.datum),
            _ => Err(self.type_error("DATUM")),
        }
    }

    pub(crate) fn into_function(self) -> Result<Arc<Function>> {
        match self.kind {
            Kind::Function(function) => Ok(function),
            _ => Err(self.type_error("FUNCTION")),
        }
    }

    /// The value as a finite number of whole size, complaining at the value itself.
    pub(crate) fn into_integer(self) -> Result<i64> {
        let site = self.site;
        let datum = self.into_datum()?;
        integer(&datum).map_err(|error| error.at(site))
    }

    pub(crate) fn into_text(self) -> Result<Text> {
        let site = self.site;
        let datum = self.into_datum()?;
        text(&datum).map_err(|error| error.at(site))
    }

    pub(crate) fn into_bool(self) -> Result<bool> {
        let site = self.site;
        match self.into_datum()? {
            Datum::Bool(b) => Ok(b),
            other => Err(wrong_type("BOOL", &other).at(site)),
        }
    }

    pub(crate) fn into_number(self) -> Result<f64> {
        let site = self.site;
        let datum = self.into_datum()?;
        number(&datum).map_err(|error| error.at(site))
    }

    /// What `typeOf` answers.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Datum(datum) => datum.type_name(),
            Kind::Database(_) => "DB",
            Kind::Table(_) => "TABLE",
            Kind::TableSlice(_) => "TABLE_SLICE",
            Kind::Selection(..) => "SELECTION<STREAM>",
            Kind::SelectionArray(..) => "SELECTION<ARRAY>",
            Kind::Row(row) if row.datum.is_null() => "NULL",
            Kind::Row(_) => "SELECTION<OBJECT>",
            Kind::Sequence(sequence) if sequence.is_grouped() => "GROUPED_STREAM",
            Kind::Sequence(_) => "STREAM",
            Kind::Grouped(_) => "GROUPED_DATA",
            Kind::Function(_) => "FUNCTION",
            Kind::Ordering(_) => "ORDERING",
        }
    }

    /// The type as messages about wrong types name it.
    pub(crate) fn raw_type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Datum(_) => "DATUM",
            Kind::Database(_) => "DATABASE",
            Kind::Table(_) => "TABLE",
            Kind::TableSlice(_) => "TABLE_SLICE",
            Kind::Selection(..) | Kind::SelectionArray(..) => "SELECTION",
            Kind::Row(_) => "SINGLE_SELECTION",
            Kind::Sequence(sequence) if sequence.is_grouped() => "GROUPED_STREAM",
            Kind::Sequence(_) => "SEQUENCE",
            Kind::Grouped(_) => "GROUPED_DATA",
            Kind::Function(_) => "FUNCTION",
            Kind::Ordering(_) => "ORDERING",
        }
    }

    fn print(&self) -> String {
        match &self.kind {
            Kind::Datum(datum) => datum.print(),
            Kind::Row(row) => format!("SINGLE_SELECTION ON table({})", row.table.name),
            Kind::SelectionArray(table, _) | Kind::Selection(table, _) => {
                format!("SELECTION ON table({})", table.name)
            }
            Kind::TableSlice(read) => format!("SELECTION ON table({})", read.table.name),
            Kind::Database(database) => format!("db(\"{}\")", database.name),
            Kind::Table(read) => format!("table(\"{}\")", read.table.name),
            _ => format!("VALUE {}", self.raw_type_name()),
        }
    }

    /// "Expected type X but found Y:" with the value printed below.
    pub(crate) fn type_error(&self, expected: &str) -> EvalError {
        let message =
            format!("Expected type {expected} but found {}:\n{}", self.raw_type_name(), self.print());
        EvalError::logic(message).at(self.site)
    }
}

/// "Expected type X but found Y.": absent values are a kind of their own.
pub(crate) fn wrong_type(expected: &str, found: &Datum) -> EvalError {
    let kind = if found.is_null() { ErrorKind::NonExistence } else { ErrorKind::QueryLogic };
    EvalError::new(kind, format!("Expected type {expected} but found {}.", found.type_name()))
}

pub(crate) fn number(datum: &Datum) -> Result<f64> {
    match datum {
        Datum::Number(n) => Ok(*n),
        other => Err(wrong_type("NUMBER", other)),
    }
}

pub(crate) fn text(datum: &Datum) -> Result<Text> {
    match datum {
        Datum::String(text) => Ok(text.clone()),
        other => Err(wrong_type("STRING", other)),
    }
}

/// The largest number below which all whole numbers are doubles.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

pub(crate) fn integer(datum: &Datum) -> Result<i64> {
    let n = number(datum)?;
    if n > INTEGER_MAX {
        return Err(EvalError::logic(format!("Number not an integer (>2^53): {}", datum.print())));
    }
    if n < -INTEGER_MAX {
        return Err(EvalError::logic(format!("Number not an integer (<-2^53): {}", datum.print())));
    }
    if n.fract() != 0.0 {
        return Err(EvalError::logic(format!("Number not an integer: {}", datum.print())));
    }
    Ok(n as i64)
}
