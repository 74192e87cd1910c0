//! What a query may not do anywhere, whatever its values: checked once over the whole
//! tree, outermost first, before lowering.

use photondb_base::limits::NESTING_DEPTH_MAX;
use photondb_reql::{Ast, ErrorKind, Node, ReqlError, TermId, TermType};

/// Checks the tree; tells whether it contains writes or meta operations.
pub(crate) fn check(ast: &Ast) -> Result<bool, ReqlError> {
    let mut checker = Checker { ast, writes: false };
    checker.visit(ast.root(), Place { writes_legal: true, ordering_legal: false, depth: 0 })?;
    Ok(checker.writes)
}

#[derive(Clone, Copy)]
struct Place {
    writes_legal: bool,
    ordering_legal: bool,
    depth: usize,
}

struct Checker<'a> {
    ast: &'a Ast,
    writes: bool,
}

impl Checker<'_> {
    fn visit(&mut self, id: TermId, place: Place) -> Result<(), ReqlError> {
        let Node::Term { term, args, optargs } = self.ast.node(id) else { return Ok(()) };
        let term = *term;
        if place.depth > NESTING_DEPTH_MAX {
            return Err(self.error(id, format!("Query nesting depth limit {NESTING_DEPTH_MAX} exceeded.")));
        }
        if matches!(term, TermType::Asc | TermType::Desc) && !place.ordering_legal {
            return Err(self.error(id, format!("{} may only be used as an argument to ORDER_BY.", term.info().name)));
        }
        if is_write_or_meta(term) {
            self.writes = true;
            if !place.writes_legal {
                return Err(self.error(
                    id,
                    "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.".to_owned(),
                ));
            }
        }
        let ordering_legal = term == TermType::OrderBy;
        for (position, arg) in args.iter().enumerate() {
            let writes_legal = place.writes_legal && (position == 0 || !forbids_writes(term));
            self.visit(*arg, Place { writes_legal, ordering_legal, depth: place.depth + 1 })?;
        }
        for (_, arg) in optargs {
            let writes_legal = place.writes_legal && !forbids_writes(term);
            self.visit(*arg, Place { writes_legal, ordering_legal, depth: place.depth + 1 })?;
        }
        Ok(())
    }

    fn error(&self, id: TermId, message: String) -> ReqlError {
        ReqlError::new(ErrorKind::Compile, message, self.ast.backtrace(id))
    }
}

/// Terms that change documents or metadata.
fn is_write_or_meta(term: TermType) -> bool {
    term.info().writes
}

/// Terms whose functions run once per row and so may not write.
fn forbids_writes(term: TermType) -> bool {
    use TermType as T;
    matches!(
        term,
        T::Reduce
            | T::Fold
            | T::Map
            | T::Filter
            | T::ConcatMap
            | T::Group
            | T::InnerJoin
            | T::OuterJoin
            | T::EqJoin
            | T::Update
            | T::Delete
            | T::Replace
            | T::Insert
            | T::Count
            | T::Distinct
            | T::Between
            | T::OrderBy
            | T::OffsetsOf
            | T::Contains
            | T::Sum
            | T::Avg
            | T::Min
            | T::Max
    )
}
