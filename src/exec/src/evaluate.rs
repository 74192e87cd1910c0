//! Evaluating expressions: constants, variables and functions here, terms in `terms`.

use std::cell::RefCell;
use std::sync::Arc;

use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_datum::{Datum, Text};
use photondb_plan::{Call, Expression, Operation, Slot};
use photondb_reql::TermId;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::{Function, Shortcut};
use crate::memory::{Purpose, Reservation};
use crate::sequence::Sequence;
use crate::terms;
use crate::value::{Kind, Value};

/// Stack below which evaluation goes on in a new one: what the deepest value needs to be
/// compared or written, and a term's own frames.
const STACK_LEFT_BYTES_MIN: usize = 4 * 1024 * 1024;

/// The variables that an expression can see.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) captures: &'a [Datum],
    pub(crate) parameters: &'a [Datum],
}

impl<'a> Frame<'a> {
    /// The frame of the query itself.
    pub(crate) const EMPTY: Frame<'static> = Frame { captures: &[], parameters: &[] };

    /// Whether this is the query's own level rather than a function's.
    fn is_query(&self) -> bool {
        self.parameters.is_empty() && self.captures.is_empty()
    }

    pub(crate) fn get(&self, slot: Slot) -> &'a Datum {
        match slot {
            Slot::Parameter(position) => &self.parameters[usize::from(position)],
            Slot::Capture(position) => &self.captures[usize::from(position)],
        }
    }
}

/// Evaluates to any value.
pub(crate) fn value(env: &Arc<Environment>, expression: &Expression, frame: Frame<'_>) -> Result<Value> {
    let site = expression.site;
    match &expression.operation {
        Operation::Constant(datum) => Ok(Value::datum(datum.clone(), site)),
        Operation::Placeholder(position) => Ok(Value::datum(env.binding(*position)?, site)),
        Operation::Variable(slot) => Ok(Value::datum(frame.get(*slot).clone(), site)),
        Operation::Function(template) => {
            Ok(Value::new(Kind::Function(Arc::new(Function::closure(template, frame))), site))
        }
        Operation::Call(call) => {
            let invocation = Invocation { env, frame, call, site, first: None };
            stacker::maybe_grow(STACK_LEFT_BYTES_MIN, THREAD_STACK_BYTES, || {
                let value = match &env.profiler {
                    // What runs once per row counts to the term that reads the rows.
                    Some(profiler) if frame.is_query() => profiler
                        .task(&format!("Evaluating {}.", call.term.info().method), || {
                            evaluate(expression, &invocation)
                        }),
                    _ => evaluate(expression, &invocation),
                };
                value.map_err(|error| error.at(site))
            })
        }
    }
}

fn evaluate(expression: &Expression, call: &Invocation<'_>) -> Result<Value> {
    if expression.grouped || call.spliced() { terms::evaluate_rare(call) } else { terms::dispatch(call) }
}

/// Evaluates to data.
pub(crate) fn datum(env: &Arc<Environment>, expression: &Expression, frame: Frame<'_>) -> Result<Datum> {
    match &expression.operation {
        Operation::Constant(datum) => Ok(datum.clone()),
        Operation::Placeholder(position) => env.binding(*position),
        Operation::Variable(slot) => Ok(frame.get(*slot).clone()),
        _ => value(env, expression, frame)?.into_datum(),
    }
}

/// A term being evaluated: its arguments on demand.
///
/// Complaints about an argument's type come in two kinds, as clients see in backtraces:
/// those of `datum`-like accessors point at the term itself, those of `value(i)?.into_…`
/// at the argument.
#[derive(Clone, Copy)]
pub(crate) struct Invocation<'a> {
    pub(crate) env: &'a Arc<Environment>,
    pub(crate) frame: Frame<'a>,
    pub(crate) call: &'a Call,
    pub(crate) site: TermId,
    /// The first argument when it has been evaluated already.
    pub(crate) first: Option<&'a RefCell<Option<Value>>>,
}

impl<'a> Invocation<'a> {
    /// The number of arguments.
    pub(crate) fn count(&self) -> usize {
        self.call.arguments.len()
    }

    pub(crate) fn expression(&self, position: usize) -> Result<&'a Expression> {
        self.call
            .arguments
            .get(position)
            .ok_or_else(|| EvalError::logic(format!("Expected an argument at position {position}.")))
    }

    pub(crate) fn value(&self, position: usize) -> Result<Value> {
        if position == 0
            && let Some(first) = self.first.and_then(|first| first.borrow_mut().take())
        {
            return Ok(first);
        }
        value(self.env, self.expression(position)?, self.frame)
    }

    pub(crate) fn datum(&self, position: usize) -> Result<Datum> {
        if position == 0 && self.first.is_some() {
            return self.value(0)?.into_datum();
        }
        datum(self.env, self.expression(position)?, self.frame)
    }

    /// Whether `r.args` stood among the arguments.
    pub(crate) fn spliced(&self) -> bool {
        self.call.spliced
    }

    /// All arguments from a position on, as data.
    pub(crate) fn data_from(&self, position: usize) -> Result<Vec<Datum>> {
        let mut held = Reservation::new(Purpose::Values);
        let mut data = Vec::with_capacity(self.count().saturating_sub(position));
        for position in position..self.count() {
            let datum = self.datum(position)?;
            held.grow(&self.env.memory, datum.unguarded_bytes())?;
            data.push(datum);
        }
        Ok(data)
    }

    pub(crate) fn function(&self, position: usize, shortcut: Shortcut) -> Result<Arc<Function>> {
        Function::from_value(self.value(position)?, shortcut)
    }

    pub(crate) fn sequence(&self, position: usize) -> Result<Sequence> {
        Sequence::from_value(self.value(position)?)
    }

    /// An optional argument, if given here or for the whole query.
    pub(crate) fn option(&self, name: &str) -> Result<Option<Value>> {
        match self.call.option(name) {
            Some(expression) => value(self.env, expression, self.frame).map(Some),
            None => match self.env.options.global(name) {
                Some(expression) => value(self.env, expression, Frame::EMPTY).map(Some),
                None => Ok(None),
            },
        }
    }

    pub(crate) fn option_datum(&self, name: &str) -> Result<Option<Datum>> {
        self.option(name)?.map(Value::into_datum).transpose()
    }

    pub(crate) fn option_text(&self, name: &str) -> Result<Option<Text>> {
        self.option(name)?.map(Value::into_text).transpose()
    }

    pub(crate) fn option_bool(&self, name: &str) -> Result<Option<bool>> {
        self.option(name)?.map(Value::into_bool).transpose()
    }

    /// A value of this term.
    pub(crate) fn answer(&self, datum: Datum) -> Result<Value> {
        Ok(Value::datum(self.env.memory.charge(datum)?, self.site))
    }

    /// A value that this term made and that shares nothing: texts and packed values are only
    /// counted when they are told apart from parts of others.
    pub(crate) fn answer_new(&self, datum: Datum) -> Result<Value> {
        Ok(Value::datum(self.env.memory.charge_new(datum)?, self.site))
    }

    /// A sequence of this term: an array at once when it comes from arrays, else a stream.
    pub(crate) fn answer_sequence(&self, sequence: Sequence) -> Result<Value> {
        sequence.into_value(self.env, self.site)
    }
}
