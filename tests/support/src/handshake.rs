//! The client's half of the handshakes.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::SupportError;
use crate::connection::Connection;

const V1_0_MAGIC: u32 = 0x34c2_bdc3;
const JSON_PROTOCOL_MAGIC: u32 = 0x7e69_70c7;
const NONCE_BYTES: usize = 18;
const HASH_BYTES: usize = 32;

/// The handshakes with an authorization key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Queries of one connection run one after the other.
    V0_3,
    /// Queries of one connection run side by side.
    V0_4,
}

impl Version {
    fn magic(self) -> u32 {
        match self {
            Self::V0_3 => 0x5f75_e83e,
            Self::V0_4 => 0x400c_2d20,
        }
    }
}

/// Greets as an old driver does.
pub(crate) fn authorization_key(
    connection: &mut Connection,
    version: Version,
    key: &str,
    timeout: Duration,
) -> Result<(), SupportError> {
    let mut hello = Vec::with_capacity(HASH_BYTES);
    hello.extend_from_slice(&version.magic().to_le_bytes());
    hello.extend_from_slice(&(key.len() as u32).to_le_bytes());
    hello.extend_from_slice(key.as_bytes());
    hello.extend_from_slice(&JSON_PROTOCOL_MAGIC.to_le_bytes());
    connection.send_bytes(&hello)?;
    let reply = connection.read_to_zero(timeout)?;
    if reply == b"SUCCESS" { Ok(()) } else { Err(refused(String::from_utf8_lossy(&reply).into_owned())) }
}

/// Logs in by SCRAM-SHA-256 (RFC 5802, RFC 7677) inside the JSON messages of V1_0.
pub(crate) fn scram(
    connection: &mut Connection,
    user: &str,
    password: &str,
    timeout: Duration,
) -> Result<(), SupportError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| refused("no randomness on this machine"))?;
    let escaped = user.replace('=', "=3D").replace(',', "=2C");
    let bare = format!("n={escaped},r={}", STANDARD.encode(nonce));
    let first = json!({
        "protocol_version": 0,
        "authentication_method": "SCRAM-SHA-256",
        "authentication": format!("n,,{bare}"),
    });
    connection.send_bytes(&V1_0_MAGIC.to_le_bytes())?;
    connection.send_bytes(format!("{first}\0").as_bytes())?;
    accepted(connection, timeout)?;
    let challenge = authentication(&accepted(connection, timeout)?)?;
    let salt = STANDARD.decode(attribute(&challenge, "s")?).map_err(|_| refused("the salt is no base64"))?;
    let iterations = attribute(&challenge, "i")?.parse().map_err(|_| refused("no iteration count"))?;

    let mut salted = [0; HASH_BYTES];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
    let client_key = keyed_hash(&salted, b"Client Key");
    let closing = format!("c=biws,r={}", attribute(&challenge, "r")?);
    let signed = format!("{bare},{challenge},{closing}");
    let signature = keyed_hash(&Sha256::digest(client_key), signed.as_bytes());
    let mut proof = client_key;
    proof.iter_mut().zip(signature).for_each(|(byte, other)| *byte ^= other);
    let answer = json!({ "authentication": format!("{closing},p={}", STANDARD.encode(proof)) });
    connection.send_bytes(format!("{answer}\0").as_bytes())?;

    let last = authentication(&accepted(connection, timeout)?)?;
    let expected = keyed_hash(&keyed_hash(&salted, b"Server Key"), signed.as_bytes());
    if attribute(&last, "v")? == STANDARD.encode(expected) {
        Ok(())
    } else {
        Err(refused("the server does not know the password"))
    }
}

fn accepted(connection: &mut Connection, timeout: Duration) -> Result<Value, SupportError> {
    let text = connection.read_to_zero(timeout)?;
    let Ok(message) = serde_json::from_slice::<Value>(&text) else {
        return Err(refused(String::from_utf8_lossy(&text).into_owned()));
    };
    if message["success"] == Value::Bool(true) { Ok(message) } else { Err(refused(message.to_string())) }
}

fn authentication(message: &Value) -> Result<String, SupportError> {
    message["authentication"].as_str().map(str::to_owned).ok_or_else(|| refused("no authentication"))
}

fn attribute<'a>(message: &'a str, name: &str) -> Result<&'a str, SupportError> {
    message
        .split(',')
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        .ok_or_else(|| refused("an attribute is missing"))
}

fn keyed_hash(key: &[u8], message: &[u8]) -> [u8; HASH_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn refused(reason: impl Into<String>) -> SupportError {
    SupportError::Handshake { reason: reason.into() }
}
