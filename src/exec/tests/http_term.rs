//! `r.http` from the wire form of a query to its answer, with servers out of a script.

mod support;

use std::sync::Arc;
use std::sync::Mutex;

use photondb_base::Cancel;
use photondb_exec::{
    AuthenticationScheme, FetchBody, FetchError, FetchMethod, FetchRequest, FetchResponse, FetchSession,
    Fetcher,
};
use support::{answer, answer_to, executor};

type Serve = dyn Fn(&FetchRequest) -> Result<FetchResponse, FetchError> + Send + Sync;

/// Answers by a function and remembers what it was asked.
#[derive(Clone)]
struct Scripted {
    serve: Arc<Serve>,
    requests: Arc<Mutex<Vec<FetchRequest>>>,
}

impl Scripted {
    fn new(
        serve: impl Fn(&FetchRequest) -> Result<FetchResponse, FetchError> + Send + Sync + 'static,
    ) -> Self {
        Self { serve: Arc::new(serve), requests: Arc::default() }
    }

    /// The answer to a query, and what was asked of servers for it.
    fn run(&self, term: &str) -> (String, Vec<FetchRequest>) {
        let answer = answer(&executor(Arc::new(self.clone())), term);
        (answer, std::mem::take(&mut self.requests.lock().unwrap()))
    }
}

impl Fetcher for Scripted {
    fn open(&self, _: Cancel) -> Box<dyn FetchSession> {
        Box::new(self.clone())
    }
}

impl FetchSession for Scripted {
    fn fetch(&mut self, request: &FetchRequest) -> Result<FetchResponse, FetchError> {
        self.requests.lock().unwrap().push(request.clone());
        (self.serve)(request)
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> FetchResponse {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    FetchResponse { status, headers: headers.iter().map(own).collect(), body: body.as_bytes().to_vec() }
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn text_server() -> Scripted {
    Scripted::new(|_| Ok(response(200, &[], "text")))
}

#[test]
fn a_request_has_defaults() {
    let (answer, requests) = text_server().run(r#"[153,["a.b/c"]]"#);
    assert_eq!(answer, "\"text\"");
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.method, request.url.as_str()), (FetchMethod::Get, "a.b/c"));
    assert_eq!((request.timeout.as_secs(), request.attempts, request.redirects), (30, 5, 1));
    assert!(request.verify && request.credentials.is_none() && request.headers.is_empty());
    assert_eq!(request.body, FetchBody::Empty);
}

#[test]
fn options_arrive_at_the_request() {
    let term = r#"[153,["u"],{"method":"POST","data":{"b":null,"a":1.5,"c":"x y"},"params":{"n":2,"z":null},
        "header":{"X-A":"1","Accept":null},"auth":{"type":"digest","user":"me","pass":"it"},
        "timeout":0.25,"attempts":2,"redirects":0,"verify":false}]"#;
    let (_, requests) = text_server().run(term);
    let [request] = &requests[..] else { panic!("{requests:?}") };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(request.body, FetchBody::Form(vec![pair("a", "1.5"), pair("b", ""), pair("c", "x y")]));
    assert_eq!(request.parameters, [pair("n", "2"), pair("z", "")]);
    let headers = [("Accept".to_owned(), None), ("X-A".to_owned(), Some("1".to_owned()))];
    assert_eq!(request.headers, headers);
    let credentials = request.credentials.as_ref().unwrap();
    assert_eq!(credentials.scheme, AuthenticationScheme::Digest);
    assert_eq!((request.timeout.as_millis(), request.attempts, request.redirects), (250, 2, 0));
    assert!(!request.verify);

    let term = r#"[153,["u"],{"method":"PUT","data":{"a":[2,[1,null]]},"header":[2,["X-A: 1"]]}]"#;
    let (_, requests) = text_server().run(term);
    assert_eq!(requests[0].body, FetchBody::Bytes(br#"{"a":[1,null]}"#.to_vec()));
    let json = ("Content-Type".to_owned(), Some("application/json".to_owned()));
    assert_eq!(requests[0].headers, [json, ("X-A".to_owned(), Some("1".to_owned()))]);
    let (_, requests) = text_server().run(r#"[153,["u"],{"method":"PATCH","data":"as it is"}]"#);
    assert_eq!(requests[0].body, FetchBody::Bytes(b"as it is".to_vec()));
    assert!(requests[0].headers.is_empty());
}

#[test]
fn bad_options_are_errors_in_rethinkdbs_words() {
    let server = text_server();
    for (options, expected) in [
        (
            r#""method":"get""#,
            "`method` (get) is not recognized (GET, HEAD, POST, PUT, PATCH and DELETE are allowed). @ [method]",
        ),
        (r#""method":1"#, "Expected type STRING but found NUMBER. @ [method]"),
        (
            r#""result_format":"xml""#,
            "`result_format` (xml) is not recognized, ('auto', 'json', 'jsonp', 'text', and 'binary' are allowed). @ [result_format]",
        ),
        (
            r#""data":"x""#,
            "`data` should only be specified on a PUT, POST, PATCH, or DELETE request.  If you want URL parameters, use `params` instead. @ []",
        ),
        (
            r#""data":1,"method":"POST""#,
            "Expected `data` to be a STRING or OBJECT, but found NUMBER. @ [data]",
        ),
        (
            r#""data":{"a":true},"method":"POST""#,
            "Expected `data.a` to be a NUMBER, STRING or NULL, but found BOOL. @ [data]",
        ),
        (r#""params":"a=b""#, "Expected `params` to be an OBJECT, but found STRING:\n\"a=b\" @ [params]"),
        (
            r#""params":{"a":true}"#,
            "Expected `params.a` to be a NUMBER, STRING or NULL, but found BOOL:\ntrue @ [params]",
        ),
        (r#""header":"A: b""#, "Expected `header` to be an ARRAY or OBJECT, but found STRING. @ [header]"),
        (r#""header":{"A":1}"#, "Expected `header.A` to be a STRING or NULL, but found NUMBER. @ [header]"),
        (r#""header":[2,["A: b",1]]"#, "Expected `header[1]` to be a STRING, but found NUMBER. @ [header]"),
        (r#""header":{"A":"b\nC: d"}"#, "A `header` item contains newline characters. @ [header]"),
        (r#""auth":"me""#, "Expected `auth` to be an OBJECT, but found STRING. @ [auth]"),
        (r#""auth":{"user":"me"}"#, "`auth.pass` not found in the auth object. @ [auth]"),
        (
            r#""auth":{"user":"me","pass":1}"#,
            "Expected `auth.pass` to be a STRING, but found NUMBER. @ [auth]",
        ),
        (
            r#""auth":{"type":"x","user":"a","pass":"b"}"#,
            "`auth.type` is not recognized ('basic', and 'digest' are allowed). @ [auth]",
        ),
        (r#""timeout":-1"#, "`timeout` may not be negative. @ [timeout]"),
        (r#""attempts":"5""#, "Expected type NUMBER but found STRING. @ [attempts]"),
        (r#""redirects":-1"#, "Integer too large: -1 @ [redirects]"),
        (r#""verify":1"#, "Expected type BOOL but found NUMBER. @ [verify]"),
        (
            r#""page":"link-next""#,
            "Cannot use `page` without specifying `page_limit` (a positive number performs that many requests, -1 is unlimited). @ [page]",
        ),
        (
            r#""page":"link-prev","page_limit":1"#,
            "`page` method 'link-prev' not recognized, only 'link-next' is available. @ [page]",
        ),
        (
            r#""page":"link-next","page_limit":-2"#,
            "`page_limit` should be greater than or equal to -1. @ [page_limit]",
        ),
    ] {
        let (answer, requests) = server.run(&format!("[153,[\"u\"],{{{options}}}]"));
        assert_eq!(answer, expected, "{options}");
        assert!(requests.is_empty(), "{options}");
    }
    assert_eq!(server.run("[153,[1]]").0, "Expected type STRING but found NUMBER. @ [0]");
}

#[test]
fn failures_can_be_caught() {
    let server = Scripted::new(|_| Err(FetchError::Resolve));
    let message = "Error in HTTP GET of `u`: Couldn't resolve host name.\nheader:\nnull\nbody:\nnull @ []";
    assert_eq!(server.run(r#"[153,["u"]]"#).0, message);
    assert_eq!(server.run(r#"[92,[[153,["u"]],"caught"]]"#).0, "\"caught\"");
    let server = Scripted::new(|_| Ok(response(404, &[("x", "y")], "no such page")));
    let message = "Error in HTTP HEAD of `u`: status code 404.\nheader:\n{\n\t\"x\":\t\"y\"\n}\nbody:\n\"no such page\" @ [0]";
    assert_eq!(server.run(r#"[31,[[153,["u"],{"method":"HEAD"}],"a"]]"#).0, message);
    let server = Scripted::new(|request| Err(FetchError::TimedOut(request.timeout)));
    let message = "Error in HTTP GET of `u`: timed out after 0.500 seconds.\nheader:\nnull\nbody:\nnull @ []";
    assert_eq!(server.run(r#"[153,["u"],{"timeout":0.5}]"#).0, message);
    let server = Scripted::new(|_| Err(FetchError::Cancelled));
    assert_eq!(server.run(r#"[92,[[153,["u"]],1]]"#).0, "Query terminated by the client. @ [0]");
    let server = Scripted::new(|_| Ok(response(200, &[("link", "garbage")], "")));
    let message = "Error in HTTP GET of `u`: failed to parse link header line: 'garbage'.\nheader:\nnull\nbody:\nnull @ []";
    assert_eq!(server.run(r#"[153,["u"]]"#).0, message);
}

/// Three pages of two numbers each, linked by their headers.
fn book() -> Scripted {
    Scripted::new(|request| {
        let page: u32 = request.url.rsplit('/').next().and_then(|page| page.parse().ok()).unwrap_or(1);
        let page = request
            .parameters
            .iter()
            .find(|(name, _)| name == "page")
            .map_or(page, |(_, value)| value.parse().unwrap());
        let next = format!("<http://book/{}>; rel=\"next\"", page + 1);
        let headers = [JSON, ("link", next.as_str())];
        let headers = if page < 3 { &headers[..] } else { &headers[..1] };
        Ok(response(200, headers, &format!("[{},{}]", page * 2 - 1, page * 2)))
    })
}

#[test]
fn pages_follow_the_links() {
    let run =
        |limit: i32| book().run(&format!(r#"[153,["book/1"],{{"page":"link-next","page_limit":{limit}}}]"#));
    let (answer, requests) = run(-1);
    assert_eq!(answer, "[1,2,3,4,5,6]");
    let urls: Vec<&str> = requests.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, ["book/1", "http://book/2", "http://book/3"]);
    assert_eq!(run(2).0, "[1,2,3,4]");
    assert_eq!((run(0).0.as_str(), run(0).1.len()), ("[]", 0));
    // Only as many pages are fetched as there are rows to answer.
    let (answer, requests) = book().run(r#"[71,[[153,["book/1"],{"page":"link-next","page_limit":-1}],2]]"#);
    assert_eq!((answer.as_str(), requests.len()), ("[1,2]", 1));
    let counted = r#"[43,[[153,["book/1"],{"page":"link-next","page_limit":-1}]]]"#;
    assert_eq!(book().run(counted).0, "6");
    let kind = r#"[52,[[153,["book/1"],{"page":"link-next","page_limit":-1}]]]"#;
    assert_eq!(book().run(kind).0, "\"STREAM\"");
}

#[test]
fn a_function_tells_the_next_page() {
    let run = |body: &str| {
        let function = format!("[69,[[2,[1]],{body}]]");
        book().run(&format!(
            r#"[153,["book"],{{"page":{function},"page_limit":5,"params":{{"page":1,"k":"v"}}}}]"#
        ))
    };
    let page = r#"[170,[[170,[[10,[1]],"params"]],"page"]]"#;
    let body = format!(r#"[65,[[19,[{page},3]],{{"params":{{"page":[24,[{page},1]]}}}},null]]"#);
    let (answer, requests) = run(&body);
    assert_eq!(answer, "[1,2,3,4,5,6]");
    let last: Vec<_> = requests[2].parameters.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(last, ["k=v", "page=3"]);
    assert_eq!(run(r#"{"url":null}"#).0, "[1,2]");
}

#[test]
fn a_page_function_that_fails_says_so() {
    let run = |body: &str| {
        let term = format!(r#"[153,["book/3"],{{"page":[69,[[2,[1]],{body}]],"page_limit":5}}]"#);
        book().run(&term).0
    };
    let called = "Error occurred during `page` called with:\n{\n\t\"body\":\t[\n\t\t5,\n\t\t6\n\t],\n\t\"header\":\t{\n\t\t\"content-type\":\t\"application/json\"\n\t},\n\t\"params\":\t{}\n}\n";
    for (body, reason, place) in [
        ("1", "Expected `page` to return an OBJECT, but found NUMBER.", "[]"),
        ("{\"a\":1}", "OBJECT returned by `page` must contain `url` and/or `params` fields.", "[]"),
        (
            "{\"url\":1}",
            "Expected `url` in OBJECT returned by `page` to be a STRING or NULL, but found NUMBER.",
            "[]",
        ),
        ("[31,[[10,[1]],\"x\"]]", "No attribute `x` in object:", "[page,1]"),
    ] {
        let answer = run(body);
        assert!(answer.starts_with(&format!("Error in HTTP GET of `book/3`: {reason}")), "{answer}");
        assert!(answer.ends_with(&format!("{called} @ {place}")), "{answer}");
    }
}

#[test]
fn users_need_the_permission_to_connect() {
    let server = text_server();
    let executor = executor(Arc::new(server.clone()));
    let message = "User `bob` does not have the required `connect` permission @ []";
    assert_eq!(answer_to(&executor, "bob", r#"[153,["u"]]"#), message);
    assert!(server.requests.lock().unwrap().is_empty());
}
