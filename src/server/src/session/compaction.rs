//! Compaction over the drivers' door: one value that says what it has gained.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::Cancel;
use photondb_datum::Datum;
use photondb_exec::TERMINATED_MESSAGE;
use photondb_reql::ReqlError;
use photondb_storage::Engine;
use photondb_wire::Token;

use super::Session;
use super::start::Started;

const REFUSAL: &str = "Only the user `admin` may compact the data file.";

impl Session {
    /// Compacts the data file.
    pub(super) async fn start_compaction(self: &Arc<Self>, token: Token, body: Bytes) {
        self.administrate(token, body, REFUSAL, move |context, _job, cancel| {
            compact(context.engine.as_ref(), cancel).map(|gain| Started::value(token, &gain))
        })
        .await;
    }
}

/// Blocks until all is moved.
fn compact(engine: &dyn Engine, cancel: &Cancel) -> Result<Datum, ReqlError> {
    let before = engine.statistics();
    engine
        .compact(&|| !cancel.is_cancelled())
        .map_err(|error| ReqlError::op_failed(format!("The compaction failed: {error}")))?;
    if cancel.is_terminated() {
        return Err(ReqlError::op_indeterminate(TERMINATED_MESSAGE));
    }
    let after = engine.statistics();
    let number = |bytes: u64| Datum::Number(bytes as f64);
    Ok(Datum::object([
        ("data_bytes_before", number(before.data_bytes)),
        ("data_bytes_after", number(after.data_bytes)),
        ("used_bytes", number(after.slot_bytes_used)),
    ]))
}
