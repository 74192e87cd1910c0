//! Documents that expire: a hidden index by the moment of expiry, and a thread that deletes
//! what is due by ordinary writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::Clock;
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_datum::{Datum, Text, pseudo};
use photondb_storage::{Direction, Durability, Engine, KeyRange};

use super::entry::FoundEntry;
use super::keys;
use super::table::{OpenIndex, OpenTable};
use super::write;
use crate::error::{RowError, TableError};
use crate::function::{IndexFunction, IndexValue, WriteFunction};
use crate::limits::{EXPIRY_BATCH_ROWS_MAX, EXPIRY_SWEEP_MS};
use crate::write::{ReturnChanges, Verb, WriteKind, WriteOp};

/// Later than every moment that a document can expire at.
pub(crate) const NEVER_DUE: u64 = u64::MAX;

/// How the documents of a table expire.
pub(crate) struct Expiry {
    pub(crate) index: Arc<OpenIndex>,
    pub(crate) rule: Arc<ExpiryRule>,
}

/// When a document expires: some time after the time in one of its fields.
pub(crate) struct ExpiryRule {
    pub(crate) field: Text,
    pub(crate) after_seconds: f64,
}

impl ExpiryRule {
    /// The moment of expiry in its order; `None` for a document that never expires.
    fn due(&self, document: &Datum) -> Option<u64> {
        let time = document.get(&self.field)?;
        let time = time.as_object().filter(|_| time.is_time())?;
        Some(ordered(pseudo::epoch_time(time) + self.after_seconds))
    }
}

impl IndexFunction for ExpiryRule {
    fn values(&self, document: &Datum, out: &mut Vec<IndexValue>) {
        let due = self.due(document);
        out.extend(due.map(|due| IndexValue::Raw(Bytes::copy_from_slice(&due.to_be_bytes()))));
    }
}

/// The moment in an entry of the hidden index.
pub(crate) fn due_of(secondary: &[u8]) -> u64 {
    secondary.try_into().map_or(NEVER_DUE, u64::from_be_bytes)
}

/// Seconds as an integer in the same order.
fn ordered(seconds: f64) -> u64 {
    let bits = seconds.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Deletes a document that is still due when its latch is held.
struct DeleteDue {
    expiry: Arc<Expiry>,
    now: u64,
}

impl WriteFunction for DeleteDue {
    fn new_row(&self, old: &Datum) -> Result<Datum, RowError> {
        // A rule that is no longer that of the table deletes nothing more.
        let rule = &self.expiry.rule;
        let is_due =
            self.expiry.index.check_present().is_ok() && rule.due(old).is_some_and(|due| due <= self.now);
        Ok(if is_due { Datum::Null } else { old.clone() })
    }
}

/// Deletes the expired documents of all tables where documents expire. Its thread lives as
/// long as there are any.
pub(crate) struct Expirer {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    watched: Mutex<Watched>,
    /// One sweep at a time.
    sweeping: Mutex<()>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Watched {
    tables: Vec<Weak<OpenTable>>,
    running: bool,
}

impl Expirer {
    pub(crate) fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let stopped = AtomicBool::new(false);
        Arc::new(Self { engine, clock, watched: Mutex::default(), sweeping: Mutex::new(()), stopped })
    }

    /// Has an eye on a table from now on.
    pub(crate) fn watch(self: &Arc<Self>, table: &Arc<OpenTable>) {
        let mut watched = self.watched.lock();
        if !watched.tables.iter().any(|known| known.as_ptr() == Arc::as_ptr(table)) {
            watched.tables.push(Arc::downgrade(table));
        }
        if watched.running {
            return;
        }
        let expirer = Arc::downgrade(self);
        let run = move || {
            loop {
                std::thread::sleep(Duration::from_millis(EXPIRY_SWEEP_MS));
                let Some(expirer) = expirer.upgrade() else { return };
                expirer.sweep();
                let mut watched = expirer.watched.lock();
                if watched.tables.is_empty() || expirer.is_stopped() {
                    watched.running = false;
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("expiry".to_owned()).stack_size(THREAD_STACK_BYTES);
        match thread.spawn(run) {
            Ok(_detached) => watched.running = true,
            Err(error) => {
                tracing::error!(%error, "could not start the thread that deletes expired documents")
            }
        }
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Deletes what is due: a batch of every table in turn, until nothing is left.
    pub(crate) fn sweep(&self) {
        let _alone = self.sweeping.lock();
        let mut tables: Vec<Arc<OpenTable>> = {
            let mut watched = self.watched.lock();
            watched.tables.retain(|table| {
                table
                    .upgrade()
                    .is_some_and(|table| table.check_open().is_ok() && table.state().expiry.is_some())
            });
            watched.tables.iter().filter_map(Weak::upgrade).collect()
        };
        let now = ordered(self.clock.now_seconds());
        while !tables.is_empty() && !self.is_stopped() {
            tables.retain(|table| match self.sweep_table(table, now) {
                Ok(more) => more,
                Err(TableError::NoTable(_)) => false,
                Err(error) => {
                    table.due.fetch_min(0, Ordering::AcqRel);
                    tracing::warn!(table = %table.id, %error, "expired documents could not be deleted");
                    false
                }
            });
        }
    }

    /// Deletes a batch of a table's due documents; whether more may follow at once.
    fn sweep_table(&self, table: &OpenTable, now: u64) -> Result<bool, TableError> {
        let state = table.state();
        let Some(expiry) = &state.expiry else { return Ok(false) };
        // While the index is built its tree is not complete, and nobody says what comes in.
        let is_ready = expiry.index.ready.load(Ordering::Acquire);
        if is_ready && table.due.load(Ordering::Acquire) > now {
            return Ok(false);
        }
        // Writers lower the mark after their commits: what the snapshot lacks is marked.
        table.due.store(NEVER_DUE, Ordering::Release);
        let (keys, next) = self.due_keys(&expiry.index, now)?;
        table.due.fetch_min(next, Ordering::AcqRel);
        if keys.is_empty() {
            return Ok(false);
        }
        let op = WriteOp {
            table: table.id,
            kind: WriteKind::Replace {
                keys,
                function: Arc::new(DeleteDue { expiry: expiry.clone(), now }),
                verb: Verb::Delete,
            },
            durability: Some(Durability::Soft),
            return_changes: ReturnChanges::No,
            ignore_write_hook: true,
            now_seconds: 0.0,
        };
        let summary = write::write(self.engine.as_ref(), table, &op)?;
        if let Some(error) = summary.first_error {
            tracing::warn!(table = %table.id, error, "an expired document could not be deleted");
        }
        Ok(next <= now && summary.deleted > 0)
    }

    /// The keys of a batch of due documents, and the moment of the first one after it.
    fn due_keys(&self, index: &OpenIndex, now: u64) -> Result<(Vec<Datum>, u64), TableError> {
        let snapshot = self.engine.snapshot();
        let mut cursor = snapshot.range(index.tree, KeyRange::all(), Direction::Forward);
        let mut keys = Vec::new();
        while let Some((key, value)) = cursor.next()? {
            let Some(entry) = FoundEntry::parse(key, &value) else { continue };
            let due = due_of(&entry.secondary());
            if due > now || keys.len() >= EXPIRY_BATCH_ROWS_MAX {
                return Ok((keys, due));
            }
            keys.extend(keys::decode(&entry.primary()));
        }
        Ok((keys, NEVER_DUE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order() {
        let seconds = [f64::MIN, -1e9, -1.5, -0.0, 0.0, 0.001, 1.0, 1e9, 1e12, f64::MAX];
        assert!(seconds.windows(2).all(|pair| ordered(pair[0]) <= ordered(pair[1])));
        assert!(seconds.iter().all(|seconds| ordered(*seconds) < NEVER_DUE));
        assert_eq!(due_of(&ordered(3.5).to_be_bytes()), ordered(3.5));
    }
}
