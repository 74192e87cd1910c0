//! `server_config`: what can be set about this server.

use std::collections::BTreeSet;
use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_datum::{Datum, Text};
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::fields::{self, Fields, within, wrong_format};
use super::{Sources, SystemTable};

pub(super) struct ServerConfig(pub(super) Arc<Sources>);

impl SystemTable for ServerConfig {
    fn name(&self) -> &'static str {
        "server_config"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.0.catalog.state();
        let server = state.server();
        let process = &self.0.process;
        let cache = if process.cache_is_automatic {
            Datum::from("auto")
        } else {
            Datum::Number(process.cache_megabytes)
        };
        Ok(vec![Datum::object([
            ("cache_size_mb", cache),
            ("id", Datum::string(server.id.to_string())),
            ("name", Datum::String(server.name.clone())),
            ("tags", Datum::array(server.tags.iter().cloned().map(Datum::String))),
        ])])
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        if write.old.is_null() || write.new.is_null() {
            return Err(ReqlError::op_failed(
                "It's illegal to insert new rows into or delete rows from the `rethinkdb.server_config` table.",
            ));
        }
        let (name, tags) = parse(write).map_err(wrong_format(self.name()))?;
        self.0.settle(self.0.catalog.configure_server(&name, Some(tags))).map(drop)
    }
}

/// The name and the tags that a row asks for; the rest is that of the command line.
fn parse(write: &SystemWrite<'_>) -> Result<(Text, BTreeSet<Text>), ReqlError> {
    let mut fields = Fields::of(write.new)?;
    let name = fields::name(&fields.require("name")?, "server name").map_err(within("name"))?;
    let tags = fields.require("tags")?;
    let tags = fields::items(&tags)
        .and_then(|tags| tags.iter().map(|tag| fields::name(tag, "server tag")).collect())
        .map_err(within("tags"))?;
    for field in ["id", "cache_size_mb"] {
        if fields.require(field)? != write.old.get(field).unwrap_or(Datum::Null) {
            return Err(ReqlError::op_failed(format!("The field `{field}` is read-only.")));
        }
    }
    fields.finish()?;
    Ok((name, tags))
}
