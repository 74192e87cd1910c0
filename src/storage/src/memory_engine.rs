//! The engine without a disk: the same trees, nothing survives the process.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use photondb_base::{LogPosition, prompt};

use crate::batch::Batch;
use crate::engine::{Engine, LogRecords, ScrubReport, Snapshot, Statistics, WhenReached};
use crate::error::StorageError;
use crate::health::Health;
use crate::node::Root;
use crate::state::State;
use crate::view::TreeSnapshot;

/// Log kept for [`Engine::log_since`].
const LOG_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An engine in memory. Everything counts as durable at once.
pub struct MemoryEngine {
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    log: VecDeque<(LogPosition, Bytes)>,
    log_bytes: usize,
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryEngine {
    /// An empty engine.
    pub fn new() -> Self {
        let state = State::new(Root::default(), LogPosition(0), None);
        Self { inner: Mutex::new(Inner { state, log: VecDeque::new(), log_bytes: 0 }) }
    }
}

impl Engine for MemoryEngine {
    fn append(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        let is_empty = batch.is_empty();
        let record = batch.seal()?;
        prompt::before_change()?;
        let mut inner = self.inner.lock();
        if is_empty {
            return Ok(inner.state.position);
        }
        let position = LogPosition(inner.state.position.0 + 1);
        inner.state.apply(position, &record)?;
        inner.log_bytes += record.len();
        inner.log.push_back((position, record));
        while inner.log_bytes > LOG_BYTES_MAX
            && let Some((_, old)) = inner.log.pop_front()
        {
            inner.log_bytes -= old.len();
        }
        Ok(position)
    }

    fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        self.append(batch)
    }

    fn wait_written(&self, _position: LogPosition) -> Result<(), StorageError> {
        Ok(())
    }

    fn when_written(&self, _position: LogPosition, done: WhenReached) {
        done(Ok(()));
    }

    fn written(&self) -> LogPosition {
        self.applied()
    }

    fn wait_durable(&self, _position: LogPosition) -> Result<(), StorageError> {
        Ok(())
    }

    fn when_durable(&self, _position: LogPosition, done: WhenReached) {
        done(Ok(()));
    }

    fn durable(&self) -> LogPosition {
        self.applied()
    }

    fn applied(&self) -> LogPosition {
        self.inner.lock().state.position
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(TreeSnapshot(Arc::new(self.inner.lock().state.view())))
    }

    fn checkpoint(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        let inner = self.inner.lock();
        Statistics {
            log_bytes: inner.log_bytes as u64,
            commits: inner.state.position.0,
            snapshots: inner.state.snapshots(),
            ..Statistics::default()
        }
    }

    fn health(&self) -> Health {
        Health::default()
    }

    fn scrub(&self) -> Result<ScrubReport, StorageError> {
        Ok(ScrubReport::default())
    }

    fn log_since(&self, position: LogPosition) -> Result<LogRecords, StorageError> {
        let inner = self.inner.lock();
        let first = inner.log.front().map_or(inner.state.position.0 + 1, |(first, _)| first.0);
        if position.0 + 1 < first {
            return Err(StorageError::LogTooOld { requested: position, oldest: LogPosition(first - 1) });
        }
        let records: Vec<(LogPosition, Bytes)> =
            inner.log.iter().filter(|(at, _)| *at > position).cloned().collect();
        Ok(Box::new(records.into_iter().map(|(at, record)| {
            let malformed = || StorageError::corrupt("log", 0, "a record is malformed");
            Ok((at, Batch::unseal(&record).ok_or_else(malformed)?))
        })))
    }
}
