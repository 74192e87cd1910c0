//! Functions that outlive their query: index functions and write hooks. They are stored
//! as RethinkDB's own binary form, so that dumps carry them both ways.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::Clock;
use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_plan::{FunctionTemplate, lower_function};
use photondb_reql::index_function::IndexFunction as StoredIndexFunction;
use photondb_reql::{Args, Ast, Node, Optargs, TermId, TermType};
use photondb_table::{Evaluator, IndexFunction, IndexValue, RowError, WriteHook, WriteHookContext};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::row_expression::Untold;
use crate::terms::geometry;

/// A closure as a tree of its own: captured variables become constants.
pub(crate) fn standalone(template: &FunctionTemplate, captures: &[Datum]) -> Ast {
    let mut copy = Copy { source: &template.ast, template, captures, target: Ast::new() };
    let root = copy.node(template.site);
    copy.target.set_root(root);
    copy.target
}

struct Copy<'a> {
    source: &'a Ast,
    template: &'a FunctionTemplate,
    captures: &'a [Datum],
    target: Ast,
}

impl Copy<'_> {
    fn node(&mut self, id: TermId) -> TermId {
        match self.source.node(id) {
            Node::Constant(datum) => self.target.add_constant(datum.clone()),
            Node::Term { term: TermType::Var, .. } if self.captured(id).is_some() => {
                let value = self.captured(id).unwrap_or(Datum::Null);
                self.target.add_constant(value)
            }
            Node::Term { term, args, optargs } => {
                let args: Args = args.iter().map(|arg| self.node(*arg)).collect();
                let optargs: Optargs =
                    optargs.iter().map(|(name, value)| (name.clone(), self.node(*value))).collect();
                self.target.add_term(*term, args, optargs)
            }
        }
    }

    fn captured(&self, id: TermId) -> Option<Datum> {
        let number = self.source.variable(id)?.0;
        let position = self.template.captures.iter().position(|(name, _)| *name == number)?;
        self.captures.get(position).cloned()
    }
}

/// Reads a stored function back.
pub(crate) fn load(stored: &[u8]) -> std::result::Result<Function, RowError> {
    let decoded = StoredIndexFunction::decode(stored).map_err(|error| RowError::new(error.to_string()))?;
    let template =
        lower_function(Arc::new(decoded.function)).map_err(|error| RowError::new(error.message))?;
    Ok(Function::standalone(template))
}

/// Evaluates stored functions for the tables. Stands on no tables itself, so that there
/// is no circle.
pub struct StoredFunctions {
    clock: Arc<dyn Clock>,
}

impl StoredFunctions {
    /// An evaluator whose `r.now` is of this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    fn environment(&self) -> Arc<Environment> {
        Arc::new(Environment::detached(Arc::clone(&self.clock)))
    }
}

impl Evaluator for StoredFunctions {
    fn index_function(
        &self,
        stored: &[u8],
        multi: bool,
        geo: bool,
    ) -> std::result::Result<Arc<dyn IndexFunction>, RowError> {
        Ok(Arc::new(LoadedIndexFunction { env: self.environment(), function: load(stored)?, multi, geo }))
    }

    fn write_hook(&self, stored: &[u8]) -> std::result::Result<Arc<dyn WriteHook>, RowError> {
        Ok(Arc::new(LoadedWriteHook { clock: Arc::clone(&self.clock), function: load(stored)? }))
    }
}

struct LoadedIndexFunction {
    env: Arc<Environment>,
    function: Function,
    multi: bool,
    geo: bool,
}

impl IndexFunction for LoadedIndexFunction {
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>) {
        // A document for which the function fails is just not in the index.
        let value = match self.function.answer(&self.env, &[document.view()]) {
            Ok(value) if !value.is_tree() => value.to_datum_sharing(document.storage()),
            Err(Untold::Absent) => return,
            _ => match self.function.datum(&self.env, std::slice::from_ref(document)) {
                Ok(value) => value,
                Err(_) => return,
            },
        };
        if self.geo {
            return geometry::entries(&value, self.multi, out);
        }
        match value {
            // A value that stands twice has two entries, and finds the document twice.
            Datum::Array(items) if self.multi => out.extend(items.iter().map(IndexValue::Datum)),
            value => out.push(IndexValue::Datum(value)),
        }
    }

    fn agree(&self, old: &Datum, new: &Datum) -> bool {
        let (old, new) = ([old.view()], [new.view()]);
        match (self.function.answer(&self.env, &old), self.function.answer(&self.env, &new)) {
            (Ok(old), Ok(new)) => old.is_identical(new),
            (Err(Untold::Absent), Err(Untold::Absent)) => true,
            _ => false,
        }
    }
}

struct LoadedWriteHook {
    clock: Arc<dyn Clock>,
    function: Function,
}

impl WriteHook for LoadedWriteHook {
    fn apply(
        &self,
        context: &WriteHookContext<'_>,
        old: &Datum,
        new: &Datum,
    ) -> std::result::Result<Datum, RowError> {
        // A surrounding per call, since `r.now` is fixed within one.
        let env = Arc::new(Environment::detached(Arc::clone(&self.clock)));
        let mut builder = ObjectBuilder::new();
        builder.insert(Text::from("primary_key"), context.primary_key.clone());
        builder.insert(Text::from("timestamp"), context.timestamp.clone());
        let context = Datum::Object(builder.build());
        self.function
            .datum(&env, &[context, old.clone(), new.clone()])
            .map_err(|error| RowError::new(error.message()))
    }
}

/// The blob of a function, for storing.
pub(crate) fn blob(index: &StoredIndexFunction) -> Result<Bytes> {
    index.encode().map(Bytes::from).map_err(|error| EvalError::logic(error.to_string()))
}
