//! The admin interface, embedded in the binary.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::Named;
use crate::origin::text;

/// The built files of the admin interface.
#[derive(RustEmbed)]
#[folder = "../../static/dist"]
struct Bundle;

/// The page that all places inside the interface begin with.
const INDEX: &str = "index.html";
/// Pages load nothing from elsewhere and run no script that is written into them.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'; object-src 'none'";

/// Where a browser is sent, and what others are told.
pub(crate) async fn welcome(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if text(&headers, ACCEPT.as_str()).is_some_and(|accepted| accepted.contains("text/html")) {
        return Redirect::to("/_admin/").into_response();
    }
    let state = shared.context.catalog.state();
    format!(
        "This is PhotonDB, server \"{}\" ({}).\n\n\
         Applications connect to its driver port with any RethinkDB driver, or ask over HTTP:\n\
         POST /api/query with {{\"query\": \"r.dbList()\"}}. Its terms: /api/terms.\n\
         Health: /health/live, /health/ready, /health/startup. For people: /_admin/\n",
        state.server().name,
        state.server().id
    )
    .into_response()
}

/// `/_admin` as people type it.
pub(crate) async fn redirect() -> Redirect {
    Redirect::permanent("/_admin/")
}

/// `/_admin/`
pub(crate) async fn index(headers: HeaderMap) -> Result<Response, HttpError> {
    respond(INDEX, &headers)
}

/// A file, or the index for what is a place inside the interface.
pub(crate) async fn file(Named(path): Named<String>, headers: HeaderMap) -> Result<Response, HttpError> {
    let is_place = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let known = Bundle::get(&path).is_some();
    respond(if is_place && !known { INDEX } else { &path }, &headers)
}

fn respond(path: &str, headers: &HeaderMap) -> Result<Response, HttpError> {
    let file = Bundle::get(path)
        .ok_or_else(|| HttpError::not_found(format!("The admin interface has no file `{path}`.")))?;
    let tag = tag(&file);
    let fresh = text(headers, IF_NONE_MATCH.as_str()).is_some_and(|known| known.contains(&tag));
    let kind = file.metadata.mimetype().to_owned();
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    let head = [
        (CONTENT_TYPE, kind),
        (ETAG, tag),
        // A new version of the server has new files: browsers ask each time, mostly in vain.
        (CACHE_CONTROL, "no-cache".to_owned()),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    if fresh {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, file.data).into_response())
}

/// Changes with the file's bytes. Weak, since it is the same for the compressed form.
fn tag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}
