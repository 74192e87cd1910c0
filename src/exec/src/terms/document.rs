//! Terms that take an object, or a sequence whose objects they are applied to one by one.

use std::sync::Arc;

use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef};
use photondb_plan::{Determinism, Expression, Operation};
use photondb_reql::TermId;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::{self, Frame, Invocation};
use crate::function::{Function, NativeFunction};
use crate::path::Path;
use crate::row_expression::{Answer, Untold, plain_object};
use crate::sequence::{FilterDefault, RowTransform, Sequence, Stage};
use crate::terms::merge;
use crate::terms::object::{Subject, answer_nested, element, plain, stage, stray_literal, subject};
use crate::value::{Kind, Value};

pub(crate) use super::object::literal;

/// The paths of a call.
fn paths(call: &Invocation<'_>) -> Result<Path> {
    Path::of_arguments(&call.data_from(1)?)
}

pub(crate) fn pluck(call: &Invocation<'_>) -> Result<Value> {
    match subject(call.value(0)?, "pluck", None)? {
        Subject::Object(row) => call.answer(paths(call)?.project(plain(&row, "pluck", None)?)),
        Subject::Rows(rows) => call.answer_sequence(pluck_rows(call, rows)),
    }
}

/// `pluck` or `without` over rows. Wrong paths are an error only if there is a row to apply them
/// to.
struct Reduction {
    paths: Result<Path>,
    /// Whether the fields are kept rather than left out.
    keep: bool,
    site: TermId,
}

impl Reduction {
    fn stage(call: &Invocation<'_>, keep: bool) -> Stage {
        Stage::Apply(Arc::new(Self { paths: paths(call), keep, site: call.site }))
    }

    fn reduced(&self, row: &Datum) -> Result<Datum> {
        let object = element(row, if self.keep { "pluck" } else { "without" }, None)?;
        let paths = self.paths.as_ref().map_err(EvalError::clone)?;
        Ok(if self.keep { paths.project(object) } else { paths.unproject(object.clone()) })
    }
}

impl RowTransform for Reduction {
    fn apply(&self, _: &Arc<Environment>, row: &Datum) -> Result<Option<Datum>> {
        self.reduced(row).map(Some).map_err(|error| error.at(self.site))
    }

    fn keeps(&self, field: &str) -> bool {
        let paths = self.paths.as_ref();
        if self.keep {
            paths.is_ok_and(|paths| paths.has_whole(field))
        } else {
            paths.is_ok_and(|paths| !paths.mentions(field))
        }
    }

    fn write(&self, row: DatumRef<'_>, out: &mut Writer) -> std::result::Result<(), Untold> {
        let object = plain_object(row)?;
        let paths = self.paths.as_ref().map_err(|_| Untold::Unsure)?;
        if self.keep {
            paths.write_projection(object, out);
            return Ok(());
        }
        paths.write_rest(object, out)
    }
}

fn pluck_rows(call: &Invocation<'_>, rows: Sequence) -> Sequence {
    rows.with(Reduction::stage(call, true))
}

pub(crate) fn without(call: &Invocation<'_>) -> Result<Value> {
    match subject(call.value(0)?, "without", None)? {
        Subject::Object(row) => call.answer(paths(call)?.unproject(plain(&row, "without", None)?.clone())),
        Subject::Rows(rows) => call.answer_sequence(rows.with(Reduction::stage(call, false))),
    }
}

/// The predicate of `hasFields` over rows.
struct HasFields(Result<Path>);

impl NativeFunction for HasFields {
    fn call(&self, _: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        let row = arguments.first().unwrap_or(&Datum::Null);
        let object = element(row, "has_fields", None)?;
        Ok(Datum::Bool(self.0.as_ref().map_err(EvalError::clone)?.is_in(object.view())))
    }

    fn answer<'a>(&'a self, rows: &[DatumRef<'a>]) -> Answer<'a> {
        let object = plain_object(*rows.first().ok_or(Untold::Unsure)?)?;
        let path = self.0.as_ref().map_err(|_| Untold::Unsure)?;
        Ok(DatumRef::Bool(path.is_in(object)))
    }
}

fn rows_with_fields(call: &Invocation<'_>, rows: Sequence) -> Sequence {
    let predicate = Function::native(Arc::new(HasFields(paths(call))), call.site);
    rows.with(Stage::Filter { predicate: Arc::new(predicate), default: FilterDefault::Skip })
}

pub(crate) fn has_fields(call: &Invocation<'_>) -> Result<Value> {
    match subject(call.value(0)?, "has_fields", None)? {
        Subject::Object(row) => {
            call.answer(Datum::Bool(paths(call)?.is_in(plain(&row, "has_fields", None)?.view())))
        }
        Subject::Rows(rows) => call.answer_sequence(rows_with_fields(call, rows)),
    }
}

/// `hasFields` and then `pluck`, which makes no sense for a single object.
pub(crate) fn with_fields(call: &Invocation<'_>) -> Result<Value> {
    match subject(call.value(0)?, "has_fields", None)? {
        Subject::Object(row) => {
            let has = paths(call)?.is_in(plain(&row, "has_fields", None)?.view());
            plain(&Datum::Bool(has), "pluck", None)?;
            call.answer(Datum::Bool(has))
        }
        Subject::Rows(rows) => call.answer_sequence(pluck_rows(call, rows_with_fields(call, rows))),
    }
}

/// Something to merge into objects.
enum Patch {
    Value(Datum),
    Function(Arc<Function>),
    /// To be evaluated anew for each row.
    Expression(Deferred),
}

impl Patch {
    fn of_value(value: Value) -> Result<Self> {
        match value.kind {
            Kind::Function(function) => Ok(Self::Function(function)),
            kind => {
                let datum = Value::new(kind, value.site).into_datum()?;
                if datum.is_literal() { Err(stray_literal().at(value.site)) } else { Ok(Self::Value(datum)) }
            }
        }
    }

    /// An argument that many rows are merged with. Errors wait for the first row.
    fn of_argument(call: &Invocation<'_>, position: usize) -> Result<Self> {
        let expression = call.expression(position)?;
        if expression.determinism == Determinism::ALWAYS
            || matches!(expression.operation, Operation::Function(_))
        {
            return Self::of_value(call.value(position)?);
        }
        Ok(Self::Expression(Deferred::new(expression, call.frame)))
    }

    fn apply(&self, env: &Arc<Environment>, row: Datum) -> Result<Datum> {
        match self {
            Self::Value(patch) => Ok(merge::merge(&row, patch)),
            Self::Function(function) => {
                let patch = function.datum(env, std::slice::from_ref(&row))?;
                if patch.is_literal() {
                    return Err(stray_literal().at(function.site));
                }
                Ok(merge::merge(&row, &patch))
            }
            Self::Expression(deferred) => Self::of_value(deferred.evaluate(env)?)?.apply(env, row),
        }
    }
}

/// An expression with the variables it saw, to be evaluated later.
struct Deferred {
    expression: Expression,
    captures: Vec<Datum>,
    parameters: Vec<Datum>,
}

impl Deferred {
    fn new(expression: &Expression, frame: Frame<'_>) -> Self {
        Self {
            expression: expression.clone(),
            captures: frame.captures.to_vec(),
            parameters: frame.parameters.to_vec(),
        }
    }

    fn evaluate(&self, env: &Arc<Environment>) -> Result<Value> {
        let frame = Frame { captures: &self.captures, parameters: &self.parameters };
        evaluate::value(env, &self.expression, frame)
    }
}

pub(crate) fn merge(call: &Invocation<'_>) -> Result<Value> {
    match subject(call.value(0)?, "merge", None)? {
        Subject::Object(mut row) => {
            for position in 1..call.count() {
                row = Patch::of_value(call.value(position)?)?.apply(call.env, row)?;
            }
            answer_nested(call, row)
        }
        Subject::Rows(rows) => {
            let patches: Vec<Result<Patch>> =
                (1..call.count()).map(|position| Patch::of_argument(call, position)).collect();
            call.answer_sequence(rows.with(stage(call, move |env, row| {
                element(row, "merge", None)?;
                let mut row = row.clone();
                for patch in &patches {
                    row = patch.as_ref().map_err(EvalError::clone)?.apply(env, row)?;
                }
                row.check_depth()?;
                Ok(Some(row))
            })))
        }
    }
}
