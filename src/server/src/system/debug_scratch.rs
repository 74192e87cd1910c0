//! `_debug_scratch`: a place to try things, gone when the server stops.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use photondb_catalog::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::{PRIMARY_KEY, SystemTable, wrong_row};

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

    fn write(&self, old: &Datum, new: &Datum) -> Result<(), ReqlError> {
        let row = if new.is_null() { old } else { new };
        let Some(key) = row.get(PRIMARY_KEY) else { return Err(wrong_row(self.name(), "Expected an `id`.")) };
        let mut rows = self.rows.lock();
        if new.is_null() {
            rows.remove(&key);
            return Ok(());
        }
        if rows.len() >= SCRATCH_ROWS_MAX && !rows.contains_key(&key) {
            return Err(ReqlError::resource_limit(format!(
                "`rethinkdb._debug_scratch` holds at most {SCRATCH_ROWS_MAX} rows."
            )));
        }
        rows.insert(key, new.clone());
        Ok(())
    }
}
