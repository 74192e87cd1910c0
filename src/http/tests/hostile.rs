//! Clients that mean harm or know no better.

mod support;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{Fixture, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn bodies_that_are_no_queries_are_refused() {
    let fixture = Fixture::start().await;
    let ask = |kind: &'static str, body: Vec<u8>| {
        send(fixture.request(Method::POST, "/api/query").header("content-type", kind).body(body))
    };
    let json = "application/json";
    let deep = format!("{{\"query\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_text = format!("r.expr({}1{})", "[".repeat(100_000), "]".repeat(100_000));
    let cases = [
        (json, b"".to_vec()),
        (json, b"{".to_vec()),
        (json, b"[]".to_vec()),
        (json, b"{\"query\":\"\\ud800\"}".to_vec()),
        (json, b"{\"query\":\"\xff\"}".to_vec()),
        (json, b"{\"query\":\"r.now()\",\"querry\":1}".to_vec()),
        (json, b"{\"query\":\"r.now()\",\"options\":[]}".to_vec()),
        (json, b"{\"query\":[9999,[]]}".to_vec()),
        (json, deep.into_bytes()),
        ("text/plain", b"\xff\xfe".to_vec()),
        ("text/plain", deep_text.into_bytes()),
    ];
    for (kind, body) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let reply = ask(kind, body).await;
        assert!(reply.status.is_client_error(), "{shown}: {reply:?}");
        assert!(!reply.error_kind().is_empty());
    }
    let unknown = ask("application/x-www-form-urlencoded", b"query=r.now()".to_vec()).await;
    assert_eq!(unknown.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(fixture.result("r.expr(1)").await, json!(1));
    fixture.stop().await;
}

#[tokio::test]
async fn huge_bodies_are_refused_before_they_are_read() {
    let fixture = Fixture::start().await;
    let mut socket = TcpStream::connect(fixture.address()).await.expect("connects");
    let head = "POST /api/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 99999999999\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sends");
    let mut answer = vec![0; 4096];
    let count = timeout(PATIENCE, socket.read(&mut answer)).await.expect("an answer in time").expect("reads");
    let answer = String::from_utf8_lossy(&answer[..count]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("TooLarge"), "{answer}");
    fixture.stop().await;
}

#[tokio::test]
async fn a_body_without_an_end_is_refused() {
    let fixture = Fixture::start().await;
    let mut socket = TcpStream::connect(fixture.address()).await.expect("connects");
    let head = "POST /api/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sends");
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend(std::iter::repeat_n(b' ', 0x10_0000));
    chunk.extend(b"\r\n");
    let (mut read, mut write) = socket.into_split();
    let sender = tokio::spawn(async move { while write.write_all(&chunk).await.is_ok() {} });
    let mut answer = vec![0; 4096];
    let count = timeout(PATIENCE, read.read(&mut answer)).await.expect("an answer in time").expect("reads");
    assert!(answer[..count].starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&answer[..count]));
    drop(read);
    sender.abort();
    fixture.stop().await;
}

#[tokio::test]
async fn silent_clients_do_not_keep_the_server_from_stopping() {
    let fixture = Fixture::start().await;
    let silent = TcpStream::connect(fixture.address()).await.expect("connects");
    let mut half = TcpStream::connect(fixture.address()).await.expect("connects");
    half.write_all(b"GET / HTTP/1.1\r\nHost: loc").await.expect("sends");
    assert_eq!(fixture.result("r.expr(1)").await, json!(1));
    fixture.stop().await;
    drop((silent, half));
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_its_query() {
    let fixture = Fixture::start().await;
    let running = "r.db('rethinkdb').table('jobs').filter(job => job('info')('query').match('9007199254740991')).count()";
    // The word that is looked for stands in this query, too.
    let endless = json!({ "query": "r.range(9007199254740991).filter(n => n.lt(0)).count()" });
    let given_up = timeout(Duration::from_millis(500), fixture.post("/api/query", &endless)).await;
    assert!(given_up.is_err(), "the query has an end: {given_up:?}");
    let looked = tokio::time::Instant::now();
    loop {
        let count = fixture.result(running).await;
        if count == json!(1) || count == json!(0) {
            break;
        }
        assert!(looked.elapsed() < PATIENCE, "{count} queries still run");
        sleep(Duration::from_millis(20)).await;
    }
    fixture.stop().await;
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let fixture = Fixture::start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let request = client.post(format!("http://{}/api/query", fixture.address()));
    let response = request.json(&json!({ "query": "r.expr(1)" })).send().await.expect("an answer");
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_and_careful_headers() {
    let fixture = Fixture::start().await;
    for path in ["/", "/api/terms", "/api/nowhere", "/_admin/"] {
        let reply = fixture.get(path).await;
        assert!(!reply.header("x-request-id").is_empty(), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("x-frame-options"), "DENY", "{path}");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
    }
    let named = send(fixture.request(Method::GET, "/").header("x-request-id", "mine-1")).await;
    assert_eq!(named.header("x-request-id"), "mine-1");
    let nonsense = send(fixture.request(Method::GET, "/").header("x-request-id", "a b")).await;
    assert_ne!(nonsense.header("x-request-id"), "a b");
    let lost = fixture.get("/api/nowhere").await;
    assert_eq!((lost.status, lost.error_kind().as_str()), (StatusCode::NOT_FOUND, "NotFound"));
    let wrong = fixture.get("/api/query").await;
    assert_eq!((wrong.status, wrong.error_kind().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "BadRequest"));
    fixture.stop().await;
}

#[tokio::test]
async fn the_admin_bundle_is_served_and_kept_by_browsers() {
    let fixture = Fixture::start().await;
    let browser = send(fixture.request(Method::GET, "/").header("accept", "text/html")).await;
    assert!(browser.header("content-type").starts_with("text/html"), "redirected: {browser:?}");
    let page = fixture.get("/_admin/").await;
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    let tag = page.header("etag").to_owned();
    let again = send(fixture.request(Method::GET, "/_admin/").header("if-none-match", &tag)).await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(fixture.get("/_admin/some/place").await.header("etag"), tag);
    for path in ["/_admin/nothing.js", "/_admin/../Cargo.toml", "/_admin/%2e%2e/Cargo.toml"] {
        assert_eq!(fixture.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let packed = fixture.request(Method::GET, "/api/terms").header("accept-encoding", "gzip");
    assert_eq!(send_raw(packed).await, "gzip");
    fixture.stop().await;
}

async fn send_raw(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.expect("an answer");
    let encoding = response.headers().get("content-encoding");
    encoding.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
