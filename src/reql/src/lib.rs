//! The language: the table of terms, the syntax tree, its JSON wire form, its text form, its
//! errors and how terms are printed.
//!
//! Invariants: every fact about a term that more than one place needs stands in the
//! table ([`TERMS`]); a decoded tree is no deeper than [`NESTING_DEPTH_MAX`] and has been
//! checked for arity, options and the places of writes; literals are packed once, at
//! decoding; a backtrace is computed only for an error.
//!
//! Does not know about: execution, tables, sockets.
//!
//! [`NESTING_DEPTH_MAX`]: photondb_base::limits::NESTING_DEPTH_MAX

mod ast;
mod check;
mod decode;
mod direct;
mod encode;
mod error;
pub mod index_function;
mod lexer;
mod literal;
mod print;
mod scope;
mod shape;
mod term;
mod term_decoder;
mod term_table;
pub mod text;
mod usual;

pub use ast::{Args, Ast, Node, Optargs, TermId};
pub use check::check;
pub use decode::{
    BACKUP_QUERY_TYPE, COMPACT_QUERY_TYPE, EXPLAIN_QUERY_TYPE, Query, StartQuery, decode_query, decode_term,
};
pub use encode::{encode, encode_canonical, encode_canonical_shape, encode_query, encode_value};
pub use error::{Backtrace, ErrorKind, Frame, ReqlError, response_type};
pub use print::{print_function, print_index_create, print_term, print_write_hook};
pub use scope::{FreeVariables, Variable};
pub use shape::{Bindings, Shape};
pub use term::{Arity, Determinism, Effect, Family, GLOBAL_OPTARGS, TERMS, TermInfo, TermType};
