//! The engine on a disk: opening, committing, reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use photondb_base::{LogPosition, prompt};

use crate::background::{Background, Control};
use crate::batch::{Batch, Operation, Operations};
use crate::checkpoint::Checkpointer;
use crate::commit_queue::CommitQueue;
use crate::compaction;
use crate::disk::Disk;
use crate::engine::{Engine, LogRecords, ScrubReport, Snapshot, Statistics, WhenDurable};
use crate::error::StorageError;
use crate::log::{Log, Poison};
use crate::open;
use crate::scrub;
use crate::state::State;
use crate::store::Store;
use crate::view::{TreeSnapshot, View, tree_key};

/// A batch above this lets readers use the state before it while it is applied.
const LONG_APPLY_BYTES: usize = 1024 * 1024;

/// With less log than this behind it, a checkpoint is not worth the writes when nobody needs it.
const CHECKPOINT_IDLE_LOG_BYTES_MIN: u64 = 256 * 1024;

/// More log than this behind it is not left to the next start to apply.
const CHECKPOINT_CLOSE_LOG_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// Files of the log that wait to be used again.
const LOG_SPARES_MAX: u64 = 16;

/// How to open a data directory.
#[derive(Clone)]
pub struct OpenOptions {
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// Bounds the page cache and the changes not yet written, together.
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
    /// this, and an eighth of what is used, in slabs with free slots.
    pub compact_lost_bytes: u64,
    /// Log kept behind the last checkpoint for [`Engine::log_since`].
    pub log_keep_bytes: u64,
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
            cache_bytes_max: 256 * 1024 * 1024,
            wal_segment_bytes: 16 * 1024 * 1024,
            checkpoint_log_bytes: 128 * 1024 * 1024,
            checkpoint_idle_ms: 1000,
            compact_lost_bytes: 8 * 1024 * 1024,
            log_keep_bytes: 16 * 1024 * 1024,
            background: true,
            scrub_bytes_per_second: 8 * 1024 * 1024,
            scrub_pause_ms: 24 * 3600 * 1000,
        }
    }

    /// The page cache's part.
    pub(crate) fn page_cache_bytes(&self) -> u64 {
        self.cache_bytes_max / 2
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

/// The engine on a disk.
pub struct DiskEngine {
    shared: Arc<Shared>,
    background: Option<Background>,
}

/// What the engine and its threads share.
pub(crate) struct Shared {
    pub options: OpenOptions,
    pub poison: Poison,
    pub store: Arc<Store>,
    pub log: Log,
    pub state: Mutex<State>,
    /// The state before the batch that is being applied, while a long one is.
    before_apply: Mutex<Option<Arc<View>>>,
    queue: CommitQueue,
    pub checkpointer: Mutex<Checkpointer>,
    pub control: Control,
    pub counters: Counters,
    /// Wakes commits that wait for a checkpoint.
    room_lock: Mutex<()>,
    room: Condvar,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub applied: AtomicU64,
    pub dirty_bytes: AtomicU64,
    pub frozen_bytes: AtomicU64,
    pub log_bytes_since_checkpoint: AtomicU64,
    pub commits: AtomicU64,
    pub checkpoints: AtomicU64,
    pub checkpoints_failed: AtomicU64,
    pub scrubs: AtomicU64,
    pub data_bytes: AtomicU64,
    pub slot_bytes_used: AtomicU64,
    pub slot_bytes_pending: AtomicU64,
    pub slabs: AtomicU64,
    pub slabs_free: AtomicU64,
    pub old_snapshots: AtomicU64,
}

impl DiskEngine {
    /// Opens what is on the disk, creating it when there is nothing, and recovers: after this
    /// the trees are as of the last record that is whole, and durable.
    pub fn open(options: OpenOptions) -> Result<Self, StorageError> {
        let shared = Arc::new(open::open(options)?);
        let background = shared.options.background.then(|| Background::start(&shared)).transpose()?;
        Ok(Self { shared, background })
    }

    /// Moves what stands in slabs with free slots together and gives the others back to the file
    /// system. Runs by itself when the engine has `background` threads and is idle.
    pub fn compact(&self) -> Result<(), StorageError> {
        compaction::compact(&self.shared, || true)
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

impl Shared {
    pub(crate) fn new(
        options: OpenOptions,
        poison: Poison,
        store: Arc<Store>,
        log: Log,
        state: State,
        checkpointer: Checkpointer,
    ) -> Self {
        let counters = Counters::default();
        counters.applied.store(state.position.0, Ordering::Release);
        let shared = Self {
            options,
            poison,
            store,
            log,
            state: Mutex::new(state),
            before_apply: Mutex::new(None),
            queue: CommitQueue::default(),
            checkpointer: Mutex::new(checkpointer),
            control: Control::default(),
            counters,
            room_lock: Mutex::new(()),
            room: Condvar::new(),
        };
        shared.note_space(&shared.checkpointer.lock());
        shared
    }

    pub(crate) fn view(&self) -> Arc<View> {
        if let Some(state) = self.state.try_lock() {
            return Arc::new(state.view());
        }
        if let Some(view) = self.before_apply.lock().clone() {
            return view;
        }
        Arc::new(self.state.lock().view())
    }

    pub(crate) fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        let is_empty = batch.is_empty();
        let record = batch.seal()?;
        self.poison.check()?;
        if is_empty {
            return Ok(self.applied());
        }
        self.make_room()?;
        self.warm(&record)?;
        prompt::before_change()?;
        let position = self.queue.commit(record, |records| self.commit_group(records))?;
        if self.options.background && self.log.wants_spare() {
            self.control.request_spare();
        }
        self.checkpoint_if_due();
        Ok(position)
    }

    /// Reads what the batch will change while nothing is locked. A page that cannot be read
    /// then fails the batch before it is in the log, and applying it waits for no disk.
    fn warm(&self, record: &Bytes) -> Result<(), StorageError> {
        let view = self.view();
        view.check()?;
        let mut current = None;
        for operation in Operations::new(record.clone()) {
            let (tree, key) = match operation {
                Operation::Put { tree, key, .. } | Operation::Delete { tree, key } => (tree, key),
                Operation::DropTree { tree } => {
                    view.find(&view.catalog, &tree_key(tree))?;
                    continue;
                }
            };
            if current.as_ref().is_none_or(|(id, _)| *id != tree) {
                current = Some((tree, view.root(tree)?));
            }
            if let Some((_, root)) = &current {
                view.warm(root, &key)?;
            }
        }
        Ok(())
    }

    /// Logs and applies records, in order. One answer for each.
    fn commit_group(&self, records: &[Bytes]) -> Result<Vec<LogPosition>, StorageError> {
        let first = self.log.append(records)?;
        let bytes: usize = records.iter().map(Bytes::len).sum();
        let mut state = self.state.lock();
        let is_long = bytes > LONG_APPLY_BYTES;
        if is_long {
            *self.before_apply.lock() = Some(Arc::new(state.view()));
        }
        let mut positions = Vec::with_capacity(records.len());
        for (position, record) in (first..).zip(records) {
            let position = LogPosition(position);
            // Logged but not applied: only a restart makes sense of it.
            state.apply(position, record).map_err(|error| self.poison.set(error))?;
            positions.push(position);
        }
        self.note_applied(&state, bytes as u64, records.len() as u64);
        if is_long {
            *self.before_apply.lock() = None;
        }
        Ok(positions)
    }

    /// Applies a record that recovery found in the log.
    pub(crate) fn replay(&self, position: LogPosition, record: &Bytes) -> Result<(), StorageError> {
        {
            let mut state = self.state.lock();
            state.apply(position, record)?;
            self.note_applied(&state, record.len() as u64, 0);
        }
        if self.is_checkpoint_due()
            && let Err(error) = self.checkpoint()
            // On a full disk reading must go on; the log still has everything.
            && !error.is_full()
        {
            return Err(error);
        }
        Ok(())
    }

    fn note_applied(&self, state: &State, bytes: u64, commits: u64) {
        let counters = &self.counters;
        counters.applied.store(state.position.0, Ordering::Release);
        counters.dirty_bytes.store(state.dirty_bytes, Ordering::Relaxed);
        counters.log_bytes_since_checkpoint.fetch_add(bytes, Ordering::Relaxed);
        counters.commits.fetch_add(commits, Ordering::Relaxed);
    }

    pub(crate) fn note_frozen(&self, dirty_bytes: u64) {
        self.counters.frozen_bytes.fetch_add(dirty_bytes, Ordering::Relaxed);
        self.counters.dirty_bytes.store(0, Ordering::Relaxed);
        self.counters.log_bytes_since_checkpoint.store(0, Ordering::Relaxed);
    }

    /// After a checkpoint that failed, what it froze still waits to be written.
    pub(crate) fn note_thawed(&self, written: bool) {
        if written {
            self.counters.frozen_bytes.store(0, Ordering::Relaxed);
        }
    }

    fn note_space(&self, checkpointer: &Checkpointer) {
        let space = &checkpointer.space;
        let counters = &self.counters;
        counters.data_bytes.store(self.store.file().length().unwrap_or(0), Ordering::Relaxed);
        counters.slot_bytes_used.store(space.live_bytes(), Ordering::Relaxed);
        counters.slot_bytes_pending.store(checkpointer.pending_bytes(), Ordering::Relaxed);
        counters.slabs.store(u64::from(space.slab_count()), Ordering::Relaxed);
        counters.slabs_free.store(u64::from(space.free_slabs()), Ordering::Relaxed);
        counters.old_snapshots.store(checkpointer.old_snapshots(), Ordering::Relaxed);
    }

    fn dirty_total(&self) -> u64 {
        let counters = &self.counters;
        counters.dirty_bytes.load(Ordering::Relaxed) + counters.frozen_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn is_checkpoint_due(&self) -> bool {
        let counters = &self.counters;
        let log_bytes = counters.log_bytes_since_checkpoint.load(Ordering::Relaxed);
        counters.dirty_bytes.load(Ordering::Relaxed) > self.options.dirty_bytes_checkpoint()
            || log_bytes > self.options.checkpoint_log_bytes
            || self.dirty_total() > self.options.dirty_bytes_max()
    }

    /// Whether a checkpoint is worth it now that nothing is written.
    pub(crate) fn is_idle_checkpoint_due(&self) -> bool {
        self.counters.log_bytes_since_checkpoint.load(Ordering::Relaxed) > CHECKPOINT_IDLE_LOG_BYTES_MIN
    }

    /// Bytes of the slots that the trees use.
    pub(crate) fn slot_bytes_used(&self) -> u64 {
        self.counters.slot_bytes_used.load(Ordering::Relaxed)
    }

    /// Whether the data file has lost enough room to be compacted.
    pub(crate) fn is_compaction_due(&self) -> bool {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let slabs_used = get(&self.counters.slabs).saturating_sub(get(&self.counters.slabs_free));
        get(&self.counters.slot_bytes_pending) == 0
            && compaction::is_worth_it(&self.options, slabs_used, self.slot_bytes_used())
    }

    pub(crate) fn applied(&self) -> LogPosition {
        LogPosition(self.counters.applied.load(Ordering::Acquire))
    }

    fn checkpoint_if_due(&self) {
        if !self.is_checkpoint_due() {
            return;
        }
        if self.options.background {
            self.control.request_checkpoint();
        } else if let Err(error) = self.checkpoint() {
            tracing::warn!(%error, "a checkpoint failed");
        }
    }

    /// Keeps changes within their budget: waits for the running checkpoint.
    fn make_room(&self) -> Result<(), StorageError> {
        if self.dirty_total() <= self.options.dirty_bytes_max() {
            return Ok(());
        }
        prompt::before_waiting()?;
        if !self.options.background {
            return self.checkpoint();
        }
        let failures = self.counters.checkpoints_failed.load(Ordering::Acquire);
        self.control.request_checkpoint();
        let mut lock = self.room_lock.lock();
        while self.dirty_total() > self.options.dirty_bytes_max() {
            if self.counters.checkpoints_failed.load(Ordering::Acquire) != failures {
                return Err(self.control.last_failure());
            }
            self.poison.check()?;
            self.room.wait(&mut lock);
        }
        Ok(())
    }

    pub(crate) fn checkpoint(&self) -> Result<(), StorageError> {
        let mut checkpointer = self.checkpointer.lock();
        let result = checkpointer.run(self);
        self.note_space(&checkpointer);
        let counters = &self.counters;
        match &result {
            Ok(()) => counters.checkpoints.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                self.control.note_failure(error.clone());
                counters.checkpoints_failed.fetch_add(1, Ordering::Release)
            }
        };
        drop(checkpointer);
        let _waiters = self.room_lock.lock();
        self.room.notify_all();
        result
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let counters = &self.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (log_segments, log_bytes) = self.log.size();
        Statistics {
            cache_bytes: self.store.cache_bytes(),
            cache_bytes_max: self.store.cache_bytes_max(),
            cache_hits: self.store.hits(),
            cache_misses: self.store.misses(),
            dirty_bytes: self.dirty_total(),
            log_bytes,
            log_segments,
            log_bytes_since_checkpoint: get(&counters.log_bytes_since_checkpoint),
            log_syncs: self.log.syncs(),
            data_bytes: get(&counters.data_bytes),
            slot_bytes_used: get(&counters.slot_bytes_used),
            slot_bytes_pending: get(&counters.slot_bytes_pending),
            slabs: get(&counters.slabs),
            slabs_free: get(&counters.slabs_free),
            checkpoints: get(&counters.checkpoints),
            checkpoints_failed: get(&counters.checkpoints_failed),
            commits: get(&counters.commits),
            snapshots: self.state.lock().snapshots() + get(&counters.old_snapshots),
            scrubs: get(&counters.scrubs),
        }
    }
}

impl Engine for DiskEngine {
    fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        self.shared.commit(batch)
    }

    fn wait_durable(&self, position: LogPosition) -> Result<(), StorageError> {
        if self.shared.log.durable() < position {
            prompt::before_waiting()?;
        }
        self.shared.log.sync_to(position.0)
    }

    fn when_durable(&self, position: LogPosition, done: WhenDurable) {
        if self.shared.log.durable() >= position.min(self.shared.log.written()) {
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
        Arc::new(TreeSnapshot(self.shared.view()))
    }

    fn checkpoint(&self) -> Result<(), StorageError> {
        self.shared.checkpoint()
    }

    fn statistics(&self) -> Statistics {
        self.shared.statistics()
    }

    fn scrub(&self) -> Result<ScrubReport, StorageError> {
        scrub::scrub(&self.shared)
    }

    fn log_since(&self, position: LogPosition) -> Result<LogRecords, StorageError> {
        self.shared.log.batches_since(position)
    }
}
