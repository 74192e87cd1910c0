//! How to open a data directory.

use std::sync::Arc;

use photondb_base::{Clock, SystemClock};

use crate::disk::Disk;

/// Files of the log that wait to be used again.
const LOG_SPARES_MAX: u64 = 32;

/// Sizes that the page cache can have.
const PAGE_CACHE_STEPS: u64 = 64;
/// The page cache has at least this part, however long the commits under way are.
const PAGE_CACHE_PART_MIN: u64 = 8;

/// How to open a data directory.
#[derive(Clone)]
pub struct OpenOptions {
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// The time that the log tells with its records.
    pub clock: Arc<dyn Clock>,
    /// Bounds the page cache and the changes not yet written, together. Pages have what changes
    /// leave, which is at least half.
    pub cache_bytes_max: u64,
    /// A log segment is closed when it has grown above this.
    pub wal_segment_bytes: u64,
    /// A checkpoint begins when the log has grown by this since the last one.
    pub checkpoint_log_bytes: u64,
    /// A checkpoint begins also when nothing was written for so long, and the log has grown by
    /// enough to be worth it: scans then read pages, the log is short and the next start quick.
    /// 0 turns that off. Only with `background`.
    pub checkpoint_idle_ms: u64,
    /// The data file is compacted, while nothing is written, when it has lost more room than
    /// this, and a sixteenth of what is used, in slabs with gaps.
    pub compact_lost_bytes: u64,
    /// Log kept behind the last checkpoint for [`Engine::log_since`].
    pub log_keep_bytes: u64,
    /// The same once [`Engine::keep_history`] was called.
    pub history_bytes_max: u64,
    /// Whether checkpoints, syncs for [`Engine::when_durable`] and scrubs run on threads of
    /// their own. Without, they run inside the call that needs them, deterministically,
    /// scrubs run only when asked for, and the engine must be closed with [`DiskEngine::close`].
    pub background: bool,
    /// How much the background scrubber reads per second; 0 turns it off.
    pub scrub_bytes_per_second: u64,
    /// Pause between two background scrubs.
    pub scrub_pause_ms: u64,
}

impl OpenOptions {
    /// The defaults for a disk.
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            clock: Arc::new(SystemClock::default()),
            cache_bytes_max: 256 * 1024 * 1024,
            wal_segment_bytes: 4 * 1024 * 1024,
            checkpoint_log_bytes: 128 * 1024 * 1024,
            checkpoint_idle_ms: 1000,
            compact_lost_bytes: 2 * 1024 * 1024,
            log_keep_bytes: 0,
            history_bytes_max: 256 * 1024 * 1024,
            background: true,
            scrub_bytes_per_second: 8 * 1024 * 1024,
            scrub_pause_ms: 24 * 3600 * 1000,
        }
    }

    /// The page cache's part, when changes take so much memory.
    pub(crate) fn page_cache_bytes(&self, dirty_bytes: u64) -> u64 {
        let step = (self.cache_bytes_max / PAGE_CACHE_STEPS).max(1);
        // Whole steps: the page cache is not made smaller for every commit.
        let left = self.cache_bytes_max.saturating_sub(dirty_bytes.next_multiple_of(step));
        left.max(self.cache_bytes_max / PAGE_CACHE_PART_MIN)
    }

    /// Files of the log that are used again rather than removed: as many segments as one
    /// checkpoint frees.
    pub(crate) fn log_spares_max(&self) -> usize {
        (self.checkpoint_log_bytes / self.wal_segment_bytes.max(1)).clamp(1, LOG_SPARES_MAX) as usize
    }

    /// A checkpoint begins when changes take more memory than this.
    pub(crate) fn dirty_bytes_checkpoint(&self) -> u64 {
        self.cache_bytes_max / 4
    }

    /// Commits wait when changes take more memory than this.
    pub(crate) fn dirty_bytes_max(&self) -> u64 {
        self.cache_bytes_max / 2
    }
}
