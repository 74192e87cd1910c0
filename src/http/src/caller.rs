//! Who asks.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use photondb_datum::Text;
use photondb_server::door::{DoorSession, Identity};

use crate::connection::Peer;
use crate::door::Shared;
use crate::error::HttpError;
use crate::origin::{check_name, check_origin, text};

/// The header with the token of a session.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Who asks; a request without one is refused before its body is read.
#[derive(Clone)]
pub(crate) struct Caller {
    pub identity: Identity,
    /// The token that goes with the cookie, if that told who it is.
    pub csrf: Option<String>,
    pub peer: Peer,
}

/// Filled in when it is known who asks, for the log.
#[derive(Clone, Default)]
pub(crate) struct KnownUser(pub Arc<OnceLock<Text>>);

impl Caller {
    /// Queries as this user.
    pub(crate) fn session(&self, shared: &Shared) -> DoorSession {
        DoorSession::new(Arc::clone(&shared.context), self.identity.user().clone(), self.peer.client)
    }

    pub(crate) fn user(&self) -> &Text {
        self.identity.user()
    }

    /// Finds out who asks: by a password, by a cookie, or, while `admin` has no password, by
    /// asking from this machine's own pages.
    pub(crate) async fn identify(parts: &Parts, shared: &Shared) -> Result<Self, HttpError> {
        let peer = parts.extensions.get::<Peer>().cloned();
        let peer = peer.ok_or_else(|| HttpError::forbidden("The connection has no address."))?;
        let logins = &shared.context.logins;
        let (options, sessions) = (&shared.door.options, &shared.door.sessions);
        let client = peer.client.ip();
        let caller = |identity, csrf| Self { identity, csrf, peer };
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            if !options.trusts_all() {
                check_origin(parts, options)?;
            }
            let (user, password) = header.to_str().ok().and_then(basic).ok_or_else(|| {
                HttpError::unauthorized("Expected credentials of the scheme Basic: user and password.")
            })?;
            return Ok(caller(logins.log_in(&user, &password, client).await?, None));
        }
        check_origin(parts, options)?;
        let session = sessions.find(&parts.headers).filter(|session| logins.holds(&session.identity));
        if let Some(session) = session {
            let is_harmless = matches!(parts.method, Method::GET | Method::HEAD);
            let token = text(&parts.headers, CSRF_HEADER).unwrap_or_default();
            if !is_harmless && !session.has_csrf(token) {
                return Err(HttpError::forbidden(format!(
                    "A request that is authenticated by a cookie needs the session's token in {CSRF_HEADER}; \
                     GET /api/session tells it."
                )));
            }
            return Ok(caller(session.identity, Some(session.csrf)));
        }
        let Some(identity) = logins.without_password() else {
            return Err(HttpError::unauthorized(
                "Log in with POST /api/login, or send user and password with each request (HTTP Basic).",
            ));
        };
        check_name(parts, options)?;
        Ok(caller(identity, None))
    }
}

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, HttpError> {
        let caller = Self::identify(parts, shared).await?;
        if let Some(known) = parts.extensions.get::<KnownUser>() {
            // Somebody may have been identified twice, as the same.
            drop(known.0.set(caller.user().clone()));
        }
        Ok(caller)
    }
}

/// User and password of a header.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read() {
        assert_eq!(basic("Basic YWRtaW46YTpi"), Some(("admin".into(), "a:b".into())));
        assert_eq!(basic("basic  YWRtaW46"), Some(("admin".into(), String::new())));
        for bad in ["Basic", "Basic !", "Bearer YWRtaW46", "Basic YWRtaW4=", "Basic /w=="] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }
}
