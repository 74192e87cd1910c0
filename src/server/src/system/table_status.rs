//! `table_status`: whether tables can be used, and where they are.

use std::sync::Arc;

use photondb_base::{IdentifierFormat, TableId};
use photondb_catalog::{State, Table};
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
        Ok(state.tables().map(|table| self.describe(&state, table, format)).collect())
    }

    fn row(&self, key: &Datum, format: IdentifierFormat) -> Result<Datum, ReqlError> {
        let state = self.0.catalog.state();
        let table = key.as_str().and_then(TableId::parse).and_then(|id| state.table_by_id(id));
        Ok(table.map_or(Datum::Null, |table| self.describe(&state, table, format)))
    }
}

impl TableStatus {
    fn describe(&self, state: &State, table: &Table, format: IdentifierFormat) -> Datum {
        let server = self.0.server_label(format);
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
            ("db", database_label(state, table, format)),
            ("id", Datum::string(table.id.to_string())),
            ("name", Datum::String(table.name.clone())),
            ("raft_leader", server.clone()),
            ("shards", Datum::array(table.shards.iter().map(|_| shard.clone()))),
            ("status", status),
        ])
    }
}
