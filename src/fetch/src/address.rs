//! URLs: as people write them, as redirects change them, as requests need them.

use std::fmt::Write;

use photondb_exec::FetchError;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    secure: bool,
    /// In lower case, brackets included for an IPv6 address.
    host: String,
    port: Option<u16>,
    /// From the first slash to the end of the query, encoded.
    path_and_query: String,
    /// Name and password that the URL itself gives.
    user: Option<(String, String)>,
}

impl Address {
    /// Reads a URL; one without a scheme is taken for `http`.
    pub(crate) fn parse(text: &str) -> Result<Self, FetchError> {
        let text = text.trim();
        let (secure, rest) = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => (is_secure(scheme)?, rest),
            _ => (false, text),
        };
        Self::parse_behind_scheme(secure, rest)
    }

    fn parse_behind_scheme(secure: bool, text: &str) -> Result<Self, FetchError> {
        let end = text.find(['/', '?', '#', '\\']).unwrap_or(text.len());
        let (authority, rest) = text.split_at(end);
        let (user, host_and_port) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = split_port(host_and_port)?;
        let is_literal = host.starts_with('[') && host.ends_with(']');
        let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if host.is_empty() {
            return Err(FetchError::MalformedUrl);
        }
        if !is_literal && !is_name {
            return Err(if host.is_ascii() { FetchError::MalformedUrl } else { FetchError::Resolve });
        }
        let user = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (decode(name), decode(password))
        });
        let rest = rest.split('#').next().unwrap_or_default();
        let slash = if rest.starts_with('/') { "" } else { "/" };
        let path_and_query = encode_rest(&format!("{slash}{rest}"));
        Ok(Self { secure, host: host.to_ascii_lowercase(), port, path_and_query, user })
    }

    /// The same with names and values appended to the query.
    pub(crate) fn with_parameters(mut self, parameters: &[(String, String)]) -> Self {
        if parameters.is_empty() {
            return self;
        }
        if !self.path_and_query.contains('?') {
            self.path_and_query.push('?');
        } else if !self.path_and_query.ends_with(['?', '&']) {
            self.path_and_query.push('&');
        }
        self.path_and_query.push_str(&encode_form(parameters));
        self
    }

    /// Where a redirect from here leads.
    pub(crate) fn join(&self, location: &str) -> Result<Self, FetchError> {
        let location = location.trim();
        if let Some((scheme, rest)) = location.split_once(':')
            && is_scheme(scheme)
        {
            let secure = is_secure(scheme)?;
            return Self::parse_behind_scheme(secure, rest.trim_start_matches('/'));
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse_behind_scheme(self.secure, rest);
        }
        let location = location.split('#').next().unwrap_or_default();
        let (path, query) = split_query(&self.path_and_query);
        let (new_path, new_query) = split_query(location);
        let (path, query) = if new_path.is_empty() {
            (path.to_owned(), if new_query.is_empty() { query } else { new_query })
        } else if new_path.starts_with('/') {
            (without_dots(new_path), new_query)
        } else {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            (without_dots(&format!("{folder}{new_path}")), new_query)
        };
        Ok(Self { path_and_query: encode_rest(&format!("{path}{query}")), ..self.clone() })
    }

    /// The whole URL without name and password.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}://{}{port}{}", self.host, self.path_and_query)
    }

    /// Whether credentials for the one may go to the other.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure && self.host == other.host && self.port() == other.port()
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn path(&self) -> &str {
        split_query(&self.path_and_query).0
    }

    pub(crate) fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    pub(crate) fn user(&self) -> Option<&(String, String)> {
        self.user.as_ref()
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn is_secure(scheme: &str) -> Result<bool, FetchError> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok(false),
        "https" => Ok(true),
        _ => Err(FetchError::UnsupportedProtocol),
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), FetchError> {
    // A colon within brackets belongs to an IPv6 address.
    let behind = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text[behind..].rfind(':') {
        None => Ok((text, None)),
        Some(colon) => {
            let (host, port) = (&text[..behind + colon], &text[behind + colon + 1..]);
            if port.is_empty() {
                return Ok((host, None));
            }
            // `parse` alone would take a sign.
            if !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(FetchError::MalformedUrl);
            }
            Ok((host, Some(port.parse().map_err(|_| FetchError::MalformedUrl)?)))
        }
    }
}

/// The path, and the query with its question mark.
fn split_query(text: &str) -> (&str, &str) {
    text.split_at(text.find('?').unwrap_or(text.len()))
}

/// A path without the steps `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Encodes what may not stand in a URL; what is encoded already stays as it is.
fn encode_rest(text: &str) -> String {
    encode(text, |byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    })
}

/// Names and values as in a query or a form.
pub(crate) fn encode_form(fields: &[(String, String)]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name, plain), encode(value, plain)))
        .collect();
    pairs.join("&")
}

fn encode(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let pair = behind.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<String, FetchError> {
        Address::parse(text).map(|address| address.url())
    }

    #[test]
    fn urls_are_read_as_people_write_them() {
        for (text, read) in [
            ("example.org", "http://example.org/"),
            ("Example.org:81?a=b", "http://example.org:81/?a=b"),
            ("HTTPS://example.org/a b#c", "https://example.org/a%20b"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
            ("http://u:p%40@h/\u{e4}%41", "http://h/%C3%A4%41"),
            ("h/login?next=http://other/", "http://h/login?next=http://other/"),
        ] {
            assert_eq!(url(text).as_deref(), Ok(read), "{text}");
        }
        let user = Address::parse("http://u:p%40@h/").map(|address| address.user().cloned());
        assert_eq!(user, Ok(Some(("u".to_owned(), "p@".to_owned()))));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in ["", "http://", "http:///a", "h:port/", "h:+1/", "h:70000", "a b/"] {
            assert_eq!(url(text), Err(FetchError::MalformedUrl), "{text}");
        }
        assert_eq!(url("ftp://a/"), Err(FetchError::UnsupportedProtocol));
        assert_eq!(url("file:///etc/passwd"), Err(FetchError::UnsupportedProtocol));
        assert_eq!(url("http://\u{e4}.example/"), Err(FetchError::Resolve));
    }

    #[test]
    fn parameters_are_appended() {
        let fields = [("a b".to_owned(), "1&2".to_owned()), ("nil".to_owned(), String::new())];
        for (text, expected) in [
            ("h", "http://h/?a%20b=1%262&nil="),
            ("h/p?x=1#f", "http://h/p?x=1&a%20b=1%262&nil="),
            ("h/p?", "http://h/p?a%20b=1%262&nil="),
        ] {
            let address = Address::parse(text).map(|address| address.with_parameters(&fields).url());
            assert_eq!(address.as_deref(), Ok(expected));
        }
    }

    #[test]
    fn redirects_are_relative_to_where_they_come_from() {
        let base = Address::parse("http://h:1/a/b/c?q=1").unwrap_or_else(|error| panic!("{error}"));
        for (location, expected) in [
            ("https://o/x", "https://o/x"),
            ("//o/x", "http://o/x"),
            ("/x?y", "http://h:1/x?y"),
            ("x", "http://h:1/a/b/x"),
            ("../x", "http://h:1/a/x"),
            ("../../../x/./y/..", "http://h:1/x/"),
            ("?r=2", "http://h:1/a/b/c?r=2"),
            ("", "http://h:1/a/b/c?q=1"),
            ("x#f", "http://h:1/a/b/x"),
        ] {
            assert_eq!(
                base.join(location).map(|address| address.url()).as_deref(),
                Ok(expected),
                "{location}"
            );
        }
        assert_eq!(base.join("ftp://o/x"), Err(FetchError::UnsupportedProtocol));
        assert_eq!(base.join("javascript:alert(1)"), Err(FetchError::UnsupportedProtocol));
    }
}
