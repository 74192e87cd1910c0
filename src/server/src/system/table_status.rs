//! `table_status`: whether tables can be used, and where they are.

use std::sync::Arc;

use photondb_catalog::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, database_label};

pub(super) struct TableStatus(pub(super) Arc<Sources>);

impl SystemTable for TableStatus {
    fn name(&self) -> &'static str {
        "table_status"
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.0.catalog.state();
        let server = self.0.server_label(format);
        let rows = state.tables().map(|table| {
            let replica = Datum::object([("server", server.clone()), ("state", Datum::from("ready"))]);
            let shard = Datum::object([
                ("primary_replicas", Datum::array([server.clone()])),
                ("replicas", Datum::array([replica])),
            ]);
            let ready = Datum::Bool(true);
            let status = Datum::object([
                ("all_replicas_ready", ready.clone()),
                ("ready_for_outdated_reads", ready.clone()),
                ("ready_for_reads", ready.clone()),
                ("ready_for_writes", ready),
            ]);
            Datum::object([
                ("db", database_label(&state, table, format)),
                ("id", Datum::string(table.id.to_string())),
                ("name", Datum::String(table.name.clone())),
                ("raft_leader", server.clone()),
                ("shards", Datum::array(table.shards.iter().map(|_| shard.clone()))),
                ("status", status),
            ])
        });
        Ok(rows.collect())
    }
}
