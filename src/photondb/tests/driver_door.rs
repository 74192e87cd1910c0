//! The driver door over real sockets: tokens, cursors, feeds, and hostile clients.

mod support;

use std::time::{Duration, Instant};

use support::{Fixture, frame};

const TABLE: &str = r#"[15,["t"]]"#;

fn with_table() -> Fixture {
    let fixture = Fixture::start();
    fixture.database.run(r#"[60,["t"]]"#).expect("creates");
    fixture
}

/// `r.table("t").insert(document)`
fn insert(document: &str) -> String {
    format!("[1,[56,[{TABLE},{document}]],{{}}]")
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The number of rows of a system table.
fn count_of(fixture: &Fixture, table: &str) -> f64 {
    let count = fixture.database.run(&format!(r#"[43,[[15,[[14,["rethinkdb"]],"{table}"]]]]"#));
    count.expect("counts")[0].as_number().expect("a number")
}

#[test]
fn bytes_may_arrive_one_by_one() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    for byte in frame(5, "[1,[24,[1,2]],{}]") {
        client.send_bytes(&[byte]);
    }
    assert_eq!(client.receive(), (5, r#"{"t":1,"r":[3]}"#.to_owned()));
}

#[test]
fn nonsense_is_answered_and_forgiven() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    for body in [
        "",
        "{",
        "[]",
        "[99]",
        "[1.5,1]",
        "[-1]",
        "[100]",
        "null",
        "[1",
        "[1,[9999,[]],{}]",
        "\"x\"",
        "[1,[],{}]",
        "[1,null,3]",
    ] {
        let answer = client.ask(1, body);
        assert!(answer.starts_with(r#"{"t":16"#) || answer.starts_with(r#"{"t":17"#), "{body}: {answer}");
    }
    let deep = format!("[1,{}1{},{{}}]", "[2,[".repeat(20_000), "]]".repeat(20_000));
    assert!(client.ask(1, &deep).starts_with(r#"{"t":1"#));
    assert_eq!(client.ask(2, "[1,[24,[1,2]],{}]"), r#"{"t":1,"r":[3]}"#);
}

#[test]
fn a_frame_that_is_too_large_ends_the_connection_only() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    let mut header = 9u64.to_le_bytes().to_vec();
    header.extend_from_slice(&u32::MAX.to_le_bytes());
    client.send_bytes(&header);
    let (token, answer) = client.receive();
    assert_eq!(token, 9);
    assert!(answer.starts_with(r#"{"t":16"#), "{answer}");
    assert!(client.read_to_end().is_empty());
    assert_eq!(fixture.connect().ask(1, "[1,7,{}]"), r#"{"t":1,"r":[7]}"#);
}

#[test]
fn strangers_are_told_so() {
    let fixture = Fixture::start();
    let mut client = fixture.connect_silently();
    client.send_bytes(b"GET / HTTP/1.1\r\n\r\n");
    let told = client.read_to_end();
    assert!(told.starts_with(b"ERROR: Received an unsupported protocol version."), "{told:?}");
}

#[test]
fn tokens_are_kept_apart() {
    let fixture = with_table();
    let mut client = fixture.connect();
    let feed = format!("[1,[152,[{TABLE}]],{{}}]");
    assert_eq!(client.ask(3, &feed), r#"{"t":3,"r":[],"n":[1]}"#);
    assert!(client.ask(3, "[1,7,{}]").contains("ERROR: duplicate token 3"));
    assert!(client.ask(4, "[2]").contains("Token 4 not in stream cache."));
    client.send(3, "[2]");
    assert!(client.is_silent(Duration::from_millis(50)));
    client.send(5, &insert(r#"{"id":1}"#));
    // The row and the answer come in any order.
    let mut answers = [client.receive(), client.receive()];
    answers.sort();
    assert!(answers[0].1.contains(r#""new_val":{"id":1}"#), "{answers:?}");
    assert!(answers[1].1.contains(r#""inserted":1"#), "{answers:?}");
    client.send(3, "[2]");
    assert!(client.is_silent(Duration::from_millis(50)));
    client.send(3, "[3]");
    for _ in 0..2 {
        let (token, answer) = client.receive();
        assert_eq!(token, 3);
        assert!(answer.starts_with(r#"{"t":2,"r":[]"#), "{answer}");
    }
    assert!(client.ask(3, "[2]").contains("not in stream cache"));
}

#[test]
fn cursors_go_on_until_they_end() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    let mut answer = client.ask(1, r#"[1,[173,[10]],{"max_batch_rows":3,"first_batch_scaledown_factor":1}]"#);
    let mut batches = 1;
    while answer.starts_with(r#"{"t":3"#) {
        answer = client.ask(1, "[2]");
        batches += 1;
    }
    assert!(answer.starts_with(r#"{"t":2"#), "{answer}");
    assert!((4..=5).contains(&batches), "{batches}");
    assert!(client.ask(1, "[2]").contains("not in stream cache"));
}

#[test]
fn queries_that_turn_out_long_are_answered_all_the_same() {
    let fixture = with_table();
    let mut client = fixture.connect();
    let rows: Vec<String> = (0..2000).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    let inserted = client.ask(1, &insert(&format!("[2,[{}]]", rows.join(","))));
    assert!(inserted.contains(r#""inserted":2000"#), "{inserted}");
    for (term, expected) in [
        (format!("[43,[[39,[[182,[{TABLE},5,1995]],{{}}]]]]"), "1990"),
        (format!("[31,[[45,[[182,[{TABLE},5,1995]],1000]],\"id\"]]"), "1005"),
        (format!("[147,[[31,[[182,[{TABLE},5,1995]],\"id\"]]]]"), "5"),
    ] {
        assert_eq!(client.ask(2, &format!("[1,{term},{{}}]")), format!(r#"{{"t":1,"r":[{expected}]}}"#));
    }
    let noreply = format!(
        r#"[1,[56,[{TABLE},{{"id":"sum","of":[145,[[31,[[182,[{TABLE},0,2000]],"id"]]]]}}]],{{"noreply":true}}]"#
    );
    client.send(3, &noreply);
    assert_eq!(client.ask(4, "[4]"), r#"{"t":4,"r":[]}"#);
    let sum = client.ask(5, &format!(r#"[1,[31,[[16,[{TABLE},"sum"]],"of"]],{{}}]"#));
    assert_eq!(sum, r#"{"t":1,"r":[1999000]}"#);
}

#[test]
fn queries_without_reply_can_be_waited_for() {
    let fixture = with_table();
    let mut client = fixture.connect();
    for id in 0..100 {
        let query = format!(r#"[1,[56,[{TABLE},{{"id":{id}}}]],{{"noreply":true}}]"#);
        client.send(id, &query);
    }
    assert_eq!(client.ask(1000, "[4]"), r#"{"t":4,"r":[]}"#);
    assert_eq!(client.ask(1001, &format!("[1,[43,[{TABLE}]],{{}}]")), r#"{"t":1,"r":[100]}"#);
    assert!(client.ask(1002, "[5]").contains(r#""proxy":false"#));
}

#[test]
fn a_client_that_goes_takes_its_queries_along() {
    let fixture = with_table();
    let mut client = fixture.connect();
    // r.range(1e12).filter(false): long, and without an answer.
    client.send(1, r#"[1,[39,[[173,[1e12]],[69,[[2,[1]],false]]]],{}]"#);
    client.send(2, &format!("[1,[152,[{TABLE}]],{{}}]"));
    client.send(2, "[2]");
    assert_eq!(client.receive().0, 2);
    wait_until("the query runs", || count_of(&fixture, "jobs") >= 1.0);
    drop(client);
    wait_until("the query ends", || count_of(&fixture, "jobs") == 0.0);
}

#[test]
fn a_stopped_query_ends() {
    let fixture = Fixture::start();
    let mut client = fixture.connect();
    client.send(1, r#"[1,[39,[[173,[1e12]],[69,[[2,[1]],false]]]],{}]"#);
    wait_until("the query runs", || count_of(&fixture, "jobs") >= 1.0);
    client.send(1, "[3]");
    for _ in 0..2 {
        let (token, answer) = client.receive();
        assert_eq!(token, 1);
        assert!(answer.starts_with(r#"{"t":2,"r":[]"#), "{answer}");
    }
    wait_until("the query ends", || count_of(&fixture, "jobs") == 0.0);
}

#[test]
fn a_client_that_does_not_read_gets_everything_in_the_end() {
    let fixture = Fixture::start();
    let mut other = fixture.connect();
    let (mut reader, mut writer) = fixture.connect().split();
    let text = "x".repeat(100_000);
    let query = format!(r#"[1,"{text}",{{}}]"#);
    let count = 400;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for token in 0..count {
                writer.send(token, &query);
            }
        });
        std::thread::sleep(Duration::from_millis(300));
        // Meanwhile others are served.
        assert_eq!(other.ask(1, "[1,7,{}]"), r#"{"t":1,"r":[7]}"#);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..count {
            let (token, answer) = reader.receive();
            assert_eq!(answer.len(), text.len() + r#"{"t":1,"r":[""]}"#.len());
            seen.insert(token);
        }
        assert_eq!(seen.len() as u64, count);
    });
}

#[test]
fn many_clients_are_served() {
    let fixture = with_table();
    let mut clients: Vec<_> = (0..300).map(|_| fixture.connect()).collect();
    for client in &mut clients {
        client.send(1, &format!("[1,[152,[{TABLE}]],{{}}]"));
        client.send(1, "[2]");
    }
    for client in &mut clients {
        assert!(client.receive().1.starts_with(r#"{"t":3,"r":[]"#));
    }
    fixture.connect().ask(1, &insert(r#"{"id":1}"#));
    for client in &mut clients {
        assert_eq!(client.receive().1, r#"{"t":3,"r":[{"new_val":{"id":1},"old_val":null}],"n":[1]}"#);
    }
}

#[test]
fn a_server_stops_whatever_its_clients_do() {
    let mut fixture = with_table();
    let mut client = fixture.connect();
    client.send(1, &format!("[1,[152,[{TABLE}]],{{}}]"));
    client.send(1, "[2]");
    client.send(2, r#"[1,[39,[[173,[1e12]],[69,[[2,[1]],false]]]],{}]"#);
    let _half = fixture.connect_silently();
    wait_until("the query runs", || count_of(&fixture, "jobs") >= 1.0);
    let start = Instant::now();
    assert!(fixture.stop());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    client.read_to_end();
}

#[test]
fn machines_can_ask_for_the_health() {
    use std::io::{Read, Write};
    let fixture = Fixture::start();
    for (path, expected) in [("/health/live", "live"), ("/health/ready", "ready"), ("/", "PhotonDB")] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", fixture.http_port())).expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(expected), "{answer}");
    }
}
