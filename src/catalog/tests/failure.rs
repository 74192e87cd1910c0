//! Power cuts and failed commits: a command is done or not begun.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use photondb_base::{LogPosition, TableId};
use photondb_catalog::{Applied, CatalogOptions, ErrorClass, TableOptions};
use photondb_storage::{
    Batch, Cut, DiskEngine, Engine, Health, LogRecords, MemoryEngine, OpenOptions, ScrubReport,
    SimulatedDisk, Snapshot, Statistics, StorageError, WhenReached,
};
use photondb_table::{Change, CloseReason, ReadOp, Shards, Subscriber};

use support::{Server, open};

fn open_disk(disk: &SimulatedDisk) -> Server {
    let options = OpenOptions { background: false, ..OpenOptions::new(Arc::new(disk.clone())) };
    open(Arc::new(DiskEngine::open(options).unwrap()), 3, CatalogOptions::default())
}

/// Waits as a session does before it answers, and notes what was acknowledged.
fn acknowledge<T>(server: &Server, acknowledged: &AtomicU64, applied: Applied<T>) -> T {
    server.engine.wait_durable(applied.position).unwrap();
    acknowledged.store(server.catalog.state().version(), Ordering::SeqCst);
    applied.outcome
}

fn work(server: &Server, acknowledged: &AtomicU64, round: i32) {
    let catalog = &server.catalog;
    let done = |applied| acknowledge(server, acknowledged, applied);
    let create = |database: &str, name: &str| {
        let created = catalog.create_table(database, name, TableOptions::default()).unwrap();
        done(created).new.unwrap().id
    };
    let name = format!("table_{round}");
    let table = create("test", &name);
    server.insert(table, 0..300);
    server.create_index(table, "a").unwrap();
    server.create_index(table, "b").unwrap();
    server.insert(table, 300..400);
    server.wait_recorded_ready(table, "a");
    server.wait_recorded_ready(table, "b");
    acknowledge(server, acknowledged, catalog.drop_index(table, "b").unwrap());
    acknowledge(server, acknowledged, catalog.create_database("other").unwrap());
    let other = create("other", "first");
    server.insert(other, 0..50);
    server.create_index(other, "a").unwrap();
    create("other", "second");
    acknowledge(server, acknowledged, catalog.drop_database("other").unwrap());
    if round > 0 {
        done(catalog.drop_table("test", &format!("table_{}", round - 1)).unwrap());
    }
}

#[test]
fn a_command_is_done_or_not_begun() {
    let disk = SimulatedDisk::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let images: Arc<Mutex<Vec<(u64, SimulatedDisk)>>> = Arc::default();
    let (noted, taken, turn) = (acknowledged.clone(), images.clone(), AtomicU64::new(0));
    disk.observe(Some(Arc::new(move |disk: &SimulatedDisk, _event| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        let cut = [Cut::DropUnsynced, Cut::Prefix, Cut::Reorder, Cut::KeepAll][turn as usize % 4];
        if turn % 5 < 2 {
            // What was acknowledged before the image was taken must be in it.
            let version = noted.load(Ordering::SeqCst);
            taken.lock().push((version, disk.after_cut(cut, turn)));
        }
    })));
    let server = open_disk(&disk);
    for round in 0..3 {
        work(&server, &acknowledged, round);
    }
    server.check_trees();
    disk.observe(None);
    let images = std::mem::take(&mut *images.lock());
    assert!(images.len() > 30, "only {} cuts", images.len());
    for (version, image) in images {
        let server = open_disk(&image);
        let found = server.catalog.state().version();
        assert!(found >= version, "version {version} was acknowledged, found {found}");
        server.check_trees();
        // The directory goes on to work.
        server.create_table("after_the_cut");
    }
}

/// An engine whose commits can be made to fail, as on a full disk.
struct Moody {
    engine: MemoryEngine,
    full: AtomicBool,
}

impl Engine for Moody {
    fn append(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        self.commit(batch)
    }

    fn commit(&self, batch: Batch) -> Result<LogPosition, StorageError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StorageError::Full { file: "log".to_owned(), operation: "write" });
        }
        self.engine.commit(batch)
    }

    fn wait_written(&self, position: LogPosition) -> Result<(), StorageError> {
        self.engine.wait_written(position)
    }

    fn when_written(&self, position: LogPosition, done: WhenReached) {
        self.engine.when_written(position, done);
    }

    fn written(&self) -> LogPosition {
        self.engine.written()
    }

    fn wait_durable(&self, position: LogPosition) -> Result<(), StorageError> {
        self.engine.wait_durable(position)
    }

    fn when_durable(&self, position: LogPosition, done: WhenReached) {
        self.engine.when_durable(position, done);
    }

    fn durable(&self) -> LogPosition {
        self.engine.durable()
    }

    fn applied(&self) -> LogPosition {
        self.engine.applied()
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.engine.snapshot()
    }

    fn checkpoint(&self) -> Result<(), StorageError> {
        self.engine.checkpoint()
    }

    fn statistics(&self) -> Statistics {
        self.engine.statistics()
    }

    fn health(&self) -> Health {
        self.engine.health()
    }

    fn scrub(&self) -> Result<ScrubReport, StorageError> {
        self.engine.scrub()
    }

    fn log_since(&self, position: LogPosition) -> Result<LogRecords, StorageError> {
        self.engine.log_since(position)
    }
}

#[derive(Default)]
struct Listener(Mutex<(usize, Option<CloseReason>)>);

impl Subscriber for Listener {
    fn change(&self, _change: &Arc<Change>) {
        self.0.lock().0 += 1;
    }

    fn closed(&self, why: CloseReason) {
        self.0.lock().1 = Some(why);
    }
}

#[test]
fn a_command_that_fails_changes_nothing() {
    let engine = Arc::new(Moody { engine: MemoryEngine::new(), full: AtomicBool::new(false) });
    let server = open(engine.clone(), 4, CatalogOptions::default());
    let table: TableId = server.create_table("t");
    server.insert(table, 0..20);
    server.create_index(table, "a").unwrap();
    server.create_index(table, "b").unwrap();
    server.wait_recorded_ready(table, "a");
    server.wait_recorded_ready(table, "b");
    let listener = Arc::new(Listener::default());
    let _subscription = server.shards.subscribe(table, listener.clone()).unwrap();
    let version = server.catalog.state().version();

    engine.full.store(true, Ordering::SeqCst);
    let catalog = &server.catalog;
    let refused = [
        catalog.create_database("x").err(),
        catalog.create_table("test", "x", TableOptions::default()).err(),
        catalog.drop_table("test", "t").err(),
        catalog.drop_database("test").err(),
        catalog.drop_index(table, "a").err(),
        catalog.rename_index(table, "a", "b", true).err(),
        server.create_index(table, "c").err(),
        catalog.set_write_hook(table, None).err(),
        catalog.create_user("x", "").err(),
    ];
    for error in refused {
        let error = error.expect("refused");
        assert_eq!(error.class(), ErrorClass::OpFailed);
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
    assert_eq!(catalog.state().version(), version);
    assert!(catalog.state().table("test", "x").is_err());
    assert_eq!(server.shards.count(&ReadOp::all(table)).unwrap(), 20);

    engine.full.store(false, Ordering::SeqCst);
    server.insert(table, 20..30);
    server.check_trees();
    assert_eq!(*listener.0.lock(), (10, None));
    assert!(catalog.drop_table("test", "t").is_ok());
    assert_eq!(listener.0.lock().1, Some(CloseReason::TableDropped));
    assert_eq!(server.trees(), [0]);
}
