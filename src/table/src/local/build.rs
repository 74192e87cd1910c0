//! Index builds: in the background, in small batches, while writes go on.
//!
//! Every write since the index was added keeps its entries; a build adds those of the
//! documents that were there before. It walks the primary keys, takes the latches of a few,
//! reads those documents as they are now and puts their entries: putting an entry twice, or
//! one that a write has put, changes nothing.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use photondb_base::{IndexId, TableId};
use photondb_datum::packed;
use photondb_storage::{Batch, Direction, Engine, KeyRange};

use super::effect::{Scratch, put_entries};
use super::table::{OpenIndex, OpenTable};
use crate::error::TableError;
use crate::limits::{INDEX_BUILD_BYTES_MAX, INDEX_BUILD_ROWS_MAX, INDEX_BUILD_THREADS_MAX};
use crate::shards::IndexObserver;

/// How long a build waits when the disk is full.
const INDEX_BUILD_RETRY: Duration = Duration::from_secs(1);

/// Builds indexes one after the other on a few threads, which end when nothing is to do.
pub(crate) struct Builder {
    engine: Arc<dyn Engine>,
    observer: RwLock<Option<Arc<dyn IndexObserver>>>,
    queue: Mutex<Queue>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
}

enum Job {
    /// Build an index whose tree has nothing but what writes have put since it was added.
    Build { table: Arc<OpenTable>, index: Arc<OpenIndex> },
    /// Tell that an index is out of date.
    Stale { table: TableId, index: IndexId },
}

impl Builder {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self {
            engine,
            observer: RwLock::new(None),
            queue: Mutex::default(),
            stopped: AtomicBool::new(false),
        })
    }

    pub(crate) fn observe(&self, observer: Arc<dyn IndexObserver>) {
        *self.observer.write() = Some(observer);
    }

    pub(crate) fn build(self: &Arc<Self>, table: Arc<OpenTable>, index: Arc<OpenIndex>) {
        self.enqueue(Job::Build { table, index });
    }

    pub(crate) fn report_stale(self: &Arc<Self>, table: TableId, index: IndexId) {
        self.enqueue(Job::Stale { table, index });
    }

    /// Ends all builds; they begin again when the tables are next opened.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.queue.lock().jobs.clear();
    }

    fn enqueue(self: &Arc<Self>, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.threads >= INDEX_BUILD_THREADS_MAX {
            return;
        }
        let builder = self.clone();
        let started = std::thread::Builder::new().name("index-build".to_owned()).spawn(move || builder.run());
        match started {
            Ok(_detached) => queue.threads += 1,
            Err(error) => tracing::error!(%error, "could not start a thread for index builds"),
        }
    }

    fn run(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                let Some(job) = queue.jobs.pop_front() else {
                    queue.threads -= 1;
                    return;
                };
                job
            };
            match job {
                Job::Build { table, index } => self.build_and_tell(&table, &index),
                Job::Stale { table, index } => {
                    if let Some(observer) = self.observer() {
                        observer.index_stale(table, index);
                    }
                }
            }
        }
    }

    fn observer(&self) -> Option<Arc<dyn IndexObserver>> {
        self.observer.read().clone()
    }

    fn build_and_tell(&self, table: &OpenTable, index: &OpenIndex) {
        loop {
            match self.build_now(table, index) {
                Ok(true) => {
                    index.ready.store(true, Ordering::Release);
                    if let Some(observer) = self.observer() {
                        observer.index_ready(table.id, index.id);
                    }
                    return;
                }
                Ok(false) => return,
                Err(error) => {
                    let name = index.name.read().clone();
                    tracing::error!(table = %table.id, index = %index.id, %name, %error, "an index build failed");
                    if !error.is_unavailable() {
                        return;
                    }
                    // A full disk: covering a document twice does no harm.
                    std::thread::sleep(INDEX_BUILD_RETRY);
                }
            }
        }
    }

    /// Builds; `false` when the index or the table went away meanwhile.
    fn build_now(&self, table: &OpenTable, index: &OpenIndex) -> Result<bool, TableError> {
        if index.function().is_err() {
            return Ok(false);
        }
        index.rows_processed.store(0, Ordering::Relaxed);
        let mut after = Bound::Unbounded;
        loop {
            if !self.is_wanted(table, index) {
                return Ok(false);
            }
            let keys = self.next_keys(table, index, &after)?;
            let Some(last) = keys.last().cloned() else { return Ok(true) };
            let _shared = table.gate.read();
            // Asked again under the gate: after a removal nothing may be put into a tree
            // that was dropped.
            if !self.is_wanted(table, index) {
                return Ok(false);
            }
            self.cover(table, index, &keys)?;
            index.rows_processed.fetch_add(keys.len() as u64, Ordering::Relaxed);
            after = Bound::Excluded(last);
        }
    }

    fn is_wanted(&self, table: &OpenTable, index: &OpenIndex) -> bool {
        !self.stopped.load(Ordering::Acquire) && table.check_open().is_ok() && index.check_present().is_ok()
    }

    /// The next few primary keys.
    fn next_keys(
        &self,
        table: &OpenTable,
        index: &OpenIndex,
        after: &Bound<Bytes>,
    ) -> Result<Vec<Bytes>, TableError> {
        let tree = table.state().layout.tree;
        let snapshot = self.engine.snapshot();
        index.rows_total.store(snapshot.count(tree, &KeyRange::all())?, Ordering::Relaxed);
        let range = KeyRange::new(after.clone(), Bound::Unbounded);
        let mut cursor = snapshot.range(tree, range, Direction::Forward);
        let mut keys = Vec::with_capacity(INDEX_BUILD_ROWS_MAX);
        while keys.len() < INDEX_BUILD_ROWS_MAX
            && let Some(key) = cursor.next_key()?
        {
            keys.push(key);
        }
        Ok(keys)
    }

    /// Puts the entries of some documents as they are now.
    fn cover(&self, table: &OpenTable, index: &OpenIndex, keys: &[Bytes]) -> Result<(), TableError> {
        let tree = table.state().layout.tree;
        let _latches = table.latches.lock(keys.iter());
        let snapshot = self.engine.snapshot();
        let mut batch = Batch::new();
        let mut scratch = Scratch::default();
        for key in keys {
            if let Some(bytes) = snapshot.get(tree, key)? {
                put_entries(index, key, &packed::decode(bytes)?, &mut batch, &mut scratch);
            }
            if batch.bytes() >= INDEX_BUILD_BYTES_MAX {
                self.engine.commit(std::mem::take(&mut batch))?;
            }
        }
        // Pages that a snapshot holds would have to be copied.
        drop(snapshot);
        if !batch.is_empty() {
            self.engine.commit(batch)?;
        }
        Ok(())
    }
}
