//! Arrays, as lists and as sets.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use photondb_datum::{Array, Datum};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, NativeFunction};
use crate::memory::{Purpose, Reservation};
use crate::sequence::{FilterDefault, Stage};
use crate::terms::comparison::operand;
use crate::terms::object::answer_nested;
use crate::value::{Value, integer, wrong_type};

/// Memory of a place in a set, free places included.
const SET_ENTRY_BYTES: usize = 2 * size_of::<Datum>();

/// The ends of a slice as the user gave them: negative ones count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) left: i64,
    pub(crate) right: i64,
    pub(crate) left_open: bool,
    pub(crate) right_open: bool,
}

impl Bounds {
    /// The positions of a list that lie within.
    pub(crate) fn resolve(self, len: usize) -> Range<usize> {
        let size = i128::try_from(len).unwrap_or(i128::MAX);
        let place = |index: i64| if index < 0 { size + i128::from(index) } else { i128::from(index) };
        let mut start = place(self.left);
        if start < 0 {
            start = 0;
        } else if self.left_open {
            start += 1;
        }
        let mut end = place(self.right);
        if end < 0 {
            return 0..0;
        }
        if !self.right_open {
            end += 1;
        }
        let start = usize::try_from(start.min(size)).unwrap_or(len);
        let end = usize::try_from(end.min(size)).unwrap_or(len);
        start..end.max(start)
    }
}

/// Whether an end is open, by an optional argument.
pub(crate) fn is_open(call: &Invocation<'_>, name: &str, default: bool) -> Result<bool> {
    let Some(bound) = call.option_text(name)? else { return Ok(default) };
    match bound.as_str() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err(EvalError::logic(format!(
            "Expected `open` or `closed` for optarg `{name}` (got `{}`).",
            Datum::String(bound.clone()).print_truncated()
        ))),
    }
}

/// The part of an array within bounds.
pub(crate) fn slice_array(array: &Array, bounds: Bounds) -> Array {
    let range = bounds.resolve(array.len());
    if range == (0..array.len()) {
        return array.clone();
    }
    range.filter_map(|index| array.get(index)).collect()
}

/// An argument that must be an array; the complaint is the term's.
fn array(call: &Invocation<'_>, position: usize) -> Result<Array> {
    match call.datum(position)? {
        Datum::Array(array) => Ok(array),
        other => Err(wrong_type("ARRAY", &other)),
    }
}

/// A new array, within the limits of length and nesting.
fn answer(call: &Invocation<'_>, items: Vec<Datum>) -> Result<Value> {
    answer_nested(call, call.env.array(items)?)
}

pub(crate) fn make_array(call: &Invocation<'_>) -> Result<Value> {
    answer(call, call.data_from(0)?)
}

pub(crate) fn append(call: &Invocation<'_>) -> Result<Value> {
    let mut array = array(call, 0)?;
    let item = call.datum(1)?;
    call.env.check_array_size(array.len() + 1)?;
    array.push(item);
    answer_nested(call, Datum::Array(array))
}

pub(crate) fn prepend(call: &Invocation<'_>) -> Result<Value> {
    let array = array(call, 0)?;
    let item = call.datum(1)?;
    let mut items = Vec::with_capacity(array.len() + 1);
    items.push(item);
    items.extend(array.iter());
    answer(call, items)
}

/// What a position of `insertAt` and its like counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Places {
    Elements,
    /// The gaps around elements, the one at the end included.
    Gaps,
}

/// A position counted from the start.
fn canonical(index: &Datum, len: usize, places: Places) -> Result<usize> {
    let index = integer(index)?;
    let size = if places == Places::Gaps { len + 1 } else { len } as i64;
    let position = if index < 0 { index + size } else { index };
    usize::try_from(position).map_err(|_| EvalError::absent(format!("Index out of bounds: {index}")))
}

fn out_of_bounds(index: usize, len: usize) -> EvalError {
    EvalError::absent(format!("Index `{index}` out of bounds for array of size: `{len}`."))
}

pub(crate) fn insert_at(call: &Invocation<'_>) -> Result<Value> {
    let array = array(call, 0)?;
    let index = canonical(&*operand(call, 1)?, array.len(), Places::Gaps)?;
    let item = call.datum(2)?;
    if index > array.len() {
        return Err(out_of_bounds(index, array.len()));
    }
    let mut items = array.into_vec();
    items.insert(index, item);
    answer(call, items)
}

pub(crate) fn splice_at(call: &Invocation<'_>) -> Result<Value> {
    let target = array(call, 0)?;
    let index = canonical(&*operand(call, 1)?, target.len(), Places::Gaps)?;
    let inserted = array(call, 2)?;
    if index > target.len() {
        return Err(out_of_bounds(index, target.len()));
    }
    let mut items = target.into_vec();
    items.splice(index..index, inserted.into_vec());
    answer(call, items)
}

pub(crate) fn delete_at(call: &Invocation<'_>) -> Result<Value> {
    let array = array(call, 0)?;
    let len = array.len();
    let start = canonical(&*operand(call, 1)?, len, Places::Elements)?;
    let mut items = array.into_vec();
    if call.count() == 2 {
        if start >= len {
            return Err(out_of_bounds(start, len));
        }
        items.remove(start);
    } else {
        let end = canonical(&*operand(call, 2)?, len, Places::Elements)?;
        if start > len {
            return Err(out_of_bounds(start, len));
        }
        if end > len {
            return Err(out_of_bounds(end, len));
        }
        if start > end {
            return Err(EvalError::logic(format!(
                "Start index `{start}` is greater than end index `{end}`."
            )));
        }
        items.drain(start..end);
    }
    call.answer(Datum::from(items))
}

pub(crate) fn change_at(call: &Invocation<'_>) -> Result<Value> {
    let array = array(call, 0)?;
    let index = canonical(&*operand(call, 1)?, array.len(), Places::Elements)?;
    let item = call.datum(2)?;
    let len = array.len();
    let mut items = array.into_vec();
    match items.get_mut(index) {
        Some(place) => *place = item,
        None => return Err(out_of_bounds(index, len)),
    }
    answer(call, items)
}

/// Two arrays, in the order of the arguments.
fn pair(call: &Invocation<'_>) -> Result<(Array, Array)> {
    Ok((array(call, 0)?, array(call, 1)?))
}

/// The items that are not in the second sequence, repetitions included: a filter.
pub(crate) fn difference(call: &Invocation<'_>) -> Result<Value> {
    let rows = call.sequence(0)?;
    let mut removed = HashSet::new();
    let mut memory = Reservation::new(Purpose::Distinct);
    call.sequence(1)?.for_each(call.env, &mut |item| {
        if !removed.contains(&item) {
            let item = item.detached();
            memory.grow(&call.env.memory, SET_ENTRY_BYTES + item.memory_bytes())?;
            removed.insert(item);
        }
        Ok(())
    })?;
    let predicate = Arc::new(Function::native(Arc::new(IsKept { removed, _memory: memory }), call.site));
    call.answer_sequence(rows.with(Stage::Filter { predicate, default: FilterDefault::Skip }))
}

/// Whether `difference` leaves an item.
struct IsKept {
    removed: HashSet<Datum>,
    _memory: Reservation,
}

impl NativeFunction for IsKept {
    fn call(&self, _env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        Ok(Datum::Bool(!arguments.iter().any(|item| self.removed.contains(item))))
    }
}

/// Items in the order in which they first came, each once.
fn distinct(items: impl Iterator<Item = Datum>, mut seen: HashSet<Datum>) -> Vec<Datum> {
    items.filter(|item| seen.insert(item.clone())).collect()
}

pub(crate) fn set_insert(call: &Invocation<'_>) -> Result<Value> {
    let array = array(call, 0)?;
    let item = call.datum(1)?;
    let items = distinct(array.iter().chain([item]), HashSet::new());
    answer(call, items)
}

pub(crate) fn set_union(call: &Invocation<'_>) -> Result<Value> {
    let (left, right) = pair(call)?;
    let items = distinct(left.iter().chain(right.iter()), HashSet::new());
    answer(call, items)
}

pub(crate) fn set_intersection(call: &Invocation<'_>) -> Result<Value> {
    let (left, right) = pair(call)?;
    let mut shared: HashSet<Datum> = left.iter().collect();
    call.answer(Datum::Array(right.iter().filter(|item| shared.remove(item)).collect()))
}

pub(crate) fn set_difference(call: &Invocation<'_>) -> Result<Value> {
    let (left, right) = pair(call)?;
    let items = distinct(left.iter(), right.iter().collect());
    call.answer(Datum::from(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(items: &[i32]) -> Array {
        items.iter().map(|n| Datum::from(*n)).collect()
    }

    #[test]
    fn slices_follow_their_bounds() {
        let bounds = |left, right| Bounds { left, right, left_open: false, right_open: true };
        let cases = [
            (bounds(1, 3), 1..3),
            (bounds(1, -3), 1..2),
            (bounds(1, -1), 1..4),
            (Bounds { right_open: false, ..bounds(1, -1) }, 1..5),
            (Bounds { left_open: true, ..bounds(1, 3) }, 2..3),
            (Bounds { left_open: true, ..bounds(-9, 2) }, 0..2),
            (bounds(-9, -9), 0..0),
            (bounds(3, 1), 3..3),
            (bounds(7, 9), 5..5),
            (bounds(i64::MIN, i64::MAX), 0..5),
        ];
        for (bounds, range) in cases {
            assert_eq!(bounds.resolve(5), range, "{bounds:?}");
        }
        assert_eq!(slice_array(&numbers(&[1, 2, 3]), bounds(-2, 9)), numbers(&[2, 3]));
    }

    #[test]
    fn positions_count_from_both_ends() {
        let cases = [
            (0, Places::Elements, 0),
            (-1, Places::Elements, 2),
            (-1, Places::Gaps, 3),
            (7, Places::Gaps, 7),
        ];
        for (index, places, expected) in cases {
            assert_eq!(canonical(&Datum::from(index), 3, places).unwrap(), expected, "{index}");
        }
        let error = canonical(&Datum::from(-5), 3, Places::Gaps).unwrap_err();
        assert!(error.is_absent());
        assert_eq!(error.message(), "Index out of bounds: -5");
    }

    #[test]
    fn sets_keep_the_order_of_first_appearance() {
        let items = distinct(numbers(&[3, 1, 3, 2, 1]).iter(), HashSet::from([Datum::from(2)]));
        assert_eq!(Datum::from(items), Datum::Array(numbers(&[3, 1])));
    }
}
