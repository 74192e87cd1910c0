//! What the path of a request names.

use photondb_catalog::{SYSTEM_DATABASE, State};
use photondb_datum::{Datum, Text, json};
use serde::Deserialize;

use crate::error::HttpError;

/// The database of the short forms.
const DATABASE_DEFAULT: &str = "test";
/// The primary key of system tables, and of others unless they say otherwise.
const PRIMARY_KEY_DEFAULT: &str = "id";

/// A database.
#[derive(Deserialize)]
pub(super) struct DatabasePath {
    #[serde(default = "database_default")]
    pub db: String,
}

/// A table.
#[derive(Deserialize)]
pub(super) struct TablePath {
    #[serde(default = "database_default")]
    pub db: String,
    pub table: String,
}

/// A document.
#[derive(Deserialize)]
pub(super) struct DocumentPath {
    #[serde(default = "database_default")]
    pub db: String,
    pub table: String,
    pub id: String,
}

/// How keys in a path or behind the question mark are to be read.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct KeyStyle {
    /// Whether keys are JSON; otherwise they are strings.
    #[serde(default)]
    pub json_key: bool,
}

fn database_default() -> String {
    DATABASE_DEFAULT.to_owned()
}

impl KeyStyle {
    /// A key as it was written.
    pub(super) fn read(self, text: &str) -> Result<Datum, HttpError> {
        if !self.json_key {
            return Ok(text.into());
        }
        json::parse(text.as_bytes(), json::ParseLimits::default())
            .map_err(|error| HttpError::bad_request(format!("The key is not JSON: {error}")))
    }
}

impl TablePath {
    /// The name of the primary key.
    pub(super) fn primary_key(&self, state: &State) -> Text {
        let table = state.table(&self.db, &self.table);
        table.map_or(Text::from_static(PRIMARY_KEY_DEFAULT), |table| table.primary_key.clone())
    }
}

impl DocumentPath {
    pub(super) fn table(&self) -> TablePath {
        TablePath { db: self.db.clone(), table: self.table.clone() }
    }
}

/// Whether there is a database.
pub(super) fn has_database(state: &State, db: &str) -> bool {
    db == SYSTEM_DATABASE || state.database(db).is_ok()
}

/// Whether there is a table. System tables are not told apart.
pub(super) fn has_table(state: &State, db: &str, table: &str) -> bool {
    db == SYSTEM_DATABASE || state.table(db, table).is_ok()
}
