//! The engine on a disk: opening, closing, and what it answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use photondb_base::{LogPosition, prompt};

use crate::background::Background;
use crate::batch::Batch;
use crate::compaction;
use crate::engine::{Engine, LogRecords, ScrubReport, Snapshot, Statistics, WhenReached};
use crate::error::StorageError;
use crate::health::Health;
use crate::log_history::{LogHistory, LogMark};
use crate::open;
use crate::open_options::OpenOptions;
use crate::scrub;
use crate::shared::Shared;

/// More log than this behind it is not left to the next start to apply.
const CHECKPOINT_CLOSE_LOG_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// The engine on a disk.
pub struct DiskEngine {
    shared: Arc<Shared>,
    background: Option<Background>,
}

impl DiskEngine {
    /// Opens what is on the disk, creating it when there is nothing, and recovers: after this
    /// the trees are as of the last record that is whole, and durable.
    pub fn open(options: OpenOptions) -> Result<Self, StorageError> {
        let shared = Arc::new(open::open(options)?);
        let background = shared.options.background.then(|| Background::start(&shared)).transpose()?;
        Ok(Self { shared, background })
    }

    /// Leaves the log so that the next start is quick and sees all. Dropping does the same but
    /// cannot report.
    pub fn close(mut self) -> Result<(), StorageError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), StorageError> {
        match self.background.take() {
            Some(background) => background.stop(&self.shared),
            None if self.shared.options.background => return Ok(()),
            None => {}
        }
        let log_bytes = self.shared.counters.log_bytes_since_checkpoint.load(Ordering::Relaxed);
        // Without it all is safe, too: the log has everything.
        if log_bytes > CHECKPOINT_CLOSE_LOG_BYTES_MIN
            && let Err(error) = self.shared.checkpoint()
        {
            tracing::warn!(%error, "no checkpoint before the end");
        }
        self.shared.log.close()
    }
}

impl Drop for DiskEngine {
    fn drop(&mut self) {
        // Without threads this may be a simulation that is cut here: leave the disk alone.
        if self.background.is_some()
            && let Err(error) = self.stop()
        {
            tracing::warn!(%error, "the log could not be closed");
        }
    }
}

impl Engine for DiskEngine {
    fn append(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        self.shared.append(batch)
    }

    fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        let position = self.shared.append(batch)?;
        match self.shared.log.write_to(position.0) {
            Ok(()) => Ok(position),
            // Its caller takes an error to mean that nothing has changed.
            Err(error) if error.is_full() => Err(self.shared.poison.set(error)),
            Err(error) => Err(error),
        }
    }

    fn wait_written(&self, position: LogPosition) -> Result<(), StorageError> {
        self.shared.log.write_to(position.0)
    }

    fn when_written(&self, position: LogPosition, done: WhenReached) {
        self.shared.log.when_written(position.0, done);
    }

    fn written(&self) -> LogPosition {
        self.shared.log.written()
    }

    fn wait_durable(&self, position: LogPosition) -> Result<(), StorageError> {
        if self.shared.log.durable() < position {
            prompt::before_waiting()?;
        }
        self.shared.log.sync_to(position.0)
    }

    fn when_durable(&self, position: LogPosition, done: WhenReached) {
        if self.shared.log.durable() >= position.min(self.shared.log.appended()) {
            done(Ok(()));
        } else if self.background.is_some() {
            self.shared.control.request_sync(position, done);
        } else {
            done(self.shared.log.sync_to(position.0));
        }
    }

    fn durable(&self) -> LogPosition {
        self.shared.log.durable()
    }

    fn applied(&self) -> LogPosition {
        self.shared.applied()
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.shared.snapshot()
    }

    fn checkpoint(&self) -> Result<(), StorageError> {
        self.shared.checkpoint()
    }

    fn compact(&self, goes_on: &dyn Fn() -> bool) -> Result<(), StorageError> {
        compaction::compact(&self.shared, goes_on)
    }

    fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn scrub(&self) -> Result<ScrubReport, StorageError> {
        let outcome = scrub::scrub(&self.shared);
        self.shared.failures.scrub.note(&outcome);
        outcome
    }

    fn log_since(&self, position: LogPosition) -> Result<LogRecords, StorageError> {
        self.shared.log.batches_since(position)
    }

    fn keep_history(&self) -> Result<(), StorageError> {
        self.shared.keep_history()
    }

    fn log_mark(&self, position: LogPosition) -> Result<LogMark, StorageError> {
        LogHistory::find(self.shared.log.segments(), position)
    }

    fn log_after(&self, mark: LogMark) -> Result<LogHistory, StorageError> {
        LogHistory::after(self.shared.log.segments(), mark)
    }
}
