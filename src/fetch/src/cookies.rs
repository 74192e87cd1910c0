//! Cookies: kept from answer to request within one session (RFC 6265).

use std::time::{SystemTime, UNIX_EPOCH};

use crate::address::Address;

/// Cookies of one session.
const COOKIES_MAX: usize = 256;
/// Bytes of name and value together.
const COOKIE_BYTES_MAX: usize = 4096;

/// The cookies that servers have set.
#[derive(Debug, Default)]
pub(crate) struct CookieJar {
    cookies: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    /// Whether hosts below this one get it too.
    below: bool,
    path: String,
    secure: bool,
}

impl CookieJar {
    /// Takes over the value of a `Set-Cookie`.
    pub(crate) fn store(&mut self, from: &Address, line: &str) {
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            host: from.host().to_owned(),
            below: false,
            path: folder(from.path()).to_owned(),
            secure: false,
        };
        let mut expired = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    // A host may speak for those above it, but not for a whole top-level domain.
                    if !domain.contains('.') && domain != from.host() || !is_below(from.host(), &domain) {
                        return;
                    }
                    cookie.host = domain;
                    cookie.below = true;
                }
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "secure" => cookie.secure = true,
                "max-age" => expired |= value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                // Sessions are short: it matters only whether the server takes a cookie back.
                "expires" => expired |= seconds_of(value).is_some_and(|seconds| seconds <= now_seconds()),
                _ => {}
            }
        }
        if cookie.name.is_empty() || cookie.name.len() + cookie.value.len() > COOKIE_BYTES_MAX {
            return;
        }
        let same =
            |kept: &Cookie| kept.name == cookie.name && kept.host == cookie.host && kept.path == cookie.path;
        self.cookies.retain(|kept| !same(kept));
        if !expired && self.cookies.len() < COOKIES_MAX {
            self.cookies.push(cookie);
        }
    }

    /// The value of the `Cookie` for a request, if there is any.
    pub(crate) fn header(&self, to: &Address) -> Option<String> {
        let matching = self.cookies.iter().filter(|cookie| {
            let host = cookie.host == to.host() || cookie.below && is_below(to.host(), &cookie.host);
            host && is_in(to.path(), &cookie.path) && (!cookie.secure || to.is_secure())
        });
        let pairs: Vec<String> = matching.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
}

fn is_in(path: &str, folder: &str) -> bool {
    match path.strip_prefix(folder) {
        Some(rest) => rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

fn folder(path: &str) -> &str {
    match path.rfind('/') {
        Some(slash) if slash > 0 => path.get(..slash).unwrap_or("/"),
        _ => "/",
    }
}

fn now_seconds() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
}

/// Seconds from the epoch to the day of `Thu, 01 Jan 1970 00:00:00 GMT`, in any of the forms
/// that servers write it in.
fn seconds_of(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (mut day, mut month, mut year) = (None, None, None);
    for word in date.split([' ', '-', ',']).filter(|word| !word.is_empty()) {
        if let Ok(number) = word.parse::<i64>() {
            if day.is_none() && word.len() <= 2 {
                day = Some(number);
            } else if year.is_none() && number < 10_000 {
                // Two digits are of this century or the one before.
                year =
                    Some(if number >= 100 { number } else { number + if number < 70 { 2000 } else { 1900 } });
            }
        } else if let Some(name) = word.get(..3) {
            let position = MONTHS.iter().position(|known| name.eq_ignore_ascii_case(known));
            month = month.or(position.map(|position| position as i64 + 1));
        }
    }
    let (day, month, year) = (day?, month?, year?);
    // Days since the epoch, with years that begin in March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some((days + (153 * month + 2) / 5 + day - 1 - 719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    #[test]
    fn cookies_go_back_to_where_they_came_from() {
        let mut jar = CookieJar::default();
        let from = address("http://www.example.org/shop/list");
        jar.store(&from, "a=1");
        jar.store(&from, "b=2; Path=/; HttpOnly");
        jar.store(&from, "c=3; Domain=example.org; Path=/");
        jar.store(&from, "d=4; Secure; Path=/");
        let sent = |url: &str| jar.header(&address(url));
        assert_eq!(sent("http://www.example.org/shop/x").as_deref(), Some("a=1; b=2; c=3"));
        assert_eq!(sent("http://www.example.org/").as_deref(), Some("b=2; c=3"));
        assert_eq!(sent("https://www.example.org/").as_deref(), Some("b=2; c=3; d=4"));
        assert_eq!(sent("http://other.example.org/").as_deref(), Some("c=3"));
        assert_eq!(sent("http://badexample.org/"), None);
    }

    #[test]
    fn cookies_are_replaced_and_removed() {
        let mut jar = CookieJar::default();
        let from = address("http://h.example/");
        jar.store(&from, "a=1");
        jar.store(&from, "a=2");
        assert_eq!(jar.header(&from).as_deref(), Some("a=2"));
        jar.store(&from, "a=; Max-Age=0");
        assert_eq!(jar.header(&from), None);
        jar.store(&from, "a=3; Expires=Wed, 21 Oct 2015 07:28:00 GMT");
        assert_eq!(jar.header(&from), None);
        jar.store(&from, "x=1; Domain=other.example");
        jar.store(&from, "x=1; Domain=example");
        jar.store(&from, "nothing");
        assert_eq!(jar.header(&from), None);
    }

    #[test]
    fn dates_are_read_in_any_form() {
        assert_eq!(seconds_of("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds_of("Sunday, 06-Nov-94 08:49:37 GMT"), Some(784_080_000));
        assert_eq!(seconds_of("Sun Nov  6 08:49:37 1994"), Some(784_080_000));
        assert_eq!(seconds_of("Tue, 29 Feb 2028 00:00:00 GMT"), Some(1_835_395_200));
        assert_eq!(seconds_of("soon"), None);
    }
}
