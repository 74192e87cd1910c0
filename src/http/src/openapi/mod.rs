//! `/api/openapi.json`: the paths of this door for programs that read such things.

mod operations;
mod schemas;

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use operations::{OPERATIONS, Operation, Payload, QUERY_PARAMETERS};

/// The name of the scheme by which programs log in.
const BASIC: &str = "basic";
const JSON: &str = "application/json";

/// The description, put together once.
pub(crate) async fn document() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(|| openapi().to_string());
    ([(CONTENT_TYPE, JSON)], text.as_str()).into_response()
}

fn openapi() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = describe(operation);
    }
    let schemas: Map<String, Value> =
        schemas::all().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "PhotonDB",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "ReQL over HTTP, and databases, tables and documents as resources.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { BASIC: { "type": "http", "scheme": "basic" } },
        },
        // Without a password nobody is asked for one.
        "security": [{}, { BASIC: [] }],
    })
}

fn describe(operation: &Operation) -> Value {
    let of_path = path_parameters(operation.path).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
    });
    let of_query = QUERY_PARAMETERS.iter().filter(|(name, ..)| operation.parameters.contains(name)).map(
        |(name, schema, text)| json!({ "name": name, "in": "query", "schema": schema(), "description": text }),
    );
    let mut responses = Map::new();
    for (status, text, payloads) in operation.answers {
        let mut response = json!({ "description": text });
        if !payloads.is_empty() {
            response["content"] = content(payloads);
        }
        responses.insert((*status).to_owned(), response);
    }
    let error = json!({ "description": "Why not.", "content": content(&[Payload::Json("Error")]) });
    responses.insert("default".to_owned(), error);
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": of_path.chain(of_query).collect::<Vec<_>>(),
        "responses": responses,
    });
    if !operation.body.is_empty() {
        described["requestBody"] = json!({ "required": true, "content": content(operation.body) });
    }
    described
}

/// The names in braces.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0))
}

/// The forms of a body.
fn content(payloads: &[Payload]) -> Value {
    let form = |payload: &Payload| match payload {
        Payload::Json(name) => {
            let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
            (JSON.to_owned(), json!({ "schema": schema }))
        }
        Payload::Bytes(media_type) => ((*media_type).to_owned(), json!({})),
        Payload::Text(media_type) => ((*media_type).to_owned(), json!({ "schema": { "type": "string" } })),
    };
    payloads.iter().map(form).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_described() {
        let document = openapi();
        for operation in OPERATIONS {
            let described = &document["paths"][operation.path][operation.method];
            assert_eq!(described["operationId"], operation.id);
            let count = path_parameters(operation.path).count() + operation.parameters.len();
            assert_eq!(described["parameters"].as_array().map(Vec::len), Some(count), "{}", operation.id);
        }
        let named: Vec<&str> = schemas::all().iter().map(|(name, _)| *name).collect();
        for used in document.to_string().split("#/components/schemas/").skip(1) {
            let used = used.split('"').next().unwrap_or_default();
            assert!(named.contains(&used), "{used}");
        }
    }
}
