//! Whether the server is well, for machines that watch it. Open to all.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use crate::door::Shared;

/// Whether the process answers at all; if not, it is to be started anew.
pub(crate) async fn live() -> &'static str {
    "live\n"
}

/// Whether requests may be sent here.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> (StatusCode, &'static str) {
    match *shared.stopping.borrow() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        false => (StatusCode::OK, "ready\n"),
    }
}

/// Whether the server has started: its doors open when recovery is done.
pub(crate) async fn startup() -> &'static str {
    "started\n"
}
