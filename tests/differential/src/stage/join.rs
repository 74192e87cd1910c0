//! Joins of a few rows with a table: by an index, or by looking at all pairs.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Order, Shape};
use crate::expression::{Kind, expression};
use crate::index::{self, Index};
use crate::source::forms;

pub(super) fn draw(dice: &Dice, draft: &mut Draft) {
    draft.apply(TermType::Limit, &[Term::from(dice.below(8) as f64)], &[]);
    draft.short_circuits = true;
    match dice.below(4) {
        0 => of_all_pairs(dice, draft),
        1 => by_primary_key(dice, draft),
        _ => by_index(dice, draft, &index::draw(dice)),
    }
    draft.order = Order::Bag;
    draft.any_error = true;
    match dice.below(3) {
        // What the right row has counts.
        0 => draft.apply(TermType::Zip, &[], &[]),
        _ => {
            let ids = Term::function(|pair| {
                let right = pair.bracket("right").bracket("id").default(Datum::Null);
                Term::array(&[pair.field("left").field("id"), right])
            });
            draft.apply_into(TermType::Map, &[ids], Shape::Value(Kind::Any));
        }
    }
}

/// The values by which left rows look for right ones.
fn by_index(dice: &Dice, draft: &mut Draft, index: &Index) {
    let (table, array) = forms(dice);
    let literal = index.literal(dice);
    if index.name == "odd" {
        // It is an error to look for what an index cannot hold.
        draft.apply(TermType::Filter, &[Term::function(|row| (index.present)(&row))], &[]);
    }
    let value = |row: &Term| {
        // Rows of a multi index have several values, of which the literal may be one.
        if index.multi || dice.depth() == 0 { literal.clone() } else { (index.value)(row) }
    };
    let wanted = Term::function(|row| value(&row));
    let of = |row: &Term| Term::call(TermType::Funcall, &[wanted.clone(), row.clone()], &[]);
    let option = [("index", index.name.into())];
    draft.direct = Term::call(TermType::EqJoin, &[draft.direct.clone(), wanted.clone(), table], &option);
    draft.plain = draft.plain.concat_map(Term::function(|left| {
        let found = index.found(&array, &|value| value.eq(of(&left)));
        // A left row without a value matches nothing.
        let rows = Term::call(
            TermType::Branch,
            &[of(&left).default(Datum::Null).ne(Datum::Null), found, Term::array(&[])],
            &[],
        );
        rows.map(Term::function(|right| Term::object(&[("left", left), ("right", right)])))
    }));
}

fn by_primary_key(dice: &Dice, draft: &mut Draft) {
    let (table, array) = forms(dice);
    let field = dice.pick(&["n", "id", "m", "missing"]);
    let rows = draft.plain.filter(Term::function(|row| row.has_fields(field)));
    draft.direct = Term::call(TermType::EqJoin, &[draft.direct.clone(), field.into(), table], &[]);
    let same = Term::function2(|left, right| left.field(field).eq(right.field("id")));
    draft.plain = Term::call(TermType::InnerJoin, &[rows, array, same], &[]);
}

fn of_all_pairs(dice: &Dice, draft: &mut Draft) {
    let (table, array) = forms(dice);
    let join = dice.pick(&[TermType::InnerJoin, TermType::OuterJoin]);
    let holds = Term::function2(|left, right| {
        let kind = dice.pick(&[Kind::Number, Kind::Text, Kind::Bool]);
        let left = expression(dice, &left, Shape::Row, kind, 0);
        let right = expression(dice, &right, Shape::Row, kind, 0);
        let near = left.eq(right);
        if kind == Kind::Bool { near.and(dice.chance(50)) } else { near }
    });
    draft.direct = Term::call(join, &[draft.direct.clone(), table, holds.clone()], &[]);
    draft.plain = Term::call(join, &[draft.plain.clone(), array, holds], &[]);
}
