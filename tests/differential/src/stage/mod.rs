//! Stages that turn one sequence into another.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{KINDS, Kind, function};
use crate::source;
use crate::world::{TABLES, indexes};

/// Appends one random stage.
pub(crate) fn draw(dice: &Dice, draft: &mut Draft) {
    match dice.below(14) {
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
        11 if draft.is_ordered() && draft.shape == Shape::Row => join(dice, draft),
        _ if draft.shape == Shape::Row => reshape(dice, draft),
        _ => filter(dice, draft),
    }
}

fn filter(dice: &Dice, draft: &mut Draft) {
    let predicate = function(dice, draft.shape, Kind::Bool);
    let default = dice.pick(&[Some(true), Some(false), None, None, None]);
    let options: Vec<_> = default.into_iter().map(|value| ("default", Term::from(value))).collect();
    draft.apply(TermType::Filter, &[predicate], &options);
}

fn map(dice: &Dice, draft: &mut Draft) {
    let kind = dice.pick(&KINDS);
    draft.apply_into(TermType::Map, &[function(dice, draft.shape, kind)], Shape::Value(kind));
}

/// Sorts such that no two different elements stay in doubt.
pub(crate) fn order(dice: &Dice, draft: &mut Draft) {
    let mut keys = Vec::new();
    for _ in 0..=dice.below(2) {
        let key = match draft.shape {
            Shape::Row if dice.chance(60) => dice.pick(&["n", "s", "x", "t", "b", "m", "missing"]).into(),
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
        _ => {
            draft.apply(TermType::Limit, &[count()], &[]);
        }
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

fn union(dice: &Dice, draft: &mut Draft) {
    let mut other = source::draw(dice);
    if draft.shape != Shape::Row {
        let kind = if let Shape::Value(kind) = draft.shape { kind } else { Kind::Any };
        other.apply_into(TermType::Map, &[function(dice, Shape::Row, kind)], Shape::Value(kind));
    }
    draft.direct = Term::call(TermType::Union, &[draft.direct.clone(), other.direct], &[]);
    draft.plain = Term::call(TermType::Union, &[draft.plain.clone(), other.plain], &[]);
    draft.order = Order::Bag;
    draft.any_error = true;
}

/// Joins the first rows with a table, by an index or by looking at all pairs.
fn join(dice: &Dice, draft: &mut Draft) {
    let table = Term::table(dice.pick(&TABLES));
    let indexes = indexes();
    let index = &indexes[dice.below(6) as usize];
    let few = Term::from(dice.below(8) as f64);
    draft.apply(TermType::Limit, &[few], &[]);
    draft.short_circuits = true;
    let ids = Term::function(|pair| {
        Term::array(&[pair.field("left").field("id"), pair.field("right").field("id")])
    });
    let value = Term::function(|row| (index.value)(&row));
    let direct = Term::call(
        TermType::EqJoin,
        &[draft.direct.clone(), value, table.clone()],
        &[("index", index.name.into())],
    );
    let rows = table.coerce_to("array");
    let plain = Term::call(
        TermType::InnerJoin,
        &[
            draft.plain.clone(),
            rows,
            Term::function2(|left, right| {
                let present = left.has_fields(index.name).and(right.has_fields(index.name));
                present.and((index.value)(&left).eq((index.value)(&right)))
            }),
        ],
        &[],
    );
    draft.direct = direct.map(ids.clone());
    draft.plain = plain.map(ids);
    draft.shape = Shape::Value(Kind::Any);
    draft.order = Order::Bag;
    draft.any_error = true;
}

/// Changes which fields rows have; all keep their primary key.
fn reshape(dice: &Dice, draft: &mut Draft) {
    let field = || Term::from(dice.pick(&["n", "s", "x", "b", "t", "m", "tags", "o"]));
    match dice.below(6) {
        0 => draft.apply(TermType::Pluck, &["id".into(), field(), field(), field()], &[]),
        1 => draft.apply(TermType::Without, &[field(), field()], &[]),
        2 => draft.apply(TermType::HasFields, &[field()], &[]),
        3 => draft.apply(TermType::WithFields, &["id".into(), field(), field()], &[]),
        4 => {
            let kind = dice.pick(&KINDS);
            let value = function(dice, Shape::Row, kind);
            let name = match kind {
                Kind::Number => "n",
                Kind::Text => "s",
                Kind::Bool => "b",
                Kind::Time => "t",
                Kind::Texts => "tags",
                Kind::Any => "m",
            };
            let merged = Term::function(|row| {
                Term::object(&[(name, Term::call(TermType::Funcall, &[value, row], &[]))])
            });
            draft.apply(TermType::Merge, &[merged], &[]);
        }
        _ => draft.apply(TermType::Filter, &[Term::object(&[("b", Datum::Bool(true).into())])], &[]),
    }
}
