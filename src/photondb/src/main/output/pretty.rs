//! JSON for people, indented.

use photondb_datum::{Datum, json};

use crate::command_error::CommandError;

const INDENT: &str = "  ";

/// Prints a value as indented JSON; what is short or a pseudo-type stays on one line.
pub fn write_pretty(value: &Datum) -> Result<(), CommandError> {
    let mut text = String::new();
    push(value, 0, &mut text)?;
    text.push('\n');
    super::write_all(&text)
}

fn push(value: &Datum, depth: usize, out: &mut String) -> Result<(), CommandError> {
    match value {
        Datum::Array(items) if !items.is_empty() && items.iter().any(|item| is_nested(&item)) => {
            let items = items.iter().map(|item| (None, item));
            push_all(items, depth, ["[", "]"], out)
        }
        Datum::Object(object) if value.is_plain_object() && !object.is_empty() => {
            let fields = object.iter().map(|(key, item)| (Some(Datum::String(key)), item));
            push_all(fields, depth, ["{", "}"], out)
        }
        _ => push_short(value, out),
    }
}

fn push_all(
    items: impl Iterator<Item = (Option<Datum>, Datum)>,
    depth: usize,
    brackets: [&str; 2],
    out: &mut String,
) -> Result<(), CommandError> {
    let line = |depth: usize| format!("\n{}", INDENT.repeat(depth));
    out.push_str(brackets[0]);
    for (position, (key, item)) in items.enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(&line(depth + 1));
        if let Some(key) = key {
            push_short(&key, out)?;
            out.push_str(": ");
        }
        push(&item, depth + 1, out)?;
    }
    out.push_str(&line(depth));
    out.push_str(brackets[1]);
    Ok(())
}

fn push_short(value: &Datum, out: &mut String) -> Result<(), CommandError> {
    out.push_str(&json::to_string(value).map_err(|error| CommandError::Query(error.to_string()))?);
    Ok(())
}

fn is_nested(value: &Datum) -> bool {
    value.is_plain_object() || matches!(value, Datum::Array(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_shown_by_lines() {
        let inner = Datum::object([("b", Datum::array([Datum::from(1), Datum::from(2)]))]);
        let value = Datum::object([("a", Datum::array([inner, Datum::Null])), ("c", Datum::array([]))]);
        let mut text = String::new();
        push(&value, 0, &mut text).expect("JSON");
        assert_eq!(text, "{\n  \"a\": [\n    {\n      \"b\": [1,2]\n    },\n    null\n  ],\n  \"c\": []\n}");
    }
}
