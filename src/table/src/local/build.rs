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
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_base::{IndexId, TableId, TreeId};
use photondb_datum::{Datum, packed};
use photondb_storage::{Batch, Direction, Engine, KeyRange, Snapshot};

use super::effect::{Scratch, entries_for};
use super::table::{OpenIndex, OpenTable};
use super::unique::{Duplicate, Latched, ValueLatches, duplicate};
use crate::error::TableError;
use crate::limits::{INDEX_BUILD_BYTES_MAX, INDEX_BUILD_ROWS_MAX, INDEX_BUILD_THREADS_MAX};
use crate::shards::IndexObserver;

/// How long a build waits when the disk is full.
const INDEX_BUILD_RETRY: Duration = Duration::from_secs(1);
/// Batches that whoever adds an index waits for: the documents of a small table, those that
/// come meanwhile, and none.
const AT_ONCE_BATCHES_MAX: usize = 3;

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
    /// Threads that have not come to their end.
    threads: usize,
    handles: Vec<JoinHandle<()>>,
}

/// How far a build came.
enum Built {
    Whole,
    /// It was to end early.
    Part,
    /// The index or the table went away meanwhile, or the index cannot be.
    Unwanted,
}

enum Job {
    /// Build an index whose tree has nothing but what writes have put since it was added.
    Build { table: Arc<OpenTable>, index: Arc<OpenIndex> },
    /// Tell that an index is ready: who added it may hold what the observer needs.
    Ready { table: TableId, index: IndexId },
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

    /// Builds at once when the documents are few, so that whoever adds an index to a table of
    /// few documents, or opens one, can use it right away.
    pub(crate) fn build_soon(self: &Arc<Self>, table: Arc<OpenTable>, index: Arc<OpenIndex>) {
        let rows = self.engine.snapshot().count(table.state().layout.tree, &KeyRange::all());
        if rows.is_ok_and(|rows| rows <= INDEX_BUILD_ROWS_MAX as u64) {
            match self.build_now(&table, &index, AT_ONCE_BATCHES_MAX) {
                Ok(Built::Whole) => {
                    index.ready.store(true, Ordering::Release);
                    return self.enqueue(Job::Ready { table: table.id, index: index.id });
                }
                Ok(Built::Unwanted) => return,
                // An error is said and, where that helps, the build tried again in the background.
                Ok(Built::Part) | Err(_) => {}
            }
        }
        self.build(table, index);
    }

    pub(crate) fn report_stale(self: &Arc<Self>, table: TableId, index: IndexId) {
        self.enqueue(Job::Stale { table, index });
    }

    /// Ends all builds; they begin again when the tables are next opened. Of the indexes that are
    /// ready the observer knows then.
    pub(crate) fn stop(&self) {
        let threads = {
            let mut queue = self.queue.lock();
            self.stopped.store(true, Ordering::Release);
            std::mem::take(&mut queue.handles)
        };
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread for index builds panicked");
            }
        }
        let jobs = std::mem::take(&mut self.queue.lock().jobs);
        jobs.iter().for_each(|job| self.tell(job));
    }

    fn enqueue(self: &Arc<Self>, job: Job) {
        let mut queue = self.queue.lock();
        queue.jobs.push_back(job);
        if queue.threads >= INDEX_BUILD_THREADS_MAX || self.stopped.load(Ordering::Acquire) {
            return;
        }
        let builder = self.clone();
        let started = std::thread::Builder::new()
            .name("index-build".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || builder.run());
        match started {
            Ok(thread) => {
                queue.threads += 1;
                queue.handles.retain(|thread| !thread.is_finished());
                queue.handles.push(thread);
            }
            Err(error) => tracing::error!(%error, "could not start a thread for index builds"),
        }
    }

    fn run(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                let is_stopped = self.stopped.load(Ordering::Acquire);
                let Some(job) = (if is_stopped { None } else { queue.jobs.pop_front() }) else {
                    queue.threads -= 1;
                    return;
                };
                job
            };
            match &job {
                Job::Build { table, index } => self.build_and_tell(table, index),
                Job::Ready { .. } | Job::Stale { .. } => self.tell(&job),
            }
        }
    }

    /// Tells what there is to tell; builds nothing.
    fn tell(&self, job: &Job) {
        let Some(observer) = self.observer() else { return };
        match job {
            Job::Build { .. } => {}
            Job::Ready { table, index } => observer.index_ready(*table, *index),
            Job::Stale { table, index } => observer.index_stale(*table, *index),
        }
    }

    fn observer(&self) -> Option<Arc<dyn IndexObserver>> {
        self.observer.read().clone()
    }

    fn build_and_tell(&self, table: &OpenTable, index: &OpenIndex) {
        loop {
            match self.build_now(table, index, usize::MAX) {
                Ok(Built::Whole) => {
                    index.ready.store(true, Ordering::Release);
                    if index.expiry {
                        table.due.fetch_min(0, Ordering::AcqRel);
                    }
                    return self.tell(&Job::Ready { table: table.id, index: index.id });
                }
                Ok(Built::Unwanted | Built::Part) => return,
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

    /// Builds from the start, up to so many batches.
    fn build_now(
        &self,
        table: &OpenTable,
        index: &OpenIndex,
        batches_max: usize,
    ) -> Result<Built, TableError> {
        if index.error().is_some() {
            return Ok(Built::Unwanted);
        }
        index.rows_processed.store(0, Ordering::Relaxed);
        let mut after = Bound::Unbounded;
        for _ in 0..batches_max {
            if !self.is_wanted(table, index) {
                return Ok(Built::Unwanted);
            }
            let keys = self.next_keys(table, index, &after)?;
            let Some(last) = keys.last().cloned() else { return Ok(Built::Whole) };
            let shared = table.gate.read();
            // Asked again under the gate: after a removal nothing may be put into a tree
            // that was dropped.
            if !self.is_wanted(table, index) {
                return Ok(Built::Unwanted);
            }
            if let Some(duplicate) = self.cover(table, index, &keys)? {
                drop(shared);
                self.give_up(table, index, &duplicate)?;
                return Ok(Built::Unwanted);
            }
            index.rows_processed.fetch_add(keys.len() as u64, Ordering::Relaxed);
            after = Bound::Excluded(last);
        }
        Ok(Built::Part)
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

    /// Puts the entries of some documents as they are now. Ends with a value of a unique
    /// index that another document has, too.
    fn cover(
        &self,
        table: &OpenTable,
        index: &OpenIndex,
        keys: &[Bytes],
    ) -> Result<Option<Duplicate>, TableError> {
        let _latches = table.latches.lock(keys.iter());
        let values = index.unique.then(|| ValueLatches::new(table.value_latches()));
        let mut cover = Cover {
            engine: self.engine.as_ref(),
            tree: table.state().layout.tree,
            index,
            snapshot: None,
            batch: Batch::new(),
            scratch: Scratch::default(),
            values,
        };
        for key in keys {
            if let Some(bytes) = cover.snapshot().get(cover.tree, key)?
                && let Some(duplicate) = cover.add(key, &packed::decode(bytes)?)?
            {
                return Ok(Some(duplicate));
            }
            if cover.batch.bytes() >= INDEX_BUILD_BYTES_MAX {
                cover.commit()?;
            }
        }
        cover.commit()?;
        Ok(None)
    }

    /// Makes an index unusable that cannot be unique: writes pass it by, its tree is empty.
    fn give_up(&self, table: &OpenTable, index: &OpenIndex, duplicate: &Duplicate) -> Result<(), TableError> {
        let error = duplicate.failure(index);
        tracing::warn!(table = %table.id, index = %index.id, %error, "an index cannot be unique");
        table.change(|_| {
            index.check_present()?;
            index.fail(error);
            let mut batch = Batch::new();
            batch.drop_tree(index.tree);
            self.engine.commit(batch)?;
            Ok(())
        })
    }
}

/// The documents of a few keys on their way into an index.
struct Cover<'a> {
    engine: &'a dyn Engine,
    /// The tree of the documents.
    tree: TreeId,
    index: &'a OpenIndex,
    /// Let go before a commit: pages that a snapshot holds would have to be copied.
    snapshot: Option<Arc<dyn Snapshot>>,
    batch: Batch,
    scratch: Scratch,
    /// Absent unless the index is unique.
    values: Option<ValueLatches<'a>>,
}

impl Cover<'_> {
    fn snapshot(&mut self) -> Arc<dyn Snapshot> {
        self.snapshot.get_or_insert_with(|| self.engine.snapshot()).clone()
    }

    /// Adds the entries of a document unless another one has a value that has to be unique.
    fn add(&mut self, key: &Bytes, document: &Datum) -> Result<Option<Duplicate>, TableError> {
        entries_for(self.index, key, document, &mut self.scratch);
        if let Some(duplicate) = self.duplicate(key, document)? {
            return Ok(Some(duplicate));
        }
        for entry in self.scratch.entries() {
            self.batch.put(self.index.tree, &entry.key, entry.value);
        }
        if let Some(values) = &mut self.values {
            values.note(&self.scratch.claims);
        }
        Ok(None)
    }

    fn duplicate(&mut self, key: &Bytes, document: &Datum) -> Result<Option<Duplicate>, TableError> {
        let Some(values) = &mut self.values else { return Ok(None) };
        let latched = values.take(&self.scratch.claims);
        if latched == Latched::Busy {
            self.commit()?;
            if let Some(values) = &mut self.values {
                values.wait(&self.scratch.claims);
            }
        }
        if latched != Latched::Before {
            self.snapshot = None;
        }
        let snapshot = self.snapshot();
        for entry in self.scratch.entries() {
            if let Some(found) = duplicate(&snapshot, self.tree, self.index, entry, key, document)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn commit(&mut self) -> Result<(), TableError> {
        self.snapshot = None;
        if !self.batch.is_empty() {
            self.engine.commit(std::mem::take(&mut self.batch))?;
        }
        if let Some(values) = &mut self.values {
            values.committed();
        }
        Ok(())
    }
}
