//! What an index tells of the rows as a whole: the first, the last, the different values,
//! the groups.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use super::range::Range;
use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{KINDS, Kind, function};
use crate::index::Index;

/// A draft of one value, or of the different values of an index.
pub(super) fn draw(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let entries = index.entries_of(array);
    let (direct, entries) = if dice.chance(40) {
        let range = Range::draw(dice, || index.literal(dice));
        let within = Term::function(|entry| range.holds(&entry.nth(0)));
        (range.read(table, Some(index.name)), entries.filter(within))
    } else {
        (table.clone(), entries)
    };
    match dice.below(3) {
        0 => first_or_last(dice, index, &direct, &entries),
        1 => distinct(index, &direct, &entries),
        _ => group(dice, index, &direct, &entries),
    }
}

/// Of rows of equal value the one that the order of the index has first.
fn first_or_last(dice: &Dice, index: &Index, direct: &Term, entries: &Term) -> Draft {
    let (term, direction) = dice.pick(&[(TermType::Min, TermType::Asc), (TermType::Max, TermType::Desc)]);
    let by = |key: Term| Term::call(direction, &[key], &[]);
    let keys = [
        entries.clone(),
        by(Term::function(|entry| entry.nth(0))),
        by(Term::function(|entry| entry.nth(1).field("id"))),
    ];
    let direct = Term::call(term, std::slice::from_ref(direct), &[("index", index.name.into())]);
    let plain = Term::call(TermType::OrderBy, &keys, &[]).nth(0).nth(1);
    let mut draft = Draft::rows(direct.default(Datum::Null), plain.default(Datum::Null), Order::Total);
    draft.is_sequence = false;
    draft
}

fn distinct(index: &Index, direct: &Term, entries: &Term) -> Draft {
    let direct =
        Term::call(TermType::Distinct, std::slice::from_ref(direct), &[("index", index.name.into())]);
    let plain = entries.map(Term::function(|entry| entry.nth(0))).distinct();
    let mut draft = Draft::rows(direct, plain, Order::Total);
    draft.shape = Shape::Value(Kind::Any);
    draft
}

/// By the index alone or by a function, too, which comes first then.
fn group(dice: &Dice, index: &Index, direct: &Term, entries: &Term) -> Draft {
    let mut direct_args = vec![direct.clone()];
    let mut plain_args = vec![entries.clone()];
    if dice.chance(30) {
        let by = function(dice, Shape::Row, dice.pick(&KINDS));
        direct_args.push(by.clone());
        plain_args.push(Term::function(|entry| Term::call(TermType::Funcall, &[by, entry.nth(1)], &[])));
    }
    plain_args.push(Term::function(|entry| entry.nth(0)));
    let direct = Term::call(TermType::Group, &direct_args, &[("index", index.name.into())]);
    let plain = Term::call(TermType::Group, &plain_args, &[]).map(Term::function(|entry| entry.nth(1)));
    let mut draft = Draft::rows(direct, plain, Order::Total);
    draft.is_sequence = false;
    // Rows come in the order of the index, or in that of their keys.
    draft.any_error = true;
    let ids = Term::function(|row| row.field("id"));
    match dice.below(4) {
        0 => draft.apply(TermType::Count, &[], &[]),
        1 => draft.apply(TermType::Sum, &["n".into()], &[]),
        2 => draft.apply(TermType::Max, &["id".into()], &[]),
        _ => {
            draft.apply(TermType::Map, &[ids], &[]);
            draft.apply(TermType::OrderBy, &[Term::function(|id| id)], &[]);
        }
    }
    if dice.chance(50) {
        draft.apply(TermType::Ungroup, &[], &[]);
    }
    draft
}
