//! Changefeeds over the driver protocol: many of them, readers that do not read, tables that
//! go away, and initial rows while others write.

use std::collections::BTreeMap;
use std::time::Duration;

use photondb_test_support::{Connection, Server, kind};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 20;
const FEEDS_PER_CONNECTION: usize = 50;
const CHANGES: usize = 10;
/// Feeds that only wait: a thousand at a time on one connection.
const IDLE_FEEDS_PER_CONNECTION: usize = 1000;
/// What the server may grow by for a feed that waits; most of them need less than half of it.
const IDLE_FEED_BYTES_MAX: u64 = 4 * 1024;
/// Changes that a reader misses who never reads.
const MISSED_CHANGES: usize = 20_000;
const QUEUE_ROWS: usize = 100;
/// What a server may grow by while a reader sleeps: the queue, the documents, slack.
const GROWTH_KILOBYTES_MAX: u64 = 64 * 1024;

struct House {
    server: Server,
    writer: Connection,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(&folder.path().join("data")).expect("the server starts");
        let mut writer = server.connect().expect("a connection");
        writer.value(r#"[60,["t"]]"#).expect("a table");
        Self { server, writer, _folder: folder }
    }

    fn insert(&mut self, documents: &Value, options: &str) {
        let summary = self.writer.value(&format!(r#"[56,[[15,["t"]],[2,{documents}]],{options}]"#));
        summary.expect("the rows are written");
    }
}

/// Opens a feed and waits until it is registered.
fn open(reader: &mut Connection, term: &str) -> u64 {
    let token = reader.send(&format!("[1,{term},{{}}]")).expect("sent");
    let opened = reader.receive(token, TIMEOUT).expect("the feed opens");
    assert_eq!(opened.kind, kind::PARTIAL, "{opened:?}");
    assert!(opened.rows.is_empty(), "{opened:?}");
    token
}

/// The next rows of a feed, waiting for some.
fn read(reader: &mut Connection, token: u64) -> Vec<Value> {
    reader.send_continue(token).expect("sent");
    let batch = reader.receive(token, TIMEOUT).expect("a batch");
    assert_eq!(batch.kind, kind::PARTIAL, "{batch:?}");
    batch.rows
}

#[test]
fn a_thousand_feeds_on_one_table_miss_nothing() {
    let mut house = House::new();
    let mut readers: Vec<(Connection, Vec<u64>)> = (0..CONNECTIONS)
        .map(|_| {
            let mut reader = house.server.connect().expect("a connection");
            let tokens =
                (0..FEEDS_PER_CONNECTION).map(|_| open(&mut reader, r#"[152,[[15,["t"]]]]"#)).collect();
            (reader, tokens)
        })
        .collect();
    for id in 0..CHANGES {
        house.writer.value(&format!(r#"[56,[[15,["t"]],{{"id":{id}}}]]"#)).expect("a row");
    }
    let expected: Vec<Value> =
        (0..CHANGES).map(|id| json!({"old_val": null, "new_val": {"id": id}})).collect();
    for (reader, tokens) in &mut readers {
        for token in tokens {
            let mut seen = Vec::new();
            while seen.len() < CHANGES {
                seen.extend(read(reader, *token));
            }
            assert_eq!(seen, expected);
        }
    }
}

/// Opens feeds of a kind on connections of their own, each with a request for its next rows,
/// and looks what one of them costs.
fn wait_for_changes(house: &House, connections: usize, term: impl Fn(usize) -> String) -> Vec<Connection> {
    let mut readers: Vec<Connection> =
        (0..connections).map(|_| house.server.connect().expect("a connection")).collect();
    let before = resident_kilobytes(&house.server);
    for (number, reader) in readers.iter_mut().enumerate() {
        for feed in 0..IDLE_FEEDS_PER_CONNECTION {
            let token = open(reader, &term(number * IDLE_FEEDS_PER_CONNECTION + feed));
            reader.send_continue(token).expect("sent");
        }
    }
    let feeds = (connections * IDLE_FEEDS_PER_CONNECTION) as u64;
    let each = resident_kilobytes(&house.server).saturating_sub(before) * 1024 / feeds;
    println!("{each} bytes for a feed as {}", term(0));
    assert!(each < IDLE_FEED_BYTES_MAX, "a feed that waits costs {each} bytes: {}", term(0));
    readers
}

#[test]
fn ten_thousand_feeds_on_one_table_cost_little_and_are_told() {
    let mut house = House::new();
    // Whatever the first feed needs besides itself is there before anything is counted.
    let mut first = house.server.connect().expect("a connection");
    let token = open(&mut first, r#"[152,[[15,["t"]]]]"#);
    house.insert(&json!([{"id": 0}]), "{}");
    assert_eq!(read(&mut first, token).len(), 1);
    let same = wait_for_changes(&house, 4, |_| r#"[152,[[15,["t"]]]]"#.to_owned());
    let of_a_key = wait_for_changes(&house, 3, |key| format!(r#"[152,[[16,[[15,["t"]],{key}]]]]"#));
    let filtered = wait_for_changes(&house, 3, |number| {
        let is_number = format!(r#"[69,[[2,[1]],[17,[[170,[[10,[1]],"n"]],{number}]]]]"#);
        format!(r#"[152,[[39,[[15,["t"]],{is_number}]]]]"#)
    });
    for id in [7, 1007, 2007] {
        house.insert(&json!([{"id": id, "n": id}]), "{}");
    }
    let change = |id: u64| json!({"old_val": null, "new_val": {"id": id, "n": id}});
    for mut reader in same {
        for token in 1..=IDLE_FEEDS_PER_CONNECTION as u64 {
            let mut rows = reader.receive(token, TIMEOUT).expect("the first change").rows;
            while rows.len() < 3 {
                rows.extend(read(&mut reader, token));
            }
            assert_eq!(rows, [change(7), change(1007), change(2007)]);
        }
    }
    for readers in [of_a_key, filtered] {
        for (mut reader, id) in readers.into_iter().zip([7, 1007, 2007]) {
            // One feed of each connection is meant: its eighth.
            let told = reader.receive(8, TIMEOUT).expect("the change");
            assert_eq!(told.rows, [change(id)]);
        }
    }
    // All connections are gone, and their feeds with them.
    house.insert(&json!([{"id": 1, "n": 1}]), "{}");
    let mut reader = house.server.connect().expect("a connection");
    let token = open(&mut reader, r#"[152,[[15,["t"]]]]"#);
    house.insert(&json!([{"id": 2, "n": 2}]), "{}");
    assert_eq!(read(&mut reader, token), [change(2)]);
}

fn resident_kilobytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or_default()
}

#[test]
fn a_reader_who_does_not_read_is_told_and_costs_little() {
    let mut house = House::new();
    let mut reader = house.server.connect().expect("a connection");
    let feed = format!(r#"[152,[[15,["t"]]],{{"changefeed_queue_size":{QUEUE_ROWS}}}]"#);
    let token = open(&mut reader, &feed);
    let before = resident_kilobytes(&house.server);
    // One row that changes again and again: nothing but the feed's queue could grow.
    for _ in 0..MISSED_CHANGES / 200 {
        let loop_of_writes = r#"[68,[[173,[200]],[69,[[2,[1]],[56,[[15,["t"]],{"id":1,"n":[151,[]]}],
            {"conflict":"replace","durability":"soft"}]]]]]"#;
        house.writer.value(loop_of_writes).expect("the row changes");
    }
    let grown = resident_kilobytes(&house.server).saturating_sub(before);
    assert!(grown < GROWTH_KILOBYTES_MAX, "a sleeping reader cost {grown} kB");

    let mut told = None;
    let mut rows = 0;
    while told.is_none() {
        for row in read(&mut reader, token) {
            rows += 1;
            if let Some(error) = row.get("error").and_then(Value::as_str) {
                told = Some(error.to_owned());
            }
        }
        assert!(rows <= 2 * QUEUE_ROWS, "{rows} rows and no word about what is missing");
    }
    let told = told.unwrap_or_default();
    assert!(told.starts_with("Changefeed cache over array size limit, skipped "), "{told}");
}

#[test]
fn a_feed_ends_with_its_table() {
    let mut house = House::new();
    let mut reader = house.server.connect().expect("a connection");
    let token = open(&mut reader, r#"[152,[[15,["t"]]]]"#);
    reader.send_continue(token).expect("sent");
    house.writer.value(r#"[61,["t"]]"#).expect("the table is dropped");
    let end = reader.receive(token, TIMEOUT).expect("the feed ends");
    assert!(end.is_error(), "{end:?}");
    assert!(end.message().contains("Changefeed aborted"), "{end:?}");
}

#[test]
fn a_feed_that_passes_rows_over_goes_on_waiting() {
    let mut house = House::new();
    let mut reader = house.server.connect().expect("a connection");
    // changes().skip(2)
    let token = open(&mut reader, r#"[70,[[152,[[15,["t"]]]],2]]"#);
    reader.send_continue(token).expect("sent");
    for id in 0..3 {
        house.insert(&json!([{"id": id}]), "{}");
        // So that each change is a turn of its own.
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = reader.receive(token, TIMEOUT).expect("the third change");
    assert_eq!(told.rows, [json!({"old_val": null, "new_val": {"id": 2}})]);
}

#[test]
fn initial_rows_and_changes_add_up_to_the_table() {
    let mut house = House::new();
    let rows: Vec<Value> = (0..500).map(|id| json!({"id": id, "n": 0})).collect();
    house.insert(&json!(rows), "{}");
    let mut reader = house.server.connect().expect("a connection");
    let token =
        reader.send(r#"[1,[152,[[15,["t"]]],{"include_initial":true}],{"max_batch_rows":7}]"#).expect("sent");
    // Writes go on while the initial rows are on their way.
    for step in 0..100 {
        let id = step * 7 % 600;
        let write = match step % 3 {
            0 => format!(r#"[54,[[16,[[15,["t"]],{id}]]]]"#),
            _ => format!(r#"[56,[[15,["t"]],{{"id":{id},"n":{step}}}],{{"conflict":"replace"}}]"#),
        };
        house.writer.value(&write).expect("a write");
    }
    house.writer.value(r#"[56,[[15,["t"]],{"id":"the end"}]]"#).expect("the last write");

    let mut state: BTreeMap<String, Value> = BTreeMap::new();
    let mut batch = reader.receive(token, TIMEOUT).expect("a batch").rows;
    while !state.contains_key("\"the end\"") {
        for row in batch {
            let key = |value: &Value| value.get("id").map(Value::to_string);
            if let Some(key) = row.get("old_val").and_then(key) {
                state.remove(&key);
            }
            if let Some(key) = row.get("new_val").and_then(key) {
                state.insert(key, row["new_val"].clone());
            }
        }
        batch = if state.contains_key("\"the end\"") { Vec::new() } else { read(&mut reader, token) };
    }
    let table = house.writer.value(r#"[15,["t"]]"#).expect("the table");
    let table: BTreeMap<String, Value> =
        table.as_array().expect("rows").iter().map(|row| (row["id"].to_string(), row.clone())).collect();
    assert_eq!(state, table);
}
