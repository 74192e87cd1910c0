//! Functions as values: closures of the query and the shortcuts that stand for functions.

use std::sync::Arc;

use photondb_datum::{Datum, Text};
use photondb_plan::{Determinism, Expression, FunctionTemplate};
use photondb_reql::TermId;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::{self, Frame};
use crate::terms::object;
use crate::value::{Kind, Value, text};

/// Something that can be called with data.
#[derive(Clone)]
pub(crate) struct Function {
    body: Body,
    pub(crate) site: TermId,
}

#[derive(Clone)]
enum Body {
    Closure {
        template: Arc<FunctionTemplate>,
        captures: Arc<[Datum]>,
    },
    /// `group("a")`: the field of the argument.
    Field(Datum),
    /// `update({..})`: the same value for any argument.
    Constant(Datum),
    /// `filter({..})`: whether the argument has these fields with these values.
    Matching(Datum),
    /// A term applied to a row, as `pluck` over a sequence.
    Native(Arc<dyn NativeFunction>),
}

/// A function written in Rust.
pub(crate) trait NativeFunction: Send + Sync {
    fn call(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum>;
}

/// See [`Function::computed`].
struct Computed {
    expression: Expression,
    captures: Vec<Datum>,
    parameters: Vec<Datum>,
}

impl NativeFunction for Computed {
    fn call(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        let frame = Frame { captures: &self.captures, parameters: &self.parameters };
        let value = evaluate::value(env, &self.expression, frame)?;
        Function::from_value(value, Shortcut::Constant)?.datum(env, arguments)
    }
}

/// What stands for a function where a function is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortcut {
    None,
    /// A string is the name of a field.
    Field,
    /// A value is a constant function.
    Constant,
    /// An object is a predicate, anything else a constant.
    Matching,
}

impl Function {
    pub(crate) fn closure(template: &Arc<FunctionTemplate>, frame: Frame<'_>) -> Self {
        let captures = template.captures.iter().map(|(_, slot)| frame.get(*slot).clone()).collect();
        Self { body: Body::Closure { template: Arc::clone(template), captures }, site: template.site }
    }

    /// A function without free variables, as stored with an index.
    pub(crate) fn standalone(template: Arc<FunctionTemplate>) -> Self {
        let site = template.site;
        Self { body: Body::Closure { template, captures: Arc::from([]) }, site }
    }

    pub(crate) fn field(name: Text, site: TermId) -> Self {
        Self { body: Body::Field(Datum::String(name)), site }
    }

    pub(crate) fn native(native: Arc<dyn NativeFunction>, site: TermId) -> Self {
        Self { body: Body::Native(native), site }
    }

    /// An expression that is evaluated anew for each call; what it gives is called or, if it
    /// is no function, is the answer.
    pub(crate) fn computed(expression: &Expression, frame: Frame<'_>) -> Arc<Self> {
        let computed = Computed {
            expression: expression.clone(),
            captures: frame.captures.to_vec(),
            parameters: frame.parameters.to_vec(),
        };
        Arc::new(Self::native(Arc::new(computed), expression.site))
    }

    /// The value as a function, by the rule of the place where it stands.
    pub(crate) fn from_value(value: Value, shortcut: Shortcut) -> Result<Arc<Self>> {
        let site = value.site;
        let body = match (value.kind, shortcut) {
            (Kind::Function(function), _) => return Ok(function),
            (kind, Shortcut::None) => return Value::new(kind, site).into_function(),
            (kind, Shortcut::Field) => Body::Field(Value::new(kind, site).into_datum()?),
            (kind, Shortcut::Constant) => Body::Constant(Value::new(kind, site).into_datum()?),
            (kind, Shortcut::Matching) => match Value::new(kind, site).into_datum()? {
                pattern if pattern.is_plain_object() || pattern.is_literal() => Body::Matching(pattern),
                other => Body::Constant(other),
            },
        };
        Ok(Arc::new(Self { body, site }))
    }

    /// The number of parameters; `None` when any number will do.
    pub(crate) fn arity(&self) -> Option<usize> {
        match &self.body {
            Body::Closure { template, .. } if !template.parameters.is_empty() => {
                Some(template.parameters.len())
            }
            Body::Field(_) | Body::Matching(_) => Some(1),
            _ => None,
        }
    }

    pub(crate) fn determinism(&self) -> Determinism {
        match &self.body {
            Body::Closure { template, .. } => template.body.determinism,
            Body::Field(_) | Body::Constant(_) | Body::Matching(_) => Determinism::ALWAYS,
            Body::Native(_) => Determinism::NEVER,
        }
    }

    /// The closure's source and captured values; `None` for anything but a closure.
    pub(crate) fn as_closure(&self) -> Option<(&Arc<FunctionTemplate>, &[Datum])> {
        match &self.body {
            Body::Closure { template, captures } => Some((template, captures)),
            _ => None,
        }
    }

    /// Calls the function; the result may be a stream or a write's answer.
    pub(crate) fn call(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Value> {
        match &self.body {
            Body::Closure { template, captures } => {
                self.check_arity(arguments.len())?;
                let frame = Frame { captures, parameters: arguments };
                evaluate::value(env, &template.body, frame)
            }
            _ => self.datum(env, arguments).map(|datum| Value::datum(datum, self.site)),
        }
    }

    /// Calls the function for data.
    pub(crate) fn datum(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        match &self.body {
            Body::Closure { template, captures } => {
                self.check_arity(arguments.len())?;
                let frame = Frame { captures, parameters: arguments };
                evaluate::datum(env, &template.body, frame)
            }
            Body::Field(name) => self.field_of(name, arguments.first()).map_err(|error| error.at(self.site)),
            Body::Constant(datum) => Ok(datum.clone()),
            Body::Matching(pattern) => {
                Ok(Datum::Bool(arguments.first().is_some_and(|row| object::matches(pattern, row))))
            }
            Body::Native(native) => native.call(env, arguments).map_err(|error| error.at(self.site)),
        }
    }

    /// Calls the function as a predicate: anything but `false` and `null` holds.
    pub(crate) fn holds(&self, env: &Arc<Environment>, row: &Datum) -> Result<bool> {
        if let Body::Matching(pattern) = &self.body {
            return object::try_matches(pattern, row);
        }
        self.datum(env, std::slice::from_ref(row)).map(|datum| is_true(&datum))
    }

    /// The same where a row that lacks what the predicate asks for does not count.
    pub(crate) fn holds_or_absent(&self, env: &Arc<Environment>, row: &Datum) -> Result<bool> {
        if let Body::Matching(pattern) = &self.body {
            return Ok(object::matches(pattern, row));
        }
        match self.holds(env, row) {
            Err(error) if error.is_absent() => Ok(false),
            held => held,
        }
    }

    fn field_of(&self, name: &Datum, row: Option<&Datum>) -> Result<Datum> {
        let name = text(name)?;
        object::field(row.unwrap_or(&Datum::Null), &name)
    }

    /// Where complaints about the function as a whole point.
    pub(crate) fn body_site(&self) -> TermId {
        match &self.body {
            Body::Closure { template, .. } => template.body.site,
            _ => self.site,
        }
    }

    fn check_arity(&self, found: usize) -> Result<()> {
        match self.arity() {
            Some(arity) if arity != found => Err(EvalError::logic(format!(
                "Expected function with {} but found function with {}.",
                plural(found, "argument"),
                plural(arity, "argument")
            ))
            .at(self.body_site())),
            _ => Ok(()),
        }
    }
}

/// ReQL's notion of truth: everything but `false` and `null`.
pub(crate) fn is_true(datum: &Datum) -> bool {
    !matches!(datum, Datum::Bool(false) | Datum::Null)
}

/// "1 argument", "2 arguments".
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
