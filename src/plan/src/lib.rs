//! From the syntax tree to a plan that can be evaluated without looking anything up.
//!
//! A tree arrives checked for arity and options. Lowering finds each variable's binding,
//! turns variables into slots of flat closures, and notes for each expression what the
//! evaluator wants to know in advance: whether it is deterministic and whether it may give
//! grouped data.
//!
//! Invariants: a plan never refers to a variable by name; every expression knows the term
//! it came from, so that an error can tell its backtrace; lowering never fails on a valid
//! query and never panics on an invalid one.
//!
//! Does not know about: data, tables' contents, how an expression is evaluated.

mod explain;
mod expression;
pub mod feed;
mod lower;

pub use explain::explain;
pub use expression::{Call, Expression, FunctionTemplate, Operation, Plan, Slot};
pub use lower::{lower, lower_expression, lower_function, lower_with_placeholders};
pub use photondb_reql::Determinism;
