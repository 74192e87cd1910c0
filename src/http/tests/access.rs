//! Who is let in, and whose pages are.

mod support;

use photondb::HttpOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Fixture, Reply, send};

const PASSWORD: &str = "correct horse";

async fn locked() -> Fixture {
    Fixture::start_with(Some(PASSWORD), HttpOptions::default()).await
}

async fn ask_as(fixture: &Fixture, user: &str, password: &str, query: &str) -> Reply {
    let request = fixture.request(Method::POST, "/api/query").basic_auth(user, Some(password));
    send(request.json(&json!({ "query": query }))).await
}

/// The cookie that an answer sets.
fn cookie(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_password_is_asked_for_once_admin_has_one() {
    let fixture = Fixture::start().await;
    let session = fixture.get("/api/session").await.json();
    assert_eq!((&session["user"], &session["login_required"]), (&json!("admin"), &json!(false)));
    fixture
        .result(&format!("r.db('rethinkdb').table('users').get('admin').update({{password: '{PASSWORD}'}})"))
        .await;
    let refused = fixture.ask("r.expr(1)").await;
    assert_eq!((refused.status, refused.error_kind().as_str()), (StatusCode::UNAUTHORIZED, "Unauthorized"));
    assert!(refused.header("www-authenticate").starts_with("Basic"));
    let session = fixture.get("/api/session").await.json();
    assert_eq!((&session["user"], &session["login_required"]), (&Value::Null, &json!(true)));
    assert!(session["server"]["name"].is_string());
    assert_eq!(ask_as(&fixture, "admin", PASSWORD, "r.expr(1)").await.json()["result"], json!(1));
    for (user, password) in [("admin", ""), ("admin", "wrong"), ("nobody", PASSWORD), ("", "")] {
        assert_eq!(ask_as(&fixture, user, password, "r.expr(1)").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(fixture.get("/health/ready").await.status, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn a_changed_password_ends_what_the_old_one_began() {
    let fixture = locked().await;
    assert_eq!(ask_as(&fixture, "admin", PASSWORD, "r.expr(1)").await.status, StatusCode::OK);
    let login = fixture.post("/api/login", &json!({ "user": "admin", "password": PASSWORD })).await;
    let cookie = cookie(&login);
    let change = "r.db('rethinkdb').table('users').get('admin').update({password: 'new'})";
    assert_eq!(ask_as(&fixture, "admin", PASSWORD, change).await.status, StatusCode::OK);
    assert_eq!(ask_as(&fixture, "admin", PASSWORD, "r.expr(1)").await.status, StatusCode::UNAUTHORIZED);
    let session = send(fixture.request(Method::GET, "/api/session").header("cookie", &cookie)).await.json();
    assert_eq!(session["user"], Value::Null);
    fixture.stop().await;
}

#[tokio::test]
async fn a_cookie_needs_its_token() {
    let fixture = locked().await;
    let wrong = fixture.post("/api/login", &json!({ "user": "admin", "password": "?" })).await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (StatusCode::UNAUTHORIZED, ""));
    let login = fixture.post("/api/login", &json!({ "user": "admin", "password": PASSWORD })).await;
    let flags = login.header("set-cookie");
    assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Strict"), "{flags}");
    assert!(!flags.contains("Secure"), "a plain connection cannot keep it: {flags}");
    let (cookie, csrf) = (cookie(&login), login.json()["csrf"].as_str().expect("a token").to_owned());
    let query = |token: &str| {
        let request = fixture.request(Method::POST, "/api/query").header("cookie", &cookie);
        send(request.header("x-csrf-token", token).json(&json!({ "query": "r.expr(1)" })))
    };
    assert_eq!(query(&csrf).await.json()["result"], json!(1));
    assert_eq!(query("").await.status, StatusCode::FORBIDDEN);
    assert_eq!(query(&csrf[1..]).await.error_kind(), "Forbidden");
    let session = send(fixture.request(Method::GET, "/api/session").header("cookie", &cookie)).await.json();
    assert_eq!((&session["user"], &session["csrf"]), (&json!("admin"), &json!(csrf)));
    let logout = fixture.request(Method::POST, "/api/logout").header("cookie", &cookie);
    let logout = send(logout.header("x-csrf-token", &csrf)).await;
    assert_eq!((logout.status, &logout.json()["user"]), (StatusCode::OK, &Value::Null));
    assert_eq!(query(&csrf).await.status, StatusCode::UNAUTHORIZED);
    fixture.stop().await;
}

#[tokio::test]
async fn foreign_pages_are_refused() {
    let fixture = Fixture::start().await;
    let own = format!("http://{}", fixture.address());
    let ask = |name: &'static str, value: String| {
        let request = fixture.request(Method::POST, "/api/query").header(name, value);
        send(request.header("content-type", "text/plain").body("r.expr(1)"))
    };
    assert_eq!(ask("origin", own).await.status, StatusCode::OK);
    assert_eq!(ask("origin", "http://evil.example".into()).await.error_kind(), "Forbidden");
    assert_eq!(ask("origin", "null".into()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ask("sec-fetch-site", "cross-site".into()).await.status, StatusCode::FORBIDDEN);
    let renamed = ask("host", "evil.example".into()).await;
    assert_eq!(renamed.status, StatusCode::FORBIDDEN);
    assert!(renamed.text.contains("--http-host-name"), "{renamed:?}");
    assert_eq!(ask("host", "localhost:1".into()).await.status, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn named_hosts_and_origins_may_ask() {
    let http = HttpOptions {
        host_names: vec!["db.example.com".into()],
        cors_origins: vec!["https://app.example.com".into()],
    };
    let fixture = Fixture::start_with(None, http).await;
    let request = fixture.request(Method::POST, "/api/query").header("host", "db.example.com");
    let request = request.header("origin", "https://app.example.com");
    let reply = send(request.json(&json!({ "query": "r.expr(1)" }))).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("access-control-allow-origin"), "https://app.example.com");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let preflight = fixture.request(Method::OPTIONS, "/api/query").header("origin", "https://other.example");
    let preflight = send(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!(preflight.header("access-control-allow-origin"), "");
    fixture.stop().await;
}

#[tokio::test]
async fn any_origin_never_means_without_a_password() {
    let http = HttpOptions { cors_origins: vec!["*".into()], ..HttpOptions::default() };
    let fixture = Fixture::start_with(None, http).await;
    let from_afar = || fixture.request(Method::POST, "/api/query").header("origin", "https://evil.example");
    let anonymous = send(from_afar().json(&json!({ "query": "r.expr(1)" }))).await;
    assert_eq!(anonymous.status, StatusCode::FORBIDDEN);
    let known = from_afar().basic_auth("admin", Some("")).json(&json!({ "query": "r.expr(1)" }));
    assert_eq!(send(known).await.status, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn a_restricted_user_may_do_what_is_granted() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('open').do(r.tableCreate('closed'))").await;
    fixture.result("r.db('rethinkdb').table('users').insert({id: 'eve', password: 'p'})").await;
    fixture.result("r.table('open').grant('eve', {read: true})").await;
    let read = ask_as(&fixture, "eve", "p", "r.table('open').count()").await;
    assert_eq!(read.json()["result"], json!(0));
    for query in ["r.table('closed').count()", "r.table('open').insert({})", "r.tableCreate('x')"] {
        let reply = ask_as(&fixture, "eve", "p", query).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{query}: {reply:?}");
        assert_eq!(reply.error_kind(), "ReqlPermissionsError");
    }
    // Cursors are their user's own.
    let first = fixture.post("/api/query", &json!({ "query": "r.range(9)", "batch_rows": 2 })).await.json();
    let path = format!("/api/cursors/{}", first["cursor"].as_str().expect("a cursor"));
    let stolen = send(fixture.request(Method::GET, &path).basic_auth("eve", Some("p"))).await;
    assert_eq!(stolen.status, StatusCode::NOT_FOUND);
    assert_eq!(fixture.get(&path).await.status, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let fixture = locked().await;
    let mut replies = Vec::new();
    for _ in 0..photondb_server::door::FAILURES_PER_USER_MAX + 1 {
        replies.push(fixture.post("/api/login", &json!({ "user": "admin", "password": "?" })).await);
    }
    let last = replies.pop().expect("the last one");
    assert!(replies.iter().all(|reply| reply.status == StatusCode::UNAUTHORIZED), "{replies:?}");
    assert_eq!((last.status, last.error_kind().as_str()), (StatusCode::TOO_MANY_REQUESTS, "TooManyLogins"));
    assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0), "{last:?}");
    let right = fixture.post("/api/login", &json!({ "user": "admin", "password": PASSWORD })).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS, "who guesses right in time is told no more");
    fixture.stop().await;
}
