//! Where the rows come from: a table and its indexes, or the same rows as an array.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{Kind, expression, literal};
use crate::rows::{KEYS, rows};
use crate::world::{Index, TABLES, indexes};

/// Two forms of the rows of a table or of a part of it.
pub(crate) fn draw(dice: &Dice) -> Draft {
    let number = dice.below(TABLES.len() as u64) as usize;
    let table = Term::table(TABLES[number]);
    let array = if dice.chance(20) {
        Term::array(&[]).add(Term::from(Datum::array(rows(number as u64))))
    } else {
        table.coerce_to("array")
    };
    match dice.below(10) {
        0..=2 => Draft::rows(table, array, Order::Total),
        3 => keys(dice, &table, &array),
        4 => primary_range(dice, &table, &array),
        5 => computed_filter(dice, &table, &array),
        _ => by_index(dice, &table, &array),
    }
}

fn key(dice: &Dice) -> Term {
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

/// Bounds of a range, and the predicate that a value lies within.
struct Range {
    lower: Term,
    upper: Term,
    options: Vec<(&'static str, Term)>,
}

impl Range {
    fn draw(dice: &Dice, mut bound: impl FnMut() -> Term) -> Self {
        let lower = if dice.chance(15) { Term::minval() } else { bound() };
        let upper = if dice.chance(15) { Term::maxval() } else { bound() };
        let mut options = Vec::new();
        for name in ["left_bound", "right_bound"] {
            if dice.chance(50) {
                options.push((name, dice.pick(&["open", "closed"]).into()));
            }
        }
        Self { lower, upper, options }
    }

    fn read(&self, table: &Term, index: Option<&str>) -> Term {
        let mut options = self.options.clone();
        options.extend(index.map(|index| ("index", index.into())));
        Term::call(TermType::Between, &[table.clone(), self.lower.clone(), self.upper.clone()], &options)
    }

    fn holds(&self, value: &Term) -> Term {
        let closed = |name, default| {
            let given = self.options.iter().find(|(option, _)| *option == name);
            given.map_or(default, |(_, bound)| *bound == Term::from("closed"))
        };
        let lower = if closed("left_bound", true) { value.ge(&self.lower) } else { value.gt(&self.lower) };
        let upper = if closed("right_bound", false) { value.le(&self.upper) } else { value.lt(&self.upper) };
        lower.and(upper)
    }
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
fn computed_filter(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let field = dice.pick(&["id", "n", "x", "s", "m"]);
    let value = literal(dice, Kind::Any);
    let comparison = dice.pick(&[TermType::Eq, TermType::Lt, TermType::Ge]);
    let predicate = Term::function(|row| {
        let compared = Term::call(comparison, &[row.field(field), value], &[]);
        let more = expression(dice, &row, Shape::Row, Kind::Bool, 1);
        if dice.chance(50) { compared.and(more) } else { compared }
    });
    Draft::rows(table.filter(predicate.clone()), array.filter(predicate), Order::Total)
}

fn by_index(dice: &Dice, table: &Term, array: &Term) -> Draft {
    let indexes = indexes();
    let index = &indexes[dice.below(indexes.len() as u64) as usize];
    match dice.below(3) {
        0 => index_keys(dice, index, table, array),
        1 => index_range(dice, index, table, array),
        _ if index.multi => index_range(dice, index, table, array),
        _ => index_order(dice, index, table, array),
    }
}

fn index_keys(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let keys: Vec<Term> = (0..=dice.below(3)).map(|_| index.literal(dice)).collect();
    let mut args = vec![table.clone()];
    args.extend(keys.iter().cloned());
    let direct = Term::call(TermType::GetAll, &args, &[("index", index.name.into())]);
    let of_key = |key: &Term| {
        array.filter(Term::function(|row| {
            let value = (index.value)(&row);
            let found = if index.multi { value.contains(key) } else { value.eq(key) };
            (index.present)(&row).and(found)
        }))
    };
    let rows: Vec<Term> = keys.iter().map(of_key).collect();
    Draft::rows(direct, Term::call(TermType::Union, &rows, &[]), Order::Bag)
}

fn index_range(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let range = Range::draw(dice, || index.literal(dice));
    let direct = range.read(table, Some(index.name));
    let present = array.filter(Term::function(|row| (index.present)(&row)));
    if index.multi {
        // A row is found once for each of its values.
        let found = present.concat_map(Term::function(|row| {
            let values = (index.value)(&row).filter(Term::function(|value| range.holds(&value)));
            values.map(Term::function(|_| row))
        }));
        return Draft::rows(direct, found, Order::Bag);
    }
    let found = present.filter(Term::function(|row| range.holds(&(index.value)(&row))));
    if dice.chance(60) {
        return Draft::rows(direct, found, Order::Bag);
    }
    in_order(dice, index, &direct, &found)
}

fn index_order(dice: &Dice, index: &Index, table: &Term, array: &Term) -> Draft {
    let present = array.filter(Term::function(|row| (index.present)(&row)));
    in_order(dice, index, table, &present)
}

/// In the order of an index; rows of equal value in the order of their primary key.
fn in_order(dice: &Dice, index: &Index, direct: &Term, plain: &Term) -> Draft {
    let direction = dice.pick(&[TermType::Asc, TermType::Desc]);
    let by = |key: Term| Term::call(direction, &[key], &[]);
    let value = by(Term::function(|row| (index.value)(&row)));
    let option = [("index", by(index.name.into()))];
    let mut direct_args = vec![direct.clone()];
    let mut plain_args = vec![plain.clone(), value];
    if dice.chance(40) {
        let field = Term::call(
            dice.pick(&[TermType::Asc, TermType::Desc]),
            &[dice.pick(&["n", "s", "x"]).into()],
            &[],
        );
        let tie = [field, "id".into()];
        direct_args.extend(tie.clone());
        plain_args.extend(tie);
    } else {
        plain_args.push(by("id".into()));
    }
    let direct = Term::call(TermType::OrderBy, &direct_args, &option);
    Draft::rows(direct, Term::call(TermType::OrderBy, &plain_args, &[]), Order::Total)
}
