//! The engine as its users see it.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{LogPosition, TreeId};

use crate::batch::Batch;
use crate::cursor::Cursor;
use crate::error::StorageError;
use crate::health::Health;
use crate::log_history::{LogHistory, LogMark};
use crate::lookup::Lookup;
use crate::range::{Direction, KeyRange};

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// A power cut: wait until the log is synced.
    Hard,
    /// A killed process: the log has been handed to the operating system.
    Soft,
}

/// Told once when the log has come as far as was asked for, or why it never will. Runs on any
/// thread and must not block.
pub type WhenReached = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// How far the log must have come before something may be acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Written up to here: it survives a killed process.
    pub written: LogPosition,
    /// Durable up to here: it survives a power cut.
    pub durable: LogPosition,
}

impl Acknowledgement {
    /// What a write at `position` waits for.
    pub fn of(position: LogPosition, durability: Durability) -> Self {
        let nothing = LogPosition::default();
        match durability {
            Durability::Hard => Self { written: nothing, durable: position },
            Durability::Soft => Self { written: position, durable: nothing },
        }
    }

    /// What both wait for.
    pub fn and(self, other: Self) -> Self {
        Self { written: self.written.max(other.written), durable: self.durable.max(other.durable) }
    }

    /// Whether the log has come so far.
    pub fn is_due(&self, engine: &dyn Engine) -> bool {
        engine.durable() >= self.durable && engine.written() >= self.written
    }

    /// Waits until the log has come so far.
    pub fn wait(&self, engine: &dyn Engine) -> Result<(), StorageError> {
        engine.wait_written(self.written)?;
        engine.wait_durable(self.durable)
    }
}

/// Records of the log in order.
pub type LogRecords = Box<dyn Iterator<Item = Result<(LogPosition, Batch), StorageError>> + Send>;

/// Trees of bytes behind one log.
pub trait Engine: Send + Sync {
    /// Appends one record to the log and applies it. When this returns, every later snapshot
    /// has it, but a killed process loses it until it is written: nothing may be acknowledged
    /// before [`Engine::wait_written`], [`Engine::when_written`] or their like for what is
    /// durable, which write for many at once. An error means that nothing was applied. An
    /// empty batch changes nothing and gives the applied position.
    fn append(&self, batch: Batch) -> Result<LogPosition, StorageError>;

    /// [`Engine::append`] and [`Engine::wait_written`] in one: when this returns, the record
    /// survives a killed process. When it could be applied and not be written, the engine
    /// stops writing.
    fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError>;

    /// Waits until `position` is written. Many waiters share one write.
    fn wait_written(&self, position: LogPosition) -> Result<(), StorageError>;

    /// Calls `done` when `position` is written: before this returns, unless somebody else is
    /// writing.
    fn when_written(&self, position: LogPosition, done: WhenReached);

    /// The highest position that is written.
    fn written(&self) -> LogPosition;

    /// Waits until `position` is durable. Many waiters share one sync. What must be prompt may
    /// not wait: see [`photondb_base::prompt`].
    fn wait_durable(&self, position: LogPosition) -> Result<(), StorageError>;

    /// Calls `done` when `position` is durable, without waiting for it here.
    fn when_durable(&self, position: LogPosition, done: WhenReached);

    /// The highest durable position.
    fn durable(&self) -> LogPosition;

    /// The highest position that snapshots see.
    fn applied(&self) -> LogPosition;

    /// A consistent view of all trees. Cheap; never blocks writers. Space that is freed later
    /// is not reused while the snapshot lives.
    fn snapshot(&self) -> Arc<dyn Snapshot>;

    /// Writes changed pages out and frees the log behind them.
    fn checkpoint(&self) -> Result<(), StorageError>;

    /// Moves what stands in slabs with gaps together and gives the others back to the file
    /// system, as long as `goes_on` says so. An engine that is idle does so by itself when it is
    /// worth it.
    fn compact(&self, _goes_on: &dyn Fn() -> bool) -> Result<(), StorageError> {
        Ok(())
    }

    /// Figures for people and metrics.
    fn statistics(&self) -> Statistics;

    /// What is wrong at the moment.
    fn health(&self) -> Health;

    /// Reads everything that is stored and verifies its checksums.
    fn scrub(&self) -> Result<ScrubReport, StorageError>;

    /// The records after `position` up to the one applied last, or
    /// [`StorageError::LogTooOld`] when the log no longer reaches back that far.
    fn log_since(&self, position: LogPosition) -> Result<LogRecords, StorageError>;

    /// Keeps more of the log from now on, for those who go on from what they have read of it
    /// before. There is no way back but a new data directory.
    fn keep_history(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// By what the record at a position can be told from that of any other log.
    fn log_mark(&self, position: LogPosition) -> Result<LogMark, StorageError> {
        Err(StorageError::NoHistory { position })
    }

    /// The records behind a mark as the log has them, once it is sure that this is the log the
    /// mark was taken of, and that it reaches back that far.
    fn log_after(&self, mark: LogMark) -> Result<LogHistory, StorageError> {
        Err(StorageError::NoHistory { position: mark.position })
    }

    /// [`Engine::commit`], and with [`Durability::Hard`] [`Engine::wait_durable`].
    fn commit_with(&self, batch: Batch, durability: Durability) -> Result<LogPosition, StorageError> {
        let position = self.commit(batch)?;
        if durability == Durability::Hard {
            self.wait_durable(position)?;
        }
        Ok(position)
    }
}

/// All trees at one position of the log.
pub trait Snapshot: Send + Sync {
    /// Everything at or before this position is in the snapshot, nothing after it.
    fn position(&self) -> LogPosition;

    /// The value of a key.
    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Bytes>, StorageError>;

    /// The values of many keys. The lookup holds the snapshot.
    fn lookup(&self, tree: TreeId) -> Lookup;

    /// The entries of a range in order. The cursor holds the snapshot.
    fn range(&self, tree: TreeId, range: KeyRange, direction: Direction) -> Cursor;

    /// Number of keys in a range. Takes as long as two lookups.
    fn count(&self, tree: TreeId, range: &KeyRange) -> Result<u64, StorageError>;

    /// Key number `n`, from 0, of a range. Takes as long as two lookups.
    fn nth_key(&self, tree: TreeId, range: &KeyRange, n: u64) -> Result<Option<Bytes>, StorageError>;

    /// At most `parts - 1` ascending keys that cut a range in parts with equally many keys;
    /// each is the first key of the part behind it.
    fn split(&self, tree: TreeId, range: &KeyRange, parts: usize) -> Result<Vec<Bytes>, StorageError>;

    /// The trees that are not empty, in ascending order, with their numbers of keys.
    fn trees(&self) -> Result<Vec<(TreeId, u64)>, StorageError>;
}

/// Figures of an engine. Bytes unless named otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Pages and values cached.
    pub cache_bytes: u64,
    /// The most that the page cache and changes no checkpoint has written take together.
    pub cache_bytes_max: u64,
    /// Reads answered by the cache.
    pub cache_hits: u64,
    /// Reads that went to the disk.
    pub cache_misses: u64,
    /// Estimate of the memory held by changes no checkpoint has written.
    pub dirty_bytes: u64,
    /// Log kept on disk.
    pub log_bytes: u64,
    /// Log segments.
    pub log_segments: u64,
    /// Log written since the last checkpoint began.
    pub log_bytes_since_checkpoint: u64,
    /// Syncs of the log.
    pub log_syncs: u64,
    /// Length of the data file.
    pub data_bytes: u64,
    /// Slots in use, the room inside them included.
    pub slot_bytes_used: u64,
    /// Slots that wait for a snapshot or a checkpoint before they can be reused.
    pub slot_bytes_pending: u64,
    /// Slabs of the data file.
    pub slabs: u64,
    /// Slabs of the data file with nothing in them.
    pub slabs_free: u64,
    /// Checkpoints completed.
    pub checkpoints: u64,
    /// Checkpoints that failed.
    pub checkpoints_failed: u64,
    /// Records committed.
    pub commits: u64,
    /// Snapshots alive.
    pub snapshots: u64,
    /// Scrubs completed.
    pub scrubs: u64,
}

/// What a scrub read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    /// B-tree nodes.
    pub nodes: u64,
    /// Values in slots.
    pub values: u64,
    /// Log records.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
}
