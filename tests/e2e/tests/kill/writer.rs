//! One writer: a connection, a stream of single writes and batches.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use photondb_base::{Random, SeededRandom};
use photondb_test_support::{Connection, Failure};
use serde_json::{Value, json};

use crate::kill::ledger::{Ledger, Version};
use crate::kill::verify::TABLE;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const BATCH_DOCUMENTS_MAX: u64 = 12;
/// Above this many documents inserts give way to deletes: every round reads them all.
const DOCUMENTS_MAX: usize = 120;

/// Writes until the server is gone.
///
/// # Panics
/// When the server refuses a write, or goes away before `killed` says that it was sent off.
pub fn write(port: u16, ledger: &mut Ledger, random: &SeededRandom, durability: &str, killed: &AtomicBool) {
    let Ok(mut connection) = Connection::open(port, "admin", "", CONNECT_TIMEOUT) else {
        assert!(killed.load(Ordering::SeqCst), "no connection to a server that runs");
        return;
    };
    loop {
        let (term, expected) = next_write(ledger, random, durability);
        match connection.value(&term) {
            Ok(summary) => {
                for (field, count) in expected {
                    assert_eq!(summary[field], count, "{field} of {summary} after {}", shown(&term));
                }
                ledger.acknowledge();
            }
            Err(Failure::Support(error)) => {
                assert!(killed.load(Ordering::SeqCst), "a running server gave no answer: {error}");
                return;
            }
            Err(Failure::Server(response)) => panic!("{} answered {:?}", shown(&term), response.message()),
        }
    }
}

/// A write as term text, and the counts that its summary must show.
type Write = (String, Vec<(&'static str, u64)>);

fn next_write(ledger: &mut Ledger, random: &SeededRandom, durability: &str) -> Write {
    let existing = ledger.existing_key(random.next_u64());
    let dice = random.below(10);
    let dice = if dice <= 3 && ledger.documents() > DOCUMENTS_MAX { 9 } else { dice };
    match (dice, existing) {
        (0..=2, _) | (_, None) => insert(ledger, 1, durability),
        (3, _) => insert(ledger, 2 + random.below(BATCH_DOCUMENTS_MAX - 1), durability),
        (4..=5, Some(key)) => replace(ledger, key, durability),
        (6..=7, Some(key)) => update(ledger, key, durability),
        (8, Some(key)) => delete(ledger, key, durability),
        (_, Some(_)) => delete_several(ledger, random, durability),
    }
}

fn insert(ledger: &mut Ledger, count: u64, durability: &str) -> Write {
    let after: BTreeMap<u64, Option<Version>> =
        (0..count).map(|_| (ledger.new_key(), Some(ledger.new_version()))).collect();
    let documents: Vec<Value> = documents(ledger, &after);
    let literal = match documents.as_slice() {
        [document] => term(document),
        _ => format!("[2,[{}]]", documents.iter().map(term).collect::<Vec<_>>().join(",")),
    };
    ledger.begin(after);
    let options = json!({ "durability": durability });
    (format!("[56,[{TABLE},{literal}],{options}]"), vec![("inserted", count), ("errors", 0)])
}

fn replace(ledger: &mut Ledger, key: u64, durability: &str) -> Write {
    let document = next_version(ledger, key);
    let options = json!({ "durability": durability });
    let query = format!("[55,[{},{}],{options}]", get(ledger, key), term(&document));
    (query, vec![("replaced", 1), ("errors", 0)])
}

/// Reads the old document inside a function, as an increment does.
fn update(ledger: &mut Ledger, key: u64, durability: &str) -> Write {
    let mut document = next_version(ledger, key);
    let fields = document.as_object_mut().expect("a document is an object");
    fields.remove("id");
    // new.merge({seen: old("id")(0)}).without("seen"): the same document, but by a function.
    let seen = "[170,[[170,[[10,[1]],\"id\"]],0]]";
    let body = format!("[34,[[35,[{},{{\"seen\":{seen}}}]],\"seen\"]]", term(&document));
    let function = format!("[69,[[2,[1]],{body}]]");
    let options = json!({ "durability": durability });
    (format!("[53,[{},{function}],{options}]", get(ledger, key)), vec![("replaced", 1), ("errors", 0)])
}

fn delete(ledger: &mut Ledger, key: u64, durability: &str) -> Write {
    ledger.begin(BTreeMap::from([(key, None)]));
    let options = json!({ "durability": durability });
    (format!("[54,[{}],{options}]", get(ledger, key)), vec![("deleted", 1), ("errors", 0)])
}

fn delete_several(ledger: &mut Ledger, random: &SeededRandom, durability: &str) -> Write {
    let after: BTreeMap<u64, Option<Version>> =
        (0..4).filter_map(|_| Some((ledger.existing_key(random.next_u64())?, None))).collect();
    let keys: Vec<String> = after.keys().map(|key| identity(ledger, *key)).collect();
    let count = after.len() as u64;
    ledger.begin(after);
    let options = json!({ "durability": durability });
    let query = format!("[54,[[78,[{TABLE},{}]]],{options}]", keys.join(","));
    (query, vec![("deleted", count), ("errors", 0)])
}

/// Notes a new version of a document and gives it.
fn next_version(ledger: &mut Ledger, key: u64) -> Value {
    let version = ledger.new_version();
    ledger.begin(BTreeMap::from([(key, Some(version))]));
    ledger.document(key, version)
}

fn documents(ledger: &Ledger, after: &BTreeMap<u64, Option<Version>>) -> Vec<Value> {
    after.iter().filter_map(|(key, version)| Some(ledger.document(*key, (*version)?))).collect()
}

fn get(ledger: &Ledger, key: u64) -> String {
    format!("[16,[{TABLE},{}]]", identity(ledger, key))
}

fn identity(ledger: &Ledger, key: u64) -> String {
    format!("[2,[{},{key}]]", ledger.writer())
}

/// A value as a term: arrays travel inside MAKE_ARRAY.
fn term(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[2,[{}]]", items.iter().map(term).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(name, field)| format!("{}:{}", Value::from(name.as_str()), term(field)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn shown(term: &str) -> String {
    term.chars().take(300).collect()
}
