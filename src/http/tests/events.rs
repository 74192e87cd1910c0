//! Changefeeds as server-sent events.

mod support;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use support::{Fixture, ONE_DOCUMENT, assert_lost_with_its_server, send};
use tokio::time::timeout;

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One event: its name, its id, its data.
type Event = (String, String, Value);

struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn open(fixture: &Fixture, query: &str, token: Option<&str>) -> Self {
        let mut request = fixture.request(Method::GET, "/api/changes").query(&[("query", query)]);
        if let Some(token) = token {
            request = request.header("last-event-id", token);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{query}");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; comments are passed over.
    async fn next(&mut self) -> Event {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let data = field("data");
                if !data.is_empty() {
                    return (field("event"), field("id"), serde_json::from_str(&data).expect("JSON"));
                }
            }
            let part = timeout(PATIENCE, self.response.chunk()).await.expect("an event in time");
            let part = part.expect("a part").expect("no end");
            self.text.push_str(std::str::from_utf8(&part).expect("text"));
        }
    }
}

#[tokio::test]
async fn changes_are_events_and_can_be_gone_on_with() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    let query = "r.table('t').changes()";
    let mut events = Events::open(&fixture, query, None).await;
    assert_eq!(events.next().await.0, "open");
    fixture.result("r.table('t').insert({id: 1})").await;
    let (name, token, data) = events.next().await;
    assert_eq!((name.as_str(), data), ("change", json!({ "old_val": null, "new_val": { "id": 1 } })));
    drop(events);
    fixture.result("r.table('t').insert({id: 2})").await;
    let mut events = Events::open(&fixture, query, Some(&token)).await;
    assert_eq!(events.next().await.0, "open");
    assert_eq!(events.next().await.2["new_val"], json!({ "id": 2 }));
    fixture.result("r.tableDrop('t')").await;
    let (name, _, error) = events.next().await;
    assert_eq!((name.as_str(), &error["kind"]), ("error", &json!("ReqlOpFailedError")));
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_of_the_server_a_feed_begins_anew() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_with_document(place.path()).await;
    let mut events = Events::open(&fixture, ONE_DOCUMENT, None).await;
    assert_eq!(events.next().await.0, "open");
    let (_, token, _) = events.next().await;
    drop(events);
    fixture.stop_all().await;

    let fixture = Fixture::start_in(place.path()).await;
    let get = |restart: &str| {
        let request = fixture.request(Method::GET, "/api/changes");
        request.query(&[("query", ONE_DOCUMENT), ("restart", restart)]).header("last-event-id", &token)
    };
    let refused = send(get("false")).await;
    assert_eq!(refused.status, StatusCode::GONE);
    assert_lost_with_its_server(&refused.json()["error"]);
    // What the documents are now stands behind the word that it is a beginning.
    let response = get("true").send().await.expect("an answer");
    let mut events = Events { response, text: String::new() };
    assert_eq!(events.next().await.0, "restart");
    let (name, _, data) = events.next().await;
    assert_eq!((name.as_str(), data), ("change", json!({ "new_val": { "id": 1 } })));
    drop(events);
    fixture.stop_all().await;
}

#[tokio::test]
async fn what_is_no_feed_is_refused() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    let get = |query: &str| {
        let request = fixture.request(Method::GET, "/api/changes").query(&[("query", query)]);
        send(request)
    };
    for query in [
        "r.table('t')",
        "r.table('t').insert({})",
        "r.expr([r.table('t').insert({}), r.table('t').changes()])",
        "r.tabel('t')",
        "[152,[",
    ] {
        assert_eq!(get(query).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(fixture.result("r.table('t').count()").await, json!(0));
    let old = "0".repeat(32);
    let request = fixture.request(Method::GET, "/api/changes").query(&[("query", "r.table('t').changes()")]);
    let refused = send(request.header("last-event-id", format!("{old}.{old}.1"))).await;
    assert_eq!((refused.status, refused.error_kind().as_str()), (StatusCode::GONE, "ResumeTooOld"));
    let restart = [("query", "r.table('t').changes()"), ("restart", "true")];
    let request = fixture.request(Method::GET, "/api/changes").query(&restart);
    let response = request.header("last-event-id", format!("{old}.{old}.1")).send().await.expect("an answer");
    let mut events = Events { response, text: String::new() };
    assert_eq!(events.next().await.0, "restart");
    drop(events);
    fixture.stop().await;
}
