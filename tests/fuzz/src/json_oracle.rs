//! What another JSON parser says.

use photondb_datum::{Datum, DatumError};
use serde_json::Value;

use crate::datum::is_about_text;

/// The other parser goes no deeper.
const DEPTH_MAX: usize = 100;

/// Both parsers accept the same texts and read the same values in them.
pub(crate) fn compare(text: &[u8], parsed: &Result<Datum, DatumError>) {
    match (parsed, serde_json::from_slice::<Value>(text)) {
        (Ok(value), Ok(other)) => assert!(same(value, &other), "{value:?} is not {other}"),
        (Ok(value), Err(error)) => {
            assert!(value.depth() > DEPTH_MAX, "{value:?} was read, but: {error}");
        }
        (Err(error), Ok(other)) => assert!(!is_about_text(error), "{error}, but it is {other}"),
        (Err(_), Err(_)) => {}
    }
}

fn same(value: &Datum, other: &Value) -> bool {
    match (value, other) {
        (Datum::Null, Value::Null) => true,
        (Datum::Bool(value), Value::Bool(other)) => value == other,
        (Datum::Number(value), Value::Number(other)) => Some(*value) == other.as_f64(),
        (Datum::String(value), Value::String(other)) => value.as_str() == other,
        (Datum::Array(items), Value::Array(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| same(&item, other))
        }
        // Pseudo-types are normalised, which changes their fields.
        (_, Value::Object(fields)) if fields.contains_key("$reql_type$") => true,
        (Datum::Object(object), Value::Object(fields)) => {
            object.len() == fields.len()
                && object
                    .iter()
                    .all(|(name, field)| fields.get(name.as_str()).is_some_and(|other| same(&field, other)))
        }
        _ => false,
    }
}
