//! A server in this process, and clients of its HTTP door.
#![allow(dead_code, reason = "each test that includes this uses a part of it")]

use std::path::Path;
use std::time::{Duration, Instant};

use photondb::{Database, DatabaseOptions, HttpOptions, Server, ServerOptions};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

pub const BACKUPS: &str = "/api/backups";
pub const BACKUP_TIMEOUT: Duration = Duration::from_secs(60);

/// What the table of [`Fixture::start_with_document`] holds, and what changes there.
pub const ONE_DOCUMENT: &str = "r.table('t').changes({includeInitial: true})";

/// A server in this process. Must be stopped.
pub struct Fixture {
    pub database: Database,
    pub server: Server,
    pub client: Client,
}

/// An answer as a test looks at it.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of the error that it must be.
    pub fn error_kind(&self) -> String {
        self.json()["error"]["kind"].as_str().unwrap_or_else(|| panic!("no error: {self:?}")).to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Fixture {
    pub async fn start() -> Self {
        Self::start_with(None, HttpOptions::default()).await
    }

    pub async fn start_with(password: Option<&str>, http: HttpOptions) -> Self {
        let options =
            DatabaseOptions { initial_password: password.map(str::to_owned), ..DatabaseOptions::in_memory() };
        Self::open(&options, http).await
    }

    /// On a directory, with a document in a new table, of which [`ONE_DOCUMENT`] is a feed.
    pub async fn start_with_document(directory: &Path) -> Self {
        let fixture = Self::start_in(directory).await;
        fixture.result("r.tableCreate('t')").await;
        fixture.result("r.table('t').insert({id: 1})").await;
        fixture
    }

    /// On a directory, which outlives the server.
    pub async fn start_in(directory: &Path) -> Self {
        Self::open(&DatabaseOptions::directory(directory), HttpOptions::default()).await
    }

    async fn open(options: &DatabaseOptions, http: HttpOptions) -> Self {
        let database = Database::open(options).expect("opens");
        let options = ServerOptions { driver_port: 0, http_port: Some(0), http, ..ServerOptions::default() };
        let server = database.serve(&options).await.expect("listens");
        Self { database, server, client: Client::new() }
    }

    pub async fn stop(self) {
        assert!(self.server.stop().await, "something still runs");
    }

    /// The database, too, whose directory others may open then.
    pub async fn stop_all(self) {
        assert!(self.server.stop().await, "something still runs");
        self.database.close().expect("closes");
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.http_port().expect("HTTP is on"))
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address()))
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// Runs ReQL without credentials.
    pub async fn ask(&self, query: &str) -> Reply {
        self.post("/api/query", &json!({ "query": query })).await
    }

    /// The result of ReQL that must succeed.
    pub async fn result(&self, query: &str) -> Value {
        let reply = self.ask(query).await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {reply:?}");
        reply.json()["result"].clone()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Begins a backup, of the kind that `mode` says.
    pub async fn begin_backup(&self, mode: &str) -> Reply {
        self.post(BACKUPS, &json!({ "mode": mode })).await
    }

    /// Waits until no backup is taken or verified; gives what there is.
    pub async fn settled_backups(&self) -> Value {
        let end = Instant::now() + BACKUP_TIMEOUT;
        loop {
            let found = self.get(BACKUPS).await.json();
            if found["running"].is_null() {
                return found;
            }
            assert!(Instant::now() < end, "{found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes a backup to its end; gives what there is.
    pub async fn back_up(&self, mode: &str) -> Value {
        let reply = self.begin_backup(mode).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        let found = self.settled_backups().await;
        assert_eq!(found["last"]["outcome"], "done", "{found}");
        found
    }
}

/// A feed cannot go on since the server was restarted, and its user is told what to do.
pub fn assert_lost_with_its_server(error: &Value) {
    assert_eq!(error["kind"], json!("ResumeTooOld"));
    let message = error["message"].as_str().expect("a text");
    assert!(message.contains("restarted") && message.contains("includeInitial"), "{message}");
}

pub async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    Reply { status, headers, text: response.text().await.expect("a whole answer") }
}
