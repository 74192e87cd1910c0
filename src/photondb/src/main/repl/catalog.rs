//! The names that completion offers, asked for when they are needed and kept for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use photondb_client::Term;
use photondb_reql::TermType;

use crate::command_error::CommandError;
use crate::session::Session;

/// How long names are taken for true.
const AGE_MAX: Duration = Duration::from_secs(5);
/// Documents of a table whose fields are looked at.
const SAMPLE_ROWS: u32 = 100;

/// What names are of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NamesOf {
    /// All databases.
    Databases,
    /// The tables of a database.
    Tables(String),
    /// The fields of a table's documents, and its indexes.
    Fields(String, String),
}

/// The names of databases, tables and fields, over a session of its own.
pub struct SchemaNames {
    session: Session,
    database: String,
    known: HashMap<NamesOf, (Instant, Vec<String>)>,
}

impl SchemaNames {
    /// Names as of a database.
    pub fn new(session: Session, database: &str) -> Self {
        Self { session, database: database.to_owned(), known: HashMap::new() }
    }

    /// The database of tables that are named without one.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Goes to another database.
    pub fn use_database(&mut self, name: &str) {
        self.database = name.to_owned();
    }

    /// The names of something; none when they cannot be had: completion is no place for errors.
    pub fn get(&mut self, of: &NamesOf) -> Vec<String> {
        if let Some((since, names)) = self.known.get(of)
            && since.elapsed() < AGE_MAX
        {
            return names.clone();
        }
        let names = self.ask(of).unwrap_or_default();
        self.known.insert(of.clone(), (Instant::now(), names.clone()));
        names
    }

    fn ask(&mut self, of: &NamesOf) -> Result<Vec<String>, CommandError> {
        match of {
            NamesOf::Databases => self.session.databases(),
            NamesOf::Tables(database) => self.session.names(&Term::db(database).table_list()),
            NamesOf::Fields(database, table) => {
                let table = Term::db(database).table_of(table);
                let keys = Term::function(|row| Term::call(TermType::Keys, &[row], &[]));
                let fields = table.limit(SAMPLE_ROWS).concat_map(keys).distinct();
                let mut names = self.session.names(&fields)?;
                names.extend(self.session.names(&table.index_list())?);
                names.sort();
                names.dedup();
                Ok(names)
            }
        }
    }
}
