//! `/api/session`, `/api/login`, `/api/logout`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body;
use crate::caller::Caller;
use crate::connection::Peer;
use crate::door::Shared;
use crate::error::HttpError;
use crate::origin::check_origin;
use crate::sessions::set_cookie;

/// Who somebody says to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    user: String,
    #[serde(default)]
    password: String,
}

/// Who asks, if that can be told.
pub(crate) async fn session(State(shared): State<Arc<Shared>>, request: Request) -> Json<Value> {
    let (parts, _) = request.into_parts();
    let caller = Caller::identify(&parts, &shared).await.ok();
    let user = caller.as_ref().map(|caller| caller.user().as_str());
    Json(describe(&shared, user, caller.as_ref().and_then(|caller| caller.csrf.as_deref())))
}

/// Lets somebody in who knows the password.
pub(crate) async fn log_in(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, HttpError> {
    let (parts, body) = request.into_parts();
    // A page of somebody else must not log its visitor in as a user of its own choice.
    check_origin(&parts, &shared.door.options)?;
    let Credentials { user, password } = credentials(&parts.headers, body).await?;
    let peer = parts
        .extensions
        .get::<Peer>()
        .cloned()
        .ok_or_else(|| HttpError::forbidden("The connection has no address."))?;
    let identity = shared.context.logins.log_in(&user, &password, peer.client.ip()).await?;
    let (key, session) = shared.door.sessions.begin(identity)?;
    let answer = describe(&shared, Some(session.identity.user()), Some(&session.csrf));
    Ok(([(SET_COOKIE, set_cookie(&key, peer.is_secure))], Json(answer)).into_response())
}

/// Ends the session of the cookie, if there is one.
pub(crate) async fn log_out(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, HttpError> {
    let (parts, _) = request.into_parts();
    check_origin(&parts, &shared.door.options)?;
    if shared.door.sessions.find(&parts.headers).is_some() {
        Caller::identify(&parts, &shared).await?;
        shared.door.sessions.end(&parts.headers);
    }
    let is_secure = parts.extensions.get::<Peer>().is_some_and(|peer| peer.is_secure);
    Ok(([(SET_COOKIE, set_cookie("", is_secure))], Json(describe(&shared, None, None))).into_response())
}

async fn credentials(headers: &HeaderMap, body: Body) -> Result<Credentials, HttpError> {
    let bytes = body::read(headers, body).await?;
    body::json(headers, &bytes)
}

fn describe(shared: &Shared, user: Option<&str>, csrf: Option<&str>) -> Value {
    let state = shared.context.catalog.state();
    let server = state.server();
    let mut answer = json!({
        "user": user,
        "login_required": shared.context.logins.required(),
        "server": {
            "name": server.name.as_str(),
            "id": server.id.to_string(),
            "version": env!("CARGO_PKG_VERSION"),
        },
    });
    if let Some(csrf) = csrf {
        answer["csrf"] = json!(csrf);
    }
    answer
}
