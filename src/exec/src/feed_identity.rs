//! Which changefeeds are the same: what makes them share their work.

use std::sync::Arc;

use photondb_plan::Expression;
use photondb_reql::{Ast, Node, TermId, TermType, encode_canonical};

use crate::environment::Environment;

/// The query in a form that is equal for all who ask the same, when the rows of its feeds
/// depend on nothing else: not on the time, on other documents or on the world outside.
pub(crate) fn shared_query(env: &Environment) -> Option<Arc<[u8]>> {
    let ast = env.ast.as_ref();
    let globals = || env.options.globals.iter();
    let is_settled = |expression: &Expression| expression.determinism.allows_sharing();
    if env.options.profile || !globals().all(|(_, value)| is_settled(value)) || !is_feed(ast, ast.root()) {
        return None;
    }
    let mut query = encode_canonical(ast, ast.root());
    // What comes from options of the query is told apart by them.
    query.extend_from_slice(&env.options.array_size_max.to_le_bytes());
    for (name, value) in globals() {
        query.extend_from_slice(name.as_bytes());
        query.push(0);
        query.extend_from_slice(&encode_canonical(ast, value.site));
        query.push(0);
    }
    Some(query.into())
}

/// Whether a term is a chain from tables through `changes` that is the same whenever it is
/// evaluated.
fn is_feed(ast: &Ast, id: TermId) -> bool {
    let is_settled = |id: TermId| ast.determinism(id).allows_sharing();
    let Node::Term { term, args, optargs } = ast.node(id) else { return true };
    let reads = matches!(term, TermType::Db | TermType::Table | TermType::Changes);
    let inputs = match term {
        TermType::Union => args.len(),
        _ => args.len().min(1),
    };
    let (inputs, others) = args.split_at(inputs);
    (reads || ast.own_determinism(id).allows_sharing())
        && inputs.iter().all(|input| is_feed(ast, *input))
        && others.iter().all(|other| is_settled(*other))
        && optargs.iter().all(|(_, value)| is_settled(*value))
}
