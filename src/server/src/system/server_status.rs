//! `server_status`: how this server runs.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, time};

pub(super) struct ServerStatus(pub(super) Arc<Sources>);

impl SystemTable for ServerStatus {
    fn name(&self) -> &'static str {
        "server_status"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let sources = &self.0;
        let process = &sources.process;
        let doors = sources.doors.read().clone();
        let port = |port: u16| Datum::from(u32::from(port));
        let addresses = doors.addresses.iter().map(|address| {
            Datum::object([
                ("host", Datum::string(address.ip().to_string())),
                ("port", Datum::from(u32::from(address.port()))),
            ])
        });
        let started = time(sources.activity.started_at());
        let network = Datum::object([
            ("canonical_addresses", Datum::array(addresses)),
            ("cluster_port", Datum::Null),
            ("connected_to", Datum::Object(photondb_datum::Object::empty())),
            ("hostname", Datum::string(process.host_name.clone())),
            ("http_admin_port", doors.http_port.map_or(Datum::from("<no http admin>"), port)),
            ("reql_port", port(doors.driver_port)),
            ("time_connected", started.clone()),
        ]);
        let process = Datum::object([
            ("argv", Datum::array(process.arguments.iter().cloned().map(Datum::from))),
            ("cache_size_mb", Datum::Number(process.cache_megabytes)),
            ("pid", Datum::from(std::process::id())),
            ("time_started", started),
            ("version", Datum::string(process.version.clone())),
        ]);
        Ok(vec![Datum::object([
            ("id", sources.server_id()),
            ("name", sources.server_name()),
            ("network", network),
            ("process", process),
        ])])
    }
}
