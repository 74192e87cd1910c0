//! Terminals: many rows become one value. Each is a partial result that rows are added
//! to and that merges with the partial of the rows after it, so that parts of a table
//! can be worked on side by side.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use photondb_datum::{Datum, DatumRef};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;
use crate::row_expression::Untold;
use crate::sequence::groups::Groups;
use crate::sequence::keeper::Keeper;
use crate::sequence::passing::Passing;
use crate::sort::{FirstRows, FirstSoFar};
use crate::value::number;

/// What the rows become.
#[derive(Clone)]
pub(crate) enum Terminal {
    Collect,
    Count,
    Sum(Option<Arc<Function>>),
    Average(Option<Arc<Function>>),
    Extreme { maximum: bool, by: Option<Arc<Function>> },
    Reduce(Arc<Function>),
    Distinct,
    First(Arc<FirstRows>),
}

/// The value of a terminal, for the whole sequence or per group.
pub(crate) enum TerminalAnswer {
    Single(Datum),
    Grouped(Groups),
}

/// The result over some of the rows.
pub(crate) enum Partial {
    Items(Vec<Datum>),
    Count(u64),
    Sum(f64),
    Average {
        sum: f64,
        count: u64,
    },
    /// The key that decides and its row.
    Extreme(Option<(Datum, Datum)>),
    Reduced(Option<Datum>),
    Distinct(BTreeSet<Datum>),
    First(FirstSoFar),
}

impl Terminal {
    pub(crate) fn start(&self) -> Partial {
        match self {
            Self::Collect => Partial::Items(Vec::new()),
            Self::Count => Partial::Count(0),
            Self::Sum(_) => Partial::Sum(0.0),
            Self::Average(_) => Partial::Average { sum: 0.0, count: 0 },
            Self::Extreme { .. } => Partial::Extreme(None),
            Self::Reduce(_) => Partial::Reduced(None),
            Self::Distinct => Partial::Distinct(BTreeSet::new()),
            Self::First(first) => Partial::First(first.start()),
        }
    }

    /// Adds one row. Tells by how many bytes the partial has grown; `None` when the row does
    /// not count at all.
    pub(crate) fn add(
        &self,
        env: &Arc<Environment>,
        keeper: &mut Keeper,
        partial: &mut Partial,
        row: Passing<'_>,
    ) -> Result<Option<isize>> {
        let mut grown = 0;
        match (self, partial) {
            (Self::Collect, Partial::Items(items)) => {
                let row = keeper.keep(row);
                grown = held_bytes(&row);
                items.push(row);
                env.check_array_size(items.len())?;
            }
            (Self::Count, Partial::Count(count)) => *count += 1,
            (Self::Sum(by), Partial::Sum(sum)) => match numeric(env, by.as_deref(), &row)? {
                Some(n) => *sum += n,
                None => return Ok(None),
            },
            (Self::Average(by), Partial::Average { sum, count }) => {
                match numeric(env, by.as_deref(), &row)? {
                    Some(n) => {
                        *sum += n;
                        *count += 1;
                    }
                    None => return Ok(None),
                }
            }
            (Self::Extreme { maximum, by }, Partial::Extreme(best)) => {
                return add_extreme(env, *maximum, by.as_deref(), keeper, best, row);
            }
            (Self::Reduce(function), Partial::Reduced(value)) => {
                let before = value.as_ref().map_or(0, held_bytes);
                let next = match value.take() {
                    None => row.into_datum(),
                    Some(old) => reduced(env, function, old, row)?,
                };
                grown = held_bytes(&next) - before;
                *value = Some(next);
            }
            (Self::Distinct, Partial::Distinct(rows)) => {
                let is_new = !rows.contains(&*row.datum());
                if is_new {
                    let row = keeper.keep(row);
                    grown = held_bytes(&row);
                    rows.insert(row);
                    env.check_array_size(rows.len())?;
                }
            }
            (Self::First(first), Partial::First(so_far)) => grown = first.offer(env, so_far, row)?,
            _ => return Err(mismatch()),
        }
        Ok(Some(grown))
    }

    /// The partial of all rows of `left` and then all of `right`.
    pub(crate) fn merge(&self, env: &Arc<Environment>, left: Partial, right: Partial) -> Result<Partial> {
        Ok(match (left, right) {
            (Partial::Items(mut left), Partial::Items(mut right)) => {
                env.check_array_size(left.len() + right.len())?;
                left.append(&mut right);
                Partial::Items(left)
            }
            (Partial::Count(left), Partial::Count(right)) => Partial::Count(left + right),
            (Partial::Sum(left), Partial::Sum(right)) => Partial::Sum(left + right),
            (Partial::Average { sum, count }, Partial::Average { sum: s, count: c }) => {
                Partial::Average { sum: sum + s, count: count + c }
            }
            (Partial::Extreme(left), Partial::Extreme(right)) => Partial::Extreme(match (left, right) {
                (Some(left), Some(right)) => {
                    let Self::Extreme { maximum, .. } = self else { return Err(mismatch()) };
                    Some(if beats(*maximum, right.0.view(), left.0.view()) { right } else { left })
                }
                (left, right) => left.or(right),
            }),
            (Partial::Reduced(left), Partial::Reduced(right)) => Partial::Reduced(match (left, right) {
                (Some(left), Some(right)) => {
                    let Self::Reduce(function) = self else { return Err(mismatch()) };
                    Some(function.datum(env, &[left, right])?)
                }
                (left, right) => left.or(right),
            }),
            (Partial::Distinct(mut left), Partial::Distinct(right)) => {
                left.extend(right);
                env.check_array_size(left.len())?;
                Partial::Distinct(left)
            }
            (Partial::First(left), Partial::First(right)) => {
                let Self::First(first) = self else { return Err(mismatch()) };
                Partial::First(first.merge(left, right)?)
            }
            _ => return Err(mismatch()),
        })
    }

    /// The value for a partial of all rows.
    pub(crate) fn finish(&self, partial: Partial) -> Result<Datum> {
        match (self, partial) {
            (_, Partial::Items(items)) => Ok(Datum::Array(items.into())),
            (_, Partial::Count(count)) => Ok(Datum::Number(count as f64)),
            (_, Partial::Sum(sum)) => finite(sum),
            (_, Partial::Average { count: 0, .. }) => Err(empty("take the average of", "avg")),
            (_, Partial::Average { sum, count }) => finite(sum / count as f64),
            (_, Partial::Extreme(Some((_, row)))) => Ok(row),
            (Self::Extreme { maximum: true, .. }, _) => Err(empty("take the max of", "max")),
            (Self::Extreme { .. }, _) => Err(empty("take the min of", "min")),
            (_, Partial::Reduced(Some(value))) => Ok(value),
            (_, Partial::Reduced(None)) => Err(EvalError::absent("Cannot reduce over an empty stream.")),
            (_, Partial::Distinct(rows)) => Ok(Datum::Array(rows.into_iter().collect())),
            (_, Partial::First(so_far)) => Ok(Datum::array(so_far.into_rows())),
            (_, Partial::Extreme(None)) => Err(mismatch()),
        }
    }

    /// A partial from the value that `Partial::into_datum` made.
    pub(crate) fn partial(&self, datum: Datum) -> Result<Partial> {
        Ok(match (self, datum) {
            (Self::Collect, Datum::Array(items)) => Partial::Items(items.into_vec()),
            (Self::Count, Datum::Number(n)) => Partial::Count(n as u64),
            (Self::Sum(_), Datum::Number(n)) => Partial::Sum(n),
            (Self::Average(_), Datum::Array(pair)) => match (pair.get(0), pair.get(1)) {
                (Some(Datum::Number(sum)), Some(Datum::Number(n))) => {
                    Partial::Average { sum, count: n as u64 }
                }
                _ => return Err(mismatch()),
            },
            (Self::Extreme { .. }, Datum::Array(pair)) => Partial::Extreme(pair.get(0).zip(pair.get(1))),
            (Self::Reduce(_), Datum::Array(one)) => Partial::Reduced(one.get(0)),
            (Self::First(first), datum) => Partial::First(first.so_far(&datum).ok_or_else(mismatch)?),
            (Self::Distinct, Datum::Array(rows)) => Partial::Distinct(rows.iter().collect()),
            _ => return Err(mismatch()),
        })
    }
}

impl Partial {
    /// The partial as data, the form in which it leaves the rows' side.
    pub(crate) fn into_datum(self) -> Datum {
        let list = |items: Vec<Datum>| Datum::Array(items.into());
        match self {
            Self::Items(items) => list(items),
            Self::Count(count) => Datum::Number(count as f64),
            Self::Sum(sum) => Datum::Number(sum),
            Self::Average { sum, count } => list(vec![Datum::Number(sum), Datum::Number(count as f64)]),
            Self::Extreme(best) => list(best.map(|(key, row)| vec![key, row]).unwrap_or_default()),
            Self::Reduced(value) => list(value.into_iter().collect()),
            Self::Distinct(rows) => Datum::Array(rows.into_iter().collect()),
            Self::First(so_far) => so_far.into_datum(),
        }
    }
}

/// Memory of a value in a partial, its place included.
fn held_bytes(datum: &Datum) -> isize {
    (size_of::<Datum>() + datum.unguarded_bytes()).cast_signed()
}

/// The number that a row counts for; `None` when it lacks the field.
fn numeric(env: &Arc<Environment>, by: Option<&Function>, row: &Passing<'_>) -> Result<Option<f64>> {
    let Some(by) = by else {
        return match row.view() {
            DatumRef::Number(n) => Ok(Some(n)),
            _ => number(&row.datum()).map(Some),
        };
    };
    if let Some(n) = by.number(env, row.view()) {
        return Ok(Some(n));
    }
    match by.answer(env, &[row.view()]) {
        Ok(DatumRef::Number(n)) => return Ok(Some(n)),
        Err(Untold::Absent) => return Ok(None),
        Ok(_) | Err(Untold::Unsure) => {}
    }
    match by.datum(env, slice::from_ref(&*row.datum())) {
        Ok(datum) => number(&datum).map(Some).map_err(|error| error.at(by.site)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds a row to the search for the row with the least or greatest key. Tells by how many bytes
/// the best one has grown; `None` when the row has no key.
fn add_extreme(
    env: &Arc<Environment>,
    maximum: bool,
    by: Option<&Function>,
    keeper: &mut Keeper,
    best: &mut Option<(Datum, Datum)>,
    row: Passing<'_>,
) -> Result<Option<isize>> {
    let wins = |key: DatumRef<'_>| best.as_ref().is_none_or(|(old, _)| beats(maximum, key, old.view()));
    let told = by.map_or_else(|| Ok(row.view()), |by| by.answer(env, &[row.view()]));
    let key = match (told, by) {
        (Ok(key), _) if !wins(key) => return Ok(Some(0)),
        (Ok(key), _) if !key.is_tree() => key.to_datum_sharing(row.storage()),
        (Err(Untold::Absent), _) => return Ok(None),
        (_, None) => row.datum().into_owned(),
        (_, Some(by)) => match by.datum(env, slice::from_ref(&*row.datum())) {
            Ok(key) if !wins(key.view()) => return Ok(Some(0)),
            Ok(key) => key,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error),
        },
    };
    let (key, row) = (keeper.keep(Passing::Owned(key)), keeper.keep(row));
    let before = best.as_ref().map_or(0, |(key, row)| held_bytes(key) + held_bytes(row));
    let grown = held_bytes(&key) + held_bytes(&row) - before;
    *best = Some((key, row));
    Ok(Some(grown))
}

fn beats(maximum: bool, challenger: DatumRef<'_>, holder: DatumRef<'_>) -> bool {
    if maximum { challenger > holder } else { challenger < holder }
}

/// What a reduction makes of what it has and one more row.
fn reduced(env: &Arc<Environment>, function: &Function, old: Datum, row: Passing<'_>) -> Result<Datum> {
    match function.answer(env, &[old.view(), row.view()]) {
        Ok(value) if !value.is_tree() => {
            Ok(value.to_datum_sharing(old.storage().into_iter().chain(row.storage())))
        }
        _ => function.datum(env, &[old, row.into_datum()]),
    }
}

fn empty(what: &str, term: &str) -> EvalError {
    EvalError::absent(format!(
        "Cannot {what} an empty stream.  (If you passed `{term}` a field name, it may be that no elements of \
         the stream had that field.)"
    ))
}

/// Numbers that left the doubles.
pub(crate) fn finite(n: f64) -> Result<Datum> {
    if n.is_finite() {
        return Ok(Datum::Number(n));
    }
    Err(EvalError::logic(format!(
        "Non-finite number: {}",
        if n.is_nan() {
            "nan"
        } else if n > 0.0 {
            "inf"
        } else {
            "-inf"
        }
    )))
}

pub(crate) fn mismatch() -> EvalError {
    EvalError::new(photondb_reql::ErrorKind::Internal, "A partial result does not fit its terminal.")
}
