//! Control: `branch`, `default`, `do`, `error`, `forEach`, and the markers of order.

use std::collections::BTreeMap;

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::ErrorKind;

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Shortcut, is_true};
use crate::sequence::Groups;
use crate::terms::grouping;
use crate::value::{Kind, Ordering, Value, wrong_type};

/// The message of `error()` without arguments, which `default` turns into the error that
/// it is about to handle.
const EMPTY_ERROR: &str = "Empty ERROR term outside a default block.";

/// Whether this is the error of `error()` without arguments.
pub(crate) fn is_empty_error(error: &EvalError) -> bool {
    error.kind() == ErrorKind::QueryLogic && error.message() == EMPTY_ERROR
}

pub(crate) fn branch(call: &Invocation<'_>) -> Result<Value> {
    let count = call.count();
    if count.is_multiple_of(2) {
        return Err(EvalError::logic("Cannot call `branch` term with an even number of arguments."));
    }
    for test in (0..count - 1).step_by(2) {
        if is_true(&call.datum(test)?) {
            return call.value(test + 1);
        }
    }
    call.value(count - 1)
}

pub(crate) fn default(call: &Invocation<'_>) -> Result<Value> {
    let site = call.expression(0)?.site;
    let original = match call.value(0) {
        Ok(Value { kind: Kind::Datum(Datum::Null), .. }) => Ok(Value::datum(Datum::Null, site)),
        Ok(Value { kind: Kind::Row(row), .. }) if row.datum.is_null() => Ok(Value::new(Kind::Row(row), site)),
        Ok(value) => return Ok(value),
        Err(error) if error.is_absent() => Err(error),
        Err(error) => return Err(error),
    };
    let fallback = match call.value(1) {
        Err(error) if is_empty_error(&error) => return original,
        fallback => fallback?,
    };
    match fallback {
        Value { kind: Kind::Function(function), .. } => {
            let message = match &original {
                Ok(_) => Datum::Null,
                Err(error) => Datum::String(Text::from(error.message())),
            };
            function.call(call.env, &[message])
        }
        value => Ok(value),
    }
}

pub(crate) fn funcall(call: &Invocation<'_>) -> Result<Value> {
    let mut arguments = Vec::with_capacity(call.count().saturating_sub(1));
    for position in 1..call.count() {
        let value = call.value(position)?;
        if position == 1 && call.expression(1)?.grouped {
            match grouping::into_groups(call.env, value)? {
                Ok(groups) => return over_groups(call, groups.collect(call.env)?),
                Err(value) => arguments.push(value.into_datum()?),
            }
        } else {
            arguments.push(value.into_datum()?);
        }
    }
    call.function(0, Shortcut::Constant)?.call(call.env, &arguments)
}

fn over_groups(call: &Invocation<'_>, groups: BTreeMap<Datum, Datum>) -> Result<Value> {
    let function = call.function(0, Shortcut::Constant)?;
    let mut answers = BTreeMap::new();
    for (group, value) in groups {
        let mut arguments = vec![value];
        arguments.append(&mut call.data_from(2)?);
        answers.insert(group, function.datum(call.env, &arguments)?);
    }
    Ok(Value::new(Kind::Grouped(Groups::Few(answers)), call.site))
}

pub(crate) fn error(call: &Invocation<'_>) -> Result<Value> {
    if call.count() == 0 {
        return Err(EvalError::logic(EMPTY_ERROR));
    }
    let message = call.value(0)?.into_text()?;
    Err(EvalError::new(ErrorKind::User, message.as_str()))
}

/// Standing alone, `args` is its array.
pub(crate) fn args(call: &Invocation<'_>) -> Result<Value> {
    match call.datum(0)? {
        items @ Datum::Array(_) => call.answer(items),
        other => Err(wrong_type("ARRAY", &other)),
    }
}

pub(crate) fn for_each(call: &Invocation<'_>) -> Result<Value> {
    let rows = call.sequence(0)?;
    let function = call.function(1, Shortcut::Constant)?;
    let mut summary = ObjectBuilder::new();
    rows.for_each(call.env, &mut |row| {
        let value = function.call(call.env, &[row])?;
        let site = value.site;
        let written = value.into_datum().map_err(|error| {
            EvalError::new(error.kind(), "FOR_EACH expects one or more basic write queries.").at(site)
        })?;
        match written {
            Datum::Object(_) => add_summary(call, &mut summary, &written),
            Datum::Array(items) => items.iter().try_for_each(|item| add_summary(call, &mut summary, &item)),
            other => Err(EvalError::new(
                if other.is_null() { ErrorKind::NonExistence } else { ErrorKind::QueryLogic },
                format!(
                    "FOR_EACH expects one or more basic write queries.  Expected type ARRAY but found {}.",
                    other.type_name()
                ),
            )
            .at(site)),
        }
    })?;
    call.answer(Datum::Object(summary.build()))
}

/// Adds one write's summary to the whole: numbers add up, arrays append, the first text
/// stays.
pub(crate) fn add_summary(call: &Invocation<'_>, whole: &mut ObjectBuilder, part: &Datum) -> Result<()> {
    let Datum::Object(part) = part else {
        return Err(EvalError::logic(format!(
            "FOR_EACH expects one or more basic write queries.  Expected type OBJECT but found {}.",
            part.type_name()
        )));
    };
    for (name, value) in part.iter() {
        let sum = match (whole.remove(&name), value) {
            (None, value) => value,
            (Some(Datum::Number(a)), Datum::Number(b)) => Datum::Number(a + b),
            (Some(Datum::Array(a)), Datum::Array(b)) => {
                let mut items = a.into_vec();
                items.extend(b.iter());
                call.env.array(items)?
            }
            (Some(old), _) => old,
        };
        whole.insert(name, sum);
    }
    Ok(())
}

pub(crate) fn asc(call: &Invocation<'_>) -> Result<Value> {
    ordering(call, false)
}

pub(crate) fn desc(call: &Invocation<'_>) -> Result<Value> {
    ordering(call, true)
}

fn ordering(call: &Invocation<'_>, descending: bool) -> Result<Value> {
    let by = call.value(0)?;
    Ok(Value::new(Kind::Ordering(Box::new(Ordering { descending, by })), call.site))
}

pub(crate) fn minval(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::MinVal)
}

pub(crate) fn maxval(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::MaxVal)
}
