//! What is made of the whole sequence at the end.

use photondb_client::Term;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{KINDS, Kind, function, literal};

/// Appends a terminal.
pub(crate) fn draw(dice: &Dice, draft: &mut Draft) {
    draft.is_sequence = false;
    match dice.below(7) {
        0 | 1 => group(dice, draft),
        2 if draft.is_ordered() => ordered(dice, draft),
        3 => early(dice, draft),
        4 => some(dice, draft),
        _ => aggregate(dice, draft),
    }
}

/// How many of some elements there are; which ones they are does not matter.
fn some(dice: &Dice, draft: &mut Draft) {
    let count = Term::from(dice.below(200) as f64);
    draft.apply(dice.pick(&[TermType::Limit, TermType::Skip, TermType::Sample]), &[count], &[]);
    draft.apply(TermType::Count, &[], &[]);
    draft.short_circuits = true;
}

/// An aggregation whose answer does not depend on the order.
fn aggregate(dice: &Dice, draft: &mut Draft) {
    let numbers = function(dice, draft.shape, Kind::Number);
    match dice.below(7) {
        0 => draft.apply(TermType::Count, &[], &[]),
        1 => draft.apply(TermType::Count, &[function(dice, draft.shape, Kind::Bool)], &[]),
        2 => draft.apply(TermType::Sum, &[numbers], &[]),
        3 => draft.apply(TermType::Avg, &[numbers], &[]),
        4 => {
            draft.apply(TermType::Map, &[numbers], &[]);
            draft.apply(dice.pick(&[TermType::Min, TermType::Max]), &[], &[]);
        }
        5 if draft.is_ordered() => {
            let kind = dice.pick(&KINDS);
            // Of equal ones the first.
            draft.apply(
                dice.pick(&[TermType::Min, TermType::Max]),
                &[function(dice, draft.shape, kind)],
                &[],
            );
        }
        _ => {
            draft.apply(TermType::Map, &[numbers], &[]);
            draft.apply(TermType::Reduce, &[Term::function2(|left, right| left.add(right))], &[]);
        }
    }
}

fn group(dice: &Dice, draft: &mut Draft) {
    let mut keys = Vec::new();
    for _ in 0..=dice.below(2) {
        keys.push(match draft.shape {
            Shape::Row if dice.chance(50) => dice.pick(&["n", "s", "b", "m", "l", "t", "missing"]).into(),
            shape => function(dice, shape, dice.pick(&KINDS)),
        });
    }
    let multi = keys.len() == 1 && dice.chance(15);
    if multi {
        keys = vec![function(dice, draft.shape, Kind::Texts)];
    }
    let options: &[(&str, Term)] = if multi { &[("multi", true.into())] } else { &[] };
    draft.apply(TermType::Group, &keys, options);
    if draft.is_ordered() && dice.chance(40) {
        match dice.below(6) {
            4 => draft.apply(TermType::Map, &[function(dice, draft.shape, dice.pick(&KINDS))], &[]),
            5 => {
                draft.apply(TermType::Filter, &[function(dice, draft.shape, Kind::Bool)], &[]);
                draft.apply(TermType::Distinct, &[], &[]);
            }
            0 => draft.apply(TermType::Limit, &[2.into()], &[]),
            1 => draft.apply(TermType::OrderBy, &[Term::function(|element| element)], &[]),
            2 => draft.apply(TermType::Nth, &[0.into()], &[]),
            _ => {}
        }
    } else {
        aggregate(dice, draft);
    }
    if dice.chance(40) {
        draft.apply(TermType::Ungroup, &[], &[]);
        draft.order = Order::Total;
    }
}

/// An answer for which the order matters.
fn ordered(dice: &Dice, draft: &mut Draft) {
    let position = Term::from(dice.below(60) as f64 - 20.0);
    match dice.below(4) {
        0 => draft.apply(dice.pick(&[TermType::Nth, TermType::Bracket]), &[position], &[]),
        1 => {
            let kind = dice.pick(&KINDS);
            draft.apply(TermType::Map, &[function(dice, draft.shape, kind)], &[]);
            draft.apply(TermType::OffsetsOf, &[literal(dice, kind)], &[]);
        }
        2 => {
            draft.apply(TermType::Map, &[function(dice, draft.shape, Kind::Text)], &[]);
            draft.apply(TermType::Reduce, &[Term::function2(|left, right| left.add(right))], &[]);
        }
        _ => {
            draft.apply(TermType::Map, &[function(dice, draft.shape, Kind::Number)], &[]);
            let step = Term::function2(|state, number| state.sub(number).div(2));
            draft.apply(TermType::Fold, &[1.into(), step], &[]);
        }
    }
    draft.short_circuits = true;
}

/// An answer that may be known before the end.
fn early(dice: &Dice, draft: &mut Draft) {
    match dice.below(3) {
        0 => draft.apply(TermType::IsEmpty, &[], &[]),
        1 => {
            let kind = dice.pick(&KINDS);
            draft.apply(TermType::Map, &[function(dice, draft.shape, kind)], &[]);
            draft.apply(TermType::Contains, &[literal(dice, kind)], &[]);
        }
        _ => draft.apply(TermType::Contains, &[function(dice, draft.shape, Kind::Bool)], &[]),
    }
    draft.short_circuits = true;
}
