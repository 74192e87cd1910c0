//! The databases that queries are run in.

use photondb::{Database, DatabaseOptions, Narrowing, OpenError, Parallelism, RunError};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::index::indexes;
use crate::rows::rows;

/// Tables of the same indexes and different rows.
pub(crate) const TABLES: [&str; 2] = ["left", "right"];

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
    /// Splits every read among threads, however few its rows, and answers every filter that it
    /// can through an index.
    pub split: Database,
}

impl World {
    /// Makes and fills the databases.
    pub fn new() -> Result<Self, WorldError> {
        let alone = Parallelism { threads: 1, ..Parallelism::default() };
        let split = Parallelism { rows_min: 1, threads: 3 };
        let never = Narrowing { rows_min: u64::MAX, ..Narrowing::default() };
        let always = Narrowing { rows_min: 0, rows_per_key_min: 1 };
        Ok(Self { usual: filled(alone, never)?, split: filled(split, always)? })
    }
}

fn filled(parallelism: Parallelism, narrowing: Narrowing) -> Result<Database, WorldError> {
    let database =
        Database::open(&DatabaseOptions { parallelism, narrowing, ..DatabaseOptions::in_memory() })?;
    for (number, name) in TABLES.into_iter().enumerate() {
        make_table(&database, name)?;
        database.run(Term::table(name).insert(Term::from(Datum::array(rows(number as u64)))).wire())?;
    }
    Ok(database)
}

/// Makes an empty table with all indexes.
pub(crate) fn make_table(database: &Database, name: &str) -> Result<(), RunError> {
    let run = |term: Term| database.run(term.wire());
    run(Term::db("test").table_create(name))?;
    let table = Term::table(name);
    for index in indexes() {
        let created = table.index_create_with(index.name, Term::function(|row| (index.value)(&row)));
        run(if index.multi { created.option("multi", true) } else { created })?;
    }
    run(table.index_create("g").option("geo", true))?;
    run(table.index_create("gs").option("geo", true).option("multi", true))?;
    run(Term::call(TermType::IndexWait, &[table], &[]))?;
    Ok(())
}
