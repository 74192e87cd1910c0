//! Decides whether an answer is the recorded one.

use photondb_test_support::{Response, kind};
use serde_json::Value;

use crate::template::{Bindings, Mode, compare, harvest, json_type, matches_from_start, shown, squeeze};
use crate::vector::{ErrorMatch, Match, MessageMatch, Operation, Recorded, ValueMatch, Vector};

/// `Ok` when `response` is acceptable for `vector`, or the reason why not.
pub fn judge(vector: &Vector, response: &Response, bindings: &mut Bindings) -> Result<(), String> {
    let (Some(compare_as), Some(recorded)) = (&vector.compare, &vector.response) else {
        return Ok(());
    };
    match compare_as {
        Match::Value(ValueMatch::Skip) => Ok(()),
        Match::Error(expected) => judge_error(expected, response, bindings),
        Match::Value(_) if response.is_error() => {
            Err(format!("unexpected error {:?} {:?}", response.error, response.message()))
        }
        Match::Value(how) => judge_value(vector, *how, recorded, response, bindings),
    }
}

/// Error numbers stand beside the type of runtime errors only.
const RUNTIME_ERROR: u64 = 18;

fn judge_error(expected: &ErrorMatch, response: &Response, bindings: &mut Bindings) -> Result<(), String> {
    let same_number = expected.kind != RUNTIME_ERROR || expected.number == response.error;
    if response.kind != expected.kind || !same_number {
        let rows = shown(&Value::Array(response.rows.clone()));
        return Err(format!(
            "expected {} ({:?}), got type {} number {:?}: {rows}",
            expected.error, expected.message, response.kind, response.error
        ));
    }
    let Some(wanted) = &expected.message else {
        return Ok(());
    };
    let message = response.message();
    match expected.how {
        MessageMatch::Any => Ok(()),
        MessageMatch::Exact => {
            let (template, got) = (Value::from(wanted.as_str()), Value::from(message));
            compare(&template, &got, bindings, Mode::exact(0.0))
        }
        MessageMatch::Regex => matches_from_start(wanted, &squeeze(message)),
        MessageMatch::Norm if squeeze(message) == *wanted => Ok(()),
        MessageMatch::Norm => Err(format!("expected {wanted:?}, got {message:?}")),
    }
}

fn judge_value(
    vector: &Vector,
    how: ValueMatch,
    recorded: &Recorded,
    response: &Response,
    bindings: &mut Bindings,
) -> Result<(), String> {
    let got_rows = Value::Array(response.rows.clone());
    if vector.operation == Operation::Query {
        let wanted = recorded.kind.unwrap_or(kind::SEQUENCE);
        if wanted != response.kind {
            let got = shown(&got_rows);
            return Err(format!("expected response type {wanted}, got {}: {got}", response.kind));
        }
    }
    let expected = value_of(recorded.kind, &recorded.rows);
    let got = value_of(Some(response.kind), &got_rows);
    let tolerance = vector.precision.unwrap_or(0.0);
    let mode = match how {
        ValueMatch::Skip => return Ok(()),
        ValueMatch::TypeOnly => {
            harvest(expected, got, bindings);
            return judge_type(expected, got);
        }
        ValueMatch::Partial => {
            let template = vector.expect.as_ref().ok_or("the vector has no `expect`")?;
            let verdict = compare(template, got, bindings, Mode::exact(tolerance));
            harvest(expected, got, bindings);
            return verdict;
        }
        ValueMatch::Exact => Mode::exact(tolerance),
        ValueMatch::Bag => Mode::bag(tolerance),
        ValueMatch::BagDeep => Mode::bag_deep(tolerance),
    };
    let mut trial = bindings.clone();
    let verdict = compare(expected, got, &mut trial, mode);
    match verdict {
        Ok(()) => *bindings = trial,
        Err(_) => harvest(expected, got, bindings),
    }
    verdict
}

fn judge_type(expected: &Value, got: &Value) -> Result<(), String> {
    let is_template = expected.as_str().is_some_and(|text| text.starts_with("$$"));
    if is_template || json_type(expected) == json_type(got) {
        Ok(())
    } else {
        Err(format!("expected a JSON {}, got {}", json_type(expected), shown(got)))
    }
}

/// An atom's one row, or all rows.
fn value_of(response_kind: Option<u64>, rows: &Value) -> &Value {
    match rows {
        Value::Array(items) if response_kind == Some(kind::ATOM) => items.first().unwrap_or(rows),
        _ => rows,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::vector::VectorFile;

    /// A vector that refuses its own recorded answer would refuse every server.
    #[test]
    fn recorded_answers_pass_their_own_checks() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
        for file in VectorFile::load_all(&folder).expect("the vectors can be read") {
            let mut bindings = Bindings::new();
            for vector in file.vectors.iter().filter(|vector| vector.ok) {
                let recorded = vector.response.as_ref().expect("a check has an answer");
                let response = response_of(recorded);
                judge(vector, &response, &mut bindings)
                    .unwrap_or_else(|reason| panic!("{}:{}: {reason}", file.name, vector.n));
            }
        }
    }

    #[test]
    fn a_different_answer_is_refused() {
        let line = r#"{"n":0,"op":"query","response":{"t":1,"r":[5]},"match":"exact","ok":true}"#;
        let vector: Vector = serde_json::from_str(line).expect("a vector");
        let accepts = |text: &str| {
            let response: Response = serde_json::from_str(text).expect("a response");
            judge(&vector, &response, &mut Bindings::new()).is_ok()
        };
        assert!(accepts(r#"{"t":1,"r":[5.0]}"#));
        assert!(!accepts(r#"{"t":1,"r":[6]}"#));
        assert!(!accepts(r#"{"t":2,"r":[5]}"#));
        assert!(!accepts(r#"{"t":18,"e":3000000,"r":["no"]}"#));
    }

    /// The answer as a server would send it: a UUID in every slot.
    fn response_of(recorded: &Recorded) -> Response {
        let mut text = recorded.rows.to_string();
        while let Some(start) = text.find("$$uuid") {
            let end = start + 2 + text[start + 2..].find("$$").expect("a slot ends") + 2;
            let slot: u64 =
                text[start..end].trim_matches('$').trim_start_matches("uuid:").parse().unwrap_or(0);
            text.replace_range(start..end, &format!("00000000-0000-4000-8000-{slot:012}"));
        }
        let rows = match serde_json::from_str(&text).expect("still JSON") {
            Value::Array(items) => items,
            other => vec![other],
        };
        let error = recorded.error;
        let kind = recorded.kind.unwrap_or(kind::SEQUENCE);
        Response { kind, rows, error, backtrace: None, notes: Vec::new() }
    }
}
