//! Servers that are slow, absent, broken or endless, and queries that do not wait for them.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use photondb_base::Cancel;
use photondb_exec::{FetchError, FetchRequest};
use support::{Reply, WebServer, answer, fetch, get, ok, session};

/// Longer than any of these tests may take.
const LONG: Duration = Duration::from_secs(60);

fn elapsed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[test]
fn time_is_limited_wherever_the_server_stops() {
    let server = WebServer::start(|seen| match seen.target.as_str() {
        "/body" => Reply::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
        "/header" => Reply::Send(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
        "/error" => answer("503 Service Unavailable", &[], b""),
        _ => Reply::Sleep(LONG),
    });
    let timeout = Duration::from_millis(300);
    for path in ["/silence", "/header", "/body", "/error"] {
        let request = FetchRequest { timeout, attempts: u64::MAX, ..get(server.url(path)) };
        let time = elapsed(|| assert_eq!(fetch(&request), Err(FetchError::TimedOut(timeout)), "{path}"));
        assert!(time < Duration::from_secs(5), "{path} took {time:?}");
    }
    let request = FetchRequest { timeout: Duration::ZERO, ..get(server.url("/body")) };
    assert_eq!(fetch(&request), Err(FetchError::TimedOut(Duration::ZERO)));
}

/// A byte now and then does not extend the time.
#[test]
fn a_server_that_drips_is_no_exception() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("it listens");
        while stream.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let timeout = Duration::from_millis(400);
    let request = FetchRequest { timeout, ..get(url) };
    let time = elapsed(|| assert_eq!(fetch(&request), Err(FetchError::TimedOut(timeout))));
    assert!(time < Duration::from_secs(5), "{time:?}");
}

#[test]
fn a_cancelled_query_does_not_wait() {
    let server = WebServer::start(|seen| match seen.target.as_str() {
        "/error" => answer("503 Service Unavailable", &[], b""),
        _ => Reply::Sleep(LONG),
    });
    for path in ["/silence", "/error"] {
        let cancel = Cancel::default();
        let canceller = cancel.clone();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            canceller.cancel();
        });
        let request = FetchRequest { timeout: LONG, attempts: u64::MAX, ..get(server.url(path)) };
        let time =
            elapsed(|| assert_eq!(session(cancel).fetch(&request), Err(FetchError::Cancelled), "{path}"));
        assert!(time < Duration::from_secs(5), "{path} took {time:?}");
        thread.join().expect("no panic");
    }
}

#[test]
fn endless_bodies_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("it listens");
        while stream.write_all(&[b'a'; 4096]).is_ok() {}
    });
    assert_eq!(fetch(&get(url)), Err(FetchError::ResponseTooLarge { bytes_max: 100_000 }));
    // The connection is closed, not left to fill up.
    server.join().expect("no panic");
}

#[test]
fn what_may_pass_is_tried_again() {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let server = WebServer::start(move |seen| {
        let tries = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match (seen.target.as_str(), tries) {
            ("/404", _) => answer("404 Not Found", &[], b""),
            (_, 0) => answer("503 Service Unavailable", &[], b""),
            (_, 1) => Reply::SendAndClose(Vec::new()),
            _ => ok(b"at last"),
        }
    });
    let request = FetchRequest { attempts: 3, ..get(server.url("/")) };
    assert_eq!(fetch(&request).map(|response| response.body), Ok(b"at last".to_vec()));
    assert_eq!(server.seen().len(), 3);
    let request = FetchRequest { attempts: 3, ..get(server.url("/404")) };
    assert_eq!(fetch(&request).map(|response| response.status), Ok(404));
    assert_eq!(server.seen().len(), 4);
    let request = FetchRequest { attempts: 0, ..get(server.url("/")) };
    assert_eq!(fetch(&request), Err(FetchError::NoAttempts));
}

#[test]
fn the_last_failure_is_told() {
    let server = WebServer::start(|seen| match seen.target.as_str() {
        "/500" => answer("500 Internal Server Error", &[], b"sorry"),
        _ => Reply::SendAndClose(Vec::new()),
    });
    let request = |path: &str| FetchRequest { attempts: 2, ..get(server.url(path)) };
    let failed = fetch(&request("/500")).map(|response| (response.status, response.body));
    assert_eq!(failed, Ok((500, b"sorry".to_vec())));
    assert_eq!(fetch(&request("/")), Err(FetchError::Receive));
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn servers_that_are_not_there_are_told_apart() {
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    assert_eq!(fetch(&get(format!("http://{free}/"))), Err(FetchError::Connect));
    assert_eq!(fetch(&get("http://no-such-host.invalid/")), Err(FetchError::Resolve));
    assert_eq!(fetch(&get("file:///etc/passwd")), Err(FetchError::UnsupportedProtocol));
    assert_eq!(fetch(&get("http://")), Err(FetchError::MalformedUrl));
}

#[test]
fn tls_with_a_server_that_speaks_none_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut greeting = [0; 512];
            stream.read(&mut greeting).unwrap_or_default();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_or_default();
        }
    });
    for verify in [true, false] {
        assert_eq!(fetch(&FetchRequest { verify, ..get(url.clone()) }), Err(FetchError::Tls));
    }
}
