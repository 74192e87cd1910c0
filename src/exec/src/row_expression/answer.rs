//! Answering compiled expressions.

use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef, FieldLookup, ObjectRef, Text};

use super::{Answer, Arithmetic, Comparison, RowExpression, Untold};

/// The largest number below which all whole numbers are doubles.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

impl RowExpression {
    /// The value for the rows. Expressions whose value has to be built have none, but can be
    /// [written](Self::write).
    pub(crate) fn answer<'a>(&'a self, rows: &[DatumRef<'a>]) -> Answer<'a> {
        match self {
            Self::Constant(datum) => Ok(datum.view()),
            Self::Parameter(position) => rows.get(*position).copied().ok_or(Untold::Unsure),
            Self::Field(object, lookup) => field(object.answer(rows)?, lookup),
            Self::Item(array, index) => item(array.answer(rows)?, *index),
            Self::Comparison(comparison, operands) => {
                compare(*comparison, operands, rows).map(DatumRef::Bool)
            }
            Self::Arithmetic(Arithmetic::Modulo, operands) => modulo(operands, rows),
            Self::Arithmetic(operator, operands) => calculate(*operator, operands, rows),
            Self::Rounded(round, operand) => match operand.answer(rows)? {
                DatumRef::Number(number) => Ok(DatumRef::Number(round(number))),
                _ => Err(Untold::Unsure),
            },
            Self::Not(operand) => Ok(DatumRef::Bool(!truth(operand.answer(rows)?))),
            Self::And(operands) => decide(operands, rows, true),
            Self::Or(operands) => decide(operands, rows, false),
            Self::Default(value, fallback) => match value.answer(rows) {
                Ok(DatumRef::Null) | Err(Untold::Absent) => fallback.answer(rows),
                told => told,
            },
            Self::Branch(parts) => branch(parts, rows)?.answer(rows),
            Self::HasFields(object, path) => {
                Ok(DatumRef::Bool(path.is_in(plain_object(object.answer(rows)?)?)))
            }
            Self::Contains(array, wanted) => contains(array, wanted, rows),
            Self::Object(_) | Self::Array(_) | Self::Pluck(..) | Self::Without(..) | Self::Merge(..) => {
                Err(Untold::Unsure)
            }
        }
    }

    /// Whether the value for the rows is one that holds as a condition.
    #[inline]
    pub(crate) fn holds<'a>(&'a self, rows: &[DatumRef<'a>]) -> Result<bool, Untold> {
        match self {
            Self::Comparison(comparison, operands) => compare(*comparison, operands, rows),
            condition => condition.answer(rows).map(truth),
        }
    }

    /// The number that a field of a row is. Nothing when it is no number, and for any other
    /// expression: its answer tells more.
    #[inline]
    pub(crate) fn number(&self, rows: &[DatumRef<'_>]) -> Option<f64> {
        let Self::Field(object, lookup) = self else { return None };
        let Self::Parameter(position) = **object else { return None };
        number_field(*rows.get(position)?, lookup)
    }

    /// Writes the value for the rows. What was written before an error is to be forgotten.
    pub(crate) fn write<'a>(&'a self, rows: &[DatumRef<'a>], out: &mut Writer) -> Result<(), Untold> {
        match self {
            Self::Object(fields) => {
                out.begin_object();
                for (name, value) in fields {
                    out.key(name);
                    value.write(rows, out).map_err(out_of_order)?;
                }
                out.end_object_as_is();
            }
            Self::Array(items) => {
                out.begin_array();
                for item in items {
                    item.write(rows, out)?;
                }
                out.end_array();
            }
            Self::Pluck(object, path) => path.write_projection(plain_object(object.answer(rows)?)?, out),
            Self::Without(object, path) => path.write_rest(plain_object(object.answer(rows)?)?, out)?,
            Self::Merge(object, fields) => merge(plain_object(object.answer(rows)?)?, fields, rows, out)?,
            Self::Branch(parts) => branch(parts, rows)?.write(rows, out)?,
            value => out.value(value.answer(rows)?),
        }
        Ok(())
    }

    /// Whether the value is one that has to be written.
    pub(crate) fn builds(&self) -> bool {
        match self {
            Self::Object(_) | Self::Array(_) | Self::Pluck(..) | Self::Without(..) | Self::Merge(..) => true,
            Self::Branch(parts) => parts.iter().any(Self::builds),
            _ => false,
        }
    }
}

/// What an untold field says about its object: the evaluator comes to the fields in the order in
/// which they were written, and so perhaps to another error first.
fn out_of_order(_: Untold) -> Untold {
    Untold::Unsure
}

/// ReQL's notion of truth: everything but `false` and `null`.
pub(crate) fn truth(value: DatumRef<'_>) -> bool {
    !matches!(value, DatumRef::Bool(false) | DatumRef::Null)
}

/// A field as `getField` reads it.
#[inline]
pub(crate) fn field<'a>(value: DatumRef<'a>, lookup: &FieldLookup) -> Answer<'a> {
    match value {
        DatumRef::Object(object) if object.pseudo_type().is_none() => lookup.of(object).ok_or(Untold::Absent),
        DatumRef::Null => Err(Untold::Absent),
        _ => Err(Untold::Unsure),
    }
}

/// The number that a field is, if it is one.
#[inline]
pub(crate) fn number_field(value: DatumRef<'_>, lookup: &FieldLookup) -> Option<f64> {
    match value {
        DatumRef::Object(object) if object.pseudo_type().is_none() => lookup.number_of(object),
        _ => None,
    }
}

/// An item by its position, from the end if that is negative.
fn item(value: DatumRef<'_>, index: i64) -> Answer<'_> {
    let DatumRef::Array(array) = value else { return Err(Untold::Unsure) };
    let position = if index < 0 { index.saturating_add_unsigned(array.len() as u64) } else { index };
    usize::try_from(position).ok().and_then(|position| array.get(position)).ok_or(Untold::Absent)
}

/// The value as an object that terms may look into.
pub(crate) fn plain_object(value: DatumRef<'_>) -> Result<ObjectRef<'_>, Untold> {
    value.as_object().filter(|object| object.pseudo_type().is_none()).ok_or(Untold::Unsure)
}

/// Whether each operand and its successor are in the relation; those behind the first pair that
/// is not are not looked at.
fn compare(
    comparison: Comparison,
    operands: &[RowExpression],
    rows: &[DatumRef<'_>],
) -> Result<bool, Untold> {
    if let [left, RowExpression::Constant(Datum::Number(right))] = operands
        && let Some(left) = left.number(rows)
    {
        return Ok(comparison.holds(&left, right));
    }
    let Some((first, rest)) = operands.split_first() else { return Err(Untold::Unsure) };
    let differs = comparison == Comparison::NotEqual;
    let relation = if differs { Comparison::Equal } else { comparison };
    let mut left = first.answer(rows)?;
    for operand in rest {
        let right = operand.answer(rows)?;
        if !relation.holds(&left, &right) {
            return Ok(differs);
        }
        left = right;
    }
    Ok(!differs)
}

impl Comparison {
    #[inline]
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// A left fold of numbers.
fn calculate<'a>(operator: Arithmetic, operands: &'a [RowExpression], rows: &[DatumRef<'a>]) -> Answer<'a> {
    let Some((first, rest)) = operands.split_first() else { return Err(Untold::Unsure) };
    let mut result = first.answer(rows)?;
    for operand in rest {
        let right = operand.answer(rows)?;
        let (DatumRef::Number(left), DatumRef::Number(right)) = (result, right) else {
            return Err(Untold::Unsure);
        };
        let number = match operator {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            // Division by zero is not finite either.
            Arithmetic::Divide => left / right,
            Arithmetic::Modulo => return Err(Untold::Unsure),
        };
        if !number.is_finite() {
            return Err(Untold::Unsure);
        }
        result = DatumRef::Number(number);
    }
    Ok(result)
}

fn modulo<'a>(operands: &'a [RowExpression], rows: &[DatumRef<'a>]) -> Answer<'a> {
    let [left, right] = operands else { return Err(Untold::Unsure) };
    let left = integer(left.answer(rows)?)?;
    let right = integer(right.answer(rows)?)?;
    let rest = left.checked_rem(right).ok_or(Untold::Unsure)?;
    Ok(DatumRef::Number(rest as f64))
}

fn integer(value: DatumRef<'_>) -> Result<i64, Untold> {
    match value {
        DatumRef::Number(number) if number.fract() == 0.0 && number.abs() <= INTEGER_MAX => Ok(number as i64),
        _ => Err(Untold::Unsure),
    }
}

/// Goes on for as long as operands have the truth `neutral`.
fn decide<'a>(operands: &'a [RowExpression], rows: &[DatumRef<'a>], neutral: bool) -> Answer<'a> {
    let mut last = DatumRef::Bool(neutral);
    for operand in operands {
        last = operand.answer(rows)?;
        if truth(last) != neutral {
            break;
        }
    }
    Ok(last)
}

/// The part of a branch that gives its value.
fn branch<'a>(parts: &'a [RowExpression], rows: &[DatumRef<'a>]) -> Result<&'a RowExpression, Untold> {
    for pair in parts.chunks(2) {
        match pair {
            [test, value] if truth(test.answer(rows)?) => return Ok(value),
            [otherwise] => return Ok(otherwise),
            _ => {}
        }
    }
    Err(Untold::Unsure)
}

/// Whether an array has all of some values.
fn contains<'a>(array: &'a RowExpression, wanted: &'a [RowExpression], rows: &[DatumRef<'a>]) -> Answer<'a> {
    let array = match array.answer(rows)? {
        DatumRef::Array(array) => array,
        DatumRef::Null => return Err(Untold::Absent),
        _ => return Err(Untold::Unsure),
    };
    let mut all = true;
    for wanted in wanted {
        let wanted = wanted.answer(rows)?;
        // Those behind one that is missing are still evaluated.
        all = all && array.iter().any(|item| item == wanted);
    }
    Ok(DatumRef::Bool(all))
}

/// Writes an object with some fields of other values. Values that may have to be merged in
/// depth, or have literals, are left to the evaluator.
fn merge<'a>(
    object: ObjectRef<'a>,
    fields: &'a [(Text, RowExpression)],
    rows: &[DatumRef<'a>],
    out: &mut Writer,
) -> Result<(), Untold> {
    let mut old = object.iter().peekable();
    out.begin_object();
    for (name, value) in fields {
        let value = value.answer(rows).map_err(out_of_order)?;
        if matches!(value, DatumRef::Array(_) | DatumRef::Object(_)) {
            return Err(Untold::Unsure);
        }
        while let Some((before, kept)) = old.next_if(|(old, _)| *old < name.as_bytes()) {
            out.key_bytes(before);
            out.value(kept);
        }
        old.next_if(|(old, _)| *old == name.as_bytes());
        out.key(name);
        out.value(value);
    }
    for (behind, kept) in old {
        out.key_bytes(behind);
        out.value(kept);
    }
    out.end_object_as_is();
    Ok(())
}
