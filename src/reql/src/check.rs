//! What can be said about a query without running it: where writes and orders may stand,
//! how many arguments a term takes and which options it knows.

use photondb_datum::Text;

use crate::{Ast, Effect, Node, ReqlError, TermId, TermType};

/// Checks a whole subtree; the error is the one RethinkDB finds first.
pub fn check(ast: &Ast, root: TermId) -> Result<(), ReqlError> {
    check_placement(ast, root, None, true)?;
    check_signatures(ast, root)
}

/// Whether there is nothing to say of a term that is about to be added to a tree, wherever it will
/// stand; writes left aside.
pub(crate) fn is_surely_right(
    ast: &Ast,
    term: TermType,
    args: &[TermId],
    optargs: &[(Text, TermId)],
) -> bool {
    !matches!(term, TermType::Asc | TermType::Desc)
        && term.info().arity.contains(args.len())
        && args.iter().all(|arg| ast.term_type(*arg) != TermType::Args)
        && optargs.iter().all(|(name, _)| term.accepts_optarg(name.as_str()))
}

/// From the root down: orders only under `ORDER_BY`, no writes where they would run once
/// per element.
fn check_placement(
    ast: &Ast,
    id: TermId,
    parent: Option<TermType>,
    writes_allowed: bool,
) -> Result<(), ReqlError> {
    let Node::Term { term, args, optargs } = ast.node(id) else { return Ok(()) };
    if matches!(term, TermType::Asc | TermType::Desc) && parent != Some(TermType::OrderBy) {
        let message = format!("{} may only be used as an argument to ORDER_BY.", term.name());
        return Err(ReqlError::compile(message).at(ast.backtrace(id)));
    }
    if term.info().effect == Effect::Write && !writes_allowed {
        let message = "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.";
        return Err(ReqlError::compile(message).at(ast.backtrace(id)));
    }
    let allowed_after_first = writes_allowed && !term.forbids_nested_writes();
    for (position, arg) in args.iter().enumerate() {
        let allowed = if position == 0 { writes_allowed } else { allowed_after_first };
        check_placement(ast, *arg, Some(*term), allowed)?;
    }
    for (_, value) in optargs {
        check_placement(ast, *value, Some(*term), allowed_after_first)?;
    }
    Ok(())
}

/// From the leaves up: counts of arguments, names of options.
fn check_signatures(ast: &Ast, id: TermId) -> Result<(), ReqlError> {
    let Node::Term { term, args, optargs } = ast.node(id) else { return Ok(()) };
    for arg in args {
        check_signatures(ast, *arg)?;
    }
    let arity = term.info().arity;
    // `r.args` brings an unknown number of arguments: evaluation counts again.
    let countable = args.iter().all(|arg| ast.term_type(*arg) != TermType::Args);
    if countable && !arity.contains(args.len()) {
        return Err(ReqlError::compile(arity.mismatch(args.len())).at(ast.backtrace(id)));
    }
    for (name, value) in optargs {
        if !term.accepts_optarg(name.as_str()) {
            let message = format!("Unrecognized optional argument `{}`.", name.as_str());
            return Err(ReqlError::compile(message).at(ast.backtrace(*value)));
        }
        check_signatures(ast, *value)?;
    }
    Ok(())
}
