//! SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, both sides.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of a SHA-256 digest.
pub const DIGEST_BYTES: usize = 32;
/// Bytes of a nonce before it is printed.
pub const NONCE_BYTES: usize = 18;
/// PBKDF2 iterations of a new password unless the server is told otherwise.
pub const ITERATIONS_DEFAULT: u32 = 4096;
/// The most iterations a client agrees to: a hostile server must not hold it for minutes.
pub const ITERATIONS_MAX: u32 = 10_000_000;
/// `n,,` in base64: no channel binding, no other identity.
const GS2_HEADER_BASE64: &str = "biws";

type Key = [u8; DIGEST_BYTES];

/// What a server keeps of a password: nothing that logs in anywhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredentials {
    /// Random bytes, public.
    pub salt: Vec<u8>,
    /// PBKDF2 iterations.
    pub iterations: u32,
    /// Verifies the client.
    pub stored_key: Key,
    /// Proves the server.
    pub server_key: Key,
}

impl fmt::Debug for ScramCredentials {
    /// Keys stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredentials").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramCredentials {
    /// Derives the keys of a password. Takes milliseconds, by design.
    pub fn derive(password: &[u8], salt: Vec<u8>, iterations: u32) -> Self {
        let salted = salted_password(password, &salt, iterations);
        Self {
            salt,
            iterations,
            stored_key: sha256(&hmac(&salted, b"Client Key")),
            server_key: hmac(&salted, b"Server Key"),
        }
    }

    /// Whether this is the password, for protocols that send it in the clear.
    pub fn verifies(&self, password: &[u8]) -> bool {
        let other = Self::derive(password, self.salt.clone(), self.iterations);
        self.stored_key.ct_eq(&other.stored_key).into()
    }
}

/// Why an authentication failed, in RethinkDB's numbers and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// A message that does not follow the grammar.
    #[error("Invalid encoding")]
    InvalidEncoding,
    /// A mandatory extension.
    #[error("Extensions not supported")]
    ExtensionsNotSupported,
    /// The proof does not match.
    #[error("Wrong password")]
    WrongPassword,
    /// The client wants its TLS channel checked.
    #[error("Channel binding is not supported")]
    ChannelBindingNotSupported,
    /// No such user.
    #[error("Unknown user")]
    UnknownUser,
    /// A user name with a broken escape.
    #[error("Invalid username encoding")]
    InvalidUsernameEncoding,
    /// Anything else; a wrong nonce, above all.
    #[error("Other error")]
    Other,
}

impl ScramError {
    /// The `error_code` of the answer.
    pub const fn code(self) -> i32 {
        match self {
            Self::InvalidEncoding => 10,
            Self::ExtensionsNotSupported => 11,
            Self::WrongPassword => 12,
            Self::ChannelBindingNotSupported => 15,
            Self::UnknownUser => 17,
            Self::InvalidUsernameEncoding => 18,
            Self::Other => 20,
        }
    }
}

/// The client's first message, read.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientFirst {
    /// The user who wants in.
    pub user: String,
    bare: String,
    nonce: String,
}

impl ClientFirst {
    /// Reads `n,,n=USER,r=NONCE`.
    pub fn parse(message: &str) -> Result<Self, ScramError> {
        let rest = message.strip_prefix("n,").ok_or(ScramError::ChannelBindingNotSupported)?;
        let (_authorization_identity, bare) = rest.split_once(',').ok_or(ScramError::InvalidEncoding)?;
        let (mut user, mut nonce) = (None, None);
        for attribute in Attributes(bare) {
            match attribute? {
                ('n', value) => set_once(&mut user, unescape_name(value)?)?,
                ('r', value) => set_once(&mut nonce, value.to_owned())?,
                ('m', _) => return Err(ScramError::ExtensionsNotSupported),
                _ => return Err(ScramError::InvalidEncoding),
            }
        }
        match (user, nonce) {
            (Some(user), Some(nonce)) => Ok(Self { user, bare: bare.to_owned(), nonce }),
            _ => Err(ScramError::InvalidEncoding),
        }
    }
}

/// The server's side after the first message.
pub struct ServerExchange {
    /// `None` for an unknown user, who learns that only at the end.
    credentials: Option<ScramCredentials>,
    client_first_bare: String,
    server_first: String,
    nonce: String,
}

impl ServerExchange {
    /// Answers the first message. `nonce` must be fresh random bytes.
    pub fn begin(
        first: ClientFirst,
        credentials: Option<ScramCredentials>,
        nonce: &[u8; NONCE_BYTES],
    ) -> Self {
        let nonce_text = format!("{}{}", first.nonce, STANDARD.encode(nonce));
        let (salt, iterations) = match &credentials {
            Some(known) => (STANDARD.encode(&known.salt), known.iterations),
            None => {
                let decoy = sha256(nonce);
                (STANDARD.encode(decoy.get(..16).unwrap_or_default()), ITERATIONS_DEFAULT)
            }
        };
        let server_first = format!("r={nonce_text},s={salt},i={iterations}");
        Self { credentials, client_first_bare: first.bare, server_first, nonce: nonce_text }
    }

    /// The server's first message.
    pub fn server_first(&self) -> &str {
        &self.server_first
    }

    /// Checks the client's final message; gives the server's final one.
    pub fn finish(&self, client_final: &str) -> Result<String, ScramError> {
        let credentials = self.credentials.as_ref().ok_or(ScramError::UnknownUser)?;
        let (mut binding, mut nonce, mut proof) = (None, None, None);
        for attribute in Attributes(client_final) {
            match attribute? {
                ('c', value) => set_once(&mut binding, value)?,
                ('r', value) => set_once(&mut nonce, value)?,
                ('p', value) => set_once(&mut proof, value)?,
                ('m', _) => return Err(ScramError::ExtensionsNotSupported),
                _ => return Err(ScramError::InvalidEncoding),
            }
        }
        let (Some(binding), Some(nonce), Some(proof)) = (binding, nonce, proof) else {
            return Err(ScramError::InvalidEncoding);
        };
        if binding != GS2_HEADER_BASE64 {
            return Err(ScramError::InvalidEncoding);
        }
        if nonce != self.nonce {
            return Err(ScramError::Other);
        }
        let without_proof = client_final.split(",p=").next().unwrap_or_default();
        let message = auth_message(&self.client_first_bare, &self.server_first, without_proof);
        let proof = STANDARD.decode(proof).map_err(|_| ScramError::WrongPassword)?;
        let proof = Key::try_from(proof.as_slice()).map_err(|_| ScramError::WrongPassword)?;
        let client_key = xor(&proof, &hmac(&credentials.stored_key, message.as_bytes()));
        if !bool::from(sha256(&client_key).ct_eq(&credentials.stored_key)) {
            return Err(ScramError::WrongPassword);
        }
        let signature = hmac(&credentials.server_key, message.as_bytes());
        Ok(format!("v={}", STANDARD.encode(signature)))
    }
}

/// The client's side.
pub struct ClientExchange {
    password: Vec<u8>,
    first_bare: String,
    nonce: String,
}

impl ClientExchange {
    /// Starts. `nonce` must be fresh random bytes.
    pub fn begin(user: &str, password: &str, nonce: &[u8; NONCE_BYTES]) -> Self {
        let nonce = STANDARD.encode(nonce);
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self { password: password.as_bytes().to_vec(), first_bare: format!("n={user},r={nonce}"), nonce }
    }

    /// The client's first message.
    pub fn client_first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// Answers the server's first message: the client's final message and the server's
    /// expected final one.
    pub fn finish(&self, server_first: &str) -> Result<(String, String), ScramError> {
        let (mut nonce, mut salt, mut iterations) = (None, None, None);
        for attribute in Attributes(server_first) {
            match attribute? {
                ('r', value) => set_once(&mut nonce, value)?,
                ('s', value) => set_once(&mut salt, value)?,
                ('i', value) => {
                    let count = value.parse::<u32>().map_err(|_| ScramError::InvalidEncoding)?;
                    set_once(&mut iterations, count)?;
                }
                ('m', _) => return Err(ScramError::ExtensionsNotSupported),
                _ => {}
            }
        }
        let (Some(nonce), Some(salt), Some(iterations)) = (nonce, salt, iterations) else {
            return Err(ScramError::InvalidEncoding);
        };
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramError::Other);
        }
        if iterations == 0 || iterations > ITERATIONS_MAX {
            return Err(ScramError::Other);
        }
        let salt = STANDARD.decode(salt).map_err(|_| ScramError::InvalidEncoding)?;
        let salted = salted_password(&self.password, &salt, iterations);
        let client_key = hmac(&salted, b"Client Key");
        let without_proof = format!("c={GS2_HEADER_BASE64},r={nonce}");
        let message = auth_message(&self.first_bare, server_first, &without_proof);
        let proof = xor(&client_key, &hmac(&sha256(&client_key), message.as_bytes()));
        let signature = hmac(&hmac(&salted, b"Server Key"), message.as_bytes());
        Ok((
            format!("{without_proof},p={}", STANDARD.encode(proof)),
            format!("v={}", STANDARD.encode(signature)),
        ))
    }
}

/// `a=value` pairs between commas.
struct Attributes<'a>(&'a str);

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(char, &'a str), ScramError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (attribute, rest) = self.0.split_once(',').unwrap_or((self.0, ""));
        self.0 = rest;
        let mut characters = attribute.chars();
        let (name, equals) = (characters.next(), characters.next());
        Some(match (name, equals) {
            (Some(name), Some('=')) => Ok((name, characters.as_str())),
            _ => Err(ScramError::InvalidEncoding),
        })
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T) -> Result<(), ScramError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ScramError::InvalidEncoding),
    }
}

fn unescape_name(name: &str) -> Result<String, ScramError> {
    let mut pieces = name.split('=');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = if let Some(rest) = piece.strip_prefix("2C") {
            (',', rest)
        } else if let Some(rest) = piece.strip_prefix("3D") {
            ('=', rest)
        } else {
            return Err(ScramError::InvalidUsernameEncoding);
        };
        out.push(character);
        out.push_str(rest);
    }
    Ok(out)
}

fn auth_message(client_first_bare: &str, server_first: &str, without_proof: &str) -> String {
    format!("{client_first_bare},{server_first},{without_proof}")
}

fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    pbkdf2::pbkdf2_hmac_array::<Sha256, DIGEST_BYTES>(password, salt, iterations)
}

fn sha256(bytes: &[u8]) -> Key {
    Sha256::digest(bytes).into()
}

fn hmac(key: &[u8], bytes: &[u8]) -> Key {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(bytes);
            mac.finalize().into_bytes().into()
        }
        // HMAC takes keys of any length.
        Err(_) => [0; DIGEST_BYTES],
    }
}

fn xor(left: &Key, right: &Key) -> Key {
    let mut out = *left;
    for (byte, other) in out.iter_mut().zip(right) {
        *byte ^= other;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(password: &str, stored: Option<ScramCredentials>) -> Result<(), ScramError> {
        let client = ClientExchange::begin("a=b,c", password, &[1; NONCE_BYTES]);
        let first = ClientFirst::parse(&client.client_first())?;
        assert_eq!(first.user, "a=b,c");
        let server = ServerExchange::begin(first, stored, &[2; NONCE_BYTES]);
        let (client_final, expected) = client.finish(server.server_first())?;
        assert_eq!(server.finish(&client_final)?, expected);
        Ok(())
    }

    #[test]
    fn client_and_server_agree() {
        let stored = ScramCredentials::derive(b"secret", vec![7; 16], 64);
        assert_eq!(exchange("secret", Some(stored.clone())), Ok(()));
        assert_eq!(exchange("Secret", Some(stored.clone())), Err(ScramError::WrongPassword));
        assert_eq!(exchange("secret", None), Err(ScramError::UnknownUser));
        assert!(stored.verifies(b"secret") && !stored.verifies(b""));
    }

    #[test]
    fn example_of_rfc_7677() {
        let nonce = "rOprNGfwEbeRWgbNEkqO";
        let client = ClientExchange {
            password: b"pencil".to_vec(),
            first_bare: format!("n=user,r={nonce}"),
            nonce: nonce.to_owned(),
        };
        let server_first =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (client_final, server_final) = client.finish(server_first).expect("valid");
        assert!(client_final.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
        assert_eq!(server_final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn malformed_messages() {
        let parse = |text: &str| ClientFirst::parse(text).map(|_| ());
        assert_eq!(parse("y,,n=a,r=b"), Err(ScramError::ChannelBindingNotSupported));
        assert_eq!(parse("n,"), Err(ScramError::InvalidEncoding));
        assert_eq!(parse("n,,n=a"), Err(ScramError::InvalidEncoding));
        assert_eq!(parse("n,,n=a,n=a,r=b"), Err(ScramError::InvalidEncoding));
        assert_eq!(parse("n,,m=x,n=a,r=b"), Err(ScramError::ExtensionsNotSupported));
        assert_eq!(parse("n,,n=a=4,r=b"), Err(ScramError::InvalidUsernameEncoding));
        assert_eq!(parse("n,,n=\u{e9}=2C,r=\u{e9}"), Ok(()));
    }

    #[test]
    fn clients_refuse_a_server_that_makes_them_work_forever() {
        let client = ClientExchange::begin("u", "p", &[1; NONCE_BYTES]);
        let first = format!("r={}x,s=AAAA,i=4294967295", client.nonce);
        assert_eq!(client.finish(&first), Err(ScramError::Other));
    }
}
