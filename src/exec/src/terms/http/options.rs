//! What the optional arguments of `r.http` say.

use std::time::Duration;

use photondb_datum::{Datum, Object, json};

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::fetch::{AuthenticationScheme, FetchBody, FetchCredentials, FetchMethod, FetchRequest};
use crate::terms::http::pages::{NextPage, Paging};
use crate::terms::http::response::ResultFormat;
use crate::value::{Kind, Value, text};

/// Seconds that a request may take unless `timeout` says otherwise, as in RethinkDB.
const TIMEOUT_DEFAULT_SECONDS: f64 = 30.0;
/// Seconds that `timeout` may say; more is taken for this.
const TIMEOUT_SECONDS_MAX: f64 = 3600.0;
/// Tries unless `attempts` says otherwise, as in RethinkDB.
const ATTEMPTS_DEFAULT: u64 = 5;
/// Redirects to follow unless `redirects` says otherwise, as in RethinkDB.
const REDIRECTS_DEFAULT: u32 = 1;

/// A request and what to do with its answer.
pub(super) struct Options {
    pub(super) request: FetchRequest,
    pub(super) format: ResultFormat,
    pub(super) paging: Option<Paging>,
}

impl Options {
    pub(super) fn read(call: &Invocation<'_>) -> Result<Self> {
        let url = call.value(0)?.into_text()?.as_str().to_owned();
        let credentials = credentials(call)?;
        let method = method(call)?;
        let mut headers = Vec::new();
        let body = body(call, method, &mut headers)?;
        let format = format(call)?;
        let (parameters_given, parameters) = match call.option("params")? {
            Some(value) => at_its_site(value, |datum| {
                let object = parameters_object(&datum)?;
                let parameters = parameters(&object)?;
                Ok((object, parameters))
            })?,
            None => (Object::empty(), Vec::new()),
        };
        if let Some(value) = call.option("header")? {
            at_its_site(value, |datum| read_headers(&datum, &mut headers))?;
        }
        let request = FetchRequest {
            method,
            url,
            parameters,
            headers,
            body,
            credentials,
            timeout: timeout(call)?,
            attempts: match call.option("attempts")? {
                // RethinkDB takes a negative number for a very large one.
                Some(value) => value.into_integer()? as u64,
                None => ATTEMPTS_DEFAULT,
            },
            redirects: match call.option("redirects")? {
                Some(value) => redirects(value)?,
                None => REDIRECTS_DEFAULT,
            },
            verify: call.option_bool("verify")?.unwrap_or(true),
        };
        Ok(Self { request, format, paging: paging(call, parameters_given)? })
    }
}

/// Reads an option whose complaints point at it.
fn at_its_site<T>(value: Value, read: impl FnOnce(Datum) -> Result<T>) -> Result<T> {
    let site = value.site;
    value.into_datum().and_then(read).map_err(|error| error.at(site))
}

fn method(call: &Invocation<'_>) -> Result<FetchMethod> {
    let Some(value) = call.option("method")? else { return Ok(FetchMethod::Get) };
    at_its_site(value, |datum| {
        let name = text(&datum)?;
        let known = FetchMethod::ALL.into_iter().find(|method| method.name() == name.as_str());
        known.ok_or_else(|| {
            EvalError::logic(format!(
                "`method` ({name}) is not recognized (GET, HEAD, POST, PUT, PATCH and DELETE are allowed)."
            ))
        })
    })
}

fn format(call: &Invocation<'_>) -> Result<ResultFormat> {
    let Some(value) = call.option("result_format")? else { return Ok(ResultFormat::Auto) };
    at_its_site(value, |datum| {
        let name = text(&datum)?;
        ResultFormat::from_name(&name).ok_or_else(|| {
            EvalError::logic(format!(
                "`result_format` ({name}) is not recognized, ('auto', 'json', 'jsonp', 'text', and \
                 'binary' are allowed)."
            ))
        })
    })
}

fn timeout(call: &Invocation<'_>) -> Result<Duration> {
    let Some(value) = call.option("timeout")? else {
        return Ok(Duration::from_secs_f64(TIMEOUT_DEFAULT_SECONDS));
    };
    let site = value.site;
    let seconds = value.into_number()?;
    if seconds < 0.0 {
        return Err(EvalError::logic("`timeout` may not be negative.").at(site));
    }
    Ok(Duration::from_secs_f64(seconds.min(TIMEOUT_SECONDS_MAX)))
}

fn redirects(value: Value) -> Result<u32> {
    let site = value.site;
    let number = value.into_integer()?;
    u32::try_from(number).map_err(|_| EvalError::logic(format!("Integer too large: {number}")).at(site))
}

fn credentials(call: &Invocation<'_>) -> Result<Option<FetchCredentials>> {
    let Some(value) = call.option("auth")? else { return Ok(None) };
    at_its_site(value, |datum| {
        let object = plain_object(&datum).ok_or_else(|| {
            EvalError::logic(format!("Expected `auth` to be an OBJECT, but found {}.", datum.type_name()))
        })?;
        let scheme = match object.get("type") {
            Some(Datum::String(name)) => Some(name),
            Some(other) => return Err(unexpected("auth.type", "a STRING", &other)),
            None => None,
        };
        let item = |name: &str| match object.get(name) {
            Some(Datum::String(text)) => Ok(text.as_str().to_owned()),
            Some(other) => Err(unexpected(&format!("auth.{name}"), "a STRING", &other)),
            None => Err(EvalError::logic(format!("`auth.{name}` not found in the auth object."))),
        };
        let (user, password) = (item("user")?, item("pass")?);
        let scheme = match scheme.as_deref() {
            None | Some("basic") => AuthenticationScheme::Basic,
            Some("digest") => AuthenticationScheme::Digest,
            Some(_) => {
                return Err(EvalError::logic(
                    "`auth.type` is not recognized ('basic', and 'digest' are allowed).",
                ));
            }
        };
        Ok(Some(FetchCredentials { scheme, user, password }))
    })
}

fn body(
    call: &Invocation<'_>,
    method: FetchMethod,
    headers: &mut Vec<(String, Option<String>)>,
) -> Result<FetchBody> {
    let Some(value) = call.option("data")? else { return Ok(FetchBody::Empty) };
    match method {
        FetchMethod::Get | FetchMethod::Head => Err(EvalError::logic(
            "`data` should only be specified on a PUT, POST, PATCH, or DELETE request.  If you want URL \
             parameters, use `params` instead.",
        )),
        FetchMethod::Post => at_its_site(value, |datum| match &datum {
            Datum::String(text) => Ok(FetchBody::Bytes(text.as_bytes().to_vec())),
            _ => match plain_object(&datum) {
                Some(object) => form(object).map(FetchBody::Form),
                None => Err(unexpected("data", "a STRING or OBJECT", &datum)),
            },
        }),
        FetchMethod::Put | FetchMethod::Patch | FetchMethod::Delete => {
            at_its_site(value, |datum| match &datum {
                Datum::String(text) => Ok(FetchBody::Bytes(text.as_bytes().to_vec())),
                _ => {
                    headers.push(("Content-Type".to_owned(), Some("application/json".to_owned())));
                    Ok(FetchBody::Bytes(json::to_string(&datum)?.into_bytes()))
                }
            })
        }
    }
}

fn form(object: &Object) -> Result<Vec<(String, String)>> {
    let mut fields = Vec::with_capacity(object.len());
    for (name, value) in object {
        let Some(printed) = print_parameter(&value) else {
            return Err(unexpected(&format!("data.{name}"), "a NUMBER, STRING or NULL", &value));
        };
        fields.push((name.as_str().to_owned(), printed));
    }
    Ok(fields)
}

/// The object whose fields are appended to the URL.
pub(super) fn parameters_object(datum: &Datum) -> Result<Object> {
    match plain_object(datum) {
        Some(object) => Ok(object.clone()),
        None => Err(bad_parameter("params", "an OBJECT", datum)),
    }
}

/// Names and values to append to the URL.
pub(super) fn parameters(object: &Object) -> Result<Vec<(String, String)>> {
    let mut parameters = Vec::with_capacity(object.len());
    for (name, value) in object {
        let Some(printed) = print_parameter(&value) else {
            return Err(bad_parameter(&format!("params.{name}"), "a NUMBER, STRING or NULL", &value));
        };
        parameters.push((name.as_str().to_owned(), printed));
    }
    Ok(parameters)
}

fn bad_parameter(name: &str, expected: &str, found: &Datum) -> EvalError {
    EvalError::logic(format!(
        "Expected `{name}` to be {expected}, but found {}:\n{}",
        found.type_name(),
        found.print()
    ))
}

/// A form field or a parameter as text.
fn print_parameter(value: &Datum) -> Option<String> {
    match value {
        Datum::String(text) => Some(text.as_str().to_owned()),
        Datum::Null => Some(String::new()),
        Datum::Number(number) => {
            let mut printed = Vec::new();
            json::write_number(*number, &mut printed);
            String::from_utf8(printed).ok()
        }
        _ => None,
    }
}

/// An object gives one line for each field, an array has the lines themselves.
fn read_headers(datum: &Datum, headers: &mut Vec<(String, Option<String>)>) -> Result<()> {
    let check = |line: &str| {
        if line.contains(['\r', '\n']) {
            return Err(EvalError::logic("A `header` item contains newline characters."));
        }
        Ok(())
    };
    match datum {
        Datum::Array(lines) => {
            for (index, line) in lines.iter().enumerate() {
                let Datum::String(line) = &line else {
                    return Err(unexpected(&format!("header[{index}]"), "a STRING", &line));
                };
                check(line)?;
                headers.extend(header_line(line));
            }
        }
        _ => {
            let Some(object) = plain_object(datum) else {
                return Err(unexpected("header", "an ARRAY or OBJECT", datum));
            };
            for (name, value) in object {
                let value = match value {
                    Datum::String(text) => Some(text.as_str().to_owned()),
                    Datum::Null => None,
                    other => return Err(unexpected(&format!("header.{name}"), "a STRING or NULL", &other)),
                };
                check(&name)?;
                check(value.as_deref().unwrap_or_default())?;
                headers.push((name.as_str().to_owned(), value));
            }
        }
    }
    Ok(())
}

/// A line as libcurl understands it: `Name: value`, `Name:` to leave a header out, `Name;`
/// for one without a value; anything else says nothing.
fn header_line(line: &str) -> Option<(String, Option<String>)> {
    if let Some((name, value)) = line.split_once(':') {
        let value = value.trim();
        return Some((name.trim().to_owned(), (!value.is_empty()).then(|| value.to_owned())));
    }
    let name = line.trim_end().strip_suffix(';')?;
    Some((name.trim().to_owned(), Some(String::new())))
}

fn paging(call: &Invocation<'_>, parameters: Object) -> Result<Option<Paging>> {
    let (page, limit) = (call.option("page")?, call.option("page_limit")?);
    let Some(page) = page else { return Ok(None) };
    let Some(limit) = limit else {
        return Err(EvalError::logic(
            "Cannot use `page` without specifying `page_limit` (a positive number performs that many \
             requests, -1 is unlimited).",
        )
        .at(page.site));
    };
    let site = page.site;
    let next = match page.kind {
        Kind::Function(function) => NextPage::Function(function),
        _ => match page.into_datum()? {
            Datum::Null => return Ok(None),
            datum => match text(&datum).map_err(|error| error.at(site))?.as_str() {
                "link-next" => NextPage::Link,
                other => {
                    return Err(EvalError::logic(format!(
                        "`page` method '{other}' not recognized, only 'link-next' is available."
                    ))
                    .at(site));
                }
            },
        },
    };
    let site = limit.site;
    let pages_max =
        match limit.into_integer()? {
            -1 => None,
            limit => Some(u64::try_from(limit).map_err(|_| {
                EvalError::logic("`page_limit` should be greater than or equal to -1.").at(site)
            })?),
        };
    Ok(Some(Paging { next, pages_max, parameters }))
}

fn plain_object(datum: &Datum) -> Option<&Object> {
    match datum {
        Datum::Object(object) if !object.is_pseudo() => Some(object),
        _ => None,
    }
}

fn unexpected(name: &str, expected: &str, found: &Datum) -> EvalError {
    EvalError::logic(format!("Expected `{name}` to be {expected}, but found {}.", found.type_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lines_are_read_as_libcurl_does() {
        let line = |text: &str| header_line(text);
        assert_eq!(line("A: b: c"), Some(("A".to_owned(), Some("b: c".to_owned()))));
        assert_eq!(line("Accept:"), Some(("Accept".to_owned(), None)));
        assert_eq!(line("X-Empty;"), Some(("X-Empty".to_owned(), Some(String::new()))));
        assert_eq!(line("nothing"), None);
    }

    #[test]
    fn parameters_are_printed_as_they_are_written() {
        let print = |datum: Datum| print_parameter(&datum);
        assert_eq!(print(Datum::Number(135.5)).as_deref(), Some("135.5"));
        assert_eq!(print(Datum::Number(2.0)).as_deref(), Some("2"));
        assert_eq!(print(Datum::Null).as_deref(), Some(""));
        assert_eq!(print(Datum::Bool(true)), None);
    }
}
