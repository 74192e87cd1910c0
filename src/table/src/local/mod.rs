//! The tables of this server, each one shard on the engine of this process.

mod build;
mod check;
mod documents;
mod effect;
mod entry;
mod expiry;
mod index_walk;
mod key_lookup;
mod keys;
mod latch;
mod listeners;
mod narrow;
mod position;
mod row;
mod scan;
mod served;
mod size_estimate;
mod stream;
mod table;
mod unique;
mod walk;
mod write;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use photondb_base::{Clock, IndexId, LogPosition, TableId, TreeId, prompt};
use photondb_datum::{Datum, Text, packed};
use photondb_storage::{Batch, Durability, Engine, KeyRange, Snapshot, StorageError};

use self::build::Builder;
pub use self::check::{TableProblem, TableReport, check_table};
use self::expiry::Expirer;
use self::position::Sweeper;
pub use self::row::{check_replacement, duplicate_key, primary_key_of};
use self::scan::Scan;
use self::served::Served;
use self::stream::{LocalStream, StreamContext};
use self::table::{OpenIndex, OpenTable};
use crate::change::{CloseReason, Subscriber, Subscription};
use crate::error::TableError;
use crate::function::{Evaluator, IndexValue};
use crate::layout::{ExpiryLayout, IndexLayout, TableLayout, TableLayouts};
use crate::limits::{CURSOR_SNAPSHOT_MS_MAX, READ_PARTS_MAX};
use crate::read::{KeysOp, NarrowOp, Narrowed, ReadMode, ReadOp, ReadSnapshot, ShardStream};
use crate::shards::{IndexObserver, IndexProgress, KeyVisitor, Shards, TableSizes, TableStatistics, Tables};
use crate::write::{WriteOp, WriteSummary};

/// How local tables behave.
#[derive(Clone, Copy, Debug)]
pub struct LocalShardsOptions {
    /// How long a stream holds its snapshot before it goes on in a newer one.
    pub cursor_snapshot_ms_max: u64,
}

impl Default for LocalShardsOptions {
    fn default() -> Self {
        Self { cursor_snapshot_ms_max: CURSOR_SNAPSHOT_MS_MAX }
    }
}

/// The tables of this server.
pub struct LocalShards {
    context: Arc<StreamContext>,
    evaluator: Arc<dyn Evaluator>,
    tables: Served,
    builder: Arc<Builder>,
    expirer: Arc<Expirer>,
}

impl LocalShards {
    /// No tables yet: the catalog opens them.
    pub fn new(
        engine: Arc<dyn Engine>,
        evaluator: Arc<dyn Evaluator>,
        clock: Arc<dyn Clock>,
        options: LocalShardsOptions,
    ) -> Self {
        let snapshot_us_max = options.cursor_snapshot_ms_max.saturating_mul(1000);
        let builder = Builder::new(engine.clone());
        let sweeper = Arc::new(Sweeper::new(clock.clone(), snapshot_us_max));
        let expirer = Expirer::new(engine.clone(), clock.clone());
        let context = Arc::new(StreamContext { engine, clock, snapshot_us_max, sweeper });
        Self { context, evaluator, tables: Served::default(), builder, expirer }
    }

    /// Ends subscriptions and index builds, for a clean end of the process.
    pub fn shut_down(&self) {
        self.builder.stop();
        self.expirer.stop();
        for table in self.tables.opened() {
            table.listeners.close(CloseReason::Shutdown);
        }
    }

    /// Takes the snapshots of streams away that have held them for too long; the streams go
    /// on in newer ones. Happens by itself every few seconds.
    pub fn release_old_snapshots(&self) {
        self.context.sweeper.sweep();
    }

    /// Deletes documents that have expired. Happens by itself several times a second.
    pub fn delete_expired(&self) {
        self.expirer.sweep();
    }

    fn engine(&self) -> &dyn Engine {
        self.context.engine.as_ref()
    }

    fn table(&self, id: TableId) -> Result<Arc<OpenTable>, TableError> {
        self.tables.table(id, &self.evaluator)
    }

    /// The state to read: the one that was asked for, or the newest that the mode allows.
    fn snapshot_for(
        &self,
        mode: ReadMode,
        asked: Option<&ReadSnapshot>,
    ) -> Result<Arc<dyn Snapshot>, TableError> {
        let snapshot = asked.map_or_else(|| self.engine().snapshot(), |asked| asked.0.clone());
        if mode == ReadMode::Majority {
            self.engine().wait_durable(snapshot.position())?;
        }
        Ok(snapshot)
    }

    fn open_stream(
        &self,
        table: &Arc<OpenTable>,
        op: &ReadOp,
        snapshot: &Arc<dyn Snapshot>,
        scan: Scan,
    ) -> Box<dyn ShardStream> {
        let machine = op.program.as_ref().map(|program| program.start());
        let pinned = op.snapshot.is_some();
        let (context, table) = (self.context.clone(), table.clone());
        Box::new(LocalStream::new(context, table, snapshot.clone(), pinned, scan, machine))
    }

    /// Empties trees of indexes that are to be built, before writes put entries there.
    fn clear(&self, trees: impl Iterator<Item = TreeId>) -> Result<(), TableError> {
        let mut trees = trees.peekable();
        if trees.peek().is_none() {
            return Ok(());
        }
        let snapshot = self.engine().snapshot();
        let mut batch = Batch::new();
        for tree in trees {
            if snapshot.count(tree, &KeyRange::all())? > 0 {
                batch.drop_tree(tree);
            }
        }
        drop(snapshot);
        if !batch.is_empty() {
            self.engine().commit(batch)?;
        }
        Ok(())
    }

    /// Has it written down when an index turned out to be unusable.
    fn report_stale(&self, table: &OpenTable) {
        for index in &table.state().indexes {
            if index.take_stale() {
                self.builder.report_stale(table.id, index.id);
            }
        }
    }
}

impl Shards for LocalShards {
    fn get(
        &self,
        table: TableId,
        key: &Datum,
        mode: ReadMode,
        snapshot: Option<&ReadSnapshot>,
    ) -> Result<Option<Datum>, TableError> {
        let table = self.table(table)?;
        let key = keys::primary(key)?;
        let snapshot = self.snapshot_for(mode, snapshot)?;
        table.rows_read.fetch_add(1, Ordering::Relaxed);
        match snapshot.get(table.state().layout.tree, &key)? {
            Some(bytes) => {
                prompt::before_row(bytes.len()).map_err(StorageError::from)?;
                Ok(Some(packed::decode(bytes)?))
            }
            None => Ok(None),
        }
    }

    fn read(&self, op: ReadOp) -> Result<Box<dyn ShardStream>, TableError> {
        let table = self.table(op.table)?;
        let scan = Scan::new(&table.state(), &op)?;
        let snapshot = self.snapshot_for(op.mode, op.snapshot.as_ref())?;
        Ok(self.open_stream(&table, &op, &snapshot, scan))
    }

    fn read_split(&self, op: ReadOp, parts: usize) -> Result<Vec<Box<dyn ShardStream>>, TableError> {
        let table = self.table(op.table)?;
        let scan = Scan::new(&table.state(), &op)?;
        let snapshot = self.snapshot_for(op.mode, op.snapshot.as_ref())?;
        let scans = scan.split(&snapshot, parts.clamp(1, READ_PARTS_MAX), op.direction)?;
        Ok(scans.into_iter().map(|scan| self.open_stream(&table, &op, &snapshot, scan)).collect())
    }

    fn count(&self, op: &ReadOp) -> Result<u64, TableError> {
        let table = self.table(op.table)?;
        let scan = Scan::new(&table.state(), op)?;
        let snapshot = self.snapshot_for(op.mode, op.snapshot.as_ref())?;
        scan.count(&snapshot)
    }

    fn look_up(&self, op: &KeysOp, visit: KeyVisitor<'_>) -> Result<(), TableError> {
        let table = self.table(op.table)?;
        let snapshot = self.snapshot_for(op.mode, None)?;
        let rows = key_lookup::look_up(&table.state(), op, &snapshot, visit)?;
        table.rows_read.fetch_add(rows, Ordering::Relaxed);
        Ok(())
    }

    fn narrow(&self, op: &NarrowOp) -> Result<Option<Narrowed>, TableError> {
        let table = self.table(op.table)?;
        let snapshot = self.snapshot_for(op.mode, None)?;
        narrow::narrow(&table.state(), op, &snapshot)
    }

    fn write(&self, op: WriteOp) -> Result<WriteSummary, TableError> {
        let table = self.table(op.table)?;
        let summary = write::write(self.engine(), &table, &op);
        self.report_stale(&table);
        summary
    }

    fn subscribe(&self, table: TableId, subscriber: Arc<dyn Subscriber>) -> Result<Subscription, TableError> {
        let table = self.table(table)?;
        let subscription = table.listeners.subscribe(self.engine(), subscriber)?;
        // A table that closed meanwhile may have told its listeners before this one came.
        table.check_open()?;
        Ok(subscription)
    }

    fn snapshot(&self, table: TableId) -> Result<ReadSnapshot, TableError> {
        self.table(table)?;
        Ok(ReadSnapshot(self.engine().snapshot()))
    }

    fn sync(&self, table: TableId) -> Result<LogPosition, TableError> {
        self.table(table)?;
        Ok(self.engine().applied())
    }

    fn index_progress(&self, table: TableId, index: IndexId) -> Result<IndexProgress, TableError> {
        let state = self.table(table)?.state();
        let index = state.index(index)?;
        Ok(IndexProgress {
            ready: index.ready.load(Ordering::Acquire),
            rows_processed: index.rows_processed.load(Ordering::Relaxed),
            rows_total: index.rows_total.load(Ordering::Relaxed),
            outdated: false,
            error: index.error().map(|error| error.message.clone()),
        })
    }

    fn statistics(&self, table: TableId) -> Result<TableStatistics, TableError> {
        let table = self.table(table)?;
        let tree = table.state().layout.tree;
        Ok(TableStatistics {
            rows: self.engine().snapshot().count(tree, &KeyRange::all())?,
            rows_read: table.rows_read.load(Ordering::Relaxed),
            rows_written: table.rows_written.load(Ordering::Relaxed),
            subscribers: table.listeners.len() as u64,
        })
    }

    fn sizes(&self, table: TableId) -> Result<TableSizes, TableError> {
        let table = self.table(table)?;
        let state = table.state();
        let snapshot = self.engine().snapshot();
        let tree = state.layout.tree;
        let rows = snapshot.count(tree, &KeyRange::all())?;
        let written = table.rows_written.load(Ordering::Relaxed);
        let mut index_entries = 0;
        for index in state.indexes.iter().filter(|index| !index.expiry) {
            index_entries += snapshot.count(index.tree, &KeyRange::all())?;
        }
        let document_bytes = table.size_estimate.document_bytes(snapshot.as_ref(), tree, rows, written)?;
        Ok(TableSizes { rows, document_bytes, index_entries })
    }

    fn index_values(
        &self,
        table: TableId,
        index: IndexId,
        document: &Datum,
    ) -> Result<Vec<Datum>, TableError> {
        let state = self.table(table)?.state();
        let index = state.index(index)?;
        let function = index
            .function()
            .map_err(|source| TableError::IndexBroken { index: index.id, source: source.clone() })?;
        let mut values = Vec::new();
        function.values(document, &mut values);
        let key = |value: IndexValue| match value {
            IndexValue::Datum(datum) => keys::secondary(&datum).is_ok().then_some(datum),
            IndexValue::Raw(_) => None,
        };
        Ok(values.into_iter().filter_map(key).collect())
    }
}

impl Tables for LocalShards {
    fn open_table(&self, mut layout: TableLayout) -> Result<(), TableError> {
        match self.clear(unfinished(&layout)) {
            Ok(()) => {}
            Err(error) if error.is_unavailable() => {
                // No room to begin the builds anew: the rest of the table can be served.
                tracing::error!(table = %layout.id, %error, "unfinished indexes are left out until a restart");
                layout.indexes.retain(|index| index.ready);
                layout.expiry.take_if(|expiry| !expiry.ready);
            }
            Err(error) => return Err(error),
        }
        let table = Arc::new(OpenTable::new(layout, &self.evaluator));
        self.tables.insert(table.clone());
        if table.state().expiry.is_some() {
            self.expirer.watch(&table);
        }
        for index in &table.state().indexes {
            if !index.ready.load(Ordering::Acquire) {
                self.builder.build_soon(table.clone(), index.clone());
            }
        }
        Ok(())
    }

    fn open_when_used(&self, layouts: Arc<dyn TableLayouts>) {
        self.tables.open_when_used(layouts);
    }

    fn close_tables(
        &self,
        tables: &[TableId],
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError> {
        // What nobody has used is opened, so that nobody can begin to use it meanwhile.
        let closing: Vec<Arc<OpenTable>> =
            tables.iter().filter_map(|table| self.table(*table).ok()).collect();
        // A write holds one gate and never waits for a second one, so that all of them can
        // be waited for one after the other.
        let gates: Vec<_> = closing.iter().map(|table| table.gate.write()).collect();
        commit()?;
        closing.iter().for_each(|table| table.mark_closed());
        drop(gates);
        self.tables.remove(tables);
        for table in closing {
            table.listeners.close(CloseReason::TableDropped);
        }
        Ok(())
    }

    fn add_index(&self, table: TableId, index: IndexLayout) -> Result<(), TableError> {
        let table = self.table(table)?;
        let added = table.change(|state| {
            self.clear((!index.ready).then_some(index.tree).into_iter())?;
            let added = Arc::new(OpenIndex::new(index, &self.evaluator));
            state.indexes.retain(|known| known.id != added.id);
            state.indexes.push(added.clone());
            Ok(added)
        })?;
        if !added.ready.load(Ordering::Acquire) {
            self.builder.build_soon(table, added);
        }
        Ok(())
    }

    fn remove_index(
        &self,
        table: TableId,
        index: IndexId,
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError> {
        let Ok(table) = self.table(table) else { return Ok(commit()?) };
        table.change(|state| {
            commit()?;
            if let Ok(known) = state.index(index) {
                known.remove();
            }
            state.indexes.retain(|known| known.id != index);
            Ok(())
        })
    }

    fn rename_index(&self, table: TableId, index: IndexId, name: Text) -> Result<(), TableError> {
        *self.table(table)?.state().index(index)?.name.write() = name;
        Ok(())
    }

    fn set_write_hook(&self, table: TableId, stored: Option<Bytes>) -> Result<(), TableError> {
        self.table(table)?.change(|state| {
            state.set_hook(stored.as_deref(), &self.evaluator);
            Ok(())
        })
    }

    fn set_expiry(
        &self,
        table: TableId,
        expiry: Option<ExpiryLayout>,
        commit: &mut dyn FnMut() -> Result<(), StorageError>,
    ) -> Result<(), TableError> {
        let Ok(table) = self.table(table) else { return Ok(commit()?) };
        table.change(|state| {
            commit()?;
            state.set_expiry(expiry, &self.evaluator);
            Ok(())
        })?;
        if let Some(expiry) = &table.state().expiry {
            self.expirer.watch(&table);
            if !expiry.index.ready.load(Ordering::Acquire) {
                self.builder.build(table.clone(), expiry.index.clone());
            }
        }
        Ok(())
    }

    fn set_durability(&self, table: TableId, durability: Durability) -> Result<(), TableError> {
        self.table(table)?.change(|state| {
            state.layout.durability = durability;
            Ok(())
        })
    }

    fn observe_indexes(&self, observer: Arc<dyn IndexObserver>) {
        self.builder.observe(observer);
    }
}

/// The trees of indexes that are to be built.
fn unfinished(layout: &TableLayout) -> impl Iterator<Item = TreeId> {
    let indexes = layout.indexes.iter().filter(|index| !index.ready).map(|index| index.tree);
    indexes.chain(layout.expiry.iter().filter(|expiry| !expiry.ready).map(|expiry| expiry.tree))
}
