//! Which pages a browser asks for, and whether the server is called by a name of its own.
//!
//! A browser sends requests for every page it shows, to this server as to any other. Two things
//! keep a foreign page from using a visitor's way to this server: the `Origin` of a request
//! must be the server's own, and, while no password is asked for, the server must be called by
//! an address or a name that nobody else can give out.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::error::HttpError;
use crate::options::HttpOptions;

/// The name and port by which the client calls this server.
pub(crate) fn called(parts: &Parts) -> Option<Authority> {
    // HTTP/2 has it beside the path.
    parts.uri.authority().cloned().or_else(|| text(&parts.headers, HOST.as_str())?.parse().ok())
}

/// Refuses requests that a page of somebody else has sent.
pub(crate) fn check_origin(parts: &Parts, options: &HttpOptions) -> Result<(), HttpError> {
    let Some(origin) = text(&parts.headers, ORIGIN.as_str()) else {
        // Browsers leave the origin out of plain loads, and say so.
        return match text(&parts.headers, "sec-fetch-site") {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(foreign()),
        };
    };
    let authority = origin.split_once("://").and_then(|(_, rest)| rest.parse::<Authority>().ok());
    let is_own = authority.is_some_and(|origin| {
        called(parts).is_some_and(|own| own.as_str().eq_ignore_ascii_case(origin.as_str()))
    });
    if is_own || options.trusts(origin) { Ok(()) } else { Err(foreign()) }
}

/// Refuses requests to a name that is not this server's own.
pub(crate) fn check_name(parts: &Parts, options: &HttpOptions) -> Result<(), HttpError> {
    let name = called(parts);
    let name = name.as_ref().map_or("", |authority| authority.host());
    let is_known = |known: &String| known.eq_ignore_ascii_case(name);
    if is_local_name(name) || options.host_names.iter().any(is_known) {
        return Ok(());
    }
    Err(HttpError::forbidden(format!(
        "This server does not know itself as `{name}`. While `admin` has no password, it answers only to its \
         addresses, to `localhost` and to names given with --http-host-name: otherwise any web page could reach \
         it through a visitor's browser. Name the host there, set a password, or call the server by its address."
    )))
}

fn is_local_name(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let lower = name.to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok() || lower == "localhost" || lower.ends_with(".localhost")
}

fn foreign() -> HttpError {
    HttpError::forbidden(
        "This request comes from a page of another origin. Origins that may ask this server are named with --cors.",
    )
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/api/query");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn only_own_pages_and_named_origins_may_ask() {
        let options =
            HttpOptions { cors_origins: vec!["https://app.example.com".into()], ..Default::default() };
        let host = ("host", "127.0.0.1:8080");
        let allowed: &[&[(&str, &str)]] = &[
            &[host],
            &[host, ("origin", "http://127.0.0.1:8080")],
            &[host, ("origin", "https://app.example.com")],
            &[host, ("sec-fetch-site", "none")],
        ];
        for headers in allowed {
            assert!(check_origin(&parts(headers), &options).is_ok(), "{headers:?}");
        }
        let refused: &[&[(&str, &str)]] = &[
            &[host, ("origin", "http://127.0.0.1:8081")],
            &[host, ("origin", "http://evil.example")],
            &[host, ("origin", "null")],
            &[host, ("sec-fetch-site", "cross-site")],
            &[("origin", "http://evil.example")],
        ];
        for headers in refused {
            assert!(check_origin(&parts(headers), &options).is_err(), "{headers:?}");
        }
    }

    #[test]
    fn names_that_others_give_out_are_not_ours() {
        let options = HttpOptions { host_names: vec!["db.internal".into()], ..Default::default() };
        for host in
            ["127.0.0.1:8080", "[::1]:80", "localhost", "LOCALHOST:1", "x.localhost", "DB.internal:8080"]
        {
            assert!(check_name(&parts(&[("host", host)]), &options).is_ok(), "{host}");
        }
        for host in ["evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(check_name(&parts(&[("host", host)]), &options).is_err(), "{host}");
        }
    }
}
