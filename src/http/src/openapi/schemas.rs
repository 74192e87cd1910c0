//! The shapes of bodies.

use serde_json::{Value, json};

/// Name and schema.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("Error", error()),
        ("Query", query()),
        ("Answer", answer()),
        ("Terms", list(object(&[("name", string()), ("signature", string()), ("doc", string())], &["name"]))),
        ("Session", session()),
        ("Credentials", closed(object(&[("user", string()), ("password", string())], &["user"]))),
        ("Databases", object(&[("databases", list(string()))], &["databases"])),
        ("NewDatabase", closed(object(&[("name", string())], &["name"]))),
        ("Database", object(&[("name", string()), ("tables", list(string()))], &["name", "tables"])),
        ("Tables", object(&[("tables", list(string()))], &["tables"])),
        ("NewTable", new_table()),
        ("Table", table()),
        ("Document", json!({ "type": "object" })),
        ("Documents", json!({ "oneOf": [{ "type": "object" }, list(json!({ "type": "object" }))] })),
        ("Page", page()),
        (
            "Summary",
            json!({ "type": "object", "properties": { "inserted": number(), "replaced": number(), "errors": number() } }),
        ),
    ]
}

fn error() -> Value {
    let place = object(&[("offset", number()), ("line", number()), ("column", number())], &[]);
    let span = object(&[("start", number()), ("end", number())], &[]);
    let inner = object(
        &[
            ("kind", string()),
            ("message", string()),
            ("position", place),
            ("backtrace", list(json!({ "oneOf": [number(), string()] }))),
            ("query", string()),
            ("span", span),
        ],
        &["kind", "message"],
    );
    object(&[("error", inner)], &["error"])
}

fn query() -> Value {
    let term = json!({ "oneOf": [string(), { "type": "array" }] });
    closed(object(
        &[
            ("query", term),
            ("options", json!({ "type": "object" })),
            ("explain", boolean()),
            ("batch_rows", json!({ "type": "integer", "minimum": 1, "maximum": 4096 })),
        ],
        &["query"],
    ))
}

fn answer() -> Value {
    object(
        &[
            ("kind", json!({ "enum": ["atom", "sequence", "explain"] })),
            ("rows", number()),
            ("more", boolean()),
            ("cursor", string()),
            ("time_ms", number()),
        ],
        &["kind", "result", "rows", "more", "time_ms"],
    )
}

fn session() -> Value {
    let server =
        object(&[("name", string()), ("id", string()), ("version", string())], &["name", "id", "version"]);
    let user = json!({ "oneOf": [string(), { "type": "null" }] });
    object(
        &[("user", user), ("login_required", boolean()), ("csrf", string()), ("server", server)],
        &["user", "login_required", "server"],
    )
}

fn new_table() -> Value {
    let durability = json!({ "enum": ["hard", "soft"] });
    closed(object(&[("name", string()), ("primary_key", string()), ("durability", durability)], &["name"]))
}

fn table() -> Value {
    object(
        &[
            ("db", string()),
            ("name", string()),
            ("primary_key", string()),
            ("indexes", list(string())),
            ("documents", number()),
        ],
        &["db", "name", "primary_key", "indexes", "documents"],
    )
}

fn page() -> Value {
    object(
        &[("documents", list(json!({ "type": "object" }))), ("more", boolean())],
        &["documents", "more", "next"],
    )
}

fn object(properties: &[(&str, Value)], required: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Without other fields.
fn closed(mut object: Value) -> Value {
    object["additionalProperties"] = json!(false);
    object
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}
