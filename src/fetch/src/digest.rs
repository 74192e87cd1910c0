//! Digest authentication (RFC 7616): answering a challenge without sending the password.

use md5::Md5;
use photondb_exec::FetchCredentials;
use sha2::{Digest, Sha256, Sha512_256};

/// What a server asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether the hash is bound to this nonce and ours.
    session: bool,
    protection: Protection,
    user_hash: bool,
    /// The answer was right but the nonce too old.
    pub(crate) stale: bool,
}

/// In order of strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512Of256,
}

/// What the answer covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    /// As in the first version, RFC 2069.
    None,
    Request,
    RequestAndBody,
}

/// The request that an answer is for.
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
}

impl Challenge {
    /// The strongest challenge that can be answered among the values of `WWW-Authenticate`.
    pub(crate) fn strongest<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let challenges = lines.flat_map(challenges);
        let digests = challenges.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("digest"));
        digests.filter_map(|(_, parameters)| Self::read(&parameters)).max_by_key(|c| c.algorithm)
    }

    fn read(parameters: &[(String, String)]) -> Option<Self> {
        let get = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let is_true = |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let name = get("algorithm").unwrap_or("MD5").to_ascii_uppercase();
        let (name, session) = match name.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let algorithm = match name {
            "MD5" => Algorithm::Md5,
            "SHA-256" => Algorithm::Sha256,
            "SHA-512-256" => Algorithm::Sha512Of256,
            _ => return None,
        };
        let protection = match get("qop") {
            None => Protection::None,
            Some(list) => {
                let offers =
                    |wanted: &str| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(wanted));
                match (offers("auth"), offers("auth-int")) {
                    (true, _) => Protection::Request,
                    (_, true) => Protection::RequestAndBody,
                    _ => return None,
                }
            }
        };
        Some(Self {
            realm: get("realm").unwrap_or_default().to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm,
            session,
            protection,
            user_hash: is_true("userhash"),
            stale: is_true("stale"),
        })
    }

    /// The value of `Authorization`. `count` tells how often this nonce has been answered,
    /// this time included.
    pub(crate) fn answer(
        &self,
        credentials: &FetchCredentials,
        subject: &Subject<'_>,
        client_nonce: &str,
        count: u32,
    ) -> String {
        let hash = |text: &str| self.hash(text.as_bytes());
        let FetchCredentials { user, password, .. } = credentials;
        let mut secret = hash(&format!("{user}:{}:{password}", self.realm));
        if self.session {
            secret = hash(&format!("{secret}:{}:{client_nonce}", self.nonce));
        }
        let mut request = format!("{}:{}", subject.method, subject.target);
        if self.protection == Protection::RequestAndBody {
            request = format!("{request}:{}", self.hash(subject.body));
        }
        let request = hash(&request);
        let quality = match self.protection {
            Protection::None => None,
            Protection::Request => Some("auth"),
            Protection::RequestAndBody => Some("auth-int"),
        };
        let response = match quality {
            Some(quality) => {
                hash(&format!("{secret}:{}:{count:08x}:{client_nonce}:{quality}:{request}", self.nonce))
            }
            None => hash(&format!("{secret}:{}:{request}", self.nonce)),
        };
        let user = if self.user_hash { hash(&format!("{user}:{}", self.realm)) } else { user.clone() };
        let name = match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512Of256 => "SHA-512-256",
        };
        let mut answer = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\", algorithm={name}{}",
            quote(&user),
            quote(&self.realm),
            quote(&self.nonce),
            quote(subject.target),
            if self.session { "-sess" } else { "" },
        );
        if let Some(opaque) = &self.opaque {
            answer.push_str(&format!(", opaque={}", quote(opaque)));
        }
        if let Some(quality) = quality {
            answer.push_str(&format!(", qop={quality}, nc={count:08x}"));
        }
        if quality.is_some() || self.session {
            answer.push_str(&format!(", cnonce=\"{client_nonce}\""));
        }
        if self.user_hash {
            answer.push_str(", userhash=true");
        }
        answer
    }

    fn hash(&self, bytes: &[u8]) -> String {
        match self.algorithm {
            Algorithm::Md5 => hexadecimal(&Md5::digest(bytes)),
            Algorithm::Sha256 => hexadecimal(&Sha256::digest(bytes)),
            Algorithm::Sha512Of256 => hexadecimal(&Sha512_256::digest(bytes)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The challenges of one line: scheme and parameters of each.
fn challenges(line: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = line.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() {
        let end = rest.find(['=', ',', ' ', '\t']).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        let behind = behind.trim_start();
        if let Some(value) = behind.strip_prefix('=') {
            let (value, behind) = read_value(value.trim_start());
            if let Some((_, parameters)) = found.last_mut() {
                parameters.push((word.to_owned(), value));
            }
            rest = behind;
        } else {
            found.push((word.to_owned(), Vec::new()));
            rest = behind;
        }
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    found
}

/// A value in quotes or without, and what stands behind it.
fn read_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, behind) = text.split_at(text.find([',', ' ', '\t']).unwrap_or(text.len()));
        return (value.to_owned(), behind);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((position, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(position + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use photondb_exec::AuthenticationScheme;

    use super::*;

    fn credentials(user: &str, password: &str) -> FetchCredentials {
        let (user, password) = (user.to_owned(), password.to_owned());
        FetchCredentials { scheme: AuthenticationScheme::Digest, user, password }
    }

    /// The example of the standard, section 3.9.1.
    #[test]
    fn the_standards_example_is_answered() {
        let lines = [
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
            r#"Basic realm="x", Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
        ];
        let subject = Subject { method: "GET", target: "/dir/index.html", body: b"" };
        let nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        for (lines, response) in [
            (&lines[..1], "8ca523f5e9506fed4657c9700eebdbec"),
            (&lines[..], "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = Challenge::strongest(lines.iter().copied());
            let challenge = challenge.unwrap_or_else(|| panic!("{lines:?}"));
            let answer = challenge.answer(&credentials("Mufasa", "Circle of Life"), &subject, nonce, 1);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("qop=auth, nc=00000001"), "{answer}");
        }
    }

    /// The example of RFC 2069 as corrected by its errata.
    #[test]
    fn the_first_version_is_answered() {
        let line = r#"Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let challenge = Challenge::strongest([line].into_iter()).unwrap_or_else(|| panic!("{line}"));
        let subject = Subject { method: "GET", target: "/dir/index.html", body: b"" };
        let answer = challenge.answer(&credentials("Mufasa", "CircleOfLife"), &subject, "c", 1);
        assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
        assert!(!answer.contains("qop="), "{answer}");
    }

    #[test]
    fn what_cannot_be_answered_is_left() {
        for line in ["", "Basic realm=\"x\"", "Digest realm=\"x\"", "Digest nonce=a, algorithm=SHA-9"] {
            assert_eq!(Challenge::strongest([line].into_iter()), None, "{line}");
        }
        let line = "Digest nonce=a, stale=TRUE, realm=\"a\\\"b\"";
        let challenge = Challenge::strongest([line].into_iter()).unwrap_or_else(|| panic!("{line}"));
        assert!(challenge.stale);
        assert_eq!(challenge.realm, "a\"b");
    }
}
