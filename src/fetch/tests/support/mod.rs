//! A web server of a few lines, each connection on a thread of its own.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use photondb_base::{Cancel, SeededRandom};
use photondb_exec::{FetchBody, FetchError, FetchMethod, FetchRequest, FetchResponse, FetchSession, Fetcher};
use photondb_fetch::HttpFetcher;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// The value of a header, the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What a server does with a request.
pub enum Reply {
    /// These bytes and then the next request.
    Send(Vec<u8>),
    /// These bytes and then the end.
    SendAndClose(Vec<u8>),
    /// Nothing, for this long.
    Sleep(Duration),
}

/// A server on a port of its own.
pub struct WebServer {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl WebServer {
    /// Serves by a function until the test process ends.
    pub fn start(serve: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (serve, record) = (Arc::new(serve), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serve, record) = (Arc::clone(&serve), Arc::clone(&record));
                thread::spawn(move || converse(stream, &*serve, &record));
            }
        });
        Self { port, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }
}

fn converse(stream: TcpStream, serve: &dyn Fn(&Seen) -> Reply, record: &Mutex<Vec<Seen>>) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read(&mut reader) {
        let reply = serve(&seen);
        record.lock().expect("no panic").push(seen);
        match reply {
            Reply::Send(bytes) if writer.write_all(&bytes).is_ok() => {}
            Reply::Send(_) => return,
            Reply::SendAndClose(bytes) => {
                // The client may have gone already, which is what some tests are about.
                writer.write_all(&bytes).unwrap_or_default();
                return;
            }
            Reply::Sleep(time) => {
                thread::sleep(time);
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen { method, target, headers, body: Vec::new() };
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

/// An answer with a length, header lines first.
pub fn answer(status: &str, headers: &[&str], body: &[u8]) -> Reply {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
    Reply::Send([head.as_bytes(), body].concat())
}

pub fn ok(body: &[u8]) -> Reply {
    answer("200 OK", &[], body)
}

/// A request with short patience.
pub fn get(url: impl Into<String>) -> FetchRequest {
    FetchRequest {
        method: FetchMethod::Get,
        url: url.into(),
        parameters: Vec::new(),
        headers: Vec::new(),
        body: FetchBody::Empty,
        credentials: None,
        timeout: Duration::from_secs(10),
        attempts: 1,
        redirects: 5,
        verify: true,
    }
}

/// A session of a fetcher that takes bodies of 100,000 bytes.
pub fn session(cancel: Cancel) -> Box<dyn FetchSession> {
    HttpFetcher::with_limit(Arc::new(SeededRandom::new(5)), 100_000).open(cancel)
}

pub fn fetch(request: &FetchRequest) -> Result<FetchResponse, FetchError> {
    session(Cancel::default()).fetch(request)
}
