//! Queries and feeds over a WebSocket.

mod support;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use photondb::HttpOptions;
use serde_json::{Value, json};
use support::{Fixture, ONE_DOCUMENT, assert_lost_with_its_server};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(fixture: &Fixture) -> Self {
        Self::open_with(fixture, &[]).await.expect("opens")
    }

    async fn open_with(fixture: &Fixture, headers: &[(&'static str, String)]) -> Result<Self, Error> {
        let url = format!("ws://{}/api/ws", fixture.address());
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        Ok(Self(connect_async(request).await?.0))
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.expect("sends");
    }

    /// The next message that is text.
    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message in time");
            match message.expect("a message").expect("a whole message") {
                Message::Text(text) => return serde_json::from_str(text.as_str()).expect("JSON"),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Sends a query and gives its first message.
    async fn ask(&mut self, id: u64, query: &str) -> Value {
        self.send(json!({ "id": id, "type": "query", "query": query })).await;
        self.next().await
    }

    /// Rows of a feed, until there are so many; and the last token.
    async fn rows(&mut self, count: usize) -> (Vec<Value>, String) {
        let (mut rows, mut token) = (Vec::new(), String::new());
        while rows.len() < count {
            let message = self.next().await;
            assert_eq!(message["type"], "rows", "{message}");
            rows.extend(message["rows"].as_array().expect("rows").iter().cloned());
            token = message["resume"].as_str().expect("a token").to_owned();
        }
        (rows, token)
    }

    /// Ends the connection without a word, as a broken network does.
    fn tear(self) {
        drop(self.0.into_inner());
    }
}

fn new_ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["new_val"]["id"].as_i64().expect("an id")).collect()
}

async fn with_table() -> Fixture {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    fixture
}

#[tokio::test]
async fn several_queries_share_a_socket() {
    let fixture = with_table().await;
    let mut socket = Socket::open(&fixture).await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));
    let atom = socket.ask(1, "r.expr(1).add(1)").await;
    assert_eq!((&atom["kind"], &atom["rows"], &atom["more"]), (&json!("atom"), &json!([2]), &json!(false)));
    assert_eq!(socket.next().await, json!({ "id": 1, "type": "done" }));
    socket.send(json!({ "id": 2, "type": "query", "query": "r.range(5)", "batch_rows": 2 })).await;
    let first = socket.next().await;
    assert_eq!((&first["rows"], &first["more"]), (&json!([0, 1]), &json!(true)));
    // The first one waits to be asked; another one is answered meanwhile.
    assert_eq!(socket.ask(3, "r.expr('x')").await["rows"], json!(["x"]));
    assert_eq!(socket.next().await["type"], "done");
    let mut rows = Vec::new();
    loop {
        socket.send(json!({ "id": 2, "type": "more" })).await;
        let batch = socket.next().await;
        rows.extend(batch["rows"].as_array().expect("rows").clone());
        if batch["more"] == json!(false) {
            break;
        }
    }
    assert_eq!(rows, [2, 3, 4].map(Value::from));
    assert_eq!(socket.next().await, json!({ "id": 2, "type": "done" }));
    fixture.stop().await;
}

#[tokio::test]
async fn errors_end_their_query_alone() {
    let fixture = with_table().await;
    let mut socket = Socket::open(&fixture).await;
    let error = socket.ask(7, "r.table('nowhere')").await;
    assert_eq!((&error["id"], &error["error"]["kind"]), (&json!(7), &json!("ReqlOpFailedError")));
    let typo = socket.ask(7, "r.tabel('t')").await;
    assert_eq!(typo["error"]["kind"], json!("ReqlTextError"));
    for nonsense in ["", "{", "[]", "{\"type\":\"dance\"}", "{\"type\":\"query\",\"id\":-1}"] {
        socket.0.send(Message::Text(nonsense.into())).await.expect("sends");
        assert_eq!(socket.next().await["error"]["kind"], json!("BadRequest"), "{nonsense}");
    }
    socket.send(json!({ "id": 8, "type": "query", "query": "r.range()", "batch_rows": 1 })).await;
    assert_eq!(socket.next().await["more"], json!(true));
    assert_eq!(socket.ask(8, "r.expr(1)").await["error"]["kind"], json!("BadRequest"), "the id is in use");
    socket.send(json!({ "id": 8, "type": "cancel" })).await;
    assert_eq!(socket.next().await, json!({ "id": 8, "type": "done" }));
    assert_eq!(socket.ask(8, "r.expr(1)").await["rows"], json!([1]));
    fixture.stop().await;
}

#[tokio::test]
async fn feeds_are_told_as_changes_come() {
    let fixture = with_table().await;
    let mut socket = Socket::open(&fixture).await;
    let opened = socket.ask(1, "r.table('t').changes()").await;
    assert_eq!((&opened["kind"], &opened["rows"]), (&json!("feed"), &json!([])));
    assert_eq!(socket.ask(2, "r.table('t').get(1).changes({includeInitial: true})").await["kind"], "feed");
    assert_eq!(socket.rows(1).await.0, [json!({ "new_val": null })]);
    fixture.result("r.table('t').insert({id: 1})").await;
    let mut told = [socket.next().await, socket.next().await];
    told.sort_by_key(|message| message["id"].as_u64());
    assert_eq!(told[0]["rows"], json!([{ "old_val": null, "new_val": { "id": 1 } }]));
    assert_eq!(told[1]["rows"], told[0]["rows"]);
    socket.send(json!({ "id": 1, "type": "cancel" })).await;
    assert_eq!(socket.next().await, json!({ "id": 1, "type": "done" }));
    let limited = socket.ask(3, "r.table('t').changes().limit(1)").await;
    assert_eq!(limited["more"], json!(true));
    fixture.result("r.table('t').insert({id: 2})").await;
    assert_eq!(socket.next().await["more"], json!(false));
    assert_eq!(socket.next().await, json!({ "id": 3, "type": "done" }));
    fixture.stop().await;
}

#[tokio::test]
async fn a_lost_feed_is_gone_on_with() {
    let fixture = with_table().await;
    let query = "r.table('t').changes()";
    let mut socket = Socket::open(&fixture).await;
    let opened = socket.ask(1, query).await;
    let beginning = opened["resume"].as_str().expect("a token").to_owned();
    fixture.result("r.table('t').insert([{id: 1}, {id: 2}])").await;
    let (rows, token) = socket.rows(2).await;
    let mut seen = new_ids(&rows);
    socket.tear();
    fixture.result("r.table('t').insert({id: 3})").await;
    let resume = |token: &str| json!({ "id": 5, "type": "query", "query": query, "resume": token });
    let mut socket = Socket::open(&fixture).await;
    socket.send(resume(&token)).await;
    let (rows, _) = socket.rows(1).await;
    seen.extend(new_ids(&rows));
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3], "none is missing, none comes twice");
    // Rows that were told and lost on the way come again; the other connection loses the feed.
    let mut thief = Socket::open(&fixture).await;
    thief.send(resume(&beginning)).await;
    let mut all = new_ids(&thief.rows(3).await.0);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3]);
    assert_eq!(socket.next().await["error"]["kind"], json!("ResumedElsewhere"));
    fixture.stop().await;
}

#[tokio::test]
async fn a_token_that_means_nothing_is_refused() {
    let fixture = with_table().await;
    let query = "r.table('t').changes({includeInitial: true})";
    let mut socket = Socket::open(&fixture).await;
    let token = socket.ask(1, query).await["resume"].as_str().expect("a token").to_owned();
    let mut parts: Vec<&str> = token.split('.').collect();
    let run = "0".repeat(32);
    parts[0] = &run;
    let old = parts.join(".");
    let ask = |query: &str, token: &str, restart: bool| json!({ "id": 2, "type": "query", "query": query, "resume": token, "restart": restart });
    socket.send(ask(query, &old, false)).await;
    assert_eq!(socket.next().await["error"]["kind"], json!("ResumeTooOld"));
    socket.send(ask(query, "nonsense", false)).await;
    assert_eq!(socket.next().await["error"]["kind"], json!("BadRequest"));
    socket.send(ask("r.table('t').get(1).changes()", &token, false)).await;
    assert_eq!(socket.next().await["error"]["kind"], json!("BadRequest"), "it is another query's");
    fixture.result("r.table('t').insert({id: 1})").await;
    assert_eq!(new_ids(&socket.rows(1).await.0), [1]);
    socket.send(ask(query, &old, true)).await;
    let restarted = socket.next().await;
    assert_eq!((&restarted["restarted"], &restarted["rows"]), (&json!(true), &json!([])));
    assert_eq!(socket.rows(1).await.0, [json!({ "new_val": { "id": 1 } })]);
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_server_a_feed_begins_anew() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_with_document(place.path()).await;
    let mut socket = Socket::open(&fixture).await;
    let token = socket.ask(1, ONE_DOCUMENT).await["resume"].as_str().expect("a token").to_owned();
    drop(socket);
    fixture.stop_all().await;

    let fixture = Fixture::start_in(place.path()).await;
    let mut socket = Socket::open(&fixture).await;
    let ask = |restart: bool| json!({ "id": 1, "type": "query", "query": ONE_DOCUMENT, "resume": token, "restart": restart });
    socket.send(ask(false)).await;
    assert_lost_with_its_server(&socket.next().await["error"]);
    socket.send(ask(true)).await;
    assert_eq!(socket.next().await["restarted"], json!(true));
    assert_eq!(socket.rows(1).await.0, [json!({ "new_val": { "id": 1 } })]);
    drop(socket);
    fixture.stop_all().await;
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed() {
    let fixture = with_table().await;
    let mut socket = Socket::open(&fixture).await;
    let query = "r.table('t').changes({changefeedQueueSize: 10, includeStates: false})";
    assert_eq!(socket.ask(1, query).await["kind"], "feed");
    // Nobody reads: the socket fills up, then the feed's queue.
    let big = "x".repeat(100_000);
    let mut written = 0;
    for _ in 0..40 {
        let write =
            format!("r.table('t').insert(r.range(20).map(n => ({{text: '{big}'}})).coerceTo('array'))");
        let summary = fixture.result(&write).await;
        written += summary["inserted"].as_u64().expect("a number");
    }
    let (mut changes, mut skipped) = (0, 0);
    while changes + skipped < written {
        let message = socket.next().await;
        for row in message["rows"].as_array().unwrap_or_else(|| panic!("{message}")) {
            match row["error"].as_str() {
                None => changes += 1,
                Some(text) => {
                    let number = text.split_whitespace().find_map(|word| word.parse::<u64>().ok());
                    skipped += number.unwrap_or_else(|| panic!("{text}"));
                }
            }
        }
    }
    assert!(skipped > 0, "{changes} changes of {written} fitted in");
    assert_eq!(changes + skipped, written);
    fixture.stop().await;
}

#[tokio::test]
async fn sockets_are_for_those_who_may() {
    let fixture = Fixture::start_with(Some("secret"), HttpOptions::default()).await;
    assert!(Socket::open_with(&fixture, &[]).await.is_err(), "without a password");
    let basic = ("authorization", "Basic YWRtaW46c2VjcmV0".to_owned());
    let mut socket = Socket::open_with(&fixture, std::slice::from_ref(&basic)).await.expect("opens");
    assert_eq!(socket.ask(1, "r.expr(1)").await["rows"], json!([1]));
    let foreign = ("origin", "http://evil.example".to_owned());
    assert!(Socket::open_with(&fixture, &[basic, foreign]).await.is_err(), "from a foreign page");
    fixture.stop().await;
    let closed = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.0.next().await {} }).await;
    assert!(closed.is_ok(), "the socket is closed with the server");
}
