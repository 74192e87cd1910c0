//! The documents of a table, page by page or as one stream of lines.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use photondb_datum::Datum;
use photondb_reql::{ReqlError, TermId, TermType};
use photondb_server::door::DoorAnswer;
use serde::Deserialize;

use super::outcome::{parse, respond_as, unless_missing, value};
use super::place::{KeyStyle, TablePath, has_table};
use super::query::QueryBuilder;
use crate::answer::Form;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::{Asked, Named};
use crate::lines;

/// Documents of a page unless more are asked for, and the most.
const PAGE_ROWS_DEFAULT: usize = 100;
const PAGE_ROWS_MAX: usize = 1000;

/// What stands behind the question mark.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// A JSON object: documents with all of these values.
    filter: Option<String>,
    /// A field to sort by; a minus in front means descending.
    order: Option<String>,
    /// An index to sort by; a minus in front means descending.
    index: Option<String>,
    /// The fields that are wanted, with commas between; the primary key is always there.
    fields: Option<String>,
    /// The key of the last document of the page before.
    after: Option<String>,
    #[serde(default)]
    skip: usize,
    limit: Option<usize>,
    #[serde(default)]
    json_key: bool,
}

/// A page of documents, in the order of their keys unless another one is asked for.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Named(path): Named<TablePath>,
    headers: HeaderMap,
    Asked(parameters): Asked<Parameters>,
) -> Result<Response, HttpError> {
    let is_stream = lines::are_accepted(&headers);
    let limit = parameters.limit.or((!is_stream).then_some(PAGE_ROWS_DEFAULT));
    if !is_stream && limit.is_some_and(|limit| limit > PAGE_ROWS_MAX) {
        return Err(HttpError::bad_request(format!(
            "A page has at most {PAGE_ROWS_MAX} documents; without a page's limit they come as \
             application/x-ndjson."
        )));
    }
    let by_key = parameters.order.is_none() && parameters.index.is_none();
    if parameters.after.is_some() && (!by_key || parameters.skip > 0) {
        return Err(HttpError::bad_request(
            "`after` is for documents in the order of their keys, without `skip`.",
        ));
    }
    let primary_key = path.primary_key(&shared.context.catalog.state());
    let mut query = QueryBuilder::new();
    let mut root = documents(&mut query, &path, &parameters, primary_key.as_str())?;
    if let Some(limit) = limit {
        // One more tells whether there is another page.
        let count = query.value(Datum::Number((if is_stream { limit } else { limit + 1 }) as f64));
        root = query.term(TermType::Limit, &[root, count]);
    }
    let query = query.finish(root)?;
    let missing = |error: ReqlError| {
        unless_missing(error, has_table(&shared.context.catalog.state(), &path.db, &path.table))
    };
    if is_stream {
        let reply = caller.session(&shared).run(query).await.map_err(missing)?;
        return match reply.answer {
            DoorAnswer::Rows(rows, rest) => lines::stream(rows, rest),
            DoorAnswer::Atom(value) => lines::stream(lines::rows_of(value), None),
            DoorAnswer::Feed(_) => Err(HttpError::bad_request("A table is no changefeed.")),
        };
    }
    let rows = value(&shared, &caller, query).await.map_err(missing)?;
    let mut rows: Vec<Datum> = rows.as_array().map(|rows| rows.iter().collect()).unwrap_or_default();
    let is_last = limit.is_none_or(|limit| rows.len() <= limit);
    rows.truncate(limit.unwrap_or(usize::MAX));
    let last = rows.last().and_then(|row| row.get(primary_key.as_str()));
    let next = last.filter(|_| by_key && !is_last).unwrap_or(Datum::Null);
    let page = [("documents", Datum::array(rows)), ("more", Datum::Bool(!is_last)), ("next", next)];
    respond_as(Form::of(&headers), StatusCode::OK, &Datum::object(page))
}

/// The documents that are wanted, in their order.
fn documents(
    query: &mut QueryBuilder,
    path: &TablePath,
    parameters: &Parameters,
    primary_key: &str,
) -> Result<TermId, HttpError> {
    let mut root = query.table(&path.db, &path.table);
    if let Some(after) = &parameters.after {
        let key = KeyStyle { json_key: parameters.json_key }.read(after)?;
        let (key, end, open) = (query.value(key), query.term(TermType::Maxval, &[]), query.value("open"));
        root = query.term_with(TermType::Between, &[root, key, end], &[("left_bound", open)]);
    }
    if parameters.order.is_none() {
        let index = ordering(query, parameters.index.as_deref().unwrap_or(primary_key));
        root = query.term_with(TermType::OrderBy, &[root], &[("index", index)]);
    }
    if let Some(filter) = &parameters.filter {
        let filter = parse(filter.as_bytes())?;
        if !filter.is_plain_object() {
            return Err(HttpError::bad_request("`filter` is a JSON object with the values that are wanted."));
        }
        let filter = query.value(filter);
        root = query.term(TermType::Filter, &[root, filter]);
    }
    if let Some(order) = &parameters.order {
        let field = ordering(query, order);
        root = query.term(TermType::OrderBy, &[root, field]);
    }
    if parameters.skip > 0 {
        let skip = query.value(Datum::Number(parameters.skip as f64));
        root = query.term(TermType::Skip, &[root, skip]);
    }
    if let Some(fields) = &parameters.fields {
        let mut arguments = vec![root, query.value(primary_key)];
        let names = fields.split(',').map(str::trim).filter(|name| !name.is_empty());
        arguments.extend(names.map(|name| query.value(name)).collect::<Vec<_>>());
        root = query.term(TermType::Pluck, &arguments);
    }
    Ok(root)
}

/// A name, descending with a minus in front.
fn ordering(query: &mut QueryBuilder, name: &str) -> TermId {
    let (direction, name) = match name.strip_prefix('-') {
        Some(name) => (TermType::Desc, name),
        None => (TermType::Asc, name),
    };
    let name = query.value(name);
    query.term(direction, &[name])
}
