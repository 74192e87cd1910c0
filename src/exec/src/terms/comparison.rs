//! Comparison and logic.

use std::borrow::Cow;
use std::cmp::Ordering;

use photondb_datum::Datum;
use photondb_plan::Operation;

use crate::error::Result;
use crate::evaluate::Invocation;
use crate::function::is_true;
use crate::value::Value;

/// An argument as data; constants and variables are borrowed from where they are.
pub(super) fn operand<'a>(call: &Invocation<'a>, position: usize) -> Result<Cow<'a, Datum>> {
    if position == 0 && call.first.is_some() {
        return call.datum(0).map(Cow::Owned);
    }
    match &call.expression(position)?.operation {
        Operation::Constant(datum) => Ok(Cow::Borrowed(datum)),
        Operation::Variable(slot) => Ok(Cow::Borrowed(call.frame.get(*slot))),
        _ => call.datum(position).map(Cow::Owned),
    }
}

/// Whether each argument and its successor are in a relation. Arguments after the first
/// pair that is not are not evaluated.
fn chain(call: &Invocation<'_>, related: impl Fn(&Datum, &Datum) -> bool) -> Result<bool> {
    let mut left = operand(call, 0)?;
    for position in 1..call.count() {
        let right = operand(call, position)?;
        if !related(&left, &right) {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

fn ordered(call: &Invocation<'_>, holds: fn(Ordering) -> bool) -> Result<Value> {
    let result = chain(call, |left, right| holds(left.cmp(right)))?;
    call.answer(Datum::Bool(result))
}

pub(crate) fn eq(call: &Invocation<'_>) -> Result<Value> {
    let result = chain(call, |left, right| left == right)?;
    call.answer(Datum::Bool(result))
}

pub(crate) fn ne(call: &Invocation<'_>) -> Result<Value> {
    let result = chain(call, |left, right| left == right)?;
    call.answer(Datum::Bool(!result))
}

pub(crate) fn lt(call: &Invocation<'_>) -> Result<Value> {
    ordered(call, Ordering::is_lt)
}

pub(crate) fn le(call: &Invocation<'_>) -> Result<Value> {
    ordered(call, Ordering::is_le)
}

pub(crate) fn gt(call: &Invocation<'_>) -> Result<Value> {
    ordered(call, Ordering::is_gt)
}

pub(crate) fn ge(call: &Invocation<'_>) -> Result<Value> {
    ordered(call, Ordering::is_ge)
}

pub(crate) fn not(call: &Invocation<'_>) -> Result<Value> {
    let truth = is_true(&*operand(call, 0)?);
    call.answer(Datum::Bool(!truth))
}

/// The first argument that is not true, else the last one.
pub(crate) fn and(call: &Invocation<'_>) -> Result<Value> {
    decide(call, true)
}

/// The first argument that is true, else the last one.
pub(crate) fn or(call: &Invocation<'_>) -> Result<Value> {
    decide(call, false)
}

/// Goes on for as long as arguments have the truth `neutral`.
fn decide(call: &Invocation<'_>, neutral: bool) -> Result<Value> {
    let mut last = Datum::Bool(neutral);
    for position in 0..call.count() {
        last = call.datum(position)?;
        if is_true(&last) != neutral {
            break;
        }
    }
    call.answer(last)
}
