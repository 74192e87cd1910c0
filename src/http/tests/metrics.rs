//! What the server counts.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use photondb::HttpOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Fixture, send};

/// The values by name and labels.
async fn values(fixture: &Fixture) -> BTreeMap<String, f64> {
    let reply = fixture.get("/_metrics").await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert!(reply.header("content-type").starts_with("text/plain"));
    let lines = reply.text.lines().filter(|line| !line.starts_with('#'));
    let value = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|error| panic!("{line}: {error}")))
    };
    lines.map(value).collect()
}

#[tokio::test]
async fn queries_and_rows_are_counted() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    fixture.result("r.table('t').insert(r.range(7).map(n => ({id: n})).coerceTo('array'))").await;
    let before = values(&fixture).await;
    fixture.result("r.expr(1)").await;
    fixture.result("r.table('t')").await;
    fixture.ask("r.error('x')").await;
    let first = fixture.post("/api/query", &json!({ "query": "r.range(9)", "batch_rows": 2 })).await.json();
    let after = values(&fixture).await;
    let grown = |name: &str| after[name] - before[name];
    for (kind, count) in [("value", 1.0), ("sequence", 2.0), ("error", 1.0), ("feed", 0.0)] {
        let labels = format!("{{door=\"http\",kind=\"{kind}\"}}");
        assert_eq!(grown(&format!("photondb_queries_total{labels}")), count, "{kind}");
        assert_eq!(grown(&format!("photondb_query_duration_seconds_count{labels}")), count, "{kind}");
    }
    assert_eq!(grown("photondb_rows_sent_total{door=\"http\"}"), 1.0 + 7.0 + 2.0);
    assert_eq!((after["photondb_http_cursors"], after["photondb_queries_open{door=\"http\"}"]), (1.0, 1.0));
    assert_eq!(after["photondb_table_documents{db=\"test\",table=\"t\"}"], 7.0);
    assert_eq!(grown("photondb_table_documents_read_total{db=\"test\",table=\"t\"}"), 7.0);
    assert_eq!(grown("photondb_http_requests_total{status=\"4xx\"}"), 1.0);
    assert!(after["photondb_connections{door=\"http\"}"] >= 1.0);
    assert!(after["process_resident_memory_bytes"] > 1e6);
    let cursor = first["cursor"].as_str().expect("a cursor");
    send(fixture.request(Method::DELETE, &format!("/api/cursors/{cursor}"))).await;
    assert_eq!(values(&fixture).await["photondb_queries_open{door=\"http\"}"], 0.0);
    fixture.stop().await;
}

#[tokio::test]
async fn classes_of_latencies_add_up() {
    let fixture = Fixture::start().await;
    fixture.result("r.expr(1)").await;
    let values = values(&fixture).await;
    let labels = "door=\"http\",kind=\"value\"";
    let all = values[&format!("photondb_query_duration_seconds_bucket{{{labels},le=\"+Inf\"}}")];
    assert_eq!(all, values[&format!("photondb_query_duration_seconds_count{{{labels}}}")]);
    assert!(values[&format!("photondb_query_duration_seconds_sum{{{labels}}}")] > 0.0);
    fixture.stop().await;
}

#[tokio::test]
async fn metrics_need_a_login_once_there_is_one() {
    let fixture = Fixture::start_with(Some("secret"), HttpOptions::default()).await;
    assert_eq!(fixture.get("/_metrics").await.status, StatusCode::UNAUTHORIZED);
    let known = fixture.request(Method::GET, "/_metrics").basic_auth("admin", Some("secret"));
    assert_eq!(send(known).await.status, StatusCode::OK);
    fixture.stop().await;
}

/// As `promtool check metrics` wants them.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_those_that_prometheus_expects() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_in(&place.path().join("data")).await;
    fixture.result("r.tableCreate('t')").await;
    fixture.back_up("full").await;
    let text = fixture.get("/_metrics").await.text;
    let mut kinds = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a kind");
        kinds += 1;
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{line}");
        assert!(text.contains(&format!("# HELP {name} ")), "{line}");
    }
    assert!(kinds > 40, "{text}");
    fixture.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_is_served() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_in(&place.path().join("data")).await;
    fixture.result("r.tableCreate('t')").await;
    fixture.back_up("full").await;
    let served: BTreeSet<String> = values(&fixture)
        .await
        .keys()
        .map(|key| key.split('{').next().unwrap_or_default().to_owned())
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana-dashboard.json");
    let dashboard: Value =
        serde_json::from_slice(&std::fs::read(path).expect("the dashboard is there")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let expressions: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"))
        .map(|target| target["expr"].as_str().expect("an expression"))
        .collect();
    assert!(expressions.len() >= panels.len());
    let mut asked = BTreeSet::new();
    for expression in expressions {
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let names: Vec<&str> =
            words.filter(|word| word.starts_with("photondb_") || word.starts_with("process_")).collect();
        assert!(!names.is_empty(), "{expression}");
        for name in names {
            assert!(served.contains(name), "`{name}` is not served");
            asked.insert(name.to_owned());
        }
    }
    // What nobody looks at need not be served, but for what is there to be asked by hand.
    assert!(asked.len() * 2 > served.len(), "{:?}", served.difference(&asked));
    fixture.stop().await;
}
