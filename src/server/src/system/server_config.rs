//! `server_config`: what can be set about this server.

use std::sync::Arc;

use photondb_catalog::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, refuse_read_only, text_field};

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

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        if old.is_null() || new.is_null() {
            return Err(ReqlError::op_failed(
                "It's illegal to insert new rows into or delete rows from the `rethinkdb.server_config` table.",
            ));
        }
        refuse_read_only(self.name(), old, new, &["name"])?;
        let name = text_field(new, self.name(), "name")?;
        self.0.settle(self.0.catalog.rename_server(&name)).map(drop)
    }
}
