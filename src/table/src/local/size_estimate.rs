//! How many bytes the documents of a table take, by a sample of them: trees know how many keys
//! they have, and not how large what belongs to them is.

use parking_lot::Mutex;
use photondb_base::TreeId;
use photondb_storage::{KeyRange, Snapshot, StorageError};

/// Documents that are looked at, evenly spread over the table.
const SAMPLE_ROWS_MAX: u64 = 32;
/// No more are looked at behind so many bytes.
const SAMPLE_BYTES_MAX: u64 = 1024 * 1024;
/// A sample counts until one in so many documents was written since.
const WRITTEN_SHARE: u64 = 10;

/// What the last sample told.
#[derive(Default)]
pub(crate) struct SizeEstimate(Mutex<Option<Sample>>);

#[derive(Clone, Copy)]
struct Sample {
    bytes_per_row: f64,
    /// Documents that were written before it was taken.
    rows_written: u64,
}

impl SizeEstimate {
    /// Bytes of all documents and their keys, as they are before pages and slots are filled up.
    /// Exact for tables with few documents.
    pub(crate) fn document_bytes(
        &self,
        snapshot: &dyn Snapshot,
        tree: TreeId,
        rows: u64,
        rows_written: u64,
    ) -> Result<u64, StorageError> {
        let mut place = self.0.lock();
        let is_current =
            |sample: &Sample| rows_written.saturating_sub(sample.rows_written) <= rows / WRITTEN_SHARE;
        let sample = match place.filter(is_current) {
            Some(sample) => sample,
            None => Sample { bytes_per_row: bytes_per_row(snapshot, tree, rows)?, rows_written },
        };
        *place = Some(sample);
        Ok((sample.bytes_per_row * rows as f64).round() as u64)
    }
}

fn bytes_per_row(snapshot: &dyn Snapshot, tree: TreeId, rows: u64) -> Result<f64, StorageError> {
    let sample_rows = rows.min(SAMPLE_ROWS_MAX);
    let (mut looked, mut bytes) = (0u64, 0u64);
    for n in 0..sample_rows {
        // In the middle of each part: the ends may be special.
        let nth = (2 * n + 1) * rows / (2 * sample_rows);
        let Some(key) = snapshot.nth_key(tree, &KeyRange::all(), nth)? else { continue };
        let Some(value) = snapshot.get(tree, &key)? else { continue };
        looked += 1;
        bytes += (key.len() + value.len()) as u64;
        if bytes >= SAMPLE_BYTES_MAX {
            break;
        }
    }
    Ok(bytes as f64 / looked.max(1) as f64)
}
