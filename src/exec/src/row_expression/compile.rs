//! From a function's body to its compiled form.

use std::sync::Arc;

use photondb_datum::{Datum, FieldLookup, Text};
use photondb_plan::{Call, Expression, FunctionTemplate, Operation, Slot};
use photondb_reql::TermType as T;

use super::{Arithmetic, Comparison, RowExpression};
use crate::environment::Environment;
use crate::evaluate::{self, Frame};
use crate::path::Path;
use crate::value::integer;

/// How deep terms may be nested in what is compiled.
const DEPTH_MAX: usize = 32;
/// The field that makes an object a pseudo-type, which takes checks.
const PSEUDO_TYPE_FIELD: &str = "$reql_type$";

/// Compiles a closure; nothing if it has terms that are for the evaluator.
pub(crate) fn compile(
    env: &Arc<Environment>,
    template: &FunctionTemplate,
    captures: &[Datum],
) -> Option<RowExpression> {
    Compiler { env, captures }.expression(&template.body, 0)
}

struct Compiler<'a> {
    env: &'a Arc<Environment>,
    captures: &'a [Datum],
}

impl Compiler<'_> {
    fn expression(&self, expression: &Expression, depth: usize) -> Option<RowExpression> {
        if expression.grouped || depth > DEPTH_MAX {
            return None;
        }
        match &expression.operation {
            Operation::Constant(datum) => Some(RowExpression::Constant(datum.clone())),
            Operation::Variable(Slot::Parameter(position)) => {
                Some(RowExpression::Parameter(usize::from(*position)))
            }
            Operation::Variable(Slot::Capture(position)) => {
                self.captures.get(usize::from(*position)).cloned().map(RowExpression::Constant)
            }
            Operation::Placeholder(position) => self.env.binding(*position).ok().map(RowExpression::Constant),
            Operation::Function(_) => None,
            Operation::Call(_) if !uses_parameters(expression) => self.constant(expression),
            Operation::Call(call) if call.spliced => None,
            Operation::Call(call) => self.call(call, depth + 1),
        }
    }

    /// The value of an expression that is the same for each row, found out once. An error is
    /// left for the evaluator to make, if it comes to it.
    fn constant(&self, expression: &Expression) -> Option<RowExpression> {
        if !expression.determinism.allows_folding() {
            return None;
        }
        let frame = Frame { captures: self.captures, parameters: &[] };
        evaluate::datum(self.env, expression, frame).ok().map(RowExpression::Constant)
    }

    fn call(&self, call: &Call, depth: usize) -> Option<RowExpression> {
        if call.term == T::MakeObj {
            return self.fields(call, depth).map(RowExpression::Object);
        }
        if !call.options.is_empty() {
            return None;
        }
        let boxed = |position| self.operand(call.arguments.get(position)?, depth).map(Box::new);
        let all = || self.operands(&call.arguments, depth);
        Some(match call.term {
            T::GetField => RowExpression::Field(boxed(0)?, lookup(call)?),
            T::Bracket => match constant_argument(call, 1)? {
                Datum::String(_) => RowExpression::Field(boxed(0)?, lookup(call)?),
                index => RowExpression::Item(boxed(0)?, integer(index).ok()?),
            },
            T::Nth => RowExpression::Item(boxed(0)?, integer(constant_argument(call, 1)?).ok()?),
            T::Eq => RowExpression::Comparison(Comparison::Equal, all()?),
            T::Ne => RowExpression::Comparison(Comparison::NotEqual, all()?),
            T::Lt => RowExpression::Comparison(Comparison::Less, all()?),
            T::Le => RowExpression::Comparison(Comparison::LessOrEqual, all()?),
            T::Gt => RowExpression::Comparison(Comparison::Greater, all()?),
            T::Ge => RowExpression::Comparison(Comparison::GreaterOrEqual, all()?),
            T::Add => RowExpression::Arithmetic(Arithmetic::Add, all()?),
            T::Sub => RowExpression::Arithmetic(Arithmetic::Subtract, all()?),
            T::Mul => RowExpression::Arithmetic(Arithmetic::Multiply, all()?),
            T::Div => RowExpression::Arithmetic(Arithmetic::Divide, all()?),
            T::Mod => RowExpression::Arithmetic(Arithmetic::Modulo, all()?),
            T::Floor => RowExpression::Rounded(f64::floor, boxed(0)?),
            T::Ceil => RowExpression::Rounded(f64::ceil, boxed(0)?),
            T::Round => RowExpression::Rounded(f64::round, boxed(0)?),
            T::Not => RowExpression::Not(boxed(0)?),
            T::And => RowExpression::And(all()?),
            T::Or => RowExpression::Or(all()?),
            T::Default => RowExpression::Default(boxed(0)?, boxed(1)?),
            T::Branch if call.arguments.len() % 2 == 1 => {
                RowExpression::Branch(self.parts(&call.arguments, depth)?)
            }
            T::HasFields => RowExpression::HasFields(boxed(0)?, path(call)?),
            T::Contains => {
                RowExpression::Contains(boxed(0)?, self.operands(call.arguments.get(1..)?, depth)?)
            }
            T::MakeArray if call.arguments.len() <= self.env.options.array_size_max => {
                RowExpression::Array(self.parts(&call.arguments, depth)?)
            }
            T::Pluck => RowExpression::Pluck(boxed(0)?, path(call)?),
            T::Without => RowExpression::Without(boxed(0)?, path(call)?),
            T::Merge if call.arguments.len() == 2 => {
                RowExpression::Merge(boxed(0)?, self.patch(call.arguments.get(1)?, depth)?)
            }
            _ => return None,
        })
    }

    /// Parts of a value, which may have to be built themselves.
    fn parts(&self, expressions: &[Expression], depth: usize) -> Option<Vec<RowExpression>> {
        expressions.iter().map(|expression| self.expression(expression, depth)).collect()
    }

    fn operands(&self, expressions: &[Expression], depth: usize) -> Option<Vec<RowExpression>> {
        expressions.iter().map(|expression| self.operand(expression, depth)).collect()
    }

    /// An expression whose value is looked at.
    fn operand(&self, expression: &Expression, depth: usize) -> Option<RowExpression> {
        self.expression(expression, depth).filter(|operand| !operand.builds())
    }

    /// The fields of an object literal, in order of their names.
    fn fields(&self, call: &Call, depth: usize) -> Option<Vec<(Text, RowExpression)>> {
        let mut fields = Vec::with_capacity(call.options.len());
        for (name, value) in &call.options {
            fields.push((name.clone(), self.expression(value, depth)?));
        }
        sorted(fields)
    }

    /// The fields of what is merged into an object; none of them is an object itself.
    fn patch(&self, expression: &Expression, depth: usize) -> Option<Vec<(Text, RowExpression)>> {
        match &expression.operation {
            Operation::Call(call) if call.term == T::MakeObj => {
                self.fields(call, depth + 1).filter(|fields| fields.iter().all(|(_, value)| !value.builds()))
            }
            _ => match self.expression(expression, depth)? {
                RowExpression::Constant(Datum::Object(object)) if !object.is_pseudo() => sorted(
                    object.iter().map(|(name, value)| (name, RowExpression::Constant(value))).collect(),
                ),
                _ => None,
            },
        }
    }
}

/// Fields in order of their names; nothing if one of them takes a check.
fn sorted(mut fields: Vec<(Text, RowExpression)>) -> Option<Vec<(Text, RowExpression)>> {
    fields.sort_by(|(left, _), (right, _)| left.cmp(right));
    let plain = fields.iter().all(|(name, _)| name.as_str() != PSEUDO_TYPE_FIELD);
    let distinct = fields.windows(2).all(|pair| pair[0].0 != pair[1].0);
    (plain && distinct).then_some(fields)
}

fn constant_argument(call: &Call, position: usize) -> Option<&Datum> {
    match &call.arguments.get(position)?.operation {
        Operation::Constant(datum) => Some(datum),
        _ => None,
    }
}

fn lookup(call: &Call) -> Option<FieldLookup> {
    match constant_argument(call, 1)? {
        Datum::String(name) => Some(FieldLookup::new(name.clone())),
        _ => None,
    }
}

/// The paths behind the first argument.
fn path(call: &Call) -> Option<Path> {
    let arguments: Option<Vec<Datum>> =
        (1..call.arguments.len()).map(|position| constant_argument(call, position).cloned()).collect();
    Path::of_arguments(&arguments?).ok()
}

/// Whether the value of an expression depends on what its function is called with.
fn uses_parameters(expression: &Expression) -> bool {
    match &expression.operation {
        Operation::Constant(_) | Operation::Placeholder(_) => false,
        Operation::Variable(slot) => matches!(slot, Slot::Parameter(_)),
        Operation::Function(template) => {
            template.captures.iter().any(|(_, slot)| matches!(slot, Slot::Parameter(_)))
        }
        Operation::Call(call) => {
            call.arguments.iter().any(uses_parameters)
                || call.options.iter().any(|(_, option)| uses_parameters(option))
        }
    }
}
