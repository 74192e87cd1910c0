//! Queries that are planned once, and run with other values each time.

use std::sync::Arc;

use photondb_base::Cancel;
use photondb_datum::Text;
use photondb_plan::{Expression, Plan, lower_expression, lower_with_placeholders};
use photondb_reql::{Bindings, StartQuery, TermId, TermType};

use crate::environment::{Environment, EvaluationOptions};
use crate::executor::{self, Executor};
use crate::memory::MemoryUse;
use crate::request::{Answer, Failure};

/// The plan of a query, with placeholders for some of its values.
pub struct PreparedQuery {
    plan: Plan,
    /// Options of the query that stand in for those that a term does not give.
    globals: Arc<[(Text, Expression)]>,
}

impl PreparedQuery {
    /// Plans a query without the values of these nodes, which it gives, too; `None` when it has to
    /// be planned for each run: since it keeps its values, as a feed does, has options that change
    /// how it is run, or a mistake.
    pub fn new(query: &StartQuery, placeholders: &[TermId]) -> Option<(Self, Bindings)> {
        let StartQuery { ast, optargs, explain } = query;
        let is_consulted = optargs.iter().any(|(name, _)| executor::is_consulted(name));
        if *explain || is_consulted || ast.has(TermType::Changes) {
            return None;
        }
        ast.check_array_sizes(EvaluationOptions::default().array_size_max).ok()?;
        let mut ast = ast.clone();
        let bindings = placeholders.iter().map(|node| ast.take_constant(*node)).collect();
        let ast = Arc::new(ast);
        let mut globals = Vec::new();
        for (name, value) in optargs {
            let expression = lower_expression(&ast, *value).ok()?;
            if executor::is_global(name) {
                globals.push((name.clone(), expression));
            }
        }
        let plan = lower_with_placeholders(ast, placeholders).ok()?;
        Some((Self { plan, globals: globals.into() }, bindings))
    }
}

impl Executor {
    /// Opens a query that was planned before.
    pub fn run_prepared(
        &self,
        query: &PreparedQuery,
        bindings: Bindings,
        user: Text,
        cancel: Cancel,
        memory: Arc<MemoryUse>,
    ) -> Result<Answer, Failure> {
        let mut options = Arc::clone(self.default_options());
        if !query.globals.is_empty() {
            Arc::make_mut(&mut options).globals = Arc::clone(&query.globals);
        }
        let ast = Arc::clone(&query.plan.ast);
        let env = Environment::new(self.services(), ast, options, user, cancel, memory);
        executor::answer(&Arc::new(env.with_bindings(bindings)), &query.plan)
    }
}
