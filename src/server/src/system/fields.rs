//! Reading the fields of a row that is to be written, with RethinkDB's complaints.

use std::collections::BTreeSet;

use photondb_base::{DatabaseId, IdentifierFormat};
use photondb_catalog::{Database, State};
use photondb_datum::{Datum, Object, Text};
use photondb_reql::ReqlError;
use std::sync::Arc;

/// The fields of a row. What is left when everybody has taken theirs is unexpected.
pub(super) struct Fields<'a> {
    row: &'a Object,
    left: BTreeSet<Text>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(row: &'a Datum) -> Result<Self, ReqlError> {
        let Datum::Object(object) = row else {
            return Err(ReqlError::op_failed(format!("Expected an object; got {}", row.print())));
        };
        Ok(Self { row: object, left: object.iter().map(|(name, _)| name).collect() })
    }

    /// A field that may be absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Datum> {
        self.left.remove(&Text::from(name));
        self.row.get(name)
    }

    /// A field that must be there.
    pub(super) fn require(&mut self, name: &str) -> Result<Datum, ReqlError> {
        self.take(name).ok_or_else(|| ReqlError::op_failed(format!("Expected a field named `{name}`.")))
    }

    /// A field that may be absent in a row that is new.
    pub(super) fn require_unless(&mut self, is_new: bool, name: &str) -> Result<Option<Datum>, ReqlError> {
        if is_new { Ok(self.take(name)) } else { self.require(name).map(Some) }
    }

    /// Complains about fields that nobody took.
    pub(super) fn finish(self) -> Result<(), ReqlError> {
        if self.left.is_empty() {
            return Ok(());
        }
        let names: String = self.left.iter().map(|name| format!(" {name}")).collect();
        Err(ReqlError::op_failed(format!("Unexpected key(s):{names}")))
    }
}

/// A complaint about a part of a row, saying which.
pub(super) fn within(field: &str) -> impl Fn(ReqlError) -> ReqlError + '_ {
    move |error| ReqlError { message: format!("In `{field}`: {}", error.message), ..error }
}

/// A complaint about a row as a whole.
pub(super) fn wrong_format(table: &str) -> impl Fn(ReqlError) -> ReqlError + '_ {
    move |error| ReqlError {
        message: format!(
            "The change you're trying to make to `rethinkdb.{table}` has the wrong format. {}",
            error.message
        ),
        ..error
    }
}

/// A text.
pub(super) fn text(datum: &Datum) -> Result<Text, ReqlError> {
    match datum {
        Datum::String(text) => Ok(text.clone()),
        other => Err(ReqlError::op_failed(format!("Expected a string; got {}", other.print()))),
    }
}

/// The items of an array.
pub(super) fn items(datum: &Datum) -> Result<Vec<Datum>, ReqlError> {
    match datum {
        Datum::Array(items) => Ok(items.to_vec()),
        other => Err(ReqlError::op_failed(format!("Expected an array, got {}", other.print()))),
    }
}

/// A name of the given kind of thing.
pub(super) fn name(datum: &Datum, kind: &str) -> Result<Text, ReqlError> {
    let Datum::String(text) = datum else {
        return Err(ReqlError::op_failed(format!("Expected a {kind}; got {}", datum.print())));
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if text.is_empty() || !text.as_str().bytes().all(fits) {
        return Err(ReqlError::op_failed(format!(
            "{} is not a valid {kind}; Use A-Z, a-z, 0-9, _ and - only",
            datum.print()
        )));
    }
    Ok(text.clone())
}

/// An id in its text form.
pub(super) fn uuid<T>(datum: &Datum, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ReqlError> {
    let id = datum.as_str().and_then(parse);
    id.ok_or_else(|| ReqlError::op_failed(format!("Expected a UUID; got {}", datum.print())))
}

/// A database by its name or its id.
pub(super) fn database(
    datum: &Datum,
    state: &State,
    format: IdentifierFormat,
) -> Result<Arc<Database>, ReqlError> {
    match format {
        IdentifierFormat::Name => {
            let name = name(datum, "database name")?;
            let database = state.database(&name);
            database.cloned().map_err(|error| super::refused(&error))
        }
        IdentifierFormat::Uuid => {
            let id = uuid(datum, DatabaseId::parse)?;
            let missing = || ReqlError::op_failed(format!("There is no database with UUID `{id}`."));
            state.database_by_id(id).cloned().ok_or_else(missing)
        }
    }
}

/// One of two words.
pub(super) fn one_of<T: Copy>(datum: &Datum, choices: [(&str, T); 2]) -> Result<T, ReqlError> {
    let chosen = choices.iter().find(|(word, _)| datum.as_str() == Some(word));
    let [(first, _), (second, _)] = choices;
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        ReqlError::op_failed(format!("Expected \"{first}\" or \"{second}\", got: {}", datum.print()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_unexpected() {
        let row = Datum::object([("a", Datum::from(1)), ("b", Datum::from(2)), ("c", Datum::from(3))]);
        let mut fields = Fields::of(&row).expect("an object");
        assert_eq!(fields.take("a"), Some(Datum::from(1)));
        assert_eq!(fields.take("x"), None);
        assert_eq!(fields.require("x").expect_err("absent").message, "Expected a field named `x`.");
        assert_eq!(fields.finish().expect_err("two are left").message, "Unexpected key(s): b c");
        assert_eq!(
            Fields::of(&Datum::from(1)).err().map(|e| e.message).as_deref(),
            Some("Expected an object; got 1")
        );
    }

    #[test]
    fn complaints_say_where() {
        let error =
            name(&Datum::from("a b"), "table name").map_err(within("name")).map_err(wrong_format("t"));
        assert_eq!(
            error.expect_err("no name").message,
            "The change you're trying to make to `rethinkdb.t` has the wrong format. In `name`: \"a b\" is not a \
             valid table name; Use A-Z, a-z, 0-9, _ and - only"
        );
    }
}
