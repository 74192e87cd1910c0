//! Variables: which ones a function binds and which ones a subtree takes from outside.

use photondb_datum::Datum;

use crate::{Ast, Node, TermId, TermType};

/// The number of a variable; drivers count upwards, the server's own are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variable(pub i64);

impl std::fmt::Display for Variable {
    /// As RethinkDB prints it: the server's own variables have an underscore.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 < 0 { write!(f, "_var{}", self.0.unsigned_abs()) } else { write!(f, "var{}", self.0) }
    }
}

/// What a subtree takes from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreeVariables {
    /// Numbers, ascending, each once.
    pub variables: Vec<Variable>,
    /// Whether `r.row` of an enclosing function is used.
    pub implicit: bool,
}

impl FreeVariables {
    /// Whether the subtree stands alone.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && !self.implicit
    }
}

impl Ast {
    /// The parameters of a `FUNC` node, in order. `None` when the node is no function or
    /// its parameters are not a literal list of numbers.
    pub fn parameters(&self, id: TermId) -> Option<Vec<Variable>> {
        if self.term_type(id) != TermType::Func {
            return None;
        }
        let list = *self.args(id).first()?;
        match self.node(list) {
            Node::Constant(Datum::Array(array)) => array.iter().map(|item| variable(&item)).collect(),
            Node::Term { term: TermType::MakeArray, args, .. } => {
                args.iter().map(|arg| variable(self.constant(*arg)?)).collect()
            }
            _ => None,
        }
    }

    /// The variable that a `VAR` node reads.
    pub fn variable(&self, id: TermId) -> Option<Variable> {
        if self.term_type(id) != TermType::Var {
            return None;
        }
        variable(self.constant(*self.args(id).first()?)?)
    }

    /// The variables that a subtree takes from outside.
    pub fn free_variables(&self, id: TermId) -> FreeVariables {
        let mut walk =
            Walk { ast: self, bound: Vec::new(), implicit_depth: 0, free: FreeVariables::default() };
        walk.visit(id);
        walk.free.variables.sort_unstable();
        walk.free.variables.dedup();
        walk.free
    }
}

struct Walk<'a> {
    ast: &'a Ast,
    bound: Vec<Variable>,
    implicit_depth: usize,
    free: FreeVariables,
}

impl Walk<'_> {
    fn visit(&mut self, id: TermId) {
        let Node::Term { term, args, optargs } = self.ast.node(id) else { return };
        let bound_before = self.bound.len();
        let mut implicit = 0;
        match term {
            TermType::Var => {
                if let Some(variable) = self.ast.variable(id)
                    && !self.bound.contains(&variable)
                {
                    self.free.variables.push(variable);
                }
            }
            TermType::ImplicitVar => self.free.implicit |= self.implicit_depth == 0,
            TermType::Func => {
                let parameters = self.ast.parameters(id).unwrap_or_default();
                implicit = usize::from(parameters.len() == 1);
                self.bound.extend(parameters);
            }
            _ => {}
        }
        self.implicit_depth += implicit;
        for arg in args {
            self.visit(*arg);
        }
        for (_, value) in optargs {
            self.visit(*value);
        }
        self.implicit_depth -= implicit;
        self.bound.truncate(bound_before);
    }
}

/// Numbers of variables are doubles on the wire.
fn variable(value: &Datum) -> Option<Variable> {
    const NUMBER_MAX: f64 = 9_007_199_254_740_992.0;
    match value {
        Datum::Number(number) => {
            (number.fract() == 0.0 && number.abs() <= NUMBER_MAX).then_some(Variable(*number as i64))
        }
        _ => None,
    }
}
