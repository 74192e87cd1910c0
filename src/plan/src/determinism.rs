//! How far an expression gives the same value when it is evaluated again.

use photondb_reql::TermType;

/// Ordered from the most to the least repeatable; a composite is as repeatable as its
/// least repeatable part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Determinism {
    /// The same value always and everywhere.
    Always,
    /// The same value within one query: `r.now()`.
    WithinQuery,
    /// The value depends on data or chance.
    Never,
}

impl Determinism {
    /// Of a term by itself, its arguments left aside.
    pub fn of_term(term: TermType) -> Self {
        use photondb_reql::Determinism as Declared;
        match term.info().determinism {
            Declared::Deterministic => Self::Always,
            Declared::ConstantWithinQuery => Self::WithinQuery,
            Declared::NotDeterministic => Self::Never,
        }
    }
}
