//! From appended over written to durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use photondb_storage::{
    Acknowledgement, Batch, Cut, DiskEngine, Durability, Engine, LogPosition, OpenOptions, RealDisk,
    SimulatedDisk, StorageError, TreeId,
};

const TREE: TreeId = TreeId(16);
/// For what another thread does when it gets to it.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(disk: &SimulatedDisk) -> DiskEngine {
    let options = OpenOptions { background: false, ..OpenOptions::new(Arc::new(disk.clone())) };
    DiskEngine::open(options).unwrap()
}

fn batch(n: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(TREE, n.to_be_bytes(), vec![n as u8; 100]);
    batch
}

fn has(engine: &dyn Engine, n: u64) -> bool {
    engine.snapshot().get(TREE, &n.to_be_bytes()).unwrap().is_some()
}

/// What another process finds when this one is killed now.
fn killed(disk: &SimulatedDisk) -> DiskEngine {
    open(&disk.after_cut(Cut::KeepAll, 1))
}

#[test]
fn what_is_appended_is_seen_but_survives_nothing_until_it_is_written() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    let committed = engine.commit(batch(1)).unwrap();
    assert_eq!((engine.written(), engine.durable()), (committed, LogPosition(0)));
    let appended = engine.append(batch(2)).unwrap();
    assert_eq!((engine.applied(), engine.written()), (appended, committed));
    assert!(has(&engine, 2));
    let other = killed(&disk);
    assert_eq!((has(&other, 1), has(&other, 2)), (true, false));
    engine.wait_written(appended).unwrap();
    assert_eq!((engine.written(), engine.durable()), (appended, LogPosition(0)));
    assert!(has(&killed(&disk), 2));
    engine.wait_durable(appended).unwrap();
    assert!(has(&open(&disk.after_cut(Cut::DropUnsynced, 1)), 2));
}

#[test]
fn one_write_serves_all_that_wait() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    // The segment has grown by enough for what follows.
    engine.commit(batch(0)).unwrap();
    let positions: Vec<_> = (1..=50).map(|n| engine.append(batch(n)).unwrap()).collect();
    let before = disk.operations();
    let told = Arc::new(AtomicU64::new(0));
    for position in positions.iter().rev() {
        let told = told.clone();
        engine.when_written(
            *position,
            Box::new(move |result| {
                result.unwrap();
                told.fetch_add(1, Ordering::Relaxed);
            }),
        );
    }
    assert_eq!((told.load(Ordering::Relaxed), disk.operations() - before), (50, 1));
    assert!((1..=50).all(|n| has(&killed(&disk), n)));
}

#[test]
fn what_is_durable_was_written_before() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    let position = engine.append(batch(1)).unwrap();
    engine.wait_durable(position).unwrap();
    assert_eq!((engine.written(), engine.durable()), (position, position));
    let position = engine.append(batch(2)).unwrap();
    engine.checkpoint().unwrap();
    assert!(engine.durable() >= position);
    let position = engine.append(batch(3)).unwrap();
    let records: Vec<_> = engine.log_since(LogPosition(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(records.last().unwrap().0, position, "the log is read to the end of what is applied");
    let position = engine.append(batch(4)).unwrap();
    engine.close().unwrap();
    let engine = open(&disk);
    assert_eq!((engine.applied(), has(&engine, 4)), (position, true));
}

#[test]
fn a_write_that_fails_stops_writing_but_not_reading() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    engine.commit(batch(0)).unwrap();
    let position = engine.append(batch(1)).unwrap();
    disk.set_fail_writes(true);
    assert!(matches!(engine.wait_written(position), Err(StorageError::Io { .. })));
    disk.set_fail_writes(false);
    assert!(matches!(engine.wait_written(position), Err(StorageError::Poisoned { .. })));
    assert!(matches!(engine.wait_durable(position), Err(StorageError::Poisoned { .. })));
    assert!(matches!(engine.append(batch(2)), Err(StorageError::Poisoned { .. })));
    assert_eq!((has(&engine, 1), has(&engine, 2)), (true, false));
    let other = killed(&disk);
    assert_eq!((has(&other, 0), has(&other, 1)), (true, false));
}

#[test]
fn room_is_found_before_anything_is_applied() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    engine.commit(batch(0)).unwrap();
    disk.set_capacity(Some(disk.bytes_used()));
    let mut last = 0;
    let error = loop {
        match engine.append(batch(last + 1)) {
            Ok(_) => last += 1,
            Err(error) => break error,
        }
    };
    assert!(error.is_full(), "{error}");
    assert!(!has(&engine, last + 1));
    // What was promised room finds it.
    engine.wait_written(engine.applied()).unwrap();
    assert!((0..=last).all(|n| has(&killed(&disk), n)));
    disk.set_capacity(None);
    engine.commit(batch(last + 1)).unwrap();
    assert!(has(&killed(&disk), last + 1));
}

#[test]
fn many_threads_wait_for_one_another_s_writes() {
    const THREADS: u64 = 8;
    const RECORDS: u64 = 400;
    let directory = tempfile::tempdir().unwrap();
    let options = || OpenOptions {
        wal_segment_bytes: 64 * 1024,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory.path()).unwrap()))
    };
    let engine = DiskEngine::open(options()).unwrap();
    let told = Arc::new(AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (engine, told) = (&engine, &told);
            scope.spawn(move || {
                for n in 0..RECORDS {
                    let position = engine.append(batch(thread * RECORDS + n)).unwrap();
                    match n % 3 {
                        0 => engine.wait_written(position).unwrap(),
                        1 => Acknowledgement::of(position, Durability::Soft).wait(engine).unwrap(),
                        _ => {
                            let told = told.clone();
                            let done = move |result: Result<(), StorageError>| {
                                result.unwrap();
                                told.fetch_add(1, Ordering::Relaxed);
                            };
                            engine.when_written(position, Box::new(done));
                            continue;
                        }
                    }
                    assert!(engine.written() >= position);
                }
            });
        }
    });
    // Whoever was writing has told all before it returned.
    assert_eq!(told.load(Ordering::Relaxed), THREADS * (RECORDS / 3));
    let last = engine.applied();
    engine.close().unwrap();
    let engine = DiskEngine::open(options()).unwrap();
    assert_eq!(engine.applied(), last);
    assert!((0..THREADS * RECORDS).all(|n| has(&engine, n)));
}

#[test]
fn what_nobody_waits_for_is_written_soon() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let engine = DiskEngine::open(OpenOptions::new(disk)).unwrap();
    let position = engine.append(batch(1)).unwrap();
    let end = Instant::now() + PATIENCE;
    while engine.written() < position {
        assert!(Instant::now() < end, "never written");
        std::thread::sleep(Duration::from_millis(10));
    }
}
