//! Rows by a secondary index, or by looking at all of them.

use photondb_client::Term;
use photondb_reql::TermType;

use super::range::Range;
use crate::Dice;
use crate::draft::{Draft, Order};
use crate::index::Index;

/// Rows by keys or a range of an index, perhaps in its order.
pub(super) fn draw(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    match dice.below(3) {
        0 => keys(dice, index, table, array),
        1 => range(dice, index, table, array),
        _ => in_order(dice, index, table, &index.entries_of(array)),
    }
}

fn keys(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let keys: Vec<Term> = (0..=dice.below(3)).map(|_| index.literal(dice)).collect();
    let mut args = vec![table.clone()];
    args.extend(keys.iter().cloned());
    let direct = Term::call(TermType::GetAll, &args, &[("index", index.name.into())]);
    let rows: Vec<Term> = keys.iter().map(|key| index.found(array, &|value| value.eq(key))).collect();
    Draft::rows(direct, Term::call(TermType::Union, &rows, &[]), Order::Bag)
}

fn range(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let range = Range::draw(dice, || index.literal(dice));
    let direct = range.read(table, Some(index.name));
    if dice.chance(50) {
        return Draft::rows(direct, index.found(array, &|value| range.holds(value)), Order::Bag);
    }
    let entries = index.entries_of(array).filter(Term::function(|entry| range.holds(&entry.nth(0))));
    in_order(dice, index, &direct, &entries)
}

/// In the order of an index; rows of equal value in the order of their primary key.
fn in_order(dice: &Dice, index: &Index, direct: &Term, entries: &Term) -> Draft {
    let direction = dice.pick(&[TermType::Asc, TermType::Desc]);
    let by = |key: Term| Term::call(direction, &[key], &[]);
    let mut direct_args = vec![direct.clone()];
    let mut plain_args = vec![entries.clone(), by(Term::function(|entry| entry.nth(0)))];
    if dice.chance(40) {
        let field = dice.pick(&["n", "s", "x"]);
        let way = dice.pick(&[TermType::Asc, TermType::Desc]);
        let of_entry = |name: &'static str| Term::function(|entry| entry.nth(1).field(name));
        direct_args.extend([Term::call(way, &[field.into()], &[]), "id".into()]);
        plain_args.extend([Term::call(way, &[of_entry(field)], &[]), of_entry("id")]);
    } else {
        plain_args.push(by(Term::function(|entry| entry.nth(1).field("id"))));
    }
    let option = [("index", by(index.name.into()))];
    let direct = Term::call(TermType::OrderBy, &direct_args, &option);
    let plain = Term::call(TermType::OrderBy, &plain_args, &[]);
    Draft::rows(direct, plain.map(Term::function(|entry| entry.nth(1))), Order::Total)
}
