//! What the engine and its threads share: the way of a commit, budgets, when a checkpoint is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use photondb_base::{LogPosition, TreeId, prompt};
use smallvec::SmallVec;

use crate::background::Control;
use crate::batch::{Batch, OperationRef, OperationRefs};
use crate::checkpoint::Checkpointer;
use crate::compaction::Usage;
use crate::engine::Statistics;
use crate::error::StorageError;
use crate::health::{Failures, Health};
use crate::held::HeldNodes;
use crate::log::{Log, Poison};
use crate::node::Root;
use crate::open_options::OpenOptions;
use crate::path::Path;
use crate::state::State;
use crate::state_cell::StateCell;
use crate::store::Store;
use crate::view::{TreeSnapshot, View, tree_key};

/// A batch above this lets readers use the state before it while it is applied.
const LONG_APPLY_BYTES: usize = 1024 * 1024;

/// Trees of a batch whose ways are kept: a table with so many indexes is rare.
const WARM_TREES: usize = 8;

/// With less log than this behind it, a checkpoint is not worth the writes when nobody needs it.
const CHECKPOINT_IDLE_LOG_BYTES_MIN: u64 = 256 * 1024;

/// What the engine and its threads share.
pub(crate) struct Shared {
    pub options: OpenOptions,
    pub poison: Poison,
    pub store: Arc<Store>,
    pub log: Log,
    pub state: StateCell,
    /// The state before the batch that is being applied, while a long one is.
    before_apply: Mutex<Option<Arc<TreeSnapshot>>>,
    /// Held from a record's place in the log to its place in the trees.
    appending: Mutex<()>,
    /// Somebody goes on from what they have read of the log before.
    keeps_history: AtomicBool,
    pub checkpointer: Mutex<Checkpointer>,
    pub held: HeldNodes,
    pub control: Control,
    pub counters: Counters,
    pub failures: Failures,
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
            state: StateCell::new(state),
            before_apply: Mutex::new(None),
            appending: Mutex::new(()),
            keeps_history: AtomicBool::new(checkpointer.superblock.keeps_history),
            checkpointer: Mutex::new(checkpointer),
            held: HeldNodes::default(),
            control: Control::default(),
            counters,
            failures: Failures::default(),
            room_lock: Mutex::new(()),
            room: Condvar::new(),
        };
        shared.note_space(&shared.checkpointer.lock());
        shared
    }

    pub(crate) fn snapshot(&self) -> Arc<TreeSnapshot> {
        if let Some(snapshot) = self.state.try_snapshot() {
            return snapshot;
        }
        if let Some(snapshot) = self.before_apply.lock().clone() {
            return snapshot;
        }
        self.state.snapshot()
    }

    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.snapshot().0)
    }

    pub(crate) fn append(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        let is_empty = batch.is_empty();
        let record = batch.seal()?;
        self.poison.check()?;
        if is_empty {
            return Ok(self.applied());
        }
        let position = loop {
            self.make_room()?;
            self.warm(&record)?;
            if let Some(position) = self.log_and_apply(&record)? {
                break position;
            }
        };
        self.balance();
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
        let mut trees = WarmTrees::default();
        for operation in OperationRefs::new(record) {
            match operation {
                OperationRef::Put { tree, key, .. } | OperationRef::Delete { tree, key } => {
                    trees.warm(&view, tree, key)?;
                }
                OperationRef::DropTree { tree } => {
                    view.find(&view.catalog, &tree_key(tree))?;
                }
            }
        }
        Ok(())
    }

    /// Gives a record its place in the log and applies it, unless those who came first have taken
    /// the room: then `None`.
    fn log_and_apply(&self, record: &Bytes) -> Result<Option<LogPosition>, StorageError> {
        let _turn = self.appending.lock();
        if !self.has_room() {
            return Ok(None);
        }
        prompt::before_change()?;
        let appended = self.log.append(record);
        self.failures.append.note(&appended);
        let position = LogPosition(appended?);
        let mut state = self.state.lock();
        let is_long = record.len() > LONG_APPLY_BYTES;
        if is_long {
            *self.before_apply.lock() = Some(Arc::new(TreeSnapshot(Arc::new(state.view()))));
        }
        // Logged but not applied: only a restart makes sense of it.
        state.apply(position, record).map_err(|error| self.poison.set(error))?;
        self.note_applied(&state, record.len() as u64, 1);
        if is_long {
            *self.before_apply.lock() = None;
        }
        Ok(Some(position))
    }

    /// Applies a record that recovery found in the log.
    pub(crate) fn replay(&self, position: LogPosition, record: &Bytes) -> Result<(), StorageError> {
        {
            let mut state = self.state.lock();
            state.apply(position, record)?;
            self.note_applied(&state, record.len() as u64, 0);
        }
        self.balance();
        if self.is_checkpoint_due()
            && let Err(error) = self.checkpoint()
            // On a full disk reading must go on; the log still has everything.
            && !error.is_full()
        {
            return Err(error);
        }
        Ok(())
    }

    /// Changes how the trees stand in memory and on disk, but not what is in them.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let result = {
            let mut state = self.state.lock();
            let result = change(&mut state);
            self.counters.dirty_bytes.store(state.dirty_bytes, Ordering::Relaxed);
            result
        };
        self.balance();
        result
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
        self.balance();
    }

    /// Gives the page cache what changes leave of the memory for both, and what snapshots keep of
    /// former ones.
    pub(crate) fn balance(&self) {
        let taken = self.dirty_total() + self.held.bytes();
        self.store.set_cache_bytes_max(self.options.page_cache_bytes(taken));
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
            || !self.has_room()
    }

    /// Whether changes are within their budget. One of them may pass it.
    fn has_room(&self) -> bool {
        self.dirty_total() <= self.options.dirty_bytes_max()
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
        let usage = Usage {
            slabs: get(&self.counters.slabs),
            slabs_free: get(&self.counters.slabs_free),
            slot_bytes_used: self.slot_bytes_used(),
        };
        get(&self.counters.slot_bytes_pending) == 0 && usage.is_worth_compacting(&self.options)
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
        if self.has_room() {
            return Ok(());
        }
        prompt::before_waiting()?;
        if !self.options.background {
            return self.checkpoint();
        }
        let failures = self.counters.checkpoints_failed.load(Ordering::Acquire);
        self.control.request_checkpoint();
        let mut lock = self.room_lock.lock();
        while !self.has_room() {
            if self.counters.checkpoints_failed.load(Ordering::Acquire) != failures {
                return Err(self.failures.of_checkpoint());
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
        self.failures.checkpoint.note(&result);
        let counters = &self.counters;
        match &result {
            Ok(()) => counters.checkpoints.fetch_add(1, Ordering::Relaxed),
            Err(_) => counters.checkpoints_failed.fetch_add(1, Ordering::Release),
        };
        drop(checkpointer);
        let _waiters = self.room_lock.lock();
        self.room.notify_all();
        result
    }

    pub(crate) fn health(&self) -> Health {
        let stopped = match self.poison.check() {
            Err(StorageError::Poisoned { reason }) => Some(reason),
            _ => None,
        };
        self.failures.health(stopped)
    }

    pub(crate) fn keeps_history(&self) -> bool {
        self.keeps_history.load(Ordering::Acquire)
    }

    /// From now on, and after the next start, too.
    pub(crate) fn keep_history(&self) -> Result<(), StorageError> {
        if self.keeps_history.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.checkpoint()
    }

    /// Log that stays behind the last checkpoint.
    pub(crate) fn log_keep_bytes(&self) -> u64 {
        let OpenOptions { log_keep_bytes, history_bytes_max, .. } = self.options;
        if self.keeps_history() { log_keep_bytes.max(history_bytes_max) } else { log_keep_bytes }
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let counters = &self.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (log_segments, log_bytes) = self.log.size();
        Statistics {
            cache_bytes: self.store.cache_bytes(),
            cache_bytes_max: self.options.cache_bytes_max,
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

/// The trees that a batch changes while their pages are read.
#[derive(Default)]
struct WarmTrees(SmallVec<[(TreeId, Root, Option<Path>); WARM_TREES]>);

impl WarmTrees {
    /// Reads the pages on the way to a key. A batch changes a document and its index entries by
    /// turns: the way to the key before is kept for each tree, as soon as there is a second one.
    fn warm(&mut self, view: &View, tree: TreeId, key: &[u8]) -> Result<(), StorageError> {
        match self.0.iter_mut().find(|(known, ..)| *known == tree) {
            Some((_, root, path)) => {
                path.get_or_insert_default().warm(view, root, key)?;
            }
            None => {
                // This snapshot ends with the commit: it need not remember the root.
                let root = view.catalog_root(&tree_key(tree))?;
                view.warm(&root, key)?;
                if self.0.len() == WARM_TREES {
                    self.0.remove(0);
                }
                self.0.push((tree, root, None));
            }
        }
        Ok(())
    }
}
