//! Functions of rows, answered from the rows' bytes.
//!
//! A function that is called for many rows is compiled once into a [`RowExpression`]. That one
//! is answered without building a value or counting a reference, but knows only the terms that
//! filters, mappings and aggregations are mostly made of, and only the values they are mostly
//! applied to. For anything else it says so, and the row goes to the evaluator: an answer is
//! right or none, and errors, with their words and backtraces, are always the evaluator's.

mod answer;
mod bounds;
mod compile;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use photondb_datum::{Datum, DatumRef, FieldLookup, Text};

use crate::path::Path;

pub(crate) use answer::{field, number_field, plain_object, truth};
pub(crate) use bounds::{Bounds, is_covered};
pub(crate) use compile::compile;

/// Calls of one function before it is compiled, which costs about as much as these.
const CALLS_BEFORE_COMPILING: u32 = 4;

/// What a function gives for rows, if that is told.
pub(crate) type Answer<'a> = Result<DatumRef<'a>, Untold>;

/// Why an answer is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untold {
    /// The evaluator would fail, because something is not there: the error that `default`
    /// catches.
    Absent,
    /// Only the evaluator can tell.
    Unsure,
}

/// A compiled expression.
pub(crate) enum RowExpression {
    Constant(Datum),
    /// One of the rows that the function is called with.
    Parameter(usize),
    Field(Box<Self>, FieldLookup),
    Item(Box<Self>, i64),
    Comparison(Comparison, Vec<Self>),
    Arithmetic(Arithmetic, Vec<Self>),
    Rounded(fn(f64) -> f64, Box<Self>),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Default(Box<Self>, Box<Self>),
    /// Tests, each followed by a value, and the value if none holds.
    Branch(Vec<Self>),
    HasFields(Box<Self>, Path),
    Contains(Box<Self>, Vec<Self>),
    /// The following give values that must be written.
    Object(Vec<(Text, Self)>),
    Array(Vec<Self>),
    Pluck(Box<Self>, Path),
    Without(Box<Self>, Path),
    /// The fields of the object instead of those of the value.
    Merge(Box<Self>, Vec<(Text, Self)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// The compiled form of a function, from the call on from which it pays.
#[derive(Default)]
pub(crate) struct Compiled {
    calls: AtomicU32,
    expression: OnceLock<Option<RowExpression>>,
}

impl Compiled {
    /// The compiled expression; nothing while the calls are few, and if there is none.
    pub(crate) fn get(&self, compile: impl FnOnce() -> Option<RowExpression>) -> Option<&RowExpression> {
        if let Some(expression) = self.expression.get() {
            return expression.as_ref();
        }
        if self.calls.fetch_add(1, Ordering::Relaxed) < CALLS_BEFORE_COMPILING {
            return None;
        }
        self.now(compile)
    }

    /// The compiled expression, however few the calls.
    pub(crate) fn now(&self, compile: impl FnOnce() -> Option<RowExpression>) -> Option<&RowExpression> {
        self.expression.get_or_init(compile).as_ref()
    }
}
