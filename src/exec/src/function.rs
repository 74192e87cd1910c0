//! Functions as values: closures of the query and the shortcuts that stand for functions.

use std::sync::Arc;

use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef, FieldLookup, Text};
use photondb_plan::{Determinism, Expression, FunctionTemplate};
use photondb_reql::TermId;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::{self, Frame};
use crate::pattern::{Match, Pattern};
use crate::row_expression::{self, Answer, Bounds, Compiled, RowExpression, Untold};
use crate::terms::object;
use crate::value::{Kind, Value, wrong_type};

/// Something that can be called with data.
pub(crate) struct Function {
    body: Body,
    pub(crate) site: TermId,
}

enum Body {
    Closure {
        template: Arc<FunctionTemplate>,
        captures: Arc<[Datum]>,
        compiled: Compiled,
    },
    /// `group("a")`: the field of the argument.
    Field(FieldLookup),
    /// `update({..})`: the same value for any argument.
    Constant(Datum),
    /// `filter({..})`: whether the argument has these fields with these values.
    Matching(Pattern),
    /// What should be the name of a field and is not.
    NoField(Datum),
    /// A term applied to a row, as `pluck` over a sequence.
    Native(Arc<dyn NativeFunction>),
}

/// A function written in Rust.
pub(crate) trait NativeFunction: Send + Sync {
    fn call(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum>;

    /// See [`Function::answer`].
    fn answer<'a>(&'a self, _rows: &[DatumRef<'a>]) -> Answer<'a> {
        Err(Untold::Unsure)
    }
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
        let captures = match template.captures.as_slice() {
            [] => Arc::default(),
            captures => captures.iter().map(|(_, slot)| frame.get(*slot).clone()).collect(),
        };
        Self::of_template(Arc::clone(template), captures)
    }

    /// A function without free variables, as stored with an index.
    pub(crate) fn standalone(template: Arc<FunctionTemplate>) -> Self {
        Self::of_template(template, Arc::default())
    }

    fn of_template(template: Arc<FunctionTemplate>, captures: Arc<[Datum]>) -> Self {
        let site = template.site;
        Self { body: Body::Closure { template, captures, compiled: Compiled::default() }, site }
    }

    pub(crate) fn field(name: Text, site: TermId) -> Self {
        Self { body: Body::Field(FieldLookup::new(name)), site }
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
            (kind, Shortcut::Field) => match Value::new(kind, site).into_datum()? {
                Datum::String(name) => Body::Field(FieldLookup::new(name)),
                other => Body::NoField(other),
            },
            (kind, Shortcut::Constant) => Body::Constant(Value::new(kind, site).into_datum()?),
            (kind, Shortcut::Matching) => match Value::new(kind, site).into_datum()? {
                pattern if pattern.is_plain_object() || pattern.is_literal() => {
                    Body::Matching(Pattern::new(&pattern))
                }
                other => Body::Constant(other),
            },
        };
        Ok(Arc::new(Self { body, site }))
    }

    /// The field that the function gives, if that is all it does.
    pub(crate) fn field_name(&self) -> Option<&Text> {
        match &self.body {
            Body::Field(lookup) => Some(lookup.name()),
            _ => None,
        }
    }

    /// The number of parameters; `None` when any number will do.
    pub(crate) fn arity(&self) -> Option<usize> {
        match &self.body {
            Body::Closure { template, .. } if !template.parameters.is_empty() => {
                Some(template.parameters.len())
            }
            Body::Field(_) | Body::NoField(_) | Body::Matching(_) => Some(1),
            _ => None,
        }
    }

    pub(crate) fn determinism(&self) -> Determinism {
        match &self.body {
            Body::Closure { template, .. } => template.body.determinism,
            Body::Field(_) | Body::NoField(_) | Body::Constant(_) | Body::Matching(_) => Determinism::ALWAYS,
            Body::Native(_) => Determinism::NEVER,
        }
    }

    /// The closure's source and captured values; `None` for anything but a closure.
    pub(crate) fn as_closure(&self) -> Option<(&Arc<FunctionTemplate>, &[Datum])> {
        match &self.body {
            Body::Closure { template, captures, .. } => Some((template, captures)),
            _ => None,
        }
    }

    /// Calls the function; the result may be a stream or a write's answer.
    pub(crate) fn call(&self, env: &Arc<Environment>, arguments: &[Datum]) -> Result<Value> {
        match &self.body {
            Body::Closure { template, captures, .. } => {
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
            Body::Closure { template, captures, .. } => {
                self.check_arity(arguments.len())?;
                let frame = Frame { captures, parameters: arguments };
                evaluate::datum(env, &template.body, frame)
            }
            Body::Field(lookup) => {
                let row = arguments.first().unwrap_or(&Datum::Null);
                object::field(row, lookup.name()).map_err(|error| error.at(self.site))
            }
            Body::NoField(other) => Err(wrong_type("STRING", other).at(self.site)),
            Body::Constant(datum) => Ok(datum.clone()),
            Body::Matching(pattern) => {
                Ok(Datum::Bool(arguments.first().is_some_and(|row| pattern.matches(row.view()))))
            }
            Body::Native(native) => native.call(env, arguments).map_err(|error| error.at(self.site)),
        }
    }

    /// Calls the function as a predicate: anything but `false` and `null` holds.
    pub(crate) fn holds(&self, env: &Arc<Environment>, row: &Datum) -> Result<bool> {
        if let Body::Matching(pattern) = &self.body {
            return pattern.try_matches(row);
        }
        self.datum(env, std::slice::from_ref(row)).map(|datum| is_true(&datum))
    }

    /// The same where a row that lacks what the predicate asks for does not count.
    pub(crate) fn holds_or_absent(&self, env: &Arc<Environment>, row: &Datum) -> Result<bool> {
        if let Body::Matching(pattern) = &self.body {
            return Ok(pattern.matches(row.view()));
        }
        match self.holds(env, row) {
            Err(error) if error.is_absent() => Ok(false),
            held => held,
        }
    }

    /// What the function gives for rows as they are stored, as far as that is told without
    /// evaluating it; [`datum`](Self::datum) tells the rest.
    pub(crate) fn answer<'a>(&'a self, env: &Arc<Environment>, rows: &[DatumRef<'a>]) -> Answer<'a> {
        match &self.body {
            Body::Closure { .. } => self.compiled(env, rows.len()).ok_or(Untold::Unsure)?.answer(rows),
            Body::Field(lookup) => row_expression::field(*rows.first().ok_or(Untold::Unsure)?, lookup),
            Body::Constant(datum) => Ok(datum.view()),
            Body::Matching(pattern) => {
                Ok(DatumRef::Bool(rows.first().is_some_and(|row| pattern.matches(*row))))
            }
            Body::NoField(_) => Err(Untold::Unsure),
            Body::Native(native) => native.answer(rows),
        }
    }

    /// [`answer`](Self::answer) for values that have to be built.
    pub(crate) fn write<'a>(
        &'a self,
        env: &Arc<Environment>,
        rows: &[DatumRef<'a>],
        out: &mut Writer,
    ) -> std::result::Result<(), Untold> {
        let compiled = self.compiled(env, rows.len()).filter(|compiled| compiled.builds());
        compiled.ok_or(Untold::Unsure)?.write(rows, out)
    }

    /// Whether the function holds as a predicate, as far as that is told.
    pub(crate) fn tells<'a>(
        &'a self,
        env: &Arc<Environment>,
        row: DatumRef<'a>,
    ) -> std::result::Result<bool, Untold> {
        if let Body::Matching(pattern) = &self.body {
            return match pattern.compare(row) {
                Match::Yes => Ok(true),
                Match::No => Ok(false),
                Match::Absent(_) => Err(Untold::Absent),
                Match::NoObject => Err(Untold::Unsure),
            };
        }
        if let Body::Closure { .. } = &self.body {
            return self.compiled(env, 1).ok_or(Untold::Unsure)?.holds(&[row]);
        }
        self.answer(env, &[row]).map(row_expression::truth)
    }

    /// The number that the function gives for a row, as far as that is told; any other value
    /// is for [`answer`](Self::answer) to tell.
    #[inline]
    pub(crate) fn number(&self, env: &Arc<Environment>, row: DatumRef<'_>) -> Option<f64> {
        match &self.body {
            Body::Closure { .. } => self.compiled(env, 1)?.number(&[row]),
            Body::Field(lookup) => row_expression::number_field(row, lookup),
            _ => None,
        }
    }

    /// The bounds that the function sets, as the predicate of a filter that leaves rows out in
    /// which something is absent.
    pub(crate) fn bounds(&self, env: &Arc<Environment>) -> Bounds {
        match &self.body {
            Body::Closure { template, captures, compiled } if self.arity().is_none_or(|arity| arity == 1) => {
                let expression = compiled.now(|| row_expression::compile(env, template, captures));
                expression.map(RowExpression::bounds).unwrap_or_default()
            }
            Body::Matching(pattern) => pattern.bounds(),
            _ => Bounds::default(),
        }
    }

    fn compiled(&self, env: &Arc<Environment>, arguments: usize) -> Option<&RowExpression> {
        match &self.body {
            Body::Closure { template, captures, compiled }
                if self.arity().is_none_or(|arity| arity == arguments) =>
            {
                compiled.get(|| row_expression::compile(env, template, captures))
            }
            _ => None,
        }
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
