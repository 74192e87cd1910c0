//! From the syntax tree to a plan that can be evaluated without looking anything up.
//!
//! Lowering checks what can be checked before data is seen (arity, optional arguments,
//! where writes and `asc`/`desc` may stand, variables in scope), turns variables into
//! slots of flat closures, and notes for each expression what the evaluator wants to know
//! in advance: whether it is deterministic and whether it may give grouped data.
//!
//! Invariants: a plan never refers to a variable by name; every expression knows the term
//! it came from, so that an error can tell its backtrace; lowering never fails on a valid
//! query and never panics on an invalid one.
//!
//! Does not know about: data, tables' contents, how an expression is evaluated.

mod check;
mod determinism;
mod explain;
mod expression;
pub mod feed;
mod lower;

pub use determinism::Determinism;
pub use explain::explain;
pub use expression::{Call, Expression, FunctionTemplate, Operation, Plan, Slot};
pub use lower::{lower, lower_function};
