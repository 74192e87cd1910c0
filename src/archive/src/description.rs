//! What a dump says of a table besides its documents.

use photondb_datum::json::{self, ParseLimits};
use photondb_datum::{Datum, Object};

use crate::error::ArchiveError;

/// A table as its `.info` member describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDescription {
    /// The database it was in.
    pub database: String,
    /// Its name.
    pub table: String,
    /// The field that identifies a document.
    pub primary_key: String,
    /// Its secondary indexes.
    pub indexes: Vec<IndexDescription>,
    /// The function of its write hook, as binary data.
    pub write_hook: Option<Datum>,
    /// The whole answer of `info()`, with `indexes` and `write_hook` in it: what RethinkDB's
    /// tools write, kept for those who ask it for more.
    info: Object,
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDescription {
    /// Its name.
    pub name: String,
    /// Its function, as binary data, which holds `multi` and `geo` too.
    pub function: Datum,
}

impl TableDescription {
    /// Puts a description together from the answers of `info()`, `indexStatus()` and
    /// `getWriteHook()`.
    pub fn new(info: &Datum, indexes: Datum, write_hook: Datum) -> Result<Self, ArchiveError> {
        let Some(info) = info.as_object() else {
            return Err(ArchiveError::member("info", "the answer of info() is no object"));
        };
        let info = info.clone().with("indexes".into(), indexes).with("write_hook".into(), write_hook);
        Self::read("info", info)
    }

    /// Reads what stands in a `.info` file or member, which errors call by a name.
    pub fn parse(member: &str, text: &[u8]) -> Result<Self, ArchiveError> {
        let parsed = json::parse(text, ParseLimits::default());
        let datum = parsed.map_err(|error| ArchiveError::member(member, error.to_string()))?;
        match datum {
            Datum::Object(info) => Self::read(member, info),
            _ => Err(ArchiveError::member(member, "is no object")),
        }
    }

    fn read(member: &str, info: Object) -> Result<Self, ArchiveError> {
        let text = |object: &Object, field: &str| {
            let value = object.get(field);
            let text = value.as_ref().and_then(Datum::as_str).map(str::to_owned);
            text.ok_or_else(|| ArchiveError::member(member, format!("`{field}` is missing or no string")))
        };
        let database = info.get("db").and_then(|db| db.get("name"));
        let Some(database) = database.as_ref().and_then(Datum::as_str).map(str::to_owned) else {
            return Err(ArchiveError::member(member, "`db.name` is missing or no string"));
        };
        let mut indexes = Vec::new();
        for index in info.get("indexes").as_ref().and_then(Datum::as_array).into_iter().flatten() {
            // Dumps of servers before 1.16 have names alone, and no function to restore.
            let Datum::Object(index) = index else {
                return Err(ArchiveError::member(member, "an index has no function; dump with a newer tool"));
            };
            let function = binary(index.get("function"), member, "function")?;
            indexes.push(IndexDescription { name: text(&index, "index")?, function });
        }
        let write_hook = match info.get("write_hook") {
            None | Some(Datum::Null) => None,
            Some(hook) => Some(binary(hook.get("function"), member, "write_hook.function")?),
        };
        Ok(Self {
            database,
            table: text(&info, "name")?,
            primary_key: text(&info, "primary_key")?,
            indexes,
            write_hook,
            info,
        })
    }

    /// How many documents the table had when it was dumped, about.
    pub fn documents_estimate(&self) -> Option<u64> {
        let estimates = self.info.get("doc_count_estimates")?;
        let counts = estimates.as_array()?.iter().filter_map(|count| count.as_number());
        Some(counts.fold(0.0, |sum, count| sum + count.max(0.0)) as u64)
    }

    /// After what time documents expire, as `tableCreate` takes it for its option `ttl`;
    /// RethinkDB's tables have none.
    pub fn time_to_live(&self) -> Option<Datum> {
        self.info.get("ttl").filter(|time_to_live| *time_to_live != Datum::Null)
    }

    /// What stands in a `.info` file or member.
    pub fn write(&self) -> Result<Vec<u8>, ArchiveError> {
        let mut text = Vec::new();
        let written = json::write(&Datum::Object(self.info.clone()), &mut text);
        written.map_err(|error| ArchiveError::member(&self.table, error.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }
}

fn binary(function: Option<Datum>, member: &str, field: &str) -> Result<Datum, ArchiveError> {
    match function {
        Some(function @ Datum::Binary(_)) => Ok(function),
        _ => Err(ArchiveError::member(member, format!("`{field}` is missing or no binary data"))),
    }
}
