//! Databases and tables.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use photondb_datum::Datum;
use photondb_reql::TermType;
use serde::Deserialize;

use super::outcome::{respond, unless_missing, unless_taken, value};
use super::place::{DatabasePath, TablePath, has_database, has_table};
use super::query::QueryBuilder;
use crate::body;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::Named;

type Answer = Result<Response, HttpError>;

/// A database or table to make.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDatabase {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTable {
    name: String,
    #[serde(default)]
    primary_key: Option<String>,
    #[serde(default)]
    durability: Option<String>,
}

pub(super) async fn databases(State(shared): State<Arc<Shared>>, caller: Caller) -> Answer {
    let mut query = QueryBuilder::new();
    let root = query.term(TermType::DbList, &[]);
    let names = value(&shared, &caller, query.finish(root)?).await?;
    respond(StatusCode::OK, &Datum::object([("databases", names)]))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let NewDatabase { name } = body::json(&headers, &body::read(&headers, body).await?)?;
    let mut query = QueryBuilder::new();
    let term = query.value(name.as_str());
    let root = query.term(TermType::DbCreate, &[term]);
    let created = value(&shared, &caller, query.finish(root)?).await;
    created.map_err(|error| unless_taken(error, has_database(&shared.context.catalog.state(), &name)))?;
    let location = format!("/api/databases/{name}");
    let body = respond(StatusCode::CREATED, &Datum::object([("name", Datum::string(name))]))?;
    Ok(([(LOCATION, location)], body).into_response())
}

pub(super) async fn database(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(DatabasePath { db }): Named<DatabasePath>,
) -> Answer {
    let tables = table_names(&shared, &caller, &db).await?;
    respond(StatusCode::OK, &Datum::object([("name", Datum::string(db)), ("tables", tables)]))
}

pub(super) async fn drop(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(DatabasePath { db }): Named<DatabasePath>,
) -> Result<StatusCode, HttpError> {
    let is_there = has_database(&shared.context.catalog.state(), &db);
    let mut query = QueryBuilder::new();
    let name = query.value(db);
    let root = query.term(TermType::DbDrop, &[name]);
    let dropped = value(&shared, &caller, query.finish(root)?).await;
    dropped.map_err(|error| unless_missing(error, is_there))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn tables(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(DatabasePath { db }): Named<DatabasePath>,
) -> Answer {
    let tables = table_names(&shared, &caller, &db).await?;
    respond(StatusCode::OK, &Datum::object([("tables", tables)]))
}

pub(super) async fn create_table(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(DatabasePath { db }): Named<DatabasePath>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let table: NewTable = body::json(&headers, &body::read(&headers, body).await?)?;
    let mut query = QueryBuilder::new();
    let (database, name) = (query.database(&db), query.value(table.name.as_str()));
    let options = [("primary_key", table.primary_key), ("durability", table.durability)];
    let options: Vec<_> =
        options.into_iter().filter_map(|(name, given)| Some((name, query.value(given?)))).collect();
    let root = query.term_with(TermType::TableCreate, &[database, name], &options);
    let created = value(&shared, &caller, query.finish(root)?).await;
    created.map_err(|error| {
        let state = shared.context.catalog.state();
        match has_database(&state, &db) {
            true => unless_taken(error, has_table(&state, &db, &table.name)),
            false => unless_missing(error, false),
        }
    })?;
    let location = format!("/api/databases/{db}/tables/{}", table.name);
    let path = TablePath { db, table: table.name };
    let body = respond(StatusCode::CREATED, &describe(&shared, &caller, &path).await?)?;
    Ok(([(LOCATION, location)], body).into_response())
}

pub(super) async fn table(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<TablePath>,
) -> Answer {
    respond(StatusCode::OK, &describe(&shared, &caller, &path).await?)
}

pub(super) async fn drop_table(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<TablePath>,
) -> Result<StatusCode, HttpError> {
    let is_there = has_table(&shared.context.catalog.state(), &path.db, &path.table);
    let mut query = QueryBuilder::new();
    let (database, name) = (query.database(&path.db), query.value(path.table));
    let root = query.term(TermType::TableDrop, &[database, name]);
    let dropped = value(&shared, &caller, query.finish(root)?).await;
    dropped.map_err(|error| unless_missing(error, is_there))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn table_names(shared: &Shared, caller: &Caller, db: &str) -> Result<Datum, HttpError> {
    let mut query = QueryBuilder::new();
    let database = query.database(db);
    let root = query.term(TermType::TableList, &[database]);
    let names = value(shared, caller, query.finish(root)?).await;
    names.map_err(|error| unless_missing(error, has_database(&shared.context.catalog.state(), db)))
}

/// A table: its names, its primary key, its indexes, how many documents it has.
async fn describe(shared: &Shared, caller: &Caller, path: &TablePath) -> Result<Datum, HttpError> {
    let missing =
        |error| unless_missing(error, has_table(&shared.context.catalog.state(), &path.db, &path.table));
    let mut query = QueryBuilder::new();
    let table = query.table(&path.db, &path.table);
    let root = query.term(TermType::Info, &[table]);
    let info = value(shared, caller, query.finish(root)?).await.map_err(missing)?;
    let mut query = QueryBuilder::new();
    let table = query.table(&path.db, &path.table);
    let root = query.term(TermType::Count, &[table]);
    let documents = value(shared, caller, query.finish(root)?).await.map_err(missing)?;
    let field = |name| info.get(name).unwrap_or(Datum::Null);
    Ok(Datum::object([
        ("db", Datum::string(path.db.as_str())),
        ("name", field("name")),
        ("id", field("id")),
        ("primary_key", field("primary_key")),
        ("indexes", field("indexes")),
        ("documents", documents),
    ]))
}
