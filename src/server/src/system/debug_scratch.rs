//! `_debug_scratch`: a place to try things, gone when the server stops.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use photondb_base::IdentifierFormat;
use photondb_datum::Datum;
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::SystemTable;

/// Rows that the table holds.
const SCRATCH_ROWS_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct DebugScratch {
    rows: Mutex<BTreeMap<Datum, Datum>>,
}

impl SystemTable for DebugScratch {
    fn name(&self) -> &'static str {
        "_debug_scratch"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(self.rows.lock().values().cloned().collect())
    }

    fn row(&self, key: &Datum, _format: IdentifierFormat) -> Result<Datum, ReqlError> {
        Ok(self.rows.lock().get(key).cloned().unwrap_or(Datum::Null))
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        let mut rows = self.rows.lock();
        if write.new.is_null() {
            rows.remove(write.key);
            return Ok(());
        }
        if rows.len() >= SCRATCH_ROWS_MAX && !rows.contains_key(write.key) {
            return Err(ReqlError::resource_limit(format!(
                "`rethinkdb._debug_scratch` holds at most {SCRATCH_ROWS_MAX} rows."
            )));
        }
        rows.insert(write.key.clone(), write.new.clone());
        Ok(())
    }
}
