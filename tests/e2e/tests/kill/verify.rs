//! Compares a restarted server with the ledgers, and its indexes with its documents.

use std::collections::BTreeMap;

use photondb_test_support::{Connection, Server};
use serde_json::{Value, json};

use crate::kill::ledger::{GROUPS, Ledger};

/// `r.db("test").table("ledger")`.
pub const TABLE: &str = r#"[15,[[14,["test"]],"ledger"]]"#;

/// The table with a plain, a compound and a multi index.
pub fn create_table(server: &Server, durability: &str) {
    let mut connection = server.connect().expect("a connection");
    let options = json!({ "durability": durability });
    run(&mut connection, &format!(r#"[60,[[14,["test"]],"ledger"],{options}]"#));
    run(&mut connection, &format!(r#"[75,[{TABLE},"group"]]"#));
    run(&mut connection, &format!(r#"[75,[{TABLE},"tags"],{{"multi":true}}]"#));
    let pair = r#"[69,[[2,[1]],[2,[[170,[[10,[1]],"group"]],[170,[[10,[1]],"version"]]]]]]"#;
    run(&mut connection, &format!(r#"[75,[{TABLE},"pair",{pair}]]"#));
    run(&mut connection, &format!("[140,[{TABLE}]]"));
}

/// Everything acknowledged is there, nothing else is, and every count agrees.
///
/// # Panics
/// At the first difference.
pub fn verify(server: &Server, ledgers: &mut [Ledger], round: usize) {
    let mut connection = server.connect().expect("a connection");
    let rows = array(run(&mut connection, TABLE));
    let mut found: Vec<BTreeMap<u64, Value>> = ledgers.iter().map(|_| BTreeMap::new()).collect();
    for row in &rows {
        let number = |place: usize| row["id"][place].as_u64().expect("an id of two numbers");
        let earlier = found[number(0) as usize].insert(number(1), row.clone());
        assert!(earlier.is_none(), "round {round}: the id {} occurs twice", row["id"]);
    }
    for (ledger, found) in ledgers.iter_mut().zip(&found) {
        let verdict = ledger.reconcile(found);
        verdict.unwrap_or_else(|reason| panic!("round {round}, writer {}: {reason}", ledger.writer()));
    }
    let count = run(&mut connection, &format!("[43,[{TABLE}]]"));
    assert_eq!(count, json!(rows.len()), "round {round}: count() against the rows");
    verify_indexes(&mut connection, &rows, round);
}

fn verify_indexes(connection: &mut Connection, rows: &[Value], round: usize) {
    for group in 0..GROUPS {
        let expected = sorted_ids(rows.iter().filter(|row| row["group"] == json!(group)));
        let by_key = array(run(connection, &format!(r#"[78,[{TABLE},{group}],{{"index":"group"}}]"#)));
        assert_eq!(sorted_ids(by_key.iter()), expected, "round {round}: getAll({group}) on `group`");
        let range =
            format!(r#"[182,[{TABLE},[2,[{group},[180,[]]]],[2,[{group},[181,[]]]]],{{"index":"pair"}}]"#);
        let by_range = array(run(connection, &range));
        assert_eq!(sorted_ids(by_range.iter()), expected, "round {round}: between on `pair`, group {group}");
    }
    for tag in ["v0", "v1", "v2", "w0", "w3"] {
        let expected = sorted_ids(
            rows.iter().filter(|row| row["tags"].as_array().is_some_and(|t| t.contains(&json!(tag)))),
        );
        let count = run(connection, &format!(r#"[43,[[78,[{TABLE},"{tag}"],{{"index":"tags"}}]]]"#));
        assert_eq!(count, json!(expected.len()), "round {round}: getAll({tag}) on `tags`");
    }
    let whole = r#"[180,[]],[181,[]]"#;
    for index in ["group", "pair"] {
        let query = format!(r#"[43,[[182,[{TABLE},{whole}],{{"index":"{index}"}}]]]"#);
        assert_eq!(run(connection, &query), json!(rows.len()), "round {round}: all entries of `{index}`");
    }
    let ordered = array(run(connection, &format!(r#"[41,[{TABLE}],{{"index":"pair"}}]"#)));
    let keys: Vec<(u64, u64)> =
        ordered.iter().map(|row| (number(&row["group"]), number(&row["version"]))).collect();
    assert!(keys.is_sorted(), "round {round}: orderBy on `pair` is out of order");
}

fn sorted_ids<'a>(rows: impl Iterator<Item = &'a Value>) -> Vec<(u64, u64)> {
    let mut ids: Vec<_> = rows.map(|row| (number(&row["id"][0]), number(&row["id"][1]))).collect();
    ids.sort_unstable();
    ids
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a whole number")
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("expected an array, got {other}"),
    }
}

fn run(connection: &mut Connection, term: &str) -> Value {
    connection.value(term).unwrap_or_else(|failure| panic!("{term}: {failure}"))
}
