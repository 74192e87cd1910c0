//! Where the rows come from: a table and its indexes, or the same rows as an array.

mod extreme;
mod geometry;
mod indexed;
pub(crate) mod range;

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{Kind, expression, literal};
use crate::index;
use crate::rows::{KEYS, rows};
use crate::world::TABLES;
use range::Range;

/// Two forms of the rows of a table or of a part of it, or of what an index tells of them.
pub(crate) fn draw(dice: &Dice) -> Draft {
    let (table, array) = forms(dice);
    match dice.below(20) {
        0..=2 => Draft::rows(table, array, Order::Total),
        3 | 4 => keys(dice, &table, &array),
        5 | 6 => primary_range(dice, &table, &array),
        7 | 8 => computed_filter(dice, table, array),
        9 | 10 => geometry::intersecting(dice, &table, &array),
        11 => geometry::nearest(dice, &table, &array),
        12 | 13 => extreme::draw(dice, &index::draw(dice), &table, &array),
        _ => indexed::draw(dice, &index::draw(dice), &table, &array),
    }
}

/// The rows of one of the tables, for a place where a sequence is needed.
pub(crate) fn rows_of_any(dice: &Dice) -> Draft {
    loop {
        let draft = draw(dice);
        if draft.is_sequence && draft.shape == Shape::Row {
            return draft;
        }
    }
}

/// A table, and its rows as an array.
pub(crate) fn forms(dice: &Dice) -> (Term, Term) {
    let number = dice.below(TABLES.len() as u64) as usize;
    let table = Term::table(TABLES[number]);
    let array = if dice.chance(20) {
        Term::array(&[]).add(Term::from(Datum::array(rows(number as u64))))
    } else {
        table.coerce_to("array")
    };
    (table, array)
}

/// A primary key that rows may have.
pub(crate) fn key(dice: &Dice) -> Term {
    if dice.chance(60) {
        Term::from(dice.below(KEYS + 10) as f64 - 15.0)
    } else {
        Term::from(format!("k{:02}", dice.below(KEYS / 2 + 5)))
    }
}

fn keys(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let keys: Vec<Term> = (0..=dice.below(4)).map(|_| key(dice)).collect();
    let first = keys[0].clone();
    if dice.chance(40) {
        let direct = Term::array(&[table.get(first.clone())]);
        let plain = array.filter(Term::object(&[("id", first)])).nth(0).default(Datum::Null);
        let (direct, plain) = (direct.filter(present_row()), Term::array(&[plain]).filter(present_row()));
        return Draft::rows(direct, plain, Order::Total);
    }
    // A key that is asked for twice is answered twice.
    let mut args = vec![table.clone()];
    args.extend(keys.iter().cloned());
    let direct = Term::call(TermType::GetAll, &args, &[]);
    let rows: Vec<Term> = keys.iter().map(|key| array.filter(Term::object(&[("id", key.clone())]))).collect();
    Draft::rows(direct, Term::call(TermType::Union, &rows, &[]), Order::Bag)
}

fn present_row() -> Term {
    Term::function(|row| row.ne(Datum::Null))
}

fn primary_range(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let range = Range::draw(dice, || key(dice));
    let holds = Term::function(|row| range.holds(&row.field("id")));
    let (direct, plain) = (range.read(table, None), array.filter(holds));
    let descending = dice.chance(40);
    if !dice.chance(50) {
        return Draft::rows(direct, plain, Order::Bag);
    }
    let order = if descending { TermType::Desc } else { TermType::Asc };
    let order = Term::call(order, &["id".into()], &[]);
    let direct = Term::call(TermType::OrderBy, &[direct], &[("index", order.clone())]);
    Draft::rows(direct, plain.order_by(order), Order::Total)
}

/// A predicate in which an optimizer may or may not see a range.
fn computed_filter(dice: &Dice, table: Term, array: Term) -> Draft {
    let field = dice.pick(&["id", "n", "x", "s", "m"]);
    let value = literal(dice, Kind::Any);
    let comparison = dice.pick(&[TermType::Eq, TermType::Lt, TermType::Ge]);
    let predicate = Term::function(|row| {
        let compared = Term::call(comparison, &[row.field(field), value], &[]);
        let more = expression(dice, &row, Shape::Row, Kind::Bool, dice.depth().min(1));
        if dice.chance(50) { compared.and(more) } else { compared }
    });
    let mut draft = Draft::rows(table, array, Order::Total);
    draft.apply(TermType::Filter, &[predicate], &[]);
    draft
}
