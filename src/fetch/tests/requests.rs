//! What goes over the wire, and what comes back.

mod support;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use photondb_base::Cancel;
use photondb_exec::{
    AuthenticationScheme, FetchBody, FetchCredentials, FetchError, FetchMethod, FetchRequest,
};
use support::{Reply, WebServer, answer, fetch, get, ok, session};

fn line(name: &str, value: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(value.to_owned()))
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn every_method_is_sent_with_its_body() {
    let server = WebServer::start(|seen| match seen.method.as_str() {
        "HEAD" => Reply::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec()),
        _ => ok(&seen.body),
    });
    for method in FetchMethod::ALL {
        let sends = !matches!(method, FetchMethod::Get | FetchMethod::Head);
        let body = if sends { FetchBody::Bytes(b"some bytes".to_vec()) } else { FetchBody::Empty };
        let response = fetch(&FetchRequest { method, body, ..get(server.url("/x")) }).expect("an answer");
        assert_eq!(response.status, 200);
        assert_eq!(response.body, if sends { b"some bytes".as_slice() } else { b"" }, "{}", method.name());
    }
    let methods: Vec<String> = server.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
    for method in [FetchMethod::Post, FetchMethod::Put, FetchMethod::Patch, FetchMethod::Delete] {
        let response = fetch(&FetchRequest { method, ..get(server.url("/x")) }).expect("an answer");
        assert_eq!(response.body, b"", "{}", method.name());
    }
}

#[test]
fn forms_and_parameters_are_encoded() {
    let server = WebServer::start(|seen| ok(&seen.body));
    let request = FetchRequest {
        method: FetchMethod::Post,
        body: FetchBody::Form(vec![pair("str", "%in fo+"), pair("nil", "")]),
        parameters: vec![pair("a b", "\u{e4}&=")],
        ..get(server.url("/p?q=1"))
    };
    assert_eq!(fetch(&request).expect("an answer").body, b"str=%25in%20fo%2B&nil=");
    let seen = &server.seen()[0];
    assert_eq!(seen.target, "/p?q=1&a%20b=%C3%A4%26%3D");
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn headers_are_sent_over_the_defaults() {
    let server = WebServer::start(|_| ok(b""));
    fetch(&get(server.url("/"))).expect("an answer");
    let headers = vec![
        line("X-Test", "entry"),
        line("User-Agent", "mine"),
        ("Accept".to_owned(), None),
        line("Content-Length", "5"),
        line("X-Empty", ""),
    ];
    fetch(&FetchRequest { headers, ..get(server.url("/")) }).expect("an answer");
    let [plain, own] = &server.seen()[..] else { panic!("two requests") };
    assert!(plain.header("user-agent").is_some_and(|agent| agent.starts_with("PhotonDB/")));
    assert_eq!(plain.header("accept"), Some("*/*"));
    assert_eq!(plain.header("accept-encoding"), Some("deflate;q=1, gzip;q=0.5"));
    assert_eq!(plain.header("host"), Some(format!("127.0.0.1:{}", server.port).as_str()));
    assert_eq!((own.header("x-test"), own.header("x-empty")), (Some("entry"), Some("")));
    assert_eq!((own.header("user-agent"), own.header("accept")), (Some("mine"), None));
    assert_eq!(own.header("content-length"), None);

    let bad = FetchRequest { headers: vec![line("not a name", "1")], ..get(server.url("/")) };
    assert_eq!(fetch(&bad), Err(FetchError::InvalidHeader("not a name".to_owned())));
    let json = vec![line("Content-Type", "application/json")];
    let (method, body) = (FetchMethod::Post, FetchBody::Bytes(b"{}".to_vec()));
    fetch(&FetchRequest { method, body, headers: json, ..get(server.url("/")) }).expect("an answer");
    let seen = server.seen();
    let types: Vec<_> = seen[2].headers.iter().filter(|(name, _)| name == "content-type").collect();
    assert_eq!(types, [&pair("content-type", "application/json")]);
}

#[test]
fn answers_are_whole() {
    let packed = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(b"{\"gzipped\":true}").expect("in memory");
        encoder.finish().expect("in memory")
    };
    let server = WebServer::start(move |seen| match seen.target.as_str() {
        "/gzip" => answer("200 OK", &["Content-Encoding: gzip"], &packed),
        "/broken" => answer("200 OK", &["Content-Encoding: gzip"], b"not packed"),
        "/chunked" => Reply::Send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".to_vec(),
        ),
        "/until-the-end" => Reply::SendAndClose(b"HTTP/1.1 200 OK\r\n\r\nall of it".to_vec()),
        "/cut" => Reply::SendAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()),
        "/weird" => Reply::SendAndClose(b"+OK POP3 ready\r\n\r\n".to_vec()),
        "/bytes" => answer("200 OK", &["Content-Type: image/png", "X-A: 1", "X-A: 2"], &[0, 255, 10]),
        "/large" => answer("200 OK", &[], &vec![b'a'; 100_001]),
        "/endless-header" => {
            Reply::SendAndClose([b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'a'; 200_000]].concat())
        }
        other => answer(&format!("{} No", &other[1..]), &["X-Why: because"], b"reason"),
    });
    let body = |path: &str| fetch(&get(server.url(path))).map(|response| response.body);
    assert_eq!(body("/gzip"), Ok(b"{\"gzipped\":true}".to_vec()));
    assert_eq!(body("/broken"), Err(FetchError::ContentEncoding));
    assert_eq!(body("/chunked"), Ok(b"abcde".to_vec()));
    assert_eq!(body("/until-the-end"), Ok(b"all of it".to_vec()));
    assert_eq!(body("/cut"), Err(FetchError::Receive));
    assert_eq!(body("/weird"), Err(FetchError::Protocol));
    assert_eq!(body("/large"), Err(FetchError::ResponseTooLarge { bytes_max: 100_000 }));
    assert!(matches!(body("/endless-header"), Err(FetchError::ResponseTooLarge { .. })));
    let response = fetch(&get(server.url("/bytes"))).expect("an answer");
    assert_eq!(response.body, [0, 255, 10]);
    assert_eq!((response.header("content-type"), response.header("x-a")), (Some("image/png"), Some("2")));
    for status in [204, 304, 404, 500] {
        let response = fetch(&get(server.url(&format!("/{status}")))).expect("an answer");
        assert_eq!((response.status, response.header("x-why")), (status, Some("because")));
    }
}

#[test]
fn redirects_are_followed_as_far_as_allowed() {
    let server = WebServer::start(|seen| match seen.target.as_str() {
        "/2" => answer("302 Found", &["Location: 1"], b"two to go"),
        "/1" => answer("301 Moved", &["Location: /0?done"], b""),
        "/same" => answer("307 Temporary Redirect", &["Location: /0"], b""),
        "/other" => answer("303 See Other", &["Location: /0"], b""),
        "/ftp" => answer("302 Found", &["Location: ftp://127.0.0.1/"], b""),
        "/loop" => answer("302 Found", &["Location: /loop"], b""),
        "/nowhere" => answer("302 Found", &[], b""),
        _ => ok(format!("{} {}", seen.method, seen.target).as_bytes()),
    });
    let run = |path: &str, redirects: u32| {
        let response = fetch(&FetchRequest { redirects, ..get(server.url(path)) })?;
        Ok((response.status, String::from_utf8(response.body).expect("text")))
    };
    assert_eq!(run("/2", 2), Ok((200, "GET /0?done".to_owned())));
    assert_eq!(run("/2", 1), Err(FetchError::TooManyRedirects));
    assert_eq!(run("/2", 0), Ok((302, "two to go".to_owned())));
    assert_eq!(run("/loop", 20), Err(FetchError::TooManyRedirects));
    assert_eq!(run("/ftp", 1), Err(FetchError::UnsupportedProtocol));
    assert_eq!(run("/nowhere", 1), Ok((302, String::new())));

    let post = |path: &str| {
        let (method, body) = (FetchMethod::Post, FetchBody::Bytes(b"data".to_vec()));
        let response = fetch(&FetchRequest { method, body, ..get(server.url(path)) }).expect("an answer");
        let last = server.seen().pop().expect("a request");
        (
            String::from_utf8(response.body).expect("text"),
            last.body.clone(),
            last.header("content-type").is_some(),
        )
    };
    assert_eq!(post("/same"), ("POST /0".to_owned(), b"data".to_vec(), true));
    assert_eq!(post("/other"), ("GET /0".to_owned(), Vec::new(), false));
    assert_eq!(post("/1"), ("GET /0?done".to_owned(), Vec::new(), false));
}

#[test]
fn secrets_stay_with_their_host() {
    let other = WebServer::start(|_| ok(b""));
    let location = format!("Location: {}", other.url("/"));
    let server = WebServer::start(move |seen| match seen.target.as_str() {
        "/away" => answer("302 Found", &[&location], b""),
        "/near" => answer("302 Found", &["Location: /"], b""),
        _ => ok(b""),
    });
    let request = |path: &str| FetchRequest {
        credentials: credentials(AuthenticationScheme::Basic, "hunter2"),
        headers: vec![line("Cookie", "own=1"), line("X-Test", "1")],
        ..get(server.url(path))
    };
    fetch(&request("/near")).expect("an answer");
    let near = server.seen().pop().expect("a request");
    assert_eq!((near.header("authorization").is_some(), near.header("cookie")), (true, Some("own=1")));
    fetch(&request("/away")).expect("an answer");
    let away = other.seen().pop().expect("a request");
    assert_eq!((away.header("authorization"), away.header("cookie")), (None, None));
    assert_eq!(away.header("x-test"), Some("1"));
}

fn credentials(scheme: AuthenticationScheme, password: &str) -> Option<FetchCredentials> {
    Some(FetchCredentials { scheme, user: "azure".to_owned(), password: password.to_owned() })
}

#[test]
fn users_are_proven_with_their_password() {
    let server = WebServer::start(|seen| match seen.header("authorization") {
        // "azure:hunter2"
        Some("Basic YXp1cmU6aHVudGVyMg==") => ok(b"in"),
        _ => answer("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b"out"),
    });
    let status = |scheme, password: &str| {
        let request = FetchRequest { credentials: credentials(scheme, password), ..get(server.url("/")) };
        fetch(&request).map(|response| response.status)
    };
    assert_eq!(status(AuthenticationScheme::Basic, "hunter2"), Ok(200));
    assert_eq!(status(AuthenticationScheme::Basic, "wrong"), Ok(401));
    assert_eq!(status(AuthenticationScheme::Digest, "hunter2"), Ok(401));
    let url = format!("http://azure:hunter2@127.0.0.1:{}/", server.port);
    assert_eq!(fetch(&get(url)).map(|response| response.status), Ok(200));
}

/// A server that checks digests of MD5 by hand: with `qop` left out, the answer is the hash
/// of three hashes that the test knows.
#[test]
fn challenges_are_answered() {
    use md5::{Digest, Md5};
    fn hash(text: &str) -> String {
        Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
    let server = WebServer::start(|seen| {
        let challenge = |nonce: &str, stale: &str| {
            let line = format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"{stale}");
            answer("401 Unauthorized", &[&line], b"out")
        };
        let Some(given) = seen.header("authorization") else { return challenge("old", "") };
        if given.contains("nonce=\"old\"") {
            return challenge("new", ", stale=true");
        }
        let request = hash(&format!("{}:{}", seen.method, seen.target));
        let expected = hash(&format!("{}:new:{request}", hash("azure:r:hunter2")));
        if given.contains(&format!("response=\"{expected}\"")) {
            ok(&seen.body)
        } else {
            challenge("new", "")
        }
    });
    let run = |password: &str| {
        let request = FetchRequest {
            method: FetchMethod::Put,
            body: FetchBody::Bytes(b"data".to_vec()),
            credentials: credentials(AuthenticationScheme::Digest, password),
            ..get(server.url("/a?b=c"))
        };
        fetch(&request).map(|response| (response.status, response.body))
    };
    assert_eq!(run("hunter2"), Ok((200, b"data".to_vec())));
    assert_eq!(server.seen().len(), 3);
    assert_eq!(run("wrong"), Ok((401, b"out".to_vec())));
    assert_eq!(server.seen().len(), 6);
}

#[test]
fn a_session_keeps_cookies_and_connections() {
    let server = WebServer::start(|_| answer("200 OK", &["Set-Cookie: a=1", "Set-Cookie: b=2; Path=/"], b""));
    let mut session = session(Cancel::default());
    for _ in 0..2 {
        session.fetch(&get(server.url("/"))).expect("an answer");
    }
    fetch(&get(server.url("/"))).expect("an answer");
    let cookies: Vec<_> = server.seen().iter().map(|seen| seen.header("cookie").map(str::to_owned)).collect();
    assert_eq!(cookies, [None, Some("a=1; b=2".to_owned()), None]);
}
