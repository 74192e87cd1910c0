//! Every recorded query of the reference server decodes, or fails as it did there.

use base64::Engine;
use photondb_reql::index_function::IndexFunction;
use photondb_reql::{Frame, Query, ReqlError, decode_query, decode_term, encode, print_index_create};
use serde_json::Value;

mod support;

fn frames(backtrace: &Value) -> Vec<Frame> {
    let frame = |value: &Value| match value {
        Value::String(name) => Frame::Optarg(name.as_str().into()),
        other => Frame::Position(other.as_u64().expect("a position") as u32),
    };
    backtrace.as_array().expect("a backtrace").iter().map(frame).collect()
}

#[test]
fn recorded_queries_decode() {
    let (mut decoded, mut refused) = (0, 0);
    for line in support::vectors() {
        let Some(query) = line.get("query") else { continue };
        let text = query.to_string();
        let kind = line.pointer("/response/t").and_then(Value::as_u64);
        match decode_query(text.as_bytes()) {
            Ok(Query::Start(query)) => {
                decoded += 1;
                assert_ne!(kind, Some(16), "{text}");
                assert_ne!(kind, Some(17), "{text}");
                let root = query.ast.root();
                let again = decode_term(&encode(&query.ast, root)).expect("encoded");
                assert_eq!(again, query.ast, "{text}");
                // Printing never fails.
                assert!(!photondb_reql::print_term(&query.ast, root).is_empty());
            }
            Ok(_) => {}
            Err(error) => {
                refused += 1;
                assert_eq!(kind, Some(u64::from(error.kind.response_type())), "{text}: {error}");
                let message = line.pointer("/response/r/0").and_then(Value::as_str).expect("a message");
                let backtrace = frames(line.get("b").expect("a backtrace"));
                assert_eq!(error, ReqlError::compile(message).at(backtrace), "{text}");
            }
        }
    }
    assert!(decoded > 1_600 && refused > 100, "{decoded} decoded, {refused} refused");
}

#[test]
fn recorded_index_functions_survive() {
    let (mut count, mut fields) = (0, 0);
    for line in support::vectors() {
        let mut rows = Vec::new();
        collect(line.get("response").unwrap_or(&Value::Null), &mut rows);
        for row in rows {
            let data = row["function"]["data"].as_str().expect("base64").replace("\r\n", "");
            let blob = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
            let function = IndexFunction::decode(&blob).expect("an index function");
            // The numbers for backtraces mean nothing outside the query that made them, and
            // are zero in what the server makes by itself.
            let encoded = function.encode().expect("a function");
            assert_eq!(IndexFunction::decode(&encoded).as_ref(), Ok(&function));
            let name = row["index"].as_str().expect("a name");
            let of_field = IndexFunction::of_field(name, function.multi, function.geo);
            if of_field == function {
                assert_eq!(encoded, blob);
                fields += 1;
            }
            assert_eq!(function.multi, row["multi"].as_bool().expect("a bool"));
            assert_eq!(function.geo, row["geo"].as_bool().expect("a bool"));
            let text = print_index_create(name, &function);
            assert_eq!(text, row["query"].as_str().expect("a text"));
            count += 1;
        }
    }
    assert!(count > 3 && fields > 3, "{count} functions, {fields} of a field");
}

fn collect<'a>(value: &'a Value, rows: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            if fields.get("query").is_some_and(Value::is_string) && value["function"]["data"].is_string() {
                rows.push(value);
            }
            fields.values().for_each(|field| collect(field, rows));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, rows)),
        _ => {}
    }
}
