//! Lowering: the syntax tree becomes expressions, variables become slots.

use std::sync::Arc;

use photondb_datum::{Datum, Text};
use photondb_reql::{Ast, Determinism, Effect, Node, ReqlError, TermId, TermType};

use crate::expression::{Call, Expression, FunctionTemplate, Operation, Plan, Slot};

/// Lowers a whole query that was checked when it was decoded.
pub fn lower(ast: Arc<Ast>) -> Result<Plan, ReqlError> {
    lower_with_placeholders(ast, &[])
}

/// Lowers a query that gets the values of these nodes anew with each run, in this order. None of
/// its functions may outlive a run.
pub fn lower_with_placeholders(ast: Arc<Ast>, placeholders: &[TermId]) -> Result<Plan, ReqlError> {
    let mut lowering = Lowering { ast: &ast, placeholders, scopes: Vec::new(), writes: false };
    let root = lowering.expression(ast.root())?;
    let writes = lowering.writes;
    Ok(Plan { root, writes, ast })
}

/// Lowers another expression of the same tree, as the query's global options are.
pub fn lower_expression(ast: &Arc<Ast>, id: TermId) -> Result<Expression, ReqlError> {
    Lowering { ast, placeholders: &[], scopes: Vec::new(), writes: false }.expression(id)
}

/// Lowers a tree whose root is a function literal without free variables, as an index
/// or a write hook stores it.
pub fn lower_function(ast: Arc<Ast>) -> Result<Arc<FunctionTemplate>, ReqlError> {
    let plan = lower(ast)?;
    match plan.root.operation {
        Operation::Function(template) => Ok(template),
        _ => Err(ReqlError::logic("Expected type FUNCTION but found DATUM.")),
    }
}

/// A function being lowered.
struct Scope {
    parameters: Vec<i64>,
    captures: Vec<(i64, Slot)>,
}

struct Lowering<'a> {
    ast: &'a Arc<Ast>,
    placeholders: &'a [TermId],
    scopes: Vec<Scope>,
    writes: bool,
}

impl Lowering<'_> {
    fn expression(&mut self, id: TermId) -> Result<Expression, ReqlError> {
        let ast = self.ast;
        match ast.node(id) {
            Node::Constant(datum) => Ok(Expression {
                operation: self.placeholder(id).unwrap_or_else(|| Operation::Constant(datum.clone())),
                site: id,
                grouped: false,
                determinism: Determinism::ALWAYS,
            }),
            Node::Term { term, args, optargs } => match term {
                TermType::Func => self.function(id, args),
                TermType::Var => self.variable(id, args),
                TermType::ImplicitVar => self.implicit_variable(id),
                _ => self.call(id, *term, args, optargs),
            },
        }
    }

    fn placeholder(&self, id: TermId) -> Option<Operation> {
        let position = self.placeholders.iter().position(|placeholder| *placeholder == id)?;
        u16::try_from(position).ok().map(Operation::Placeholder)
    }

    fn call(
        &mut self,
        id: TermId,
        term: TermType,
        args: &[TermId],
        optargs: &[(Text, TermId)],
    ) -> Result<Expression, ReqlError> {
        let mut determinism = self.ast.own_determinism(id);
        let mut spliced = false;
        let mut arguments = Vec::with_capacity(args.len());
        for arg in args {
            let argument = self.expression(*arg)?;
            determinism = determinism.join(argument.determinism);
            spliced |= is_splice(&argument);
            arguments.push(argument);
        }
        let mut options = Vec::with_capacity(optargs.len());
        for (name, arg) in optargs {
            let option = self.expression(*arg)?;
            determinism = determinism.join(option.determinism);
            options.push((name.clone(), option));
        }
        self.writes |= term.info().effect == Effect::Write;
        let grouped = gives_grouped(term, &arguments);
        let call = Call { term, arguments, options, spliced };
        Ok(Expression { operation: Operation::Call(Box::new(call)), site: id, grouped, determinism })
    }

    fn function(&mut self, id: TermId, args: &[TermId]) -> Result<Expression, ReqlError> {
        let [names, body] = args else {
            return Err(self.error(id, TermType::Func.info().arity.mismatch(args.len())));
        };
        let parameters = self.parameters(*names)?;
        self.scopes.push(Scope { parameters, captures: Vec::new() });
        let body = self.expression(*body);
        let scope = self.scopes.pop().unwrap_or(Scope { parameters: Vec::new(), captures: Vec::new() });
        let body = body?;
        let determinism = body.determinism;
        let template = FunctionTemplate {
            ast: Arc::clone(self.ast),
            site: id,
            parameters: scope.parameters,
            captures: scope.captures,
            body,
        };
        Ok(Expression {
            operation: Operation::Function(Arc::new(template)),
            site: id,
            grouped: false,
            determinism,
        })
    }

    fn parameters(&self, names: TermId) -> Result<Vec<i64>, ReqlError> {
        let malformed =
            || self.error(names, "Func variables must be a literal *array* of numbers.".to_owned());
        let numbers: Vec<Datum> = match self.ast.node(names) {
            Node::Constant(Datum::Array(array)) => array.iter().collect(),
            Node::Term { term: TermType::MakeArray, args, .. } => args
                .iter()
                .map(|arg| match self.ast.node(*arg) {
                    Node::Constant(datum) => Ok(datum.clone()),
                    Node::Term { .. } => Err(malformed()),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(malformed()),
        };
        let mut parameters = Vec::with_capacity(numbers.len());
        for number in numbers {
            match number {
                Datum::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => parameters.push(n as i64),
                _ => return Err(malformed()),
            }
        }
        Ok(parameters)
    }

    fn variable(&mut self, id: TermId, args: &[TermId]) -> Result<Expression, ReqlError> {
        let number = match args.first().map(|arg| self.ast.node(*arg)) {
            Some(Node::Constant(Datum::Number(n))) => *n as i64,
            _ => return Err(self.error(id, "Expected a variable number.".to_owned())),
        };
        match self.resolve(number, self.scopes.len()) {
            Some(slot) => Ok(variable(id, slot)),
            None => Err(self.error(id, "Variable name not found.".to_owned())),
        }
    }

    fn implicit_variable(&mut self, id: TermId) -> Result<Expression, ReqlError> {
        let depths: Vec<usize> =
            (0..self.scopes.len()).filter(|depth| self.scopes[*depth].parameters.len() == 1).collect();
        match depths.as_slice() {
            [] => Err(self.error(id, "r.row is not defined in this context.".to_owned())),
            [depth] => {
                let number = self.scopes[*depth].parameters[0];
                let slot = self.resolve(number, self.scopes.len());
                slot.map(|slot| variable(id, slot))
                    .ok_or_else(|| self.error(id, "r.row is not defined in this context.".to_owned()))
            }
            _ => {
                Err(self.error(id, "Cannot use r.row in nested queries.  Use functions instead.".to_owned()))
            }
        }
    }

    /// Finds a variable as seen from inside the innermost `depth` scopes; functions in
    /// between capture it.
    fn resolve(&mut self, number: i64, depth: usize) -> Option<Slot> {
        let scope = self.scopes.get(depth.checked_sub(1)?)?;
        if let Some(position) = scope.parameters.iter().rposition(|name| *name == number) {
            return u16::try_from(position).ok().map(Slot::Parameter);
        }
        if let Some(position) = scope.captures.iter().position(|(name, _)| *name == number) {
            return u16::try_from(position).ok().map(Slot::Capture);
        }
        let outer = self.resolve(number, depth - 1)?;
        let captures = &mut self.scopes[depth - 1].captures;
        captures.push((number, outer));
        u16::try_from(captures.len() - 1).ok().map(Slot::Capture)
    }

    fn error(&self, id: TermId, message: String) -> ReqlError {
        ReqlError::compile(message).at(self.ast.backtrace(id))
    }
}

fn variable(site: TermId, slot: Slot) -> Expression {
    Expression {
        operation: Operation::Variable(slot),
        site,
        grouped: false,
        determinism: Determinism::ALWAYS,
    }
}

fn is_splice(expression: &Expression) -> bool {
    matches!(&expression.operation, Operation::Call(call) if call.term == TermType::Args)
}

/// Whether a call may give grouped data: `group` does, and whatever is applied to grouped
/// data goes through its groups.
fn gives_grouped(term: TermType, arguments: &[Expression]) -> bool {
    match term {
        TermType::Group => true,
        TermType::Ungroup | TermType::TypeOf | TermType::Info => false,
        TermType::Branch | TermType::Default | TermType::Funcall => arguments.iter().any(|a| a.grouped),
        _ => arguments.first().is_some_and(|a| a.grouped),
    }
}
