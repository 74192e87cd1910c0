//! Queries put together from terms.

use bytes::Bytes;
use photondb_datum::{Datum, Text};
use photondb_reql::{Ast, ReqlError, TermId, TermType, encode_query};
use photondb_server::door::DoorQuery;

use crate::stack::with_room;

/// A query being put together.
pub(super) struct QueryBuilder(Ast);

impl QueryBuilder {
    pub(super) fn new() -> Self {
        Self(Ast::new())
    }

    /// A literal value.
    pub(super) fn value(&mut self, value: impl Into<Datum>) -> TermId {
        self.0.add_constant(value.into())
    }

    /// A term without options.
    pub(super) fn term(&mut self, term: TermType, arguments: &[TermId]) -> TermId {
        self.term_with(term, arguments, &[])
    }

    /// A term with options.
    pub(super) fn term_with(
        &mut self,
        term: TermType,
        arguments: &[TermId],
        options: &[(&'static str, TermId)],
    ) -> TermId {
        let options = options.iter().map(|(name, value)| (Text::from_static(name), *value));
        self.0.add_term(term, arguments.iter().copied().collect(), options.collect())
    }

    /// `r.db(name)`
    pub(super) fn database(&mut self, name: &str) -> TermId {
        let name = self.value(name);
        self.term(TermType::Db, &[name])
    }

    /// `r.db(database).table(name)`
    pub(super) fn table(&mut self, database: &str, name: &str) -> TermId {
        let database = self.database(database);
        let name = self.value(name);
        self.term(TermType::Table, &[database, name])
    }

    /// The query whose last term is `root`.
    pub(super) fn finish(self, root: TermId) -> Result<DoorQuery, ReqlError> {
        with_room(|| DoorQuery::decode(Bytes::from(encode_query(&self.0, root, &[]))))
    }
}
