//! A server's answer as data.

use std::collections::BTreeMap;

use photondb_datum::json::{self, ParseLimits};
use photondb_datum::{Datum, DatumError, DatumErrorKind, Object, Text};

use crate::error::{EvalError, Result};
use crate::fetch::{FetchMethod, FetchRequest, FetchResponse};
use crate::terms::http::link::add_links;
use crate::terms::http::padded_json::unpad;
use crate::terms::http::{Page, described, unanswered};

/// Bytes of a body that an error shows.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;

/// How a body becomes data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResultFormat {
    /// As its content type says.
    Auto,
    Json,
    PaddedJson,
    Text,
    Binary,
}

impl ResultFormat {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "json" => Self::Json,
            "jsonp" => Self::PaddedJson,
            "text" => Self::Text,
            "binary" => Self::Binary,
            _ => return None,
        })
    }
}

/// The answer of a server as data, or as an error of the request.
pub(super) fn interpret(
    response: FetchResponse,
    request: &FetchRequest,
    format: ResultFormat,
    array_size_max: usize,
) -> Result<Page> {
    let header = header(&response).map_err(|reason| unanswered(request, &reason))?;
    if !(200..300).contains(&response.status) {
        let reason = format!("status code {}", response.status);
        return Err(failure_with_answer(request, &reason, &header, &response));
    }
    if request.method == FetchMethod::Head {
        return Ok(Page { header, body: Datum::Null });
    }
    let limits = ParseLimits { array_size_max, ..ParseLimits::default() };
    let parsed = match format {
        ResultFormat::Auto => automatic(&response, limits),
        ResultFormat::Json => parse_json(&response.body, limits),
        ResultFormat::PaddedJson => parse_padded(&response.body, limits),
        ResultFormat::Text => Ok(text(&response)),
        ResultFormat::Binary => Ok(binary(&response)),
    };
    match parsed {
        Ok(body) => Ok(Page { header, body }),
        Err(Unreadable::Limit(error)) => {
            let error = EvalError::from(error);
            Err(error.reworded(described(request, error.message().trim_end_matches('.'))))
        }
        Err(Unreadable::Syntax(reason)) => Err(failure_with_answer(request, &reason, &header, &response)),
    }
}

/// Why a body does not become data.
enum Unreadable {
    /// It is too much for this query.
    Limit(DatumError),
    /// It is not in its format.
    Syntax(String),
}

fn automatic(response: &FetchResponse, limits: ParseLimits) -> std::result::Result<Datum, Unreadable> {
    let content_type = response.header("content-type").unwrap_or_default().trim().to_ascii_lowercase();
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| content_type.starts_with(prefix));
    // Before `application/json`, which is how it begins.
    if is(&["application/json-p", "text/json-p", "text/javascript"]) {
        return match parse_json(&response.body, limits).or_else(|_| parse_padded(&response.body, limits)) {
            Err(Unreadable::Syntax(_)) => Ok(text(response)),
            parsed => parsed,
        };
    }
    if is(&["application/json"]) {
        return parse_json(&response.body, limits);
    }
    if is(&["audio/", "image/", "video/", "application/octet-stream"]) {
        return Ok(binary(response));
    }
    Ok(text(response))
}

fn parse_json(body: &[u8], limits: ParseLimits) -> std::result::Result<Datum, Unreadable> {
    json::parse(body, limits).map_err(|error| match error {
        DatumError::Json { kind, .. } => {
            let reason = kind.to_string();
            Unreadable::Syntax(format!("failed to parse JSON response: {}", reason.trim_end_matches('.')))
        }
        error if error.kind() == DatumErrorKind::ResourceLimit => Unreadable::Limit(error),
        error => {
            let reason = error.to_string();
            Unreadable::Syntax(format!("failed to parse JSON response: {}", reason.trim_end_matches('.')))
        }
    })
}

fn parse_padded(body: &[u8], limits: ParseLimits) -> std::result::Result<Datum, Unreadable> {
    let inner = std::str::from_utf8(body).ok().and_then(unpad);
    let Some(inner) = inner else {
        return Err(Unreadable::Syntax("failed to parse JSONP response".to_owned()));
    };
    parse_json(inner.as_bytes(), limits)
}

fn binary(response: &FetchResponse) -> Datum {
    Datum::Binary(response.body.clone().into())
}

/// The body as text: bytes that are no UTF-8 are taken for Latin-1 if the server says so,
/// else replaced.
fn text(response: &FetchResponse) -> Datum {
    match std::str::from_utf8(&response.body) {
        Ok(text) => Datum::from(text),
        Err(_) if is_latin(response.header("content-type").unwrap_or_default()) => {
            Datum::from(response.body.iter().map(|byte| char::from(*byte)).collect::<String>())
        }
        Err(_) => Datum::from(String::from_utf8_lossy(&response.body).into_owned()),
    }
}

fn is_latin(content_type: &str) -> bool {
    let content_type = content_type.to_ascii_lowercase();
    ["iso-8859-1", "latin1", "windows-1252"].iter().any(|name| content_type.contains(name))
}

/// The header as an object; of a header that comes twice the last one.
fn header(response: &FetchResponse) -> std::result::Result<Datum, String> {
    let mut links = BTreeMap::new();
    let mut fields = BTreeMap::new();
    for (name, value) in &response.headers {
        if name == "link" {
            add_links(value, &mut links)
                .ok_or_else(|| format!("failed to parse link header line: '{value}'"))?;
        } else {
            fields.insert(name.as_str(), Datum::from(value.as_str()));
        }
    }
    if !links.is_empty() {
        let links: Object = links.into_iter().map(|(key, url)| (Text::from(key), Datum::from(url))).collect();
        fields.insert("link", Datum::from(links));
    }
    let header: Object = fields.into_iter().map(|(name, value)| (Text::from(name), value)).collect();
    Ok(Datum::from(header))
}

/// A failure that shows what the server answered.
fn failure_with_answer(
    request: &FetchRequest,
    reason: &str,
    header: &Datum,
    response: &FetchResponse,
) -> EvalError {
    let mut message = described(request, reason);
    message.push_str("\nheader:\n");
    message.push_str(&header.print());
    message.push_str("\nbody:\n");
    let shown = response.body.get(..ERROR_BODY_BYTES_MAX).unwrap_or(&response.body);
    let body = match shown {
        [] => Datum::Null,
        shown => Datum::from(String::from_utf8_lossy(shown).into_owned()),
    };
    message.push_str(&body.print());
    EvalError::absent(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchBody;

    fn request(method: FetchMethod) -> FetchRequest {
        FetchRequest {
            method,
            url: "a.b".to_owned(),
            parameters: Vec::new(),
            headers: Vec::new(),
            body: FetchBody::Empty,
            credentials: None,
            timeout: std::time::Duration::from_secs(1),
            attempts: 1,
            redirects: 0,
            verify: true,
        }
    }

    fn response(content_type: &str, body: &[u8]) -> FetchResponse {
        FetchResponse {
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.to_vec(),
        }
    }

    fn body(format: ResultFormat, content_type: &str, body: &[u8]) -> Result<Datum> {
        let request = request(FetchMethod::Get);
        Ok(interpret(response(content_type, body), &request, format, 3)?.body)
    }

    #[test]
    fn the_content_type_decides() {
        let automatic =
            |content_type: &str, text: &[u8]| body(ResultFormat::Auto, content_type, text).unwrap();
        assert_eq!(automatic("application/json; charset=utf-8", b"[1]"), Datum::from(vec![Datum::from(1)]));
        assert_eq!(automatic("text/javascript", b"7"), Datum::from(7));
        assert_eq!(automatic("text/javascript", b"f(7);"), Datum::from(7));
        assert_eq!(automatic("application/json-p", b"f(7);"), Datum::from(7));
        assert_eq!(automatic("text/javascript", b"var a;"), Datum::from("var a;"));
        assert_eq!(automatic("Image/PNG", b"\x89"), Datum::Binary(vec![0x89].into()));
        assert_eq!(automatic("application/octet-stream", b"a"), Datum::Binary(vec![b'a'].into()));
        assert_eq!(automatic("text/html", b"[1]"), Datum::from("[1]"));
        assert_eq!(automatic("text/html; charset=ISO-8859-1", b"\xe4"), Datum::from("\u{e4}"));
        assert_eq!(automatic("", b"a\xe4"), Datum::from("a\u{fffd}"));
    }

    #[test]
    fn bodies_that_are_not_in_their_format_are_errors() {
        let error = body(ResultFormat::Json, "text/html", b"<html>").unwrap_err();
        assert!(error.is_absent());
        let message = error.message();
        let first = "Error in HTTP GET of `a.b`: failed to parse JSON response: Invalid value.\nheader:\n";
        assert!(message.starts_with(first), "{message}");
        assert!(message.ends_with("\nbody:\n\"<html>\""), "{message}");
        let error = body(ResultFormat::PaddedJson, "text/html", b"[1]").unwrap_err();
        assert!(error.message().contains("failed to parse JSONP response."), "{error}");
        let error = body(ResultFormat::Json, "", b"[1,2,3,4]").unwrap_err();
        assert!(!error.is_absent());
        assert!(error.message().contains("Array over size limit"), "{error}");
    }

    #[test]
    fn a_head_has_no_body() {
        let page = interpret(response("", b""), &request(FetchMethod::Head), ResultFormat::Text, 9).unwrap();
        assert_eq!(page.body, Datum::Null);
    }
}
