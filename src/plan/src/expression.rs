//! The plan's data: expressions whose variables are slots.

use std::sync::Arc;

use photondb_datum::{Datum, Text};
use photondb_reql::{Ast, Determinism, TermId, TermType};

/// A query that is ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Plan {
    pub ast: Arc<Ast>,
    pub root: Expression,
    /// Whether a write or a meta operation stands anywhere in the query.
    pub writes: bool,
}

/// One expression and what is known about it before it is evaluated.
#[derive(Clone, Debug)]
pub struct Expression {
    pub operation: Operation,
    /// The term that an error of this expression points at.
    pub site: TermId,
    /// Whether the value may be grouped data or a grouped stream.
    pub grouped: bool,
    pub determinism: Determinism,
}

/// What an expression does.
#[derive(Clone, Debug)]
pub enum Operation {
    Constant(Datum),
    /// The value that this run of the query has in that place, of a plan that is run again and again.
    Placeholder(u16),
    Variable(Slot),
    Function(Arc<FunctionTemplate>),
    Call(Box<Call>),
}

/// A term with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
    pub term: TermType,
    pub arguments: Vec<Expression>,
    pub options: Vec<(Text, Expression)>,
    /// Whether `r.args` stands among the arguments, so that their number is only known
    /// when the query runs.
    pub spliced: bool,
}

impl Call {
    /// The expression of an optional argument.
    pub fn option(&self, name: &str) -> Option<&Expression> {
        self.options.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }
}

/// Where the value of a variable is found while a function runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// An argument of the innermost function.
    Parameter(u16),
    /// A value that the innermost function took with it when it was made.
    Capture(u16),
}

/// A function literal: a flat closure that takes along just the values it names.
#[derive(Debug)]
pub struct FunctionTemplate {
    pub ast: Arc<Ast>,
    pub site: TermId,
    /// The variables' numbers on the wire.
    pub parameters: Vec<i64>,
    /// For each capture: its number on the wire and where the enclosing function has it.
    pub captures: Vec<(i64, Slot)>,
    pub body: Expression,
}
