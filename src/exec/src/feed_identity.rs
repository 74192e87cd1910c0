//! Which changefeeds are the same: what makes them share their work.

use std::sync::Arc;

use photondb_base::IndexId;
use photondb_base::limits::ARRAY_SIZE_DEFAULT_MAX;
use photondb_plan::Expression;
use photondb_plan::feed::FeedIdentity;
use photondb_reql::{Ast, Node, TermId, TermType, encode_canonical, encode_value};

use crate::environment::Environment;

/// What is equal for all who ask the same, when the rows of the query's feeds depend on nothing
/// else: not on the time, on other documents or on the world outside.
pub(crate) struct SharedQuery {
    text: Arc<[u8]>,
    values: Arc<[u8]>,
}

impl SharedQuery {
    pub(crate) fn of(env: &Environment) -> Option<Self> {
        let mut values = Vec::new();
        if let Some(shared) = &env.shared_plan {
            for value in &env.bindings {
                encode_value(value, &mut values);
                values.push(0);
            }
            return Some(Self { text: Arc::clone(&shared.text), values: values.into() });
        }
        let ast = env.ast.as_ref();
        let globals = || env.options.globals.iter();
        let is_settled = |expression: &Expression| expression.determinism.allows_sharing();
        if env.options.profile || !globals().all(|(_, value)| is_settled(value)) || !is_feed(ast, ast.root())
        {
            return None;
        }
        // What comes from options of the query is told apart by them.
        let array_size_max = env.options.array_size_max;
        if array_size_max != ARRAY_SIZE_DEFAULT_MAX || globals().next().is_some() {
            values.extend_from_slice(&array_size_max.to_le_bytes());
        }
        for (name, value) in globals() {
            values.extend_from_slice(name.as_bytes());
            values.push(0);
            values.extend_from_slice(&encode_canonical(ast, value.site));
            values.push(0);
        }
        Some(Self { text: encode_canonical(ast, ast.root()).into(), values: values.into() })
    }

    /// What is equal for all who ask for the same part of the query.
    pub(crate) fn identity(&self, part: (usize, usize), index: Option<IndexId>) -> FeedIdentity {
        FeedIdentity { text: Arc::clone(&self.text), values: Arc::clone(&self.values), part, index }
    }
}

/// Whether a term is a chain from tables through `changes` that is the same whenever it is
/// evaluated.
pub(crate) fn is_feed(ast: &Ast, id: TermId) -> bool {
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
