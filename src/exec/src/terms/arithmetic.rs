//! Numbers, and what the operators mean for strings, arrays and times.

use std::borrow::Cow;

use photondb_datum::{Array, Datum, Object, PseudoType, pseudo};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::terms::comparison::operand;
use crate::value::{Value, integer, number, text, wrong_type};

/// All numbers of smaller size that have no fraction are exact.
const EXACT_INTEGER_END: i64 = 1 << 53;

/// A left fold of the arguments.
fn fold(call: &Invocation<'_>, operator: fn(&Environment, &Datum, &Datum) -> Result<Datum>) -> Result<Value> {
    let mut result: Cow<'_, Datum> = operand(call, 0)?;
    for position in 1..call.count() {
        let right = operand(call, position)?;
        result = Cow::Owned(operator(call.env, &result, &right)?);
    }
    call.answer(result.into_owned())
}

pub(crate) fn add(call: &Invocation<'_>) -> Result<Value> {
    fold(call, sum)
}

pub(crate) fn sub(call: &Invocation<'_>) -> Result<Value> {
    fold(call, difference)
}

pub(crate) fn mul(call: &Invocation<'_>) -> Result<Value> {
    fold(call, product)
}

pub(crate) fn div(call: &Invocation<'_>) -> Result<Value> {
    fold(call, |_, left, right| {
        let (left, right) = (number(left)?, number(right)?);
        if right == 0.0 {
            return Err(EvalError::logic("Cannot divide by zero."));
        }
        Ok(Datum::number(left / right)?)
    })
}

fn sum(env: &Environment, left: &Datum, right: &Datum) -> Result<Datum> {
    match (left, right) {
        (Datum::Number(left), Datum::Number(right)) => Ok(Datum::number(left + right)?),
        (Datum::String(left), _) => {
            let right = text(right)?;
            env.check_value_bytes(left.len() + right.len())?;
            let mut joined = String::with_capacity(left.len() + right.len());
            joined.push_str(left);
            joined.push_str(&right);
            env.memory.charge_new(Datum::from(joined))
        }
        (Datum::Array(left), _) => {
            let Datum::Array(right) = right else { return Err(wrong_type("ARRAY", right)) };
            env.check_new_array_size(left.len() + right.len())?;
            Ok(Datum::Array(left.iter().chain(right.iter()).collect()))
        }
        _ => match (as_time(left), as_time(right)) {
            (Some(time), _) => moved(time, number(right)?),
            (_, Some(time)) => moved(time, number(left)?),
            _ => Err(wrong_type("NUMBER", if matches!(left, Datum::Number(_)) { right } else { left })),
        },
    }
}

fn difference(_: &Environment, left: &Datum, right: &Datum) -> Result<Datum> {
    match (as_time(left), as_time(right)) {
        (Some(left), Some(right)) => {
            let seconds = pseudo::epoch_time(left) - pseudo::epoch_time(right);
            Ok(Datum::number(pseudo::round_to_milliseconds(seconds))?)
        }
        (Some(left), None) => moved(left, -number(right)?),
        _ => Ok(Datum::number(number(left)? - number(right)?)?),
    }
}

fn as_time(datum: &Datum) -> Option<&Object> {
    datum.as_object().filter(|object| object.pseudo_type() == Some(PseudoType::Time))
}

fn product(env: &Environment, left: &Datum, right: &Datum) -> Result<Datum> {
    match (left, right) {
        (Datum::Array(items), factor) | (factor, Datum::Array(items)) => repeated(env, items, factor),
        _ => Ok(Datum::number(number(left)? * number(right)?)?),
    }
}

/// The items over and over.
fn repeated(env: &Environment, items: &Array, factor: &Datum) -> Result<Datum> {
    let count = usize::try_from(integer(factor)?)
        .map_err(|_| EvalError::logic("Cannot multiply an ARRAY by a negative number."))?;
    env.check_new_array_size(items.len().saturating_mul(count))?;
    let mut repeated = Vec::with_capacity(items.len() * count);
    if !items.is_empty() {
        for _ in 0..count {
            repeated.extend(items.iter());
        }
    }
    Ok(Datum::from(repeated))
}

/// A time some seconds later.
fn moved(time: &Object, seconds: f64) -> Result<Datum> {
    let seconds = pseudo::epoch_time(time) + seconds;
    Datum::number(seconds)?;
    Ok(pseudo::time(seconds, &pseudo::time_zone(time)))
}

/// `mod`, whose sign is that of the first argument.
pub(crate) fn modulo(call: &Invocation<'_>) -> Result<Value> {
    let left = call.value(0)?.into_integer()?;
    let right = call.value(1)?.into_integer()?;
    if right == 0 {
        return Err(EvalError::logic("Cannot take a number modulo 0."));
    }
    call.answer(Datum::Number((left % right) as f64))
}

pub(crate) fn floor(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(call.value(0)?.into_number()?.floor()))
}

pub(crate) fn ceil(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(call.value(0)?.into_number()?.ceil()))
}

/// Halves are rounded away from zero.
pub(crate) fn round(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(call.value(0)?.into_number()?.round()))
}

/// An integer that has a place in 54 bits of two's complement.
fn bits(call: &Invocation<'_>, position: usize) -> Result<i64> {
    let value = call.value(position)?;
    let site = value.site;
    let bits = value.into_integer()?;
    if bits >= EXACT_INTEGER_END {
        return Err(EvalError::logic(format!("Integer too large: {bits}")).at(site));
    }
    Ok(bits)
}

fn fold_bits(call: &Invocation<'_>, operator: fn(i64, i64) -> i64) -> Result<Value> {
    let mut result = bits(call, 0)?;
    for position in 1..call.count() {
        result = operator(result, bits(call, position)?);
    }
    call.answer(Datum::Number(result as f64))
}

pub(crate) fn bit_and(call: &Invocation<'_>) -> Result<Value> {
    fold_bits(call, |left, right| left & right)
}

pub(crate) fn bit_or(call: &Invocation<'_>) -> Result<Value> {
    fold_bits(call, |left, right| left | right)
}

pub(crate) fn bit_xor(call: &Invocation<'_>) -> Result<Value> {
    fold_bits(call, |left, right| left ^ right)
}

pub(crate) fn bit_not(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(!bits(call, 0)? as f64))
}

/// The distance of a shift.
fn distance(call: &Invocation<'_>, position: usize) -> Result<u64> {
    u64::try_from(bits(call, position)?).map_err(|_| EvalError::logic("Cannot bit-shift by a negative value"))
}

/// Shifting left multiplies, beyond the integers that doubles hold exactly.
pub(crate) fn bit_sal(call: &Invocation<'_>) -> Result<Value> {
    let mut result = bits(call, 0)? as f64;
    for position in 1..call.count() {
        let distance = distance(call, position)?;
        if result != 0.0 {
            result *= 2f64.powi(i32::try_from(distance).unwrap_or(i32::MAX));
        }
    }
    call.answer(Datum::number(result)?)
}

/// Shifting right keeps the sign.
pub(crate) fn bit_sar(call: &Invocation<'_>) -> Result<Value> {
    let mut result = bits(call, 0)?;
    for position in 1..call.count() {
        result >>= distance(call, position)?.min(63);
    }
    call.answer(Datum::Number(result as f64))
}

/// A number in the up to twenty digits in which some messages print it.
pub(super) fn print_exact(number: f64) -> String {
    let printed = format!("{number:.19e}");
    let Some((mantissa, exponent)) = printed.split_once('e') else { return printed };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: String| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    };
    if !(-5..20).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa.to_owned()), exponent.abs());
    }
    trim(format!("{number:.*}", usize::try_from(19 - exponent).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_in_twenty_digits() {
        let cases = [
            (-91.0, "-91"),
            (0.0, "0"),
            (0.25, "0.25"),
            (180.1, "180.09999999999999432"),
            (1e21, "1e+21"),
            (0.000_000_1, "9.9999999999999995475e-08"),
            (-120_549.25, "-120549.25"),
        ];
        for (number, printed) in cases {
            assert_eq!(print_exact(number), printed);
        }
    }
}
