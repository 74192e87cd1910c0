//! Objects: building them, reading fields, merging.

use std::sync::Arc;

use photondb_datum::{Datum, DatumRef, FieldLookup, Object, ObjectBuilder, PseudoType, Text, pseudo};
use photondb_plan::Operation;
use photondb_reql::{ErrorKind, TermId};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::{self, Invocation};
use crate::memory::{Purpose, Reservation};
use crate::row_expression::{self, Untold};
use crate::sequence::{RowTransform, Sequence, Stage};
use crate::terms::merge::contains_literal;
use crate::terms::transform;
use crate::value::{Kind, Value};

/// A field of a row, as `getField` reads it.
pub(crate) fn field(row: &Datum, name: &str) -> Result<Datum> {
    plain(row, "get_field", None)?.get(name).ok_or_else(|| missing(name, row))
}

fn missing(name: &str, row: &Datum) -> EvalError {
    EvalError::no_attribute(name, row)
}

/// A complaint that is one about absence when what was found is null.
fn about(found: &Datum, message: String) -> EvalError {
    let kind = if found.is_null() { ErrorKind::NonExistence } else { ErrorKind::QueryLogic };
    EvalError::new(kind, message)
}

/// The row as an object that a term may look into.
pub(super) fn plain<'a>(row: &'a Datum, term: &str, accepted: Option<PseudoType>) -> Result<&'a Object> {
    let Datum::Object(object) = row else {
        let printed = row.print_truncated();
        return Err(about(row, format!("Cannot perform {term} on a non-object non-sequence `{printed}`.")));
    };
    if object.is_pseudo() && object.pseudo_type() != accepted {
        let message = format!("Cannot call `{term}` on objects of type `{}`.", row.type_name());
        return Err(EvalError::logic(message));
    }
    Ok(object)
}

/// The row of a sequence as an object that a term may look into.
pub(super) fn element<'a>(row: &'a Datum, term: &str, accepted: Option<PseudoType>) -> Result<&'a Object> {
    if let Datum::Array(_) = row {
        return Err(EvalError::logic(format!("Cannot perform {term} on a sequence of sequences.")));
    }
    plain(row, term, accepted)
}

/// What a term that takes an object or a sequence of objects has been given.
pub(super) enum Subject {
    /// Surely an object.
    Object(Datum),
    Rows(Sequence),
}

/// Sorts out the first argument of a term that takes an object or a sequence of objects.
/// Complaints point at the argument.
pub(super) fn subject(value: Value, term: &str, accepted: Option<PseudoType>) -> Result<Subject> {
    let site = value.site;
    let datum = match value.kind {
        Kind::Datum(datum @ Datum::Array(_)) => {
            return Sequence::from_value(Value::datum(datum, site)).map(Subject::Rows);
        }
        Kind::Datum(datum) => datum,
        Kind::Row(row) => row.datum,
        kind => return Sequence::from_value(Value::new(kind, site)).map(Subject::Rows),
    };
    plain(&datum, term, accepted).map_err(|error| error.at(site))?;
    Ok(Subject::Object(datum))
}

/// A closure as a stage of a sequence.
struct Closure<F>(F);

impl<F> RowTransform for Closure<F>
where
    F: Fn(&Arc<Environment>, &Datum) -> Result<Option<Datum>> + Send + Sync,
{
    fn apply(&self, env: &Arc<Environment>, row: &Datum) -> Result<Option<Datum>> {
        (self.0)(env, row)
    }
}

/// A stage for a term; errors that point nowhere point at the term.
pub(super) fn stage<F>(call: &Invocation<'_>, transform: F) -> Stage
where
    F: Fn(&Arc<Environment>, &Datum) -> Result<Option<Datum>> + Send + Sync + 'static,
{
    let site = call.site;
    Stage::Apply(Arc::new(Closure(move |env: &Arc<Environment>, row: &Datum| {
        transform(env, row).map_err(|error| error.at(site))
    })))
}

/// A value of a term that may have nested its arguments deeper.
pub(super) fn answer_nested(call: &Invocation<'_>, datum: Datum) -> Result<Value> {
    datum.check_depth()?;
    call.answer(datum)
}

/// An object literal.
pub(crate) fn make_obj(call: &Invocation<'_>) -> Result<Value> {
    let mut builder = ObjectBuilder::with_capacity(call.call.options.len());
    let mut held = Reservation::new(Purpose::Values);
    for (name, expression) in &call.call.options {
        let value = evaluate::datum(call.env, expression, call.frame)?;
        held.grow(&call.env.memory, value.unguarded_bytes())?;
        builder.insert(name.clone(), value);
    }
    drop(held);
    answer_nested(call, builder.into_datum()?)
}

/// `r.object("key", value, ..)`
pub(crate) fn object(call: &Invocation<'_>) -> Result<Value> {
    let count = call.count();
    if count % 2 == 1 {
        let message = format!("OBJECT expects an even number of arguments (but found {count}).");
        return Err(EvalError::logic(message));
    }
    let mut builder = ObjectBuilder::with_capacity(count / 2);
    let mut held = Reservation::new(Purpose::Values);
    for position in (0..count).step_by(2) {
        let key = call.value(position)?.into_text()?;
        let value = call.datum(position + 1)?;
        held.grow(&call.env.memory, value.unguarded_bytes())?;
        if let Some(old) = builder.get(&key) {
            return Err(EvalError::logic(format!(
                "Duplicate key `{key}` in object.  (got `{}` and `{}` as values)",
                old.print_truncated(),
                value.print_truncated()
            )));
        }
        builder.insert(key, value);
    }
    drop(held);
    answer_nested(call, builder.into_datum()?)
}

/// The argument of a term that takes one object and no sequence.
fn only_object(call: &Invocation<'_>, term: &str) -> Result<Object> {
    let value = call.value(0)?;
    let site = value.site;
    match value.into_datum()? {
        Datum::Object(object) if !object.is_pseudo() => Ok(object),
        other => {
            let message = format!("Cannot call `{term}` on objects of type `{}`.", other.type_name());
            Err(EvalError::logic(message).at(site))
        }
    }
}

pub(crate) fn keys(call: &Invocation<'_>) -> Result<Value> {
    let object = only_object(call, "keys")?;
    call.answer(call.env.array(object.keys().map(Datum::String).collect())?)
}

pub(crate) fn values(call: &Invocation<'_>) -> Result<Value> {
    let object = only_object(call, "values")?;
    call.answer(call.env.array(object.values().collect())?)
}

/// The value of an argument that stands ready, without evaluation.
fn ready<'a>(call: &Invocation<'a>, position: usize) -> Option<&'a Datum> {
    if position == 0 && call.first.is_some() {
        return None;
    }
    match &call.call.arguments.get(position)?.operation {
        Operation::Constant(datum) => Some(datum),
        Operation::Variable(slot) => Some(call.frame.get(*slot)),
        _ => None,
    }
}

/// A field read without touching a reference count but its own: the case of every row.
fn ready_field(call: &Invocation<'_>) -> Option<Datum> {
    match (ready(call, 0)?, ready(call, 1)?) {
        (Datum::Object(object), Datum::String(name)) if !object.is_pseudo() => object.get(name),
        _ => None,
    }
}

pub(crate) fn get_field(call: &Invocation<'_>) -> Result<Value> {
    if let Some(value) = ready_field(call) {
        return call.answer(value);
    }
    let subject = subject(call.value(0)?, "get_field", None)?;
    let name = call.value(1)?.into_text()?;
    read_field(call, subject, name, "get_field")
}

/// The field of an object, or of each row that has it.
fn read_field(call: &Invocation<'_>, subject: Subject, name: Text, term: &'static str) -> Result<Value> {
    match subject {
        Subject::Object(row) => call.answer(row.get(&name).ok_or_else(|| missing(&name, &row))?),
        Subject::Rows(rows) => {
            let field = FieldOfRows { lookup: FieldLookup::new(name), term, site: call.site };
            call.answer_sequence(rows.with(Stage::Apply(Arc::new(field))))
        }
    }
}

/// The field of the rows that have it.
struct FieldOfRows {
    lookup: FieldLookup,
    term: &'static str,
    site: TermId,
}

impl RowTransform for FieldOfRows {
    fn apply(&self, _: &Arc<Environment>, row: &Datum) -> Result<Option<Datum>> {
        match row {
            Datum::Object(object) if !object.is_pseudo() => Ok(object.get(self.lookup.name())),
            // Nothing is there to be read: as absent as a field.
            Datum::Null => Ok(None),
            other => element(other, self.term, None).map(|_| None).map_err(|error| error.at(self.site)),
        }
    }

    fn answer<'a>(&'a self, row: DatumRef<'a>) -> std::result::Result<Option<DatumRef<'a>>, Untold> {
        match row_expression::field(row, &self.lookup) {
            Ok(value) => Ok(Some(value)),
            Err(Untold::Absent) => Ok(None),
            Err(Untold::Unsure) => Err(Untold::Unsure),
        }
    }
}

/// `row("field")` and `sequence(position)`
pub(crate) fn bracket(call: &Invocation<'_>) -> Result<Value> {
    if let Some(value) = ready_field(call) {
        return call.answer(value);
    }
    let value = call.value(0)?;
    let key = call.value(1)?;
    let site = key.site;
    match key.into_datum()? {
        Datum::String(name) => read_field(call, subject(value, "bracket", None)?, name, "bracket"),
        index @ Datum::Number(_) => {
            let index = Value::datum(index, site).into_integer()?;
            transform::nth_of(call, value, index)
        }
        other => {
            let found = other.type_name();
            let message =
                format!("Expected NUMBER or STRING as second argument to `bracket` but found {found}.");
            Err(about(&other, message))
        }
    }
}

/// `r.literal(value)`, which `merge` and `update` take as it is.
pub(crate) fn literal(call: &Invocation<'_>) -> Result<Value> {
    let value = if call.count() == 0 { None } else { Some(call.datum(0)?) };
    value.as_ref().map_or(Ok(()), reject_literals)?;
    call.answer(Datum::Object(pseudo::literal(value)))
}

/// RethinkDB's complaint about a literal where nothing is merged.
pub(crate) fn stray_literal() -> EvalError {
    EvalError::logic(
        "Stray literal keyword found: literal is only legal inside of the object passed to merge or update and \
         cannot nest inside other literals.",
    )
}

/// Fails when a literal is left anywhere inside a value.
pub(crate) fn reject_literals(datum: &Datum) -> Result<()> {
    if contains_literal(datum.view()) { Err(stray_literal()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use photondb_datum::json::{ParseLimits, parse};

    use super::*;

    fn json(text: &str) -> Datum {
        parse(text.as_bytes(), ParseLimits::default()).unwrap()
    }

    #[test]
    fn what_has_no_fields_is_complained_about() {
        let cases = [
            (json("\"a\""), "Cannot perform get_field on a non-object non-sequence `\"a\"`.", false),
            (json("null"), "Cannot perform get_field on a non-object non-sequence `null`.", true),
            (json("{}"), "No attribute `x` in object:\n{}", true),
            (
                pseudo::time(0.0, pseudo::TIME_ZONE_UTC),
                "Cannot call `get_field` on objects of type `PTYPE<TIME>`.",
                false,
            ),
        ];
        for (row, message, absent) in cases {
            let error = field(&row, "x").unwrap_err();
            assert_eq!((error.message(), error.is_absent()), (message, absent));
        }
    }

    #[test]
    fn literals_are_found_wherever_they_are() {
        assert!(reject_literals(&json(r#"{"a":[{"$reql_type$":"LITERAL"}]}"#)).is_err());
        assert!(reject_literals(&json(r#"{"a":[1,{"value":2}]}"#)).is_ok());
    }
}
