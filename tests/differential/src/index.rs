//! The secondary indexes of every table.

use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::expression::{Kind, literal};
use crate::rows::{TEXTS, binary, long, mixed};

/// A secondary index: its value as a function of a row, and whether a row has one.
pub(crate) struct Index {
    pub(crate) name: &'static str,
    /// Its value is an array, by each item of which the row is found.
    pub(crate) multi: bool,
    pub(crate) value: fn(&Term) -> Term,
    pub(crate) present: fn(&Term) -> Term,
    literal: fn(&Dice) -> Term,
}

impl Index {
    /// A value that rows may have.
    pub(crate) fn literal(&self, dice: &Dice) -> Term {
        (self.literal)(dice)
    }

    /// The rows of an array that the index has.
    pub(crate) fn rows_of(&self, array: &Term) -> Term {
        array.filter(Term::function(|row| (self.present)(&row)))
    }

    /// Pairs of value and row, as often as the index finds the row.
    pub(crate) fn entries_of(&self, array: &Term) -> Term {
        let rows = self.rows_of(array);
        if self.multi {
            return rows.concat_map(Term::function(|row| {
                (self.value)(&row).map(Term::function(|value| Term::array(&[value, row])))
            }));
        }
        rows.map(Term::function(|row| Term::array(&[(self.value)(&row), row])))
    }

    /// The rows for whose values a predicate holds, as often as the index finds them.
    pub(crate) fn found(&self, array: &Term, holds: &dyn Fn(&Term) -> Term) -> Term {
        let rows = self.rows_of(array);
        if self.multi {
            return rows.concat_map(Term::function(|row| {
                let values = (self.value)(&row).filter(Term::function(|value| holds(&value)));
                values.map(Term::function(|_| row))
            }));
        }
        rows.filter(Term::function(|row| holds(&(self.value)(&row))))
    }
}

/// An index of a field.
macro_rules! field {
    ($name:literal, $literal:expr) => {
        Index {
            name: $name,
            multi: false,
            value: |row| row.field($name),
            present: |row| row.has_fields($name),
            literal: $literal,
        }
    };
    (multi $name:literal, $literal:expr) => {
        Index { multi: true, ..field!($name, $literal) }
    };
}

fn small(dice: &Dice) -> Term {
    Term::from(dice.below(20) as f64 - 5.0)
}

/// The indexes of every table that are not geospatial. The first ones are of a field.
pub(crate) fn indexes() -> [Index; 17] {
    [
        field!("n", small),
        field!("x", |dice| literal(dice, Kind::Number)),
        field!("s", |dice| literal(dice, Kind::Text)),
        field!("b", |dice| literal(dice, Kind::Bool)),
        field!("t", |dice| literal(dice, Kind::Time)),
        field!("y", |dice| binary(dice).into()),
        field!("m", |dice| mixed(dice).into()),
        field!("l", |dice| long(dice).into()),
        field!(multi "tags", |dice| literal(dice, Kind::Text)),
        field!(multi "ls", |dice| long(dice).into()),
        Index {
            name: "pair",
            multi: false,
            value: |row| Term::array(&[row.field("n"), row.field("s")]),
            present: |row| row.has_fields("n").and(row.has_fields("s")),
            literal: |dice| {
                if dice.chance(30) {
                    Term::array(&[small(dice)])
                } else {
                    Term::array(&[small(dice), literal(dice, Kind::Text)])
                }
            },
        },
        Index {
            name: "long_pair",
            multi: false,
            value: |row| Term::array(&[row.field("l"), row.field("n")]),
            present: |row| row.has_fields("l").and(row.has_fields("n")),
            literal: |dice| {
                let end = match dice.below(4) {
                    0 => Term::minval(),
                    1 => Term::maxval(),
                    _ => small(dice),
                };
                Term::array(&[long(dice).into(), end])
            },
        },
        Index {
            name: "tag_pairs",
            multi: true,
            value: |row| row.field("tags").map(Term::function(|tag| Term::array(&[tag, row.field("n")]))),
            present: |row| row.has_fields("tags").and(row.has_fields("n")),
            literal: |dice| Term::array(&[dice.pick(&TEXTS).into(), small(dice)]),
        },
        Index {
            name: "odd",
            multi: false,
            value: |row| row.field("odd"),
            present: |row| {
                let kind = row.field("odd").type_of().default("");
                Term::array(&["NUMBER".into(), "STRING".into()]).contains(kind)
            },
            literal: |dice| if dice.chance(50) { small(dice) } else { dice.pick(&TEXTS).into() },
        },
        Index {
            name: "double",
            multi: false,
            value: |row| row.field("o").field("a").mul(2),
            present: |row| row.field("o").field("a").ne(Datum::Null).default(false),
            literal: |dice| Term::from(dice.below(20) as f64),
        },
        Index {
            name: "words",
            multi: true,
            value: |row| row.field("tags").map(Term::function(|tag| tag.add("?"))),
            present: |row| row.has_fields("tags"),
            literal: |dice| literal(dice, Kind::Text).add("?"),
        },
        Index {
            name: "day",
            multi: false,
            value: |row| Term::call(TermType::Date, &[row.field("t")], &[]),
            present: |row| row.has_fields("t"),
            literal: |dice| Term::call(TermType::Date, &[literal(dice, Kind::Time)], &[]),
        },
    ]
}

/// One of the indexes.
pub(crate) fn draw(dice: &Dice) -> Index {
    let mut indexes = Vec::from(indexes());
    indexes.swap_remove(dice.below(indexes.len() as u64) as usize)
}
