//! The version, as people read it.

/// Name and number, and what clients may expect.
pub fn text() -> String {
    format!(
        "photondb {} (speaks the protocol and language of RethinkDB {})",
        env!("CARGO_PKG_VERSION"),
        photondb_server::SERVER_VERSION
    )
}
