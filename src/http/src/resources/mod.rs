//! Databases, tables and documents as resources. Each request is one query, made of terms as
//! any other.

mod bulk;
mod databases;
mod documents;
mod listing;
mod outcome;
mod place;
mod query;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::door::Shared;

/// What is answered within the time of a request.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    let table = || get(databases::table).delete(databases::drop_table);
    let tables = || get(databases::tables).post(databases::create_table);
    let document =
        || get(documents::read).put(documents::replace).patch(documents::update).delete(documents::remove);
    Router::new()
        .route("/api/databases", get(databases::databases).post(databases::create))
        .route("/api/databases/{db}", get(databases::database).delete(databases::drop))
        .route("/api/databases/{db}/tables", tables())
        .route("/api/databases/{db}/tables/{table}", table())
        .route("/api/databases/{db}/tables/{table}/documents", get(listing::list))
        .route("/api/databases/{db}/tables/{table}/documents/{id}", document())
        .route("/api/tables", tables())
        .route("/api/tables/{table}", table())
        .route("/api/tables/{table}/documents", get(listing::list))
        .route("/api/tables/{table}/documents/{id}", document())
}

/// What takes as long as its client sends.
pub(crate) fn unhurried_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/databases/{db}/tables/{table}/documents", post(documents::insert))
        .route("/api/tables/{table}/documents", post(documents::insert))
}
