//! `logs`: the last messages of the server's log.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_datum::{Datum, pseudo};
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, time};

pub(super) struct LogsTable(pub(super) Arc<Sources>);

impl SystemTable for LogsTable {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn changes_silently(&self) -> bool {
        true
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let (server, server_id) = (self.0.server_name(), self.0.server_id());
        let rows = self.0.logs.messages().into_iter().map(|message| {
            let timestamp = time(message.at);
            let text =
                timestamp.as_object().and_then(|time| pseudo::print_iso8601(time).ok()).unwrap_or_default();
            // Several messages may share a millisecond.
            let id = Datum::array([Datum::string(format!("{text}#{}", message.number)), server_id.clone()]);
            Datum::object([
                ("id", id),
                ("level", Datum::from(message.level)),
                ("message", Datum::string(message.text)),
                ("server", server.clone()),
                ("timestamp", timestamp),
                ("uptime", Datum::Number(message.uptime_seconds)),
            ])
        });
        Ok(rows.collect())
    }
}
