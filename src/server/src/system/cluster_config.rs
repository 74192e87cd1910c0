//! `cluster_config`: settings of the whole cluster.

use std::sync::Arc;

use photondb_catalog::{ClusterConfig, IdentifierFormat};
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, refuse_read_only, wrong_row};

const HEARTBEAT: &str = "heartbeat";
const TIMEOUT: &str = "heartbeat_timeout_secs";

pub(super) struct ClusterConfigTable(pub(super) Arc<Sources>);

impl SystemTable for ClusterConfigTable {
    fn name(&self) -> &'static str {
        "cluster_config"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let timeout = self.0.catalog.state().cluster().heartbeat_timeout_seconds;
        Ok(vec![Datum::object([("id", Datum::from(HEARTBEAT)), (TIMEOUT, Datum::Number(timeout))])])
    }

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        if old.is_null() || new.is_null() {
            return Err(ReqlError::op_failed(
                "It's illegal to insert new rows into or delete rows from the `rethinkdb.cluster_config` table.",
            ));
        }
        refuse_read_only(self.name(), old, new, &[TIMEOUT])?;
        let timeout = new.get(TIMEOUT).and_then(|value| value.as_number()).filter(|seconds| *seconds >= 2.0);
        let Some(heartbeat_timeout_seconds) = timeout else {
            return Err(wrong_row(
                self.name(),
                "The heartbeat timeout must be a number of at least two seconds.",
            ));
        };
        self.0.settle(self.0.catalog.configure_cluster(ClusterConfig { heartbeat_timeout_seconds }))
    }
}
