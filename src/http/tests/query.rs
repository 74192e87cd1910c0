//! Queries over HTTP.

mod support;

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{Fixture, send};

#[tokio::test]
async fn text_and_wire_queries_are_answered() {
    let fixture = Fixture::start().await;
    let text = fixture.ask("r.expr(1).add(2)").await.json();
    assert_eq!((&text["kind"], &text["result"], &text["more"]), (&json!("atom"), &json!(3), &json!(false)));
    assert!(text["time_ms"].as_f64().is_some_and(|time_ms| time_ms >= 0.0));
    let wire = fixture.post("/api/query", &json!({ "query": [24, [1, 2]] })).await.json();
    assert_eq!(wire["result"], json!(3));
    let plain = fixture.request(Method::POST, "/api/query").header("content-type", "text/plain");
    assert_eq!(send(plain.body("r.expr([1, 2])")).await.json()["result"], json!([1, 2]));
    fixture.result("r.tableCreate('people')").await;
    fixture.result("r.table('people').insert([{id: 1, name: 'Ann'}, {id: 2, name: 'Bob'}])").await;
    let rows = fixture.ask("r.table('people').orderBy({index: 'id'})").await.json();
    assert_eq!(rows["kind"], json!("sequence"));
    assert_eq!(rows["result"], json!([{ "id": 1, "name": "Ann" }, { "id": 2, "name": "Bob" }]));
    fixture.stop().await;
}

#[tokio::test]
async fn options_reach_the_query() {
    let fixture = Fixture::start().await;
    fixture.result("r.dbCreate('shop').do(r.db('shop').tableCreate('items'))").await;
    let count = json!({ "query": "r.table('items').count()", "options": { "db": "shop" } });
    assert_eq!(fixture.post("/api/query", &count).await.json()["result"], json!(0));
    let profiled = json!({ "query": "r.range(3)", "options": { "profile": true } });
    assert!(fixture.post("/api/query", &profiled).await.json()["profile"].is_array());
    let plan = json!({ "query": "r.table('items')", "options": { "db": "shop" }, "explain": true });
    let plan = fixture.post("/api/query", &plan).await.json();
    assert_eq!(plan["kind"], json!("explain"));
    assert!(plan["result"].is_object());
    fixture.stop().await;
}

#[tokio::test]
async fn a_long_answer_comes_in_batches() {
    let fixture = Fixture::start().await;
    let first = fixture.post("/api/query", &json!({ "query": "r.range(25)", "batch_rows": 10 })).await.json();
    assert_eq!((&first["rows"], &first["more"]), (&json!(10), &json!(true)), "{first}");
    let path = format!("/api/cursors/{}", first["cursor"].as_str().expect("a cursor"));
    let mut rows = first["result"].as_array().expect("rows").clone();
    loop {
        let batch = fixture.get(&path).await.json();
        rows.extend(batch["result"].as_array().expect("rows").iter().cloned());
        if batch["more"] == json!(false) {
            break;
        }
        assert_eq!(batch["cursor"], first["cursor"]);
    }
    assert_eq!(rows, (0..25).map(|number| json!(number)).collect::<Vec<_>>());
    assert_eq!(fixture.get(&path).await.status, StatusCode::NOT_FOUND);

    let endless = fixture.post("/api/query", &json!({ "query": "r.range()", "batch_rows": 5 })).await.json();
    let path = format!("/api/cursors/{}", endless["cursor"].as_str().expect("a cursor"));
    assert_eq!(send(fixture.request(Method::DELETE, &path)).await.status, StatusCode::NO_CONTENT);
    let gone = fixture.get(&path).await;
    assert_eq!((gone.status, gone.error_kind().as_str()), (StatusCode::NOT_FOUND, "NotFound"));
    fixture.stop().await;
}

#[tokio::test]
async fn errors_say_what_and_where() {
    let fixture = Fixture::start().await;
    let missing = fixture.ask("r.expr(1).add(\n  r.table('nowhere').count())").await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    let error = &missing.json()["error"];
    assert_eq!(error["kind"], json!("ReqlOpFailedError"));
    assert_eq!((&error["position"]["line"], &error["backtrace"]), (&json!(2), &json!([1, 0])), "{error}");
    let wire = fixture.post("/api/query", &json!({ "query": [24, [1, [15, ["nowhere"]]]] })).await.json();
    let error = &wire["error"];
    let (text, span) = (error["query"].as_str().expect("a query"), &error["span"]);
    let at = |name: &str| span[name].as_u64().expect("a place") as usize;
    assert_eq!(&text[at("start")..at("end")], "table(\"nowhere\")", "{error}");
    let typo = fixture.ask("r.tabel('x')").await;
    assert_eq!((typo.status, typo.error_kind().as_str()), (StatusCode::BAD_REQUEST, "ReqlTextError"));
    let feed = fixture.ask("r.db('rethinkdb').table('stats').changes()").await;
    assert_eq!(feed.status, StatusCode::BAD_REQUEST);
    assert!(feed.text.contains("/api/ws") && feed.text.contains("/api/changes"), "{feed:?}");
    fixture.stop().await;
}

#[tokio::test]
async fn every_term_is_described() {
    let fixture = Fixture::start().await;
    let terms = fixture.get("/api/terms").await.json();
    let filter = terms.as_array().expect("a list").iter().find(|term| term["name"] == "filter");
    let filter = filter.expect("filter is there");
    assert_eq!(filter["signature"], json!("sequence.filter(predicate) -> sequence"));
    assert_eq!((&filter["on"], &filter["options"]), (&json!("sequence"), &json!(["default"])));
    assert!(filter["doc"].as_str().is_some_and(|doc| doc.ends_with('.')));
    fixture.stop().await;
}

#[tokio::test]
async fn machines_see_the_health() {
    let fixture = Fixture::start().await;
    for path in ["/health/live", "/health/ready", "/health/startup", "/_health", "/_ready"] {
        assert_eq!(fixture.get(path).await.status, StatusCode::OK, "{path}");
    }
    fixture.stop().await;
}
