//! What happens to every request: an id, a line in the log, headers that browsers heed.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::caller::KnownUser;
use crate::connection::Peer;
use crate::door::Shared;
use crate::origin::text;

/// The header with the id of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of an id that a client may choose.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Headers of every answer that has not its own.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (CACHE_CONTROL, "no-store"),
];

/// Over TLS: for a year browsers come back in no other way.
const COME_BACK_SECURELY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Goes around everything else.
pub(crate) async fn around(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let user = KnownUser::default();
    request.extensions_mut().insert(user.clone());
    let method = request.method().clone();
    // What stands behind the question mark may be a query with somebody's data.
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<Peer>();
    let (client, is_secure) = (peer.map(|peer| peer.client), peer.is_some_and(|peer| peer.is_secure));
    let is_browser = request.headers().contains_key("sec-fetch-mode");

    let mut response = next.run(request).await;

    let status = response.status();
    shared.door.answers.count(status);
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, COME_BACK_SECURELY);
    }
    if status == StatusCode::UNAUTHORIZED && !is_browser {
        // A browser would ask its user in a window of its own.
        headers.entry(WWW_AUTHENTICATE).or_insert(HeaderValue::from_static("Basic realm=\"PhotonDB\""));
    }
    let user = user.0.get().map(|user| user.as_str());
    let request_id = id.to_str().unwrap_or_default();
    let time_ms = began.elapsed().as_secs_f64() * 1000.0;
    let client = client.map(|client| client.to_string());
    if status.is_server_error() {
        tracing::warn!(client, user, %method, path, status = status.as_u16(), time_ms, request_id, "request failed");
    } else {
        tracing::debug!(client, user, %method, path, status = status.as_u16(), time_ms, request_id, "request");
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's id for the request if it is one, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = text(headers, REQUEST_ID.as_str()).filter(|id| {
        !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let id = given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
    HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
}
