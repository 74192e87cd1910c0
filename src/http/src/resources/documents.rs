//! Documents one by one, and many at once.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use photondb_datum::{Datum, Text, message_pack};
use photondb_reql::{ReqlError, TermId, TermType};
use serde::Deserialize;

use super::bulk;
use super::outcome::{conflict, count, first_error, parse, respond, respond_as, unless_missing, value};
use super::place::{DocumentPath, KeyStyle, TablePath, has_table};
use super::query::QueryBuilder;
use crate::answer::{Form, MESSAGE_PACK};
use crate::body;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::{Asked, Named};
use crate::lines;
use crate::stack::with_room;

/// How a write is done.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteParameters {
    /// `hard` or `soft`; what the table says when absent.
    durability: Option<String>,
    /// What becomes of documents whose keys are taken: `error`, `replace` or `update`.
    conflict: Option<String>,
    #[serde(default)]
    json_key: bool,
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<DocumentPath>,
    Asked(style): Asked<KeyStyle>,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let mut query = QueryBuilder::new();
    let root = document(&mut query, &path, style)?;
    let found = run(&shared, &caller, query, root, &path.table()).await?;
    if found.is_null() {
        return Err(missing(&path));
    }
    respond_as(Form::of(&headers), StatusCode::OK, &found)
}

/// Makes a document, or puts another one in its place.
pub(super) async fn replace(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<DocumentPath>,
    Asked(parameters): Asked<WriteParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let given = object(&headers, body).await?;
    let key = KeyStyle { json_key: parameters.json_key }.read(&path.id)?;
    let field = path.table().primary_key(&shared.context.catalog.state());
    let document = with_key(given, field, key)?;
    let mut query = QueryBuilder::new();
    let (table, document) = (query.table(&path.db, &path.table), query.value(document));
    let replace = query.value("replace");
    let mut options = parameters.durability(&mut query);
    options.push(("conflict", replace));
    let root = query.term_with(TermType::Insert, &[table, document], &options);
    let summary = written(&shared, &caller, query, root, &path.table()).await?;
    let status = if count(&summary, "inserted") > 0 { StatusCode::CREATED } else { StatusCode::OK };
    respond(status, &summary)
}

/// Merges fields into a document.
pub(super) async fn update(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<DocumentPath>,
    Asked(parameters): Asked<WriteParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    let change = object(&headers, body).await?;
    let mut query = QueryBuilder::new();
    let selection = document(&mut query, &path, KeyStyle { json_key: parameters.json_key })?;
    let change = query.value(change);
    let options = parameters.durability(&mut query);
    let root = query.term_with(TermType::Update, &[selection, change], &options);
    let summary = written(&shared, &caller, query, root, &path.table()).await?;
    if count(&summary, "skipped") > 0 {
        return Err(missing(&path));
    }
    respond(StatusCode::OK, &summary)
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<DocumentPath>,
    Asked(parameters): Asked<WriteParameters>,
) -> Result<StatusCode, HttpError> {
    let mut query = QueryBuilder::new();
    let selection = document(&mut query, &path, KeyStyle { json_key: parameters.json_key })?;
    let options = parameters.durability(&mut query);
    let root = query.term_with(TermType::Delete, &[selection], &options);
    let summary = written(&shared, &caller, query, root, &path.table()).await?;
    if count(&summary, "skipped") > 0 {
        return Err(missing(&path));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Inserts a document, an array of them, or a stream of lines.
pub(super) async fn insert(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<TablePath>,
    Asked(parameters): Asked<WriteParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, HttpError> {
    if lines::are_sent(&headers) {
        return bulk::insert(&shared, &caller, &path, &parameters, body).await;
    }
    let given = documents_of(&headers, body).await?;
    let is_one = given.is_plain_object();
    if !is_one && given.as_array().is_none() {
        return Err(HttpError::bad_request("Expected a document, or an array of documents."));
    }
    let own_key = given.get(path.primary_key(&shared.context.catalog.state()).as_str());
    let summary = insert_rows(&shared, &caller, &path, &parameters, given).await?;
    if !is_one {
        return respond(StatusCode::OK, &summary);
    }
    if count(&summary, "errors") > 0 {
        return Err(conflict(first_error(&summary).unwrap_or_default()));
    }
    let made = summary.get("generated_keys").and_then(|keys| keys.as_array()?.iter().next());
    let body = respond(StatusCode::CREATED, &summary)?;
    match made.or(own_key).as_ref().and_then(Datum::as_str).and_then(|key| location(&path, key)) {
        Some(location) => Ok(([(LOCATION, location)], body).into_response()),
        None => Ok(body),
    }
}

/// Inserts a document or an array of them; gives the summary.
pub(super) async fn insert_rows(
    shared: &Shared,
    caller: &Caller,
    path: &TablePath,
    parameters: &WriteParameters,
    rows: Datum,
) -> Result<Datum, HttpError> {
    let mut query = QueryBuilder::new();
    let (table, rows) = (query.table(&path.db, &path.table), query.value(rows));
    let mut options = parameters.durability(&mut query);
    if let Some(conflict) = &parameters.conflict {
        options.push(("conflict", query.value(conflict.as_str())));
    }
    let root = query.term_with(TermType::Insert, &[table, rows], &options);
    run(shared, caller, query, root, path).await
}

impl WriteParameters {
    fn durability(&self, query: &mut QueryBuilder) -> Vec<(&'static str, TermId)> {
        let durability = self.durability.as_deref().map(|durability| ("durability", query.value(durability)));
        durability.into_iter().collect()
    }
}

/// The term of a document.
fn document(query: &mut QueryBuilder, path: &DocumentPath, style: KeyStyle) -> Result<TermId, HttpError> {
    let key = style.read(&path.id)?;
    let (table, key) = (query.table(&path.db, &path.table), query.value(key));
    Ok(query.term(TermType::Get, &[table, key]))
}

async fn run(
    shared: &Shared,
    caller: &Caller,
    query: QueryBuilder,
    root: TermId,
    path: &TablePath,
) -> Result<Datum, HttpError> {
    let missing = |error: ReqlError| {
        unless_missing(error, has_table(&shared.context.catalog.state(), &path.db, &path.table))
    };
    value(shared, caller, query.finish(root)?).await.map_err(missing)
}

/// Runs a write of one document; an error in its summary is an error.
async fn written(
    shared: &Shared,
    caller: &Caller,
    query: QueryBuilder,
    root: TermId,
    path: &TablePath,
) -> Result<Datum, HttpError> {
    let summary = run(shared, caller, query, root, path).await?;
    match first_error(&summary) {
        Some(error) => Err(HttpError::bad_request(error)),
        None => Ok(summary),
    }
}

async fn documents_of(headers: &HeaderMap, body: Body) -> Result<Datum, HttpError> {
    let bytes = body::read(headers, body).await?;
    if body::content_type(headers) == MESSAGE_PACK {
        let parsed = with_room(|| message_pack::parse(&bytes));
        return parsed
            .map_err(|error| HttpError::bad_request(format!("The document cannot be read: {error}.")));
    }
    body::check_json(headers)?;
    parse(&bytes)
}

async fn object(headers: &HeaderMap, body: Body) -> Result<Datum, HttpError> {
    let given = documents_of(headers, body).await?;
    match given.is_plain_object() {
        true => Ok(given),
        false => Err(HttpError::bad_request("Expected a document: a JSON object.")),
    }
}

/// The document under the key of the path.
fn with_key(document: Datum, field: Text, key: Datum) -> Result<Datum, HttpError> {
    match document.get(field.as_str()) {
        Some(other) if other != key => Err(HttpError::bad_request(format!(
            "The document's own `{}` is another one than the path's.",
            field
        ))),
        _ => match document {
            Datum::Object(object) => Ok(Datum::Object(object.with(field, key))),
            other => Ok(other),
        },
    }
}

/// Where a document is, when its key can stand in a path as it is.
fn location(path: &TablePath, key: &str) -> Option<String> {
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    is_plain(key).then(|| format!("/api/databases/{}/tables/{}/documents/{key}", path.db, path.table))
}

fn missing(path: &DocumentPath) -> HttpError {
    HttpError::not_found(format!("The table `{}.{}` has no document with this key.", path.db, path.table))
}
