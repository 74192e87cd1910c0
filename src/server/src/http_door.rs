//! The HTTP door: health for machines, a word of welcome for people.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::context::Context;

/// What the pages look at.
#[derive(Clone)]
struct Door {
    context: Arc<Context>,
    stopping: watch::Receiver<bool>,
}

/// Serves HTTP until `stopping` turns true.
pub(crate) async fn serve(context: Arc<Context>, listener: TcpListener, stopping: watch::Receiver<bool>) {
    let mut stop = stopping.clone();
    let router = Router::new()
        .route("/", get(welcome))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(Door { context, stopping });
    let served = axum::serve(listener, router).with_graceful_shutdown(async move {
        // Fails when the server is gone, which is a stop as well.
        drop(stop.wait_for(|stop| *stop).await);
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the HTTP door failed");
    }
}

async fn welcome(State(door): State<Door>) -> String {
    let state = door.context.catalog.state();
    format!(
        "This is PhotonDB, server \"{}\" ({}).\n\n\
         Applications connect to its driver port with any RethinkDB driver.\n\
         Health: /health/live, /health/ready\n",
        state.server().name,
        state.server().id
    )
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(door): State<Door>) -> (StatusCode, &'static str) {
    if *door.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    (StatusCode::OK, "ready\n")
}
