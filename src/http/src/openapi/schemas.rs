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
            "NewBackup",
            closed(object(&[("mode", json!({ "enum": ["automatic", "full", "incremental"] }))], &[])),
        ),
        ("BackupTask", backup_task()),
        ("BackupSet", backup_set()),
        ("Backups", backups()),
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

fn backup_task() -> Value {
    object(
        &[
            ("kind", json!({ "enum": ["backup", "verify"] })),
            ("set", or_null(string())),
            ("started_ms", number()),
            ("items", number()),
            ("items_total", number()),
            ("bytes", number()),
        ],
        &["kind", "set", "started_ms", "items", "items_total", "bytes"],
    )
}

fn backup_set() -> Value {
    let file = object(
        &[
            ("name", string()),
            ("kind", json!({ "enum": ["base", "increment"] })),
            ("bytes", number()),
            ("items", number()),
            ("first_position", number()),
            ("last_position", number()),
            ("time_ms", number()),
        ],
        &["name", "kind", "bytes", "items", "first_position", "last_position", "time_ms"],
    );
    let verification = object(&[("at_ms", number()), ("problems", list(string()))], &["at_ms", "problems"]);
    object(
        &[
            ("name", string()),
            ("directory", string()),
            ("bytes", number()),
            ("first_position", number()),
            ("last_position", number()),
            ("first_ms", number()),
            ("last_ms", number()),
            ("problems", list(string())),
            ("verification", or_null(verification)),
            ("files", list(file)),
        ],
        &["name", "directory", "bytes", "first_ms", "last_ms", "problems", "verification", "files"],
    )
}

fn backups() -> Value {
    let finished = object(
        &[
            ("kind", json!({ "enum": ["backup", "verify"] })),
            ("set", or_null(string())),
            ("started_ms", number()),
            ("ended_ms", number()),
            ("bytes", number()),
            ("outcome", json!({ "enum": ["done", "damaged", "cancelled", "failed"] })),
            ("message", or_null(string())),
            ("problems", list(string())),
        ],
        &["kind", "set", "started_ms", "ended_ms", "bytes", "outcome", "message", "problems"],
    );
    object(
        &[
            ("directory", string()),
            ("running", or_null(backup_task())),
            ("last", or_null(finished)),
            ("sets", list(backup_set())),
        ],
        &["directory", "running", "last", "sets"],
    )
}

fn or_null(schema: Value) -> Value {
    json!({ "oneOf": [schema, { "type": "null" }] })
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
