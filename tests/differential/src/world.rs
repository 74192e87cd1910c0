//! The databases that queries are run in.

use photondb::{Database, DatabaseOptions, OpenError, Parallelism, RunError};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::Dice;
use crate::expression::{Kind, literal};
use crate::rows::{mixed, rows};

/// Tables of the same indexes and different rows.
pub(crate) const TABLES: [&str; 2] = ["left", "right"];

/// A secondary index: its value as a function of a row, and whether a row has one.
pub(crate) struct Index {
    pub(crate) name: &'static str,
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
}

/// The indexes of every table.
pub(crate) fn indexes() -> [Index; 10] {
    let number = |dice: &Dice| literal(dice, Kind::Number);
    let text = |dice: &Dice| literal(dice, Kind::Text);
    [
        Index {
            name: "n",
            multi: false,
            value: |row| row.field("n"),
            present: |row| row.has_fields("n"),
            literal: |dice| Term::from(dice.below(20) as f64 - 5.0),
        },
        Index {
            name: "x",
            multi: false,
            value: |row| row.field("x"),
            present: |row| row.has_fields("x"),
            literal: number,
        },
        Index {
            name: "s",
            multi: false,
            value: |row| row.field("s"),
            present: |row| row.has_fields("s"),
            literal: text,
        },
        Index {
            name: "b",
            multi: false,
            value: |row| row.field("b"),
            present: |row| row.has_fields("b"),
            literal: |dice| literal(dice, Kind::Bool),
        },
        Index {
            name: "t",
            multi: false,
            value: |row| row.field("t"),
            present: |row| row.has_fields("t"),
            literal: |dice| literal(dice, Kind::Time),
        },
        Index {
            name: "m",
            multi: false,
            value: |row| row.field("m"),
            present: |row| row.has_fields("m"),
            literal: |dice| mixed(dice).into(),
        },
        Index {
            name: "tags",
            multi: true,
            value: |row| row.field("tags"),
            present: |row| row.has_fields("tags"),
            literal: text,
        },
        Index {
            name: "pair",
            multi: false,
            value: |row| Term::array(&[row.field("n"), row.field("s")]),
            present: |row| row.has_fields("n").and(row.has_fields("s")),
            literal: |dice| {
                let first = Term::from(dice.below(20) as f64 - 5.0);
                if dice.chance(30) {
                    Term::array(&[first])
                } else {
                    Term::array(&[first, literal(dice, Kind::Text)])
                }
            },
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
    ]
}

/// Why the databases could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Opening one.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Filling one.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// The same tables twice.
pub struct World {
    /// Works as it comes.
    pub usual: Database,
    /// Splits every read among threads, however few its rows.
    pub split: Database,
}

impl World {
    /// Makes and fills the databases.
    pub fn new() -> Result<Self, WorldError> {
        let alone = Parallelism { threads: 1, ..Parallelism::default() };
        let split = Parallelism { rows_min: 1, threads: 3 };
        Ok(Self { usual: filled(alone)?, split: filled(split)? })
    }
}

fn filled(parallelism: Parallelism) -> Result<Database, WorldError> {
    let database = Database::open(&DatabaseOptions { parallelism, ..DatabaseOptions::in_memory() })?;
    let run = |term: Term| database.run(term.wire());
    run(Term::call(TermType::DbCreate, &["test".into()], &[])).or_else(|error| match error {
        // A new database may come with one.
        RunError::Query(_) => Ok(Vec::new()),
        error => Err(error),
    })?;
    for (number, name) in TABLES.into_iter().enumerate() {
        run(Term::db("test").table_create(name))?;
        let table = Term::table(name);
        for index in indexes() {
            let created = table.index_create_with(index.name, Term::function(|row| (index.value)(&row)));
            run(if index.multi { created.option("multi", true) } else { created })?;
        }
        run(table.index_wait())?;
        run(table.insert(Term::from(Datum::array(rows(number as u64)))))?;
    }
    Ok(database)
}
