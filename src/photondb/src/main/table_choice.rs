//! Which tables a command is about.

use std::fmt;
use std::str::FromStr;

use photondb_client::Term;

/// A database, or one table of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableChoice {
    database: String,
    table: Option<String>,
}

/// One table, by its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    pub database: String,
    pub table: String,
}

impl TableName {
    /// The table itself.
    pub fn term(&self) -> Term {
        Term::db(&self.database).table_of(&self.table)
    }
}

impl TableChoice {
    /// The database or the table itself.
    pub fn term(&self) -> Term {
        let database = Term::db(&self.database);
        match &self.table {
            Some(table) => database.table_of(table),
            None => database,
        }
    }

    /// Whether it is one table.
    pub fn is_table(&self) -> bool {
        self.table.is_some()
    }

    fn covers(&self, database: &str, table: &str) -> bool {
        self.database == database && self.table.as_deref().is_none_or(|chosen| chosen == table)
    }
}

/// Whether a table is one of those that are wanted; no choice at all wants every one.
pub fn is_chosen(choices: &[TableChoice], database: &str, table: &str) -> bool {
    choices.is_empty() || choices.iter().any(|choice| choice.covers(database, table))
}

/// The first choice that none of the tables fits.
pub fn unmatched<'a>(choices: &'a [TableChoice], tables: &[(&str, &str)]) -> Option<&'a TableChoice> {
    choices.iter().find(|choice| !tables.iter().any(|(database, table)| choice.covers(database, table)))
}

impl FromStr for TableChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (database, table) = match text.split_once('.') {
            Some((database, table)) => (database, Some(table)),
            None => (text, None),
        };
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-".contains(char))
        };
        if !is_name(database) || !table.is_none_or(is_name) {
            return Err(format!("`{text}` is neither a DATABASE nor a DATABASE.TABLE"));
        }
        Ok(Self { database: database.to_owned(), table: table.map(str::to_owned) })
    }
}

impl FromStr for TableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(TableChoice { database, table: Some(table) }) => Ok(Self { database, table }),
            _ => Err(format!("`{text}` is no DATABASE.TABLE")),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

impl fmt::Display for TableChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table {
            Some(table) => write!(f, "{}.{table}", self.database),
            None => f.write_str(&self.database),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(texts: &[&str]) -> Vec<TableChoice> {
        texts.iter().map(|text| text.parse().expect("a choice")).collect()
    }

    #[test]
    fn choices_cover_databases_and_tables() {
        let some = choices(&["shop", "test.a-b"]);
        assert!(is_chosen(&some, "shop", "anything"));
        assert!(is_chosen(&some, "test", "a-b"));
        assert!(!is_chosen(&some, "test", "other"));
        assert!(is_chosen(&[], "test", "other"));
        assert_eq!(unmatched(&some, &[("shop", "x")]).map(ToString::to_string), Some("test.a-b".into()));
        assert_eq!(unmatched(&some, &[("shop", "x"), ("test", "a-b")]), None);
        for text in ["", ".", "shop.", ".orders", "a.b.c", "sh op", "a/b"] {
            assert!(text.parse::<TableChoice>().is_err(), "{text}");
        }
        assert_eq!("shop.orders".parse::<TableName>().map(|name| name.to_string()), Ok("shop.orders".into()));
        assert!("shop".parse::<TableName>().is_err());
    }
}
