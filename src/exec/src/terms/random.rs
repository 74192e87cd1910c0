//! Chance.

use photondb_base::Random;
use photondb_datum::Datum;
use uuid::Uuid;

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::memory::{Purpose, Reservation};
use crate::sequence::Sequence;
use crate::terms::arithmetic::print_exact;
use crate::value::{Kind, Value};

/// The namespace of the UUIDs of strings: RethinkDB's.
const NAMESPACE: Uuid = Uuid::from_u128(0x9146_1c99_f89d_49d2_af96_d8e2_e14e_9b58);

/// Numbers from here on are not all exact.
const EXACT_INTEGER_END: f64 = 9_007_199_254_740_992.0;

pub(crate) fn random(call: &Invocation<'_>) -> Result<Value> {
    let float = call.option_bool("float")?.unwrap_or(call.count() == 0);
    let mut bounds = Vec::with_capacity(2);
    for position in 0..call.count() {
        bounds.push(call.value(position)?.into_number()?);
    }
    let source = &*call.env.services()?.random;
    let number = if float { real(source, &bounds)? } else { integer(source, &bounds)? };
    call.answer(Datum::number(number)?)
}

/// A real number from the lower bound up to but without the upper one, or from the upper
/// bound down if it is the smaller one.
fn real(source: &dyn Random, bounds: &[f64]) -> Result<f64> {
    let (lower, upper) = match *bounds {
        [] => (0.0, 1.0),
        [upper] => (0.0, upper),
        [lower, upper, ..] => (lower, upper),
    };
    let unit = source.next_unit();
    // The range of two large bounds of different sign is beyond the doubles.
    let result = if (upper - lower).is_finite() {
        lower + (upper - lower) * unit
    } else {
        (lower / 2.0 + (upper / 2.0 - lower / 2.0) * unit) * 2.0
    };
    // Rounding may reach the end that is left out.
    Ok(if result == upper { lower } else { result })
}

fn integer(source: &dyn Random, bounds: &[f64]) -> Result<f64> {
    let (lower, upper) = match *bounds {
        [] => return Err(EvalError::logic("Generating a random integer requires one or two bounds.")),
        [upper] => (0, safe_integer(upper, "Upper")?),
        [lower, upper, ..] => (safe_integer(lower, "Lower")?, safe_integer(upper, "Upper")?),
    };
    if lower >= upper {
        let message = format!("Lower bound ({lower}) is not less than upper bound ({upper}).");
        return Err(EvalError::logic(message));
    }
    Ok(lower.wrapping_add_unsigned(source.below(upper.abs_diff(lower))) as f64)
}

fn safe_integer(bound: f64, which: &str) -> Result<i64> {
    if bound.fract() == 0.0 && bound.abs() <= EXACT_INTEGER_END {
        return Ok(bound as i64);
    }
    let printed = print_exact(bound);
    let message = format!("{which} bound ({printed}) could not be safely converted to an integer.");
    Err(EvalError::logic(message))
}

/// A random UUID, or the UUID of a string.
pub(crate) fn uuid(call: &Invocation<'_>) -> Result<Value> {
    let uuid = if call.count() == 0 {
        uuid::Builder::from_random_bytes(call.env.services()?.random.next_u128().to_be_bytes()).into_uuid()
    } else {
        Uuid::new_v5(&NAMESPACE, call.value(0)?.into_text()?.as_bytes())
    };
    call.answer(Datum::from(uuid.to_string()))
}

/// Elements of a sequence, each with the same chance, in random order.
pub(crate) fn sample(call: &Invocation<'_>) -> Result<Value> {
    let count = call.value(1)?.into_integer()?;
    let size = usize::try_from(count).map_err(|_| {
        EvalError::logic(format!("Number of items to sample must be non-negative, got `{count}`."))
    })?;
    let sequence = Sequence::from_value(call.value(0)?)?;
    let table = sequence.table.clone();
    let source = &*call.env.services()?.random;
    let mut sample: Vec<Datum> = Vec::new();
    let mut memory = Reservation::new(Purpose::Rows);
    let mut seen = 0u64;
    sequence.for_each(call.env, &mut |row| {
        seen += 1;
        if sample.len() < size {
            let row = row.detached();
            memory.grow(&call.env.memory, size_of::<Datum>() + row.memory_bytes())?;
            sample.push(row);
            return call.env.check_array_size(sample.len());
        }
        let place = usize::try_from(source.below(seen)).unwrap_or(usize::MAX);
        if let Some(chosen) = sample.get_mut(place) {
            memory.shrink(chosen.memory_bytes());
            *chosen = row.detached();
            memory.grow(&call.env.memory, chosen.memory_bytes())?;
        }
        Ok(())
    })?;
    drop(memory);
    shuffle(source, &mut sample);
    match table {
        Some(table) => {
            let sample = call.env.memory.array(sample)?;
            Ok(Value::new(Kind::SelectionArray(table, sample), call.site))
        }
        None => call.answer(Datum::from(sample)),
    }
}

/// Fisher and Yates.
fn shuffle(source: &dyn Random, items: &mut [Datum]) {
    for last in (1..items.len()).rev() {
        let other = usize::try_from(source.below(last as u64 + 1)).unwrap_or(last);
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use photondb_base::SeededRandom;

    use super::*;

    #[test]
    fn integers_stay_within_their_bounds() {
        let source = SeededRandom::new(7);
        for bounds in [&[3.0][..], &[-2.0, 2.0], &[-9_007_199_254_740_991.0, 9_007_199_254_740_991.0]] {
            for _ in 0..200 {
                let n = integer(&source, bounds).unwrap();
                let lower = if bounds.len() == 1 { 0.0 } else { bounds[0] };
                assert!(n >= lower && n < bounds[bounds.len() - 1] && n.fract() == 0.0);
            }
        }
    }

    #[test]
    fn bounds_are_checked_in_rethinkdbs_words() {
        let source = SeededRandom::new(7);
        let cases: [(&[f64], &str); 5] = [
            (&[], "Generating a random integer requires one or two bounds."),
            (&[0.0], "Lower bound (0) is not less than upper bound (0)."),
            (&[5.0, -5.0], "Lower bound (5) is not less than upper bound (-5)."),
            (&[0.25], "Upper bound (0.25) could not be safely converted to an integer."),
            (&[-6.5, 8.125], "Lower bound (-6.5) could not be safely converted to an integer."),
        ];
        for (bounds, message) in cases {
            assert_eq!(integer(&source, bounds).unwrap_err().message(), message);
        }
    }

    #[test]
    fn reals_do_not_overflow() {
        let source = SeededRandom::new(7);
        for _ in 0..200 {
            assert!(real(&source, &[-f64::MAX, f64::MAX]).unwrap().is_finite());
            assert!((0.0..1.0).contains(&real(&source, &[]).unwrap()));
            let n = real(&source, &[1.0, -1.0]).unwrap();
            assert!(n > -1.0 && n <= 1.0);
        }
    }

    #[test]
    fn uuids_of_strings_are_rethinkdbs() {
        assert_eq!(Uuid::new_v5(&NAMESPACE, b"magic").to_string(), "97dd10a5-4fc4-554f-86c5-0d2c2e3d5330");
    }
}
