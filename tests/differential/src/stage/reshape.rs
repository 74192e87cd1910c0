//! Stages that change which fields rows have; all keep their primary key.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::{Draft, Shape};
use crate::expression::{KINDS, Kind, function};

pub(super) fn draw(dice: &Dice, draft: &mut Draft) {
    let field = || pattern(dice);
    match dice.below(9) {
        0 => draft.apply(TermType::Pluck, &["id".into(), field(), field(), field()], &[]),
        1 => draft.apply(TermType::Without, &[field(), field()], &[]),
        2 => draft.apply(TermType::HasFields, &[field()], &[]),
        3 => draft.apply(TermType::WithFields, &["id".into(), field(), field()], &[]),
        4 => merge_value(dice, draft),
        5 => draft.apply(TermType::Merge, &[merged(dice)], &[]),
        6 => {
            // Rows without the field are left out.
            let (name, kind) = dice.pick(&[
                ("n", Kind::Number),
                ("s", Kind::Text),
                ("t", Kind::Time),
                ("o", Kind::Any),
                ("tags", Kind::Any),
            ]);
            let term = dice.pick(&[TermType::GetField, TermType::Bracket]);
            draft.apply_into(term, &[name.into()], Shape::Value(kind));
        }
        7 => {
            let inner = Term::object(&[("c", Term::object(&[("d", Term::from(dice.below(5) as f64))]))]);
            draft.apply(TermType::Filter, &[Term::object(&[("o", inner)])], &[]);
        }
        _ => draft.apply(TermType::Filter, &[Term::object(&[("b", Datum::Bool(true).into())])], &[]),
    }
}

/// A field, or a pattern of fields within fields.
fn pattern(dice: &Dice) -> Term {
    let inner = |value: Term| Term::object(&[("o", value)]);
    match dice.below(10) {
        0 => inner(true.into()),
        1 => inner("c".into()),
        2 => inner(Term::array(&["a".into(), "s".into()])),
        3 => inner(Term::object(&[("c", Term::object(&[("d", true.into())]))])),
        4 => inner(Term::object(&[("c", "d".into()), ("s", true.into())])),
        _ => dice.pick(&["n", "s", "x", "b", "t", "m", "y", "l", "g", "tags", "o"]).into(),
    }
}

fn merge_value(dice: &Dice, draft: &mut Draft) {
    let kind = dice.pick(&KINDS);
    let value = function(dice, Shape::Row, kind);
    let name = match kind {
        Kind::Number => "n",
        Kind::Text => "s",
        Kind::Bool => "b",
        Kind::Time => "t",
        Kind::Binary => "y",
        Kind::Shape => "g",
        Kind::Texts => "tags",
        Kind::Any => "m",
    };
    let merged =
        Term::function(|row| Term::object(&[(name, Term::call(TermType::Funcall, &[value, row], &[]))]));
    draft.apply(TermType::Merge, &[merged], &[]);
}

/// Objects within objects, some of which replace what is there.
fn merged(dice: &Dice) -> Term {
    let literal = |args: &[Term]| Term::call(TermType::Literal, args, &[]);
    let number = Term::from(dice.below(9) as f64);
    let value = match dice.below(5) {
        0 => literal(&[Term::object(&[("a", number)])]),
        1 => literal(&[]),
        2 => Term::object(&[("c", literal(&[Term::object(&[("e", number)])]))]),
        3 => Term::object(&[("c", Term::object(&[("d", number)])), ("a", literal(&[]))]),
        _ => Term::object(&[("a", number)]),
    };
    Term::object(&[("o", value)])
}
