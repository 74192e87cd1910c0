//! Who is logged in with a cookie.

use std::collections::HashMap;
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use photondb_server::door::Identity;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::error::HttpError;
use crate::limits::{SESSION_AGE_MAX, SESSION_IDLE_MAX, SESSIONS_MAX};

/// The cookie's name.
const COOKIE_NAME: &str = "photondb_session";

/// Who is logged in with a cookie.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub(crate) struct Session {
    pub identity: Identity,
    /// What requests that change something must carry: a page of somebody else can send the
    /// cookie but not know this.
    pub csrf: String,
    began: Instant,
    used: Instant,
}

impl Session {
    /// Whether this is the session's token.
    pub(crate) fn has_csrf(&self, token: &str) -> bool {
        self.csrf.as_bytes().ct_eq(token.as_bytes()).into()
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) > SESSION_IDLE_MAX || now.duration_since(self.began) > SESSION_AGE_MAX
    }
}

impl Sessions {
    /// Lets somebody in; gives the secret of the cookie.
    pub(crate) fn begin(&self, identity: Identity) -> Result<(String, Session), HttpError> {
        let now = Instant::now();
        let session = Session { identity, csrf: secret(), began: now, used: now };
        let mut open = self.open.lock();
        if open.len() >= SESSIONS_MAX {
            open.retain(|_, session| !session.is_over(now));
        }
        if open.len() >= SESSIONS_MAX {
            return Err(HttpError::busy(format!("Too many people are logged in (over {SESSIONS_MAX})."), 60));
        }
        let key = secret();
        open.insert(key.clone(), session.clone());
        Ok((key, session))
    }

    /// How many are logged in.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Who sent a cookie.
    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<Session> {
        let now = Instant::now();
        let mut open = self.open.lock();
        let session = open.get_mut(cookie(headers)?)?;
        if session.is_over(now) {
            return None;
        }
        session.used = now;
        Some(session.clone())
    }

    /// Logs out whoever sent the cookie.
    pub(crate) fn end(&self, headers: &HeaderMap) {
        if let Some(key) = cookie(headers) {
            self.open.lock().remove(key);
        }
    }

    pub(crate) fn sweep(&self, now: Instant) {
        self.open.lock().retain(|_, session| !session.is_over(now));
    }
}

/// The header that gives a browser its cookie; an empty key takes it away.
pub(crate) fn set_cookie(key: &str, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    let age = if key.is_empty() { 0 } else { SESSION_AGE_MAX.as_secs() };
    format!("{COOKIE_NAME}={key}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

/// The value of our cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Bytes that nobody can foresee, as text.
fn secret() -> String {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    bytes[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}
