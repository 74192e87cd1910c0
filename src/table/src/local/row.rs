//! What a row must be to be stored, in RethinkDB's words.

use photondb_datum::{Datum, FieldLookup, Object, ObjectBuilder};

use crate::error::RowError;
use crate::limits::DOCUMENT_BYTES_MAX;

/// The primary key of a row that is to be stored.
pub fn primary_key_of(row: &Datum, primary_key: &str) -> Result<Datum, RowError> {
    as_object(row)?.get(primary_key).ok_or_else(|| no_primary_key(row, primary_key))
}

/// [`primary_key_of`] one row after the other.
pub(crate) fn find_primary_key(row: &Datum, primary_key: &FieldLookup) -> Result<Datum, RowError> {
    as_object(row)?.find(primary_key).ok_or_else(|| no_primary_key(row, primary_key.name()))
}

fn no_primary_key(row: &Datum, primary_key: &str) -> RowError {
    RowError::new(format!("Inserted object must have primary key `{primary_key}`:\n{}", row.print()))
}

fn as_object(row: &Datum) -> Result<&Object, RowError> {
    match row {
        Datum::Object(object) if object.pseudo_type().is_none() => Ok(object),
        other => Err(RowError::new(format!(
            "Inserted value must be an OBJECT (got {}):\n{}",
            other.type_name(),
            other.print()
        ))),
    }
}

/// Checks what a function or hook made of a row: null, or an object with the same key.
pub fn check_replacement(old: &Datum, new: &Datum, key: &Datum, primary_key: &str) -> Result<(), RowError> {
    if new.is_null() {
        return Ok(());
    }
    if as_object(new)?.view().get(primary_key) != Some(key.view()) {
        // Says what is missing.
        primary_key_of(new, primary_key)?;
        return Err(RowError::new(format!(
            "Primary key `{primary_key}` cannot be changed (`{}` -> `{}`).",
            old.print(),
            new.print()
        )));
    }
    check_storable(new)
}

/// Checks that a row can be stored at all.
pub(crate) fn check_storable(row: &Datum) -> Result<(), RowError> {
    if row.contains_extremum() {
        return Err(RowError::new("`r.minval` and `r.maxval` cannot be written to disk."));
    }
    row.check_depth()?;
    let bytes = row.packed_bytes();
    if bytes > DOCUMENT_BYTES_MAX {
        return Err(RowError::new(format!(
            "Document too large ({bytes} bytes, the limit is {DOCUMENT_BYTES_MAX})."
        )));
    }
    Ok(())
}

/// The complaint about an insert whose key exists.
pub fn duplicate_key(primary_key: &str, old: &Datum, new: &Datum) -> RowError {
    RowError::new(format!("Duplicate primary key `{primary_key}`:\n{}\n{}", old.print(), new.print()))
}

/// `old.merge(new)`: objects are merged field by field, literals and everything else
/// replace what is there.
pub(crate) fn merge(old: Datum, new: &Datum) -> Datum {
    match (old, new) {
        (Datum::Object(old), Datum::Object(new))
            if old.pseudo_type().is_none() && new.pseudo_type().is_none() =>
        {
            let mut merged = old.into_builder();
            for (name, value) in new {
                merge_field(&mut merged, name, value);
            }
            Datum::Object(merged.build())
        }
        (_, new) => without_literals(new),
    }
}

fn merge_field(merged: &mut ObjectBuilder, name: photondb_datum::Text, value: Datum) {
    if value.is_literal() {
        match value.get(LITERAL_VALUE) {
            Some(inner) => merged.insert(name, inner),
            None => merged.remove(&name),
        };
        return;
    }
    let old = merged.remove(&name).unwrap_or(Datum::Null);
    merged.insert(name, merge(old, &value));
}

/// The field of a literal that holds what it stands for.
const LITERAL_VALUE: &str = "value";

fn without_literals(value: &Datum) -> Datum {
    match value {
        Datum::Object(object) if object.pseudo_type().is_none() => {
            if !object.values().any(|field| matches!(field, Datum::Object(_))) {
                return value.clone();
            }
            let mut plain = ObjectBuilder::with_capacity(object.len());
            for (name, field) in object {
                merge_field(&mut plain, name, field);
            }
            Datum::Object(plain.build())
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: Datum) -> Datum {
        Datum::object([(name, value)])
    }

    #[test]
    fn merging() {
        let old = Datum::object([("a", one("x", 1.into())), ("b", 2.into())]);
        let new = Datum::object([("a", one("y", 3.into())), ("c", Datum::Null)]);
        let merged = merge(old.clone(), &new);
        let inner = Datum::object([("x", Datum::from(1)), ("y", 3.into())]);
        assert_eq!(merged, Datum::object([("a", inner), ("b", 2.into()), ("c", Datum::Null)]));
        let literal = Datum::object([("$reql_type$", Datum::from("LITERAL")), ("value", one("z", 9.into()))]);
        assert!(literal.is_literal());
        let merged = merge(old.clone(), &one("a", literal));
        assert_eq!(merged, Datum::object([("a", one("z", 9.into())), ("b", 2.into())]));
        let removal = one("$reql_type$", Datum::from("LITERAL"));
        assert_eq!(merge(old, &one("b", removal)), one("a", one("x", 1.into())));
    }

    #[test]
    fn texts() {
        let error = primary_key_of(&Datum::from(2), "id").unwrap_err();
        assert_eq!(error.message, "Inserted value must be an OBJECT (got NUMBER):\n2");
        let error = primary_key_of(&one("a", 1.into()), "id").unwrap_err();
        assert_eq!(error.message, "Inserted object must have primary key `id`:\n{\n\t\"a\":\t1\n}");
        let (old, new) = (one("id", 1.into()), one("id", 2.into()));
        let error = check_replacement(&old, &new, &1.into(), "id").unwrap_err();
        assert_eq!(
            error.message,
            "Primary key `id` cannot be changed (`{\n\t\"id\":\t1\n}` -> `{\n\t\"id\":\t2\n}`)."
        );
        let error = check_storable(&one("a", Datum::MinVal)).unwrap_err();
        assert_eq!(error.message, "`r.minval` and `r.maxval` cannot be written to disk.");
    }
}
