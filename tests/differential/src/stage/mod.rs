//! Stages that turn one sequence into another.

mod join;
mod reshape;

use photondb_client::Term;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{KINDS, Kind, function};
use crate::index;
use crate::source;

/// More rows than any query has.
const SAMPLE_ALL: u32 = 99_999;

/// Appends one random stage.
pub(crate) fn draw(dice: &Dice, draft: &mut Draft) {
    match dice.below(20) {
        0..=2 => filter(dice, draft),
        3 => map(dice, draft),
        4 | 5 => order(dice, draft),
        6 | 7 if draft.is_ordered() => window(dice, draft),
        8 => {
            draft.apply(TermType::Distinct, &[], &[]);
            draft.order = Order::Total;
        }
        9 => concat_map(dice, draft),
        10 => union(dice, draft),
        11 | 12 if draft.is_ordered() && draft.shape == Shape::Row => join::draw(dice, draft),
        13 if draft.is_ordered() && draft.shape == Shape::Row => inner_query(dice, draft),
        14 if draft.is_ordered() => fold(dice, draft),
        15 => sample(draft),
        16 => groups(dice, draft),
        _ if draft.shape == Shape::Row => reshape::draw(dice, draft),
        _ => filter(dice, draft),
    }
}

fn filter(dice: &Dice, draft: &mut Draft) {
    let predicate = function(dice, draft.shape, Kind::Bool);
    let default = match dice.below(8) {
        0 | 1 => Some(Term::from(true)),
        2 => Some(false.into()),
        3 => Some(Term::call(TermType::Error, &[], &[])),
        _ => None,
    };
    let options: Vec<_> = default.into_iter().map(|value| ("default", value)).collect();
    draft.apply(TermType::Filter, &[predicate], &options);
}

fn map(dice: &Dice, draft: &mut Draft) {
    let kind = dice.pick(&KINDS);
    draft.apply_into(TermType::Map, &[function(dice, draft.shape, kind)], Shape::Value(kind));
}

/// Sorts such that no two different elements stay in doubt.
fn order(dice: &Dice, draft: &mut Draft) {
    let mut keys = Vec::new();
    for _ in 0..=dice.below(2) {
        let key = match draft.shape {
            Shape::Row if dice.chance(60) => {
                dice.pick(&["n", "s", "x", "t", "b", "m", "l", "y", "missing"]).into()
            }
            shape => function(dice, shape, dice.pick(&KINDS)),
        };
        keys.push(match dice.below(3) {
            0 => key,
            1 => Term::call(TermType::Asc, &[key], &[]),
            _ => Term::call(TermType::Desc, &[key], &[]),
        });
    }
    keys.push(Term::function(|element| element));
    draft.apply(TermType::OrderBy, &keys, &[]);
    draft.order = Order::Total;
}

fn window(dice: &Dice, draft: &mut Draft) {
    let count = || Term::from(dice.below(40) as f64);
    match dice.below(4) {
        0 => draft.apply(TermType::Skip, &[count()], &[]),
        1 => draft.apply(
            TermType::Slice,
            &[count(), count()],
            &[("right_bound", dice.pick(&["open", "closed"]).into())],
        ),
        _ => draft.apply(TermType::Limit, &[count()], &[]),
    }
    draft.short_circuits = true;
}

fn concat_map(dice: &Dice, draft: &mut Draft) {
    draft.apply_into(
        TermType::ConcatMap,
        &[function(dice, draft.shape, Kind::Texts)],
        Shape::Value(Kind::Text),
    );
}

/// Rows of another part of the tables, too; sorted sequences can stay sorted.
fn union(dice: &Dice, draft: &mut Draft) {
    let mut other = source::rows_of_any(dice);
    if let Shape::Value(kind) = draft.shape {
        other.apply_into(TermType::Map, &[function(dice, Shape::Row, kind)], Shape::Value(kind));
    }
    let merged = draft.is_ordered() && other.is_ordered() && dice.chance(50);
    let option = if merged {
        let kind = dice.pick(&KINDS);
        let key = function(dice, draft.shape, kind);
        let key = if dice.chance(50) { key } else { Term::call(TermType::Desc, &[key], &[]) };
        Some(("interleave", key))
    } else if dice.chance(30) {
        Some(("interleave", dice.chance(50).into()))
    } else {
        None
    };
    let options: Vec<_> = option.into_iter().collect();
    draft.direct = Term::call(TermType::Union, &[draft.direct.clone(), other.direct], &options);
    draft.plain = Term::call(TermType::Union, &[draft.plain.clone(), other.plain], &options);
    if !merged {
        draft.order = Order::Bag;
    }
    draft.any_error = true;
    draft.short_circuits |= other.short_circuits;
}

/// A query of its own for each of a few rows.
fn inner_query(dice: &Dice, draft: &mut Draft) {
    let (table, array) = source::forms(dice);
    let index = index::draw(dice);
    draft.apply(TermType::Limit, &[Term::from(dice.below(6) as f64)], &[]);
    let key = index.literal(dice);
    let wanted = |row: &Term| {
        // Values of multi indexes are arrays, and some of the odd ones no keys.
        let fixed = index.multi || index.name == "odd";
        if fixed { key.clone() } else { (index.value)(row).default(key.clone()) }
    };
    let id = || Term::function(|row| row.field("id"));
    let sorted = |rows: Term| Term::call(TermType::OrderBy, &[rows.map(id()), Term::function(|id| id)], &[]);
    let by_index = |row: &Term| {
        let keys = [table.clone(), wanted(row)];
        Term::call(TermType::GetAll, &keys, &[("index", index.name.into())])
    };
    let by_filter = |row: &Term| index.found(&array, &|value| value.eq(wanted(row)));
    let counted = dice.chance(50);
    let answer = |inner: Term, row: &Term| {
        if counted { inner.count() } else { Term::array(&[row.field("id"), sorted(inner)]) }
    };
    draft.direct = draft.direct.map(Term::function(|row| answer(by_index(&row), &row)));
    draft.plain = draft.plain.map(Term::function(|row| answer(by_filter(&row), &row)));
    draft.shape = Shape::Value(Kind::Any);
    draft.short_circuits = true;
}

/// Numbers the elements, or pairs neighbours.
fn fold(dice: &Dice, draft: &mut Draft) {
    let number = function(dice, draft.shape, Kind::Number);
    let call = |element: Term| Term::call(TermType::Funcall, &[number.clone(), element], &[]);
    let step = Term::function2(|state, element| state.add(call(element)));
    let emit = Term::function3(|old, element, new| {
        if dice.chance(50) {
            Term::array(&[old, new])
        } else {
            Term::array(&[new]).add(Term::array(&[element]))
        }
    });
    let mut options = vec![("emit", emit)];
    if dice.chance(50) {
        options.push(("final_emit", Term::function(|state| Term::array(&[state, "end".into()]))));
    }
    draft.apply(TermType::Fold, &[0.into(), step], &options);
    draft.shape = Shape::Value(Kind::Any);
}

/// All rows in another order.
fn sample(draft: &mut Draft) {
    draft.apply(TermType::Sample, &[SAMPLE_ALL.into()], &[]);
    draft.order = Order::Bag;
    draft.any_error = true;
}

/// Groups and what they come to, as a sequence again.
fn groups(dice: &Dice, draft: &mut Draft) {
    let by = function(dice, draft.shape, dice.pick(&KINDS));
    draft.apply(TermType::Group, &[by], &[]);
    let part = if dice.chance(50) {
        draft.apply(TermType::Count, &[], &[]);
        "reduction"
    } else {
        draft.apply(TermType::Map, &[function(dice, draft.shape, Kind::Number)], &[]);
        draft.apply(TermType::Sum, &[], &[]);
        "group"
    };
    draft.apply(TermType::Ungroup, &[], &[]);
    draft.order = Order::Total;
    draft.shape = Shape::Value(Kind::Any);
    match dice.below(4) {
        0 => draft.apply(TermType::OrderBy, &[part.into(), "group".into()], &[]),
        1 => draft.apply(TermType::GetField, &[part.into()], &[]),
        2 => draft.apply(TermType::Filter, &[Term::function(|group| group.field("reduction").gt(3))], &[]),
        _ => {}
    }
}
