//! What a predicate says about single fields: between which values they are in rows that it
//! holds for.

use std::ops::Bound;

use photondb_datum::{Datum, PseudoType, Text};
use photondb_table::DatumRange;

use super::{Comparison, RowExpression};

/// The bounds that a predicate sets.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    /// For each row that the predicate holds for, all these fields are in their ranges. Of rows
    /// in which one is not, it is surely told without an error, other than that something is
    /// absent.
    pub(crate) fields: Vec<(Text, DatumRange)>,
    /// Whether the same is true of all rows: the predicate has no part that may fail.
    pub(crate) never_fails: bool,
}

impl Bounds {
    /// Bounds of rows that both predicates hold for, when the second one is asked only about
    /// rows that the first one holds for.
    pub(crate) fn and(&mut self, second: Self) {
        if !self.never_fails {
            return;
        }
        for (field, range) in second.fields {
            self.add(field, range);
        }
        self.never_fails = second.never_fails;
    }

    fn add(&mut self, field: Text, range: DatumRange) {
        match self.fields.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = intersection(known, range),
            None => self.fields.push((field, range)),
        }
    }

    /// A field that equals a value.
    pub(crate) fn equal(field: Text, value: &Datum) -> Self {
        let fields = vec![(field, DatumRange::point(value.clone()))];
        Self { fields: fields.into_iter().filter(|_| is_bound(value)).collect(), never_fails: true }
    }
}

impl RowExpression {
    /// The bounds that the expression sets as a predicate of its first parameter.
    pub(crate) fn bounds(&self) -> Bounds {
        match self {
            Self::And(operands) => {
                let mut all = Bounds { never_fails: true, ..Bounds::default() };
                operands.iter().for_each(|operand| all.and(operand.bounds()));
                all
            }
            Self::Comparison(comparison, operands) => compared(*comparison, operands),
            _ => Bounds::default(),
        }
    }

    /// The field of the row that this is.
    fn row_field(&self) -> Option<&Text> {
        match self {
            Self::Field(row, lookup) if matches!(**row, Self::Parameter(0)) => Some(lookup.name()),
            _ => None,
        }
    }
}

/// Values can be compared, whatever they are. Each must be in the relation to the next one.
fn compared(comparison: Comparison, operands: &[RowExpression]) -> Bounds {
    let is_plain = |operand: &RowExpression| {
        matches!(operand, RowExpression::Constant(_)) || operand.row_field().is_some()
    };
    let mut bounds = Bounds { never_fails: operands.iter().all(is_plain), ..Bounds::default() };
    if !bounds.never_fails {
        return bounds;
    }
    for pair in operands.windows(2) {
        let [left, right] = pair else { continue };
        let found = match (left, right) {
            (field, RowExpression::Constant(value)) => range(comparison, value).zip(field.row_field()),
            (RowExpression::Constant(value), field) => {
                range(mirrored(comparison), value).zip(field.row_field())
            }
            _ => None,
        };
        if let Some((range, field)) = found {
            bounds.add(field.clone(), range);
        }
    }
    bounds
}

/// The values that are in a relation to another one.
fn range(comparison: Comparison, value: &Datum) -> Option<DatumRange> {
    if !is_bound(value) {
        return None;
    }
    let value = || value.clone();
    Some(match comparison {
        Comparison::Equal => DatumRange::point(value()),
        Comparison::NotEqual => return None,
        Comparison::Less => DatumRange::new(Bound::Unbounded, Bound::Excluded(value())),
        Comparison::LessOrEqual => DatumRange::new(Bound::Unbounded, Bound::Included(value())),
        Comparison::Greater => DatumRange::new(Bound::Excluded(value()), Bound::Unbounded),
        Comparison::GreaterOrEqual => DatumRange::new(Bound::Included(value()), Bound::Unbounded),
    })
}

/// The relation seen from the other side.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        equality => equality,
    }
}

/// Values whose order among the keys of an index is beyond doubt.
fn is_bound(value: &Datum) -> bool {
    match value {
        Datum::Bool(_) | Datum::Number(_) | Datum::String(_) => true,
        Datum::Object(object) => object.pseudo_type() == Some(PseudoType::Time),
        _ => false,
    }
}

/// Whether an index has each document whose value lies in a range: values of the types between
/// its bounds are all fit to be keys.
pub(crate) fn is_covered(range: &DatumRange) -> bool {
    let value = |bound: &Bound<Datum>| match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value.type_name().to_owned()),
        Bound::Unbounded => None,
    };
    let left = value(&range.left);
    left.is_some() && left == value(&range.right)
}

fn intersection(known: &DatumRange, other: DatumRange) -> DatumRange {
    let tighter = |one: &Bound<Datum>, two: Bound<Datum>, is_left: bool| match (one, &two) {
        (Bound::Unbounded, _) => two,
        (_, Bound::Unbounded) => one.clone(),
        (
            Bound::Included(first) | Bound::Excluded(first),
            Bound::Included(second) | Bound::Excluded(second),
        ) => {
            let second_is_tighter = match second.cmp(first) {
                std::cmp::Ordering::Equal => matches!(two, Bound::Excluded(_)),
                order => order.is_gt() == is_left,
            };
            if second_is_tighter { two } else { one.clone() }
        }
    };
    DatumRange::new(tighter(&known.left, other.left, true), tighter(&known.right, other.right, false))
}
