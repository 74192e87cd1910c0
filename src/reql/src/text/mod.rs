//! ReQL as people write it: the chain form of the JavaScript driver.
//!
//! `r.table('users').filter(row => row('age').gt(21)).limit(10)`: methods, arrow functions and
//! `function (x) { return .. }`, object and array literals, strings in any of the three quotes,
//! `r.row`, options as a trailing object in either spelling (`returnChanges`,
//! `return_changes`), comments. Terms may be named as in Python, too (`order_by`). It is no
//! JavaScript: operators are methods, and there are no statements.
//!
//! A mistake points at its place in the text, also one that is found later: every node of
//! the tree knows what it was read from, see [`TextQuery::span`].

mod call;
mod function;
mod literal;
mod parser;
mod span;
mod suggestion;
mod token;

use crate::{Ast, Frame, ReqlError, check};

pub use call::{method_name, methods};
pub use span::{Span, TextError, excerpt};

/// A query that was read from text.
#[derive(Clone, Debug)]
pub struct TextQuery {
    /// The query as any other door would have decoded it.
    pub ast: Ast,
    spans: Vec<Span>,
}

impl TextQuery {
    /// Reads and checks one expression; a semicolon may follow it.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let (ast, spans) = parser::parse(text)?;
        let query = Self { ast, spans };
        check(&query.ast, query.ast.root()).map_err(|error| query.locate(&error))?;
        Ok(query)
    }

    /// What the term at the end of a backtrace was read from.
    pub fn span(&self, backtrace: &[Frame]) -> Span {
        let mut id = self.ast.root();
        for frame in backtrace {
            let next = match frame {
                Frame::Position(position) => self.ast.args(id).get(*position as usize).copied(),
                Frame::Optarg(name) => self.ast.optarg(id, name.as_str()),
            };
            // What lies within a literal has no node of its own.
            let Some(next) = next else { break };
            id = next;
        }
        self.spans.get(id.index()).copied().unwrap_or_default()
    }

    /// An error of the query, at its place in the text.
    pub fn locate(&self, error: &ReqlError) -> TextError {
        TextError::new(error.message.clone(), self.span(&error.backtrace))
    }
}
