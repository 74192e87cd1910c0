//! Compares JSON values with templates.
//!
//! A template is JSON in which some strings and objects are special: `$$any$$`,
//! `$$any:TYPE$$`, `$$uuid$$`, `$$regex:RE$$`, text with `$$uuid:N$$` slots,
//! `{"$$bag$$": […]}` and `{"$$partial$$": x}`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
/// Longer values are cut in messages.
const SHOWN_BYTES_MAX: usize = 300;

static SLOT: LazyLock<Regex> = LazyLock::new(|| regex(r"\$\$uuid:(\d+)\$\$"));
static WHOLE_UUID: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^(?:{UUID})$")));

/// The UUIDs bound to the numbered slots of a file.
pub type Bindings = BTreeMap<String, String>;

/// How arrays and numbers are compared.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    ordered: bool,
    deep: bool,
    partial: bool,
    tolerance: f64,
}

impl Mode {
    /// Everything in order.
    pub fn exact(tolerance: f64) -> Self {
        Self { ordered: true, deep: false, partial: false, tolerance }
    }

    /// The outermost array in any order.
    pub fn bag(tolerance: f64) -> Self {
        Self { ordered: false, ..Self::exact(tolerance) }
    }

    /// Inner arrays in any order.
    pub fn bag_deep(tolerance: f64) -> Self {
        Self { ordered: false, deep: true, ..Self::exact(tolerance) }
    }

    fn inner(self) -> Self {
        Self { ordered: !self.deep, ..self }
    }

    fn partial(self) -> Self {
        Self { ordered: false, deep: true, partial: true, ..self }
    }
}

/// Puts the bound UUIDs into a text; unbound slots stay.
pub fn fill(text: &str, bindings: &Bindings) -> String {
    SLOT.replace_all(text, |captures: &regex::Captures<'_>| {
        bindings.get(&captures[1]).map_or_else(|| captures[0].to_owned(), String::clone)
    })
    .into_owned()
}

/// Compares; on success the slots met are bound, on failure the reason is given.
pub fn compare(expected: &Value, got: &Value, bindings: &mut Bindings, mode: Mode) -> Result<(), String> {
    match expected {
        Value::String(text) => compare_text(text, got, bindings),
        Value::Null | Value::Bool(_) if expected == got => Ok(()),
        Value::Null | Value::Bool(_) => Err(differs(expected, got)),
        Value::Number(number) => match got {
            Value::Number(other) if numbers_agree(number, other, mode.tolerance) => Ok(()),
            _ => Err(differs(expected, got)),
        },
        Value::Object(fields) => compare_object(fields, got, bindings, mode),
        Value::Array(items) => match got {
            Value::Array(others) => compare_items(items, others, bindings, mode),
            _ => Err(differs(expected, got)),
        },
    }
}

/// Binds what can be bound in values that are not compared as a whole.
pub fn harvest(template: &Value, got: &Value, bindings: &mut Bindings) {
    match (template, got) {
        (Value::String(text), Value::String(_)) if text.contains("$$uuid:") => {
            // A text that does not match binds nothing, and that is all that matters here.
            compare_text(text, got, bindings).ok();
        }
        (Value::Array(items), Value::Array(others)) => {
            items.iter().zip(others).for_each(|(item, other)| harvest(item, other, bindings));
        }
        (Value::Object(fields), Value::Object(others)) => {
            for (name, field) in fields {
                if let Some(other) = others.get(name) {
                    harvest(field, other, bindings);
                }
            }
        }
        _ => {}
    }
}

/// The name of a value's JSON type.
pub fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value for a message.
pub fn shown(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > SHOWN_BYTES_MAX {
        let cut = (0..=SHOWN_BYTES_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// The message of an error without the details below its first line.
pub fn squeeze(message: &str) -> String {
    let Some((head, tail)) = message.split_once('\n') else {
        return message.to_owned();
    };
    if let Some(start) = head.strip_suffix(" in:") {
        format!("{start}:")
    } else if head.ends_with(':') {
        head.to_owned()
    } else if tail.starts_with("Failed assertion:") {
        format!("{head}:")
    } else {
        message.to_owned()
    }
}

/// Whether `text` matches `pattern` from its start.
pub fn matches_from_start(pattern: &str, text: &str) -> Result<(), String> {
    let anchored = Regex::new(&format!("^(?:{pattern})")).map_err(|error| error.to_string())?;
    if anchored.is_match(text) { Ok(()) } else { Err(format!("{text:?} does not match {pattern:?}")) }
}

fn compare_text(expected: &str, got: &Value, bindings: &mut Bindings) -> Result<(), String> {
    let fail = || Err(format!("expected {expected:?}, got {}", shown(got)));
    let special = expected.strip_prefix("$$").and_then(|rest| rest.strip_suffix("$$"));
    match special {
        Some("any") => return Ok(()),
        Some(word) if word.starts_with("any:") => {
            return if json_type(got) == &word[4..] { Ok(()) } else { fail() };
        }
        _ => {}
    }
    let Value::String(text) = got else {
        return fail();
    };
    match special {
        Some("uuid") if WHOLE_UUID.is_match(text) => Ok(()),
        Some("uuid") => fail(),
        Some(word) if word.starts_with("regex:") => matches_from_start(&word[6..], text),
        _ if expected.contains("$$uuid:") => compare_slots(expected, text, bindings),
        _ if expected == text => Ok(()),
        _ => fail(),
    }
}

fn compare_slots(expected: &str, got: &str, bindings: &mut Bindings) -> Result<(), String> {
    let mut pattern = String::from("^");
    let mut slots = Vec::new();
    let mut at = 0;
    for captures in SLOT.captures_iter(expected) {
        let whole = captures.get(0).expect("group 0 is the match");
        pattern.push_str(&regex::escape(&expected[at..whole.start()]));
        pattern.push_str(&format!("({UUID})"));
        slots.push(captures[1].to_owned());
        at = whole.end();
    }
    pattern.push_str(&regex::escape(&expected[at..]));
    pattern.push('$');
    let Some(captures) = regex(&pattern).captures(got) else {
        return Err(format!("expected {expected:?}, got {got:?}"));
    };
    let mut bound = bindings.clone();
    for (index, slot) in slots.into_iter().enumerate() {
        let uuid = &captures[index + 1];
        let known = bound.entry(slot).or_insert_with(|| uuid.to_owned());
        if known != uuid {
            return Err(format!("expected the UUID {known} again, got {uuid}"));
        }
    }
    *bindings = bound;
    Ok(())
}

fn compare_object(
    expected: &Map<String, Value>,
    got: &Value,
    bindings: &mut Bindings,
    mode: Mode,
) -> Result<(), String> {
    if expected.len() == 1 {
        if let Some(items) = expected.get("$$bag$$") {
            return compare(items, got, bindings, Mode { ordered: false, ..mode });
        }
        if let Some(part) = expected.get("$$partial$$") {
            return compare(part, got, bindings, mode.partial());
        }
    }
    let Value::Object(fields) = got else {
        return Err(format!("expected an object, got {}", shown(got)));
    };
    for name in fields.keys() {
        if !mode.partial && !expected.contains_key(name) {
            return Err(format!("unexpected field {name:?} in {}", shown(got)));
        }
    }
    for (name, value) in expected {
        let field = fields.get(name).ok_or_else(|| format!("no field {name:?} in {}", shown(got)))?;
        compare(value, field, bindings, mode.inner()).map_err(|reason| format!("[{name:?}] {reason}"))?;
    }
    Ok(())
}

fn compare_items(
    expected: &[Value],
    got: &[Value],
    bindings: &mut Bindings,
    mode: Mode,
) -> Result<(), String> {
    if expected.len() > got.len() || (!mode.partial && expected.len() != got.len()) {
        let items = shown(&Value::Array(got.to_vec()));
        return Err(format!("expected {} items, got {}: {items}", expected.len(), got.len()));
    }
    if mode.ordered {
        for (index, (value, item)) in expected.iter().zip(got).enumerate() {
            compare(value, item, bindings, mode.inner()).map_err(|reason| format!("[{index}] {reason}"))?;
        }
        return Ok(());
    }
    let mut left: Vec<&Value> = got.iter().collect();
    for value in expected {
        let found = left.iter().position(|item| {
            let mut trial = bindings.clone();
            let agrees = compare(value, item, &mut trial, mode.inner()).is_ok();
            if agrees {
                *bindings = trial;
            }
            agrees
        });
        match found {
            Some(index) => left.remove(index),
            None => {
                let items = shown(&Value::Array(got.to_vec()));
                return Err(format!("missing item {} in {items}", shown(value)));
            }
        };
    }
    Ok(())
}

/// Integers that a double cannot hold are told apart, unless a tolerance is given.
fn numbers_agree(expected: &serde_json::Number, got: &serde_json::Number, tolerance: f64) -> bool {
    match (expected.as_i64(), got.as_i64()) {
        (Some(left), Some(right)) if tolerance == 0.0 => left == right,
        _ => match (expected.as_f64(), got.as_f64()) {
            (Some(left), Some(right)) => {
                left == right || (left - right).abs() <= tolerance * left.abs().max(1.0)
            }
            _ => false,
        },
    }
}

fn differs(expected: &Value, got: &Value) -> String {
    format!("expected {}, got {}", shown(expected), shown(got))
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is made here")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(expected: Value, got: Value, mode: Mode, agrees: bool) {
        let result = compare(&expected, &got, &mut Bindings::new(), mode);
        assert_eq!(result.is_ok(), agrees, "{expected} against {got}: {result:?}");
    }

    #[test]
    fn values_are_compared_as_json() {
        let exact = Mode::exact(0.0);
        check(json!(1), json!(1.0), exact, true);
        check(json!(true), json!(1), exact, false);
        check(json!(1), json!(true), exact, false);
        check(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), exact, true);
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), exact, false);
        check(json!({"a": null}), json!({}), exact, false);
        check(json!([1, 2]), json!([2, 1]), exact, false);
        check(json!([1, 2]), json!([2, 1]), Mode::bag(0.0), true);
        check(json!([1, 1]), json!([1, 2]), Mode::bag(0.0), false);
        check(json!([[1, 2]]), json!([[2, 1]]), Mode::bag(0.0), false);
        check(json!([[1, 2]]), json!([[2, 1]]), Mode::bag_deep(0.0), true);
        check(json!(100.0), json!(100.5), Mode::exact(0.01), true);
        check(json!(0.5), json!(0.6), Mode::exact(0.01), false);
    }

    #[test]
    fn special_strings_and_objects_are_templates() {
        let exact = Mode::exact(0.0);
        check(json!("$$any$$"), json!([1]), exact, true);
        check(json!("$$any:number$$"), json!(1), exact, true);
        check(json!("$$any:number$$"), json!("1"), exact, false);
        check(json!("$$regex:a+$$"), json!("aab"), exact, true);
        check(json!("$$regex:a+$$"), json!("baa"), exact, false);
        check(json!({"$$bag$$": [1, 2]}), json!([2, 1]), exact, true);
        check(json!({"$$partial$$": {"a": [1]}}), json!({"a": [2, 1], "b": 0}), exact, true);
        check(json!({"$$partial$$": {"a": [3]}}), json!({"a": [2, 1]}), exact, false);
    }

    #[test]
    fn one_slot_is_one_uuid() {
        let (first, second) =
            ("01234567-89ab-cdef-0123-456789abcdef", "fedcba98-89ab-cdef-0123-456789abcdef");
        let mut bindings = Bindings::new();
        let template = json!(["table $$uuid:1$$.", "$$uuid:1$$"]);
        let exact = Mode::exact(0.0);
        compare(&template, &json!([format!("table {first}."), first]), &mut bindings, exact).expect("one");
        assert_eq!(
            fill("[\"$$uuid:1$$\",\"$$uuid:2$$\"]", &bindings),
            format!("[\"{first}\",\"$$uuid:2$$\"]")
        );
        compare(&template, &json!([format!("table {second}."), second]), &mut bindings, exact)
            .expect_err("the slot is bound already");
    }

    #[test]
    fn details_of_messages_are_squeezed_away() {
        assert_eq!(squeeze("one line"), "one line");
        assert_eq!(squeeze("Expected type X but found Y:\n{}"), "Expected type X but found Y:");
        assert_eq!(squeeze("Cannot do it in:\nr.expr(1)"), "Cannot do it:");
        assert_eq!(squeeze("Broken.\nFailed assertion: x"), "Broken.:");
        assert_eq!(squeeze("Two\nlines"), "Two\nlines");
    }
}
