//! Following a backtrace through the JSON of a query.

use photondb_reql::Frame;
use serde_json::Value;

/// Whether the steps lead from a term to a part of it. RethinkDB counts the elements of a
/// literal array as arguments, and names the fields of a literal object as options.
pub(crate) fn leads_inside(term: &Value, steps: &[Frame]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return true };
    part(term, step).is_some_and(|part| leads_inside(part, rest))
}

fn part<'a>(term: &'a Value, step: &Frame) -> Option<&'a Value> {
    match (term, step) {
        (Value::Object(fields), Frame::Optarg(name)) => fields.get(name.as_str()),
        (Value::Array(term), Frame::Position(position)) => term.get(1)?.as_array()?.get(*position as usize),
        (Value::Array(term), Frame::Optarg(name)) => {
            term.iter().skip(1).find_map(Value::as_object)?.get(name.as_str())
        }
        _ => None,
    }
}
