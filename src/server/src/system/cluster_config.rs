//! `cluster_config`: settings of the whole cluster.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_catalog::ClusterConfig;
use photondb_datum::Datum;
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::fields::{Fields, wrong_format};
use super::{Sources, SystemTable};

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

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        if write.old.is_null() || write.new.is_null() {
            return Err(ReqlError::op_failed(
                "It's illegal to insert new rows into or delete rows from the `rethinkdb.cluster_config` table.",
            ));
        }
        let heartbeat_timeout_seconds = parse(write.new).map_err(wrong_format(self.name()))?;
        self.0.settle(self.0.catalog.configure_cluster(ClusterConfig { heartbeat_timeout_seconds }))
    }
}

fn parse(row: &Datum) -> Result<f64, ReqlError> {
    let mut fields = Fields::of(row)?;
    fields.require("id")?;
    let timeout = fields.require(TIMEOUT)?;
    fields.finish()?;
    timeout.as_number().filter(|seconds| *seconds >= 2.0).ok_or_else(|| {
        ReqlError::op_failed("The heartbeat timeout must be a number of at least two seconds.")
    })
}
