//! Full disks, failing disks, damage, locks, versions, space.

mod format_versions;

use std::sync::Arc;
use std::sync::mpsc;

use photondb_base::ManualClock;
use photondb_base::prompt::{Allowance, NotPrompt, promptly};
use photondb_storage::{
    Batch, Cut, Direction, Disk, DiskEngine, Durability, Engine, KeyRange, LogPosition, OpenOptions,
    RealDisk, SimulatedDisk, StorageError, TreeId, check, check_disk,
};

const TREE: TreeId = TreeId(7);
/// Where the first record of a segment starts: behind its header and a time.
const FIRST_RECORD: usize = 32 + 40;

fn options(disk: &SimulatedDisk) -> OpenOptions {
    OpenOptions {
        cache_bytes_max: 4 << 20,
        wal_segment_bytes: 100_000,
        background: false,
        log_keep_bytes: 0,
        clock: Arc::new(ManualClock::default()),
        ..OpenOptions::new(Arc::new(disk.clone()))
    }
}

fn open(disk: &SimulatedDisk) -> DiskEngine {
    DiskEngine::open(options(disk)).unwrap()
}

fn put(engine: &dyn Engine, n: u32, length: usize) -> Result<LogPosition, StorageError> {
    let mut batch = Batch::new();
    batch.put(TREE, n.to_be_bytes(), vec![n as u8; length]);
    engine.commit(batch)
}

fn problems(disk: &SimulatedDisk) -> Vec<String> {
    check_disk(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).unwrap().problems
}

type Contents = Vec<(Vec<u8>, Vec<u8>)>;

/// Every entry, or the first error.
fn contents(engine: &dyn Engine) -> Result<Contents, StorageError> {
    let snapshot = engine.snapshot();
    let mut all = Vec::new();
    for (tree, _) in snapshot.trees()? {
        let mut cursor = snapshot.range(tree, KeyRange::all(), Direction::Forward);
        while let Some((key, value)) = cursor.next()? {
            all.push(([&tree.0.to_be_bytes(), key.as_ref()].concat(), value.to_vec()));
        }
    }
    Ok(all)
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    for capacity in [40_000u64, 90_000, 300_000, 700_000] {
        let disk = SimulatedDisk::new();
        let engine = open(&disk);
        disk.set_capacity(Some(capacity));
        let mut written = 0;
        let error = loop {
            match put(&engine, written, 1500) {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
            if written.is_multiple_of(40) {
                match engine.checkpoint() {
                    Ok(()) => {}
                    Err(error) => assert!(error.is_full(), "{error}"),
                }
            }
        };
        assert!(error.is_full(), "{error}");
        let verify = |engine: &dyn Engine, count: u32| {
            let snapshot = engine.snapshot();
            assert_eq!(snapshot.count(TREE, &KeyRange::all()).unwrap(), u64::from(count));
            for n in 0..count {
                let value = snapshot.get(TREE, &n.to_be_bytes()).unwrap().unwrap();
                assert_eq!((value.len(), value[0]), (1500, n as u8));
            }
        };
        verify(&engine, written);
        engine.wait_durable(engine.applied()).unwrap();
        assert!(put(&engine, written, 100_000).unwrap_err().is_full());
        let refused = engine.health().refused_write.expect("it was refused");
        assert!(refused.is_full(), "{refused}");
        // Still full after a power cut: opens, reads.
        let image = disk.after_cut(Cut::DropUnsynced, 1);
        verify(&open(&image), written);
        // Room again.
        disk.set_capacity(None);
        put(&engine, written, 1500).unwrap();
        engine.checkpoint().unwrap();
        let health = engine.health();
        assert!(health.refused_write.is_none() && health.failed_checkpoint.is_none(), "{health:?}");
        verify(&engine, written + 1);
        drop(engine);
        assert_eq!(problems(&disk), Vec::<String>::new());
        verify(&open(&disk), written + 1);
    }
}

#[test]
fn a_failed_sync_stops_writing_but_not_reading() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    let position = put(&engine, 1, 10).unwrap();
    disk.set_fail_syncs(true);
    assert!(matches!(engine.wait_durable(position), Err(StorageError::Io { .. })));
    disk.set_fail_syncs(false);
    let stopped = engine.health().stopped.expect("it has stopped");
    assert!(stopped.contains("sync"), "{stopped}");
    assert!(matches!(engine.wait_durable(position), Err(StorageError::Poisoned { .. })));
    assert!(matches!(put(&engine, 2, 10), Err(StorageError::Poisoned { .. })));
    assert!(matches!(engine.checkpoint(), Err(StorageError::Poisoned { .. })));
    let health = engine.health();
    assert!(
        health.stopped.is_some() && health.failed_checkpoint.is_none(),
        "one cause is told once: {health:?}"
    );
    assert_eq!(engine.snapshot().get(TREE, &1u32.to_be_bytes()).unwrap().unwrap().len(), 10);
    let (sender, receiver) = mpsc::channel();
    engine.when_durable(position, Box::new(move |result| sender.send(result.is_err()).unwrap()));
    assert!(receiver.recv().unwrap());
}

#[test]
fn a_page_that_cannot_be_read_fails_the_write_before_it_is_logged() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..2000 {
        put(&engine, n, 100).unwrap();
    }
    engine.checkpoint().unwrap();
    drop(engine);
    let engine = open(&disk);
    disk.set_fail_reads(true);
    let before = engine.applied();
    assert!(matches!(put(&engine, 5, 10), Err(StorageError::Io { .. })));
    disk.set_fail_reads(false);
    assert_eq!(engine.applied(), before);
    put(&engine, 5, 10).unwrap();
}

#[test]
fn damage_is_named_or_does_no_harm() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..300u32 {
        let mut batch = Batch::new();
        batch.put(TreeId(u64::from(n % 3)), n.to_be_bytes(), vec![n as u8; 1 + n as usize * 20]);
        engine.commit(batch).unwrap();
        if n == 200 {
            engine.checkpoint().unwrap();
        }
    }
    engine.close().unwrap();
    let expected = contents(&open(&disk.after_cut(Cut::KeepAll, 0))).unwrap();
    let step = std::env::var("PHOTONDB_FLIP_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(499);
    let (mut named, mut harmless) = (0, 0);
    for file in disk.list().unwrap() {
        let bytes = disk.contents(&file).unwrap();
        // Every byte near the start, where the structures are; a sample of the rest, which
        // PHOTONDB_FLIP_STEP=1 makes every byte.
        for at in (0..bytes.len()).filter(|at| *at < 200 || at % step == 0 || bytes.len() - at < 100) {
            let image = disk.after_cut(Cut::KeepAll, 0);
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            image.set_contents(&file, damaged);
            let report = check_disk(&(Arc::new(image.clone()) as Arc<dyn Disk>));
            let outcome = DiskEngine::open(options(&image)).and_then(|engine| {
                let contents = contents(&engine)?;
                let scrubbed = engine.scrub();
                assert_eq!(engine.health().damage.is_some(), scrubbed.is_err());
                scrubbed?;
                Ok(contents)
            });
            match outcome {
                Ok(contents) => {
                    assert!(contents == expected, "{file} at {at}: wrong data");
                    harmless += 1;
                }
                Err(StorageError::Corrupt { file: named_file, offset, .. }) => {
                    assert_eq!(named_file, file, "byte {at}");
                    assert!(offset <= at as u64, "{file}: byte {at} reported at {offset}");
                    assert!(report.is_err() || report.unwrap().problem_count > 0, "{file} at {at}");
                    named += 1;
                }
                Err(error) => panic!("{file} at {at}: {error}"),
            }
        }
    }
    assert!(named > 500 && harmless > 50, "{named} named, {harmless} harmless");
}

#[test]
fn a_torn_tail_is_cut_but_damage_before_it_is_not() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..20 {
        let position = put(&engine, n, 500).unwrap();
        engine.wait_durable(position).unwrap();
    }
    drop(engine);
    let name = disk.list().unwrap().into_iter().find(|name| name.starts_with("log-")).unwrap();
    let bytes = disk.contents(&name).unwrap();
    // Damage to the fifth record: later ones say that it was durable.
    let image = disk.after_cut(Cut::KeepAll, 0);
    let mut damaged = bytes.clone();
    damaged[FIRST_RECORD + 4 * 544 + 100] ^= 1;
    image.set_contents(&name, damaged);
    let error = DiskEngine::open(options(&image)).err().unwrap();
    assert!(matches!(&error, StorageError::Corrupt { file, offset: 2248, .. } if *file == name), "{error}");
    // The last record was torn before anybody said it was durable.
    let image = disk.after_cut(Cut::KeepAll, 0);
    let mut torn = bytes;
    let end = FIRST_RECORD + 20 * 544;
    torn[end - 300..end].fill(0);
    image.set_contents(&name, torn);
    assert_eq!(open(&image).applied(), LogPosition(19));
}

/// Names of the log's files, in order.
fn log_names(disk: &SimulatedDisk) -> Vec<String> {
    let mut names = disk.list().unwrap();
    names.retain(|name| name.starts_with("log-"));
    names.sort();
    names
}

#[test]
fn a_segment_in_front_of_others_may_be_torn_unless_they_say_that_it_was_durable() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..300 {
        put(&engine, n, 500).unwrap();
    }
    let names = log_names(&disk);
    assert!(names.len() > 1);
    // Its last record did not reach the disk, but the name of the next segment did.
    let image = disk.after_cut(Cut::KeepAll, 0);
    let mut torn = disk.contents(&names[0]).unwrap();
    let end = FIRST_RECORD + 184 * 544;
    assert!(torn[end..].iter().all(|byte| *byte == 0), "184 records fill the first segment");
    torn[end - 300..end].fill(0);
    image.set_contents(&names[0], torn.clone());
    assert_eq!(open(&image).applied(), LogPosition(183));
    assert_eq!(log_names(&image), names[..1]);
    // The same after a sync of which a later record knows.
    engine.wait_durable(engine.applied()).unwrap();
    put(&engine, 300, 500).unwrap();
    let image = disk.after_cut(Cut::KeepAll, 0);
    image.set_contents(&names[0], torn);
    let error = DiskEngine::open(options(&image)).err().unwrap();
    assert!(matches!(&error, StorageError::Corrupt { file, .. } if *file == names[0]), "{error}");
    assert_eq!(log_names(&image), names);
}

#[test]
fn files_of_the_log_are_used_again() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for round in 0..4 {
        for n in 0..1000 {
            put(&engine, n, 500).unwrap();
        }
        engine.checkpoint().unwrap();
        let spares = disk.list().unwrap().iter().filter(|name| name.starts_with("spare-")).count();
        assert!(spares > 1, "round {round}: {:?}", disk.list());
    }
    // What stood in a file before is not taken for records.
    let position = engine.applied();
    drop(engine);
    let engine = open(&disk.after_cut(Cut::KeepAll, 0));
    assert_eq!(engine.applied(), position);
    assert_eq!(problems(&disk), Vec::<String>::new());
    engine.close().unwrap();
}

#[test]
fn deleting_everything_gives_the_space_back() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for round in 0..3 {
        for n in 0..400 {
            put(&engine, n, 30_000).unwrap();
        }
        engine.checkpoint().unwrap();
        let full = engine.statistics();
        assert!(full.data_bytes > 10_000_000 && full.data_bytes < 16_000_000, "round {round}: {full:?}");
        let mut batch = Batch::new();
        if round == 1 {
            batch.drop_tree(TREE);
        } else {
            (0..400u32).for_each(|n| batch.delete(TREE, n.to_be_bytes()));
        }
        engine.commit(batch).unwrap();
        let snapshot = engine.snapshot();
        drop(snapshot);
        engine.checkpoint().unwrap();
        let empty = engine.statistics();
        assert!(empty.data_bytes < 200_000, "round {round}: {empty:?}");
        assert_eq!(problems(&disk), Vec::<String>::new());
    }
}

#[test]
fn a_snapshot_keeps_its_space_until_it_goes() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..100 {
        put(&engine, n, 20_000).unwrap();
    }
    engine.checkpoint().unwrap();
    let snapshot = engine.snapshot();
    for fill in 0..3 {
        for n in 0..100 {
            put(&engine, n + 1000 * fill, 19_000).unwrap();
        }
        engine
            .commit({
                let mut batch = Batch::new();
                batch.drop_tree(TREE);
                batch
            })
            .unwrap();
        engine.checkpoint().unwrap();
    }
    assert_eq!(engine.statistics().snapshots, 1);
    for n in 0..100u32 {
        assert_eq!(snapshot.get(TREE, &n.to_be_bytes()).unwrap().unwrap(), vec![n as u8; 20_000]);
    }
    drop(snapshot);
    engine.checkpoint().unwrap();
    engine.checkpoint().unwrap();
    assert!(engine.statistics().data_bytes < 300_000, "{:?}", engine.statistics());
}

#[test]
fn the_log_can_be_read_back() {
    let disk = SimulatedDisk::new();
    let engine = DiskEngine::open(OpenOptions { log_keep_bytes: 150_000, ..options(&disk) }).unwrap();
    for n in 0..1000 {
        put(&engine, n, 300).unwrap();
    }
    let positions: Vec<u64> =
        engine.log_since(LogPosition(990)).unwrap().map(|record| record.unwrap().0.0).collect();
    assert_eq!(positions, (991..=1000).collect::<Vec<_>>());
    assert_eq!(engine.log_since(LogPosition(0)).unwrap().count(), 1000);
    assert_eq!(engine.log_since(LogPosition(1000)).unwrap().count(), 0);
    engine.checkpoint().unwrap();
    let Err(StorageError::LogTooOld { oldest, .. }) = engine.log_since(LogPosition(0)) else {
        panic!("the log should be gone")
    };
    assert_eq!(engine.log_since(oldest).unwrap().count() as u64, 1000 - oldest.0);
}

#[test]
fn two_processes_cannot_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = RealDisk::open(directory.path()).unwrap();
    let error = RealDisk::open(directory.path()).unwrap_err();
    assert!(matches!(&error, StorageError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"));
    drop(first);
    RealDisk::open(directory.path()).unwrap();
}

#[test]
fn a_real_directory_with_threads() {
    let directory = tempfile::tempdir().unwrap();
    let real = |cache_bytes_max| OpenOptions {
        cache_bytes_max,
        wal_segment_bytes: 1 << 20,
        checkpoint_log_bytes: 3 << 20,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory.path()).unwrap()))
    };
    let engine = DiskEngine::open(real(4 << 20)).unwrap();
    let bytes: u64 =
        std::fs::read_dir(directory.path()).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 32_000, "an empty directory takes {bytes} bytes");
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let engine = &engine;
            scope.spawn(move || {
                for n in 0..500 {
                    let mut batch = Batch::new();
                    batch.put(TREE, (thread * 1000 + n).to_be_bytes(), vec![thread as u8; 3000]);
                    batch.put(TreeId(8), (n * 10 + thread).to_be_bytes(), []);
                    let durability = if n % 50 == 0 { Durability::Hard } else { Durability::Soft };
                    engine.commit_with(batch, durability).unwrap();
                    let snapshot = engine.snapshot();
                    let all = KeyRange::all();
                    assert_eq!(snapshot.count(TREE, &all).unwrap(), snapshot.count(TreeId(8), &all).unwrap());
                }
            });
        }
    });
    let (sender, receiver) = mpsc::channel();
    let position = engine.applied();
    engine.when_durable(position, Box::new(move |result| sender.send(result).unwrap()));
    receiver.recv().unwrap().unwrap();
    assert!(engine.durable() >= position);
    let expected = contents(&engine).unwrap();
    assert_eq!(expected.len(), 4000);
    engine.scrub().unwrap();
    assert!(engine.statistics().checkpoints > 0);
    engine.close().unwrap();
    assert_eq!(check(directory.path()).unwrap().problems, Vec::<String>::new());
    let engine = DiskEngine::open(real(64 << 20)).unwrap();
    assert_eq!(contents(&engine).unwrap(), expected);
}

#[test]
fn ten_thousand_trees_open_as_fast_as_one() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for tree in 0..10_000u64 {
        let mut batch = Batch::new();
        batch.put(TreeId(tree), b"key", tree.to_be_bytes());
        engine.commit(batch).unwrap();
    }
    engine.checkpoint().unwrap();
    assert!(engine.statistics().data_bytes < 8_000_000);
    engine.close().unwrap();
    let started = std::time::Instant::now();
    let engine = open(&disk);
    assert!(started.elapsed().as_millis() < 200);
    assert_eq!(engine.snapshot().get(TreeId(777), b"key").unwrap().unwrap(), &777u64.to_be_bytes()[..]);
    assert_eq!(engine.snapshot().trees().unwrap().len(), 10_000);
}

#[test]
fn large_values() {
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    put(&engine, 1, 64 << 20).unwrap();
    engine.checkpoint().unwrap();
    drop(engine);
    let engine = open(&disk);
    assert_eq!(engine.snapshot().get(TREE, &1u32.to_be_bytes()).unwrap().unwrap(), vec![1; 64 << 20]);
}

#[test]
fn prompt_work_waits_for_no_disk() {
    const ALLOWANCE: Allowance = Allowance { rows_max: 10, bytes_max: 10_000 };
    let disk = SimulatedDisk::new();
    let engine = open(&disk);
    for n in 0..1000 {
        put(&engine, n, 100).unwrap();
    }
    engine.checkpoint().unwrap();
    drop(engine);
    let engine = open(&disk);
    let (cold, warm) = (500u32.to_be_bytes(), 1u32.to_be_bytes());
    let get =
        |key: &[u8]| promptly(ALLOWANCE, || engine.snapshot().get(TREE, key).map(|value| value.is_some()));
    assert!(engine.snapshot().get(TREE, &warm).unwrap().is_some());
    assert!(matches!(get(&warm), Ok(Ok(true))));
    assert!(matches!(get(&cold), Err(NotPrompt)));
    // Neither does a write that is not in the log yet.
    let before = engine.applied();
    assert!(matches!(promptly(ALLOWANCE, || put(&engine, 500, 200)), Err(NotPrompt)));
    assert_eq!(engine.applied(), before);
    let write = promptly(ALLOWANCE, || put(&engine, 1, 200)).unwrap().unwrap();
    assert_eq!(engine.applied(), write);
    // What may wait brings it into the cache.
    assert!(engine.snapshot().get(TREE, &cold).unwrap().is_some());
    assert!(matches!(get(&cold), Ok(Ok(true))));
    let durable = promptly(ALLOWANCE, || engine.wait_durable(write));
    assert!(matches!(durable, Err(NotPrompt)));
    engine.wait_durable(write).unwrap();
    assert!(matches!(promptly(ALLOWANCE, || engine.wait_durable(write)), Ok(Ok(()))));
}
