//! `/api/terms`: the language for whoever completes queries.

use axum::Json;
use photondb_reql::text::methods;
use serde_json::{Value, json};

/// All terms that are written by a name.
pub(crate) async fn terms() -> Json<Vec<Value>> {
    let describe = |info: &photondb_reql::TermInfo| {
        json!({
            "name": info.method,
            "term": info.name,
            "on": info.term.receiver(),
            "signature": info.signature,
            // What begins with an underscore is for drivers.
            "options": info.optargs.iter().filter(|name| !name.starts_with('_')).collect::<Vec<_>>(),
            "family": format!("{:?}", info.family).to_ascii_lowercase(),
            "writes": info.effect == photondb_reql::Effect::Write,
            "doc": info.doc,
        })
    };
    Json(methods().map(describe).collect())
}
