//! Expressions of a kind over one element.

use photondb_client::Term;
use photondb_reql::TermType;

use crate::Dice;
use crate::draft::Shape;
use crate::rows::{TEXTS, binary, long, mixed, shape, time};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    Bool,
    Time,
    Binary,
    Shape,
    Texts,
    Any,
}

/// Kinds that can be drawn.
pub(crate) const KINDS: [Kind; 10] = [
    Kind::Number,
    Kind::Number,
    Kind::Text,
    Kind::Text,
    Kind::Bool,
    Kind::Time,
    Kind::Binary,
    Kind::Shape,
    Kind::Texts,
    Kind::Any,
];

/// A function of one element.
pub(crate) fn function(dice: &Dice, shape: Shape, kind: Kind) -> Term {
    let depth = dice.depth();
    Term::function(|element| expression(dice, &element, shape, kind, depth))
}

/// An expression over `element`.
pub(crate) fn expression(dice: &Dice, element: &Term, shape: Shape, kind: Kind, depth: u64) -> Term {
    if depth == 0 || dice.chance(15) {
        return leaf(dice, element, shape, kind);
    }
    let inner = |kind| expression(dice, element, shape, kind, depth - 1);
    if dice.chance(8) {
        return Term::call(TermType::Branch, &[inner(Kind::Bool), inner(kind), inner(kind)], &[]);
    }
    if dice.chance(5) {
        let value = inner(kind);
        return Term::call(TermType::Funcall, &[Term::function(|value| value), value], &[]);
    }
    if dice.chance(5) {
        return inner(kind).default(inner(kind));
    }
    if dice.chance(1) {
        let raised = Term::call(TermType::Error, &["raised".into()], &[]);
        return Term::call(TermType::Branch, &[inner(Kind::Bool), inner(kind), raised], &[]);
    }
    match kind {
        Kind::Number => number(dice, &inner),
        Kind::Text => text(dice, &inner),
        Kind::Bool => bool(dice, &inner),
        Kind::Time => time_expression(dice, &inner),
        Kind::Binary => binary_expression(dice, &inner),
        Kind::Shape => inner(Kind::Shape),
        Kind::Texts => texts(dice, &inner),
        Kind::Any => {
            let kind = dice.pick(&KINDS);
            inner(kind)
        }
    }
}

/// A literal of a kind.
pub(crate) fn literal(dice: &Dice, kind: Kind) -> Term {
    match kind {
        Kind::Number => Term::from(dice.below(24) as f64 / 2.0 - 4.0),
        Kind::Text if dice.chance(5) => long(dice).into(),
        Kind::Text => dice.pick(&TEXTS).into(),
        Kind::Binary => binary(dice).into(),
        Kind::Shape => shape(dice).into(),
        Kind::Bool => dice.chance(50).into(),
        Kind::Time => time(dice).into(),
        Kind::Texts => Term::array(&[dice.pick(&TEXTS).into(), dice.pick(&TEXTS).into()]),
        Kind::Any => mixed(dice).into(),
    }
}

/// The field of a row that holds a kind.
fn field(dice: &Dice, row: &Term, kind: Kind) -> Term {
    match kind {
        Kind::Number => match dice.below(5) {
            0 => row.field("o").field("a"),
            1 => row.field("o").bracket("c").bracket("d"),
            2 => row.field("x"),
            _ => row.field("n"),
        },
        Kind::Text if dice.chance(30) => row.bracket("o").bracket("s"),
        Kind::Text if dice.chance(20) => row.field("l"),
        Kind::Text => row.field("s"),
        Kind::Bool => row.field("b"),
        Kind::Time => row.field("t"),
        Kind::Binary => row.field("y"),
        Kind::Shape => row.field("g"),
        Kind::Texts => row.field("tags"),
        Kind::Any => row.field(dice.pick(&["m", "id", "n", "s", "t", "o", "tags", "y", "l", "odd"])),
    }
}

fn leaf(dice: &Dice, element: &Term, shape: Shape, kind: Kind) -> Term {
    if dice.chance(15) {
        return literal(dice, kind);
    }
    match shape {
        Shape::Row => {
            let field = field(dice, element, kind);
            if dice.chance(88) { field.default(literal(dice, kind)) } else { field }
        }
        Shape::Value(have) if have == kind || kind == Kind::Any => element.clone(),
        Shape::Value(_) => literal(dice, kind),
    }
}

fn number(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    let call = |term, args: &[Term]| Term::call(term, args, &[]);
    match dice.below(14) {
        0 => inner(Kind::Number).sub(inner(Kind::Number)),
        1 => inner(Kind::Number).mul(inner(Kind::Number)),
        2 => inner(Kind::Number).div(dice.below(9) as f64 + 1.0),
        3 => call(TermType::Floor, &[inner(Kind::Number)]).rem(dice.below(5) as f64 + 1.0),
        4 => inner(Kind::Texts).count(),
        5 => call(TermType::ToEpochTime, &[inner(Kind::Time)]),
        6 => call(dice.pick(&[TermType::Hours, TermType::DayOfYear, TermType::Month]), &[inner(Kind::Time)]),
        7 => call(dice.pick(&[TermType::Round, TermType::Ceil]), &[inner(Kind::Number)]),
        8 => inner(dice.pick(&[Kind::Text, Kind::Binary])).count(),
        9 => inner(Kind::Time).sub(inner(Kind::Time)),
        10 => call(TermType::Distance, &[call(TermType::Point, &[1.into(), 2.into()]), inner(Kind::Shape)]),
        _ => inner(Kind::Number).add(inner(Kind::Number)),
    }
}

fn text(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    let call = |term, args: &[Term]| Term::call(term, args, &[]);
    match dice.below(11) {
        0 => call(TermType::Upcase, &[inner(Kind::Text)]),
        1 => inner(Kind::Any).type_of(),
        2 => inner(Kind::Any).coerce_to("string"),
        3 => call(TermType::Slice, &[inner(Kind::Text), 0.into(), 2.into()]),
        4 => call(TermType::ToJsonString, &[inner(Kind::Number)]),
        5 => call(TermType::Downcase, &[inner(Kind::Text)]),
        6 => inner(Kind::Texts).nth(Term::from(dice.below(4) as f64 - 2.0)),
        7 => inner(Kind::Texts).bracket(Term::from(dice.below(4) as f64 - 2.0)),
        8 => call(dice.pick(&[TermType::ToIso8601, TermType::Timezone]), &[inner(Kind::Time)]),
        9 => call(TermType::Match, &[inner(Kind::Text), "(?i)[az]+".into()]).field("str"),
        _ => inner(Kind::Text).add(inner(Kind::Text)),
    }
}

fn bool(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    match dice.below(12) {
        0 => inner(Kind::Bool).not(),
        1 => inner(Kind::Bool).and(inner(Kind::Bool)),
        2 => inner(Kind::Bool).or(inner(Kind::Bool)),
        3 => inner(Kind::Texts).contains(inner(Kind::Text)),
        4 => Term::call(TermType::Match, &[inner(Kind::Text), "^a".into()], &[])
            .ne(photondb_datum::Datum::Null),
        5 => Term::call(TermType::Intersects, &[inner(Kind::Shape), inner(Kind::Shape)], &[]),
        6 => {
            let times = [inner(Kind::Time), inner(Kind::Time), inner(Kind::Time)];
            Term::call(TermType::During, &times, &[])
        }
        7 => Term::call(TermType::IsEmpty, &[inner(Kind::Texts)], &[]),
        _ => {
            let kind = dice.pick(&KINDS);
            let comparison = dice.pick(&[
                TermType::Eq,
                TermType::Ne,
                TermType::Lt,
                TermType::Le,
                TermType::Gt,
                TermType::Ge,
            ]);
            Term::call(comparison, &[inner(kind), inner(kind)], &[])
        }
    }
}

fn texts(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    let call = |term, args: &[Term]| Term::call(term, args, &[]);
    match dice.below(9) {
        0 => call(TermType::Append, &[inner(Kind::Texts), inner(Kind::Text)]),
        1 => call(TermType::SetUnion, &[inner(Kind::Texts), inner(Kind::Texts)]),
        2 => call(TermType::SetDifference, &[inner(Kind::Texts), inner(Kind::Texts)]),
        3 => call(TermType::Split, &[inner(Kind::Text), "a".into()]),
        4 => call(TermType::SetIntersection, &[inner(Kind::Texts), inner(Kind::Texts)]),
        5 => call(TermType::Slice, &[inner(Kind::Texts), Term::from(dice.below(3) as f64), (-1).into()]),
        6 => {
            let sorted =
                Term::call(TermType::OrderBy, &[inner(Kind::Texts), Term::function(|text| text)], &[]);
            sorted.limit(Term::from(dice.below(3) as f64))
        }
        7 => inner(Kind::Texts).filter(Term::function(|text| text.gt(inner(Kind::Text)))),
        _ => inner(Kind::Texts).map(Term::function(|text| text.add("!"))),
    }
}

fn time_expression(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    let call = |term, args: &[Term]| Term::call(term, args, &[]);
    match dice.below(4) {
        0 => call(TermType::InTimezone, &[inner(Kind::Time), dice.pick(&["+02:00", "-11:30"]).into()]),
        1 => call(TermType::Date, &[inner(Kind::Time)]),
        2 => call(TermType::EpochTime, &[inner(Kind::Number)]),
        _ => inner(Kind::Time).add(inner(Kind::Number)),
    }
}

fn binary_expression(dice: &Dice, inner: &dyn Fn(Kind) -> Term) -> Term {
    let call = |term, args: &[Term]| Term::call(term, args, &[]);
    match dice.below(2) {
        0 => call(TermType::Slice, &[inner(Kind::Binary), 0.into(), Term::from(dice.below(3) as f64)]),
        _ => call(TermType::CoerceTo, &[inner(Kind::Text), "binary".into()]),
    }
}
