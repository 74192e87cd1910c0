//! When checkpoints run, and what readers and writers see of them.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use photondb_storage::{
    Batch, Direction, Disk, DiskEngine, Engine, KeyRange, OpenOptions, RealDisk, SimulatedDisk, Snapshot,
    Statistics, TreeId, check_disk,
};

const TREE: TreeId = TreeId(1);

fn key(number: u64) -> [u8; 8] {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

fn put(engine: &DiskEngine, number: u64, value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(TREE, key(number), value);
    engine.commit(batch).unwrap();
}

fn wait_for(engine: &DiskEngine, what: impl Fn(&Statistics) -> bool) -> Statistics {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let statistics = engine.statistics();
        if what(&statistics) {
            return statistics;
        }
        assert!(Instant::now() < end, "still {statistics:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn values(snapshot: &Arc<dyn Snapshot>) -> Vec<Vec<u8>> {
    let mut cursor = snapshot.range(TREE, KeyRange::all(), Direction::Forward);
    let mut values = Vec::new();
    while cursor.advance().unwrap() {
        values.push(cursor.value().unwrap().bytes.to_vec());
    }
    values
}

#[test]
fn an_engine_that_is_idle_writes_a_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        checkpoint_idle_ms: 20,
        log_keep_bytes: 0,
        wal_segment_bytes: 64 * 1024,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory.path()).unwrap()))
    };
    let engine = DiskEngine::open(options).unwrap();
    for number in 0..2000 {
        put(&engine, number, &[7; 500]);
    }
    wait_for(&engine, |now| {
        // All was written but for what is not worth it, which is left when a busy machine has
        // paused among the writes, and the log was given back.
        now.checkpoints > 0 && now.log_bytes_since_checkpoint <= 256 * 1024 && now.log_bytes < 400 * 1024
    });
    // A little more is not worth one.
    put(&engine, 1, &[8; 500]);
    std::thread::sleep(Duration::from_millis(200));
    assert!(engine.statistics().log_bytes_since_checkpoint > 0);
    assert_eq!(values(&engine.snapshot()).len(), 2000);
}

#[test]
fn lent_values_stay_as_they_are_when_their_leaf_changes() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let engine = DiskEngine::open(OpenOptions { checkpoint_idle_ms: 0, ..OpenOptions::new(disk) }).unwrap();
    for number in 0..50 {
        put(&engine, number, &[1; 60]);
    }
    let mut lent = Vec::new();
    let mut cursor = engine.snapshot().range(TREE, KeyRange::all(), Direction::Forward);
    while cursor.advance().unwrap() {
        let value = cursor.value().unwrap();
        lent.push((cursor.last_key().unwrap(), value.storage.slice_ref(value.bytes)));
    }
    assert!(
        lent.windows(2).all(|pair| pair[0].1.as_ptr() != pair[1].1.as_ptr()),
        "each value stands in a place of its own"
    );
    drop(cursor);
    for number in 0..50 {
        put(&engine, number, &[2; 70]);
    }
    let mut batch = Batch::new();
    batch.delete(TREE, key(7));
    engine.commit(batch).unwrap();
    assert_eq!(lent.len(), 50);
    for (found, value) in &lent {
        assert!((0..50).any(|number| key(number) == found[..]));
        assert_eq!(value[..], [1; 60]);
    }
    assert_eq!(values(&engine.snapshot()), vec![vec![2; 70]; 49]);
}

/// Keys in an order that leaves holes everywhere, values in leaves, slots and extents.
fn scatter(engine: &DiskEngine) {
    for number in 0..6000 {
        let length = match number % 40 {
            0 => 3000 + number as usize % 9000,
            1 => 40_000,
            _ => 300 + number as usize % 700,
        };
        put(engine, number, &vec![number as u8; length]);
    }
    engine.checkpoint().unwrap();
    for number in (0..6000).filter(|number| number % 5 != 0) {
        let mut batch = Batch::new();
        batch.delete(TREE, key(number));
        engine.commit(batch).unwrap();
        if number % 500 == 1 {
            engine.checkpoint().unwrap();
        }
    }
    engine.checkpoint().unwrap();
}

fn slabs_used(now: &Statistics) -> u64 {
    now.slabs - now.slabs_free
}

#[test]
fn compacting_gives_room_back_and_changes_nothing() {
    let disk = SimulatedDisk::default();
    let options = || OpenOptions {
        background: false,
        compact_lost_bytes: 64 * 1024,
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    let engine = DiskEngine::open(options()).unwrap();
    scatter(&engine);
    let (before, expected) = (engine.statistics(), values(&engine.snapshot()));
    assert_eq!(expected.len(), 1200);
    let held = engine.snapshot();
    engine.compact(&|| true).unwrap();
    drop(held);
    engine.compact(&|| true).unwrap();
    let after = engine.statistics();
    assert_eq!(values(&engine.snapshot()), expected);
    assert!(slabs_used(&after) < slabs_used(&before), "{before:?} {after:?}");
    // The whole slabs of what is longer than one end anywhere; an eighth of the rest may be lost.
    let enough = after.slot_bytes_used / 65_536 * 9 / 8 + 2;
    assert!(slabs_used(&after) <= enough, "{before:?} {after:?}");
    assert!(after.data_bytes < before.data_bytes, "the file ends earlier: {before:?} {after:?}");
    engine.scrub().unwrap();
    engine.close().unwrap();
    let report = check_disk(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let engine = DiskEngine::open(options()).unwrap();
    assert_eq!(values(&engine.snapshot()), expected);
}

#[test]
fn an_engine_that_is_idle_compacts() {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        checkpoint_idle_ms: 20,
        compact_lost_bytes: 64 * 1024,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory.path()).unwrap()))
    };
    let engine = DiskEngine::open(options).unwrap();
    scatter(&engine);
    let expected = values(&engine.snapshot());
    wait_for(&engine, |now| slabs_used(now) <= now.slot_bytes_used / 65_536 * 9 / 8 + 15);
    assert_eq!(values(&engine.snapshot()), expected);
}

#[test]
fn what_compaction_moves_takes_its_memory_from_the_page_cache() {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        cache_bytes_max: 4 << 20,
        checkpoint_idle_ms: 20,
        compact_lost_bytes: 64 * 1024,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory.path()).unwrap()))
    };
    let bound = options.cache_bytes_max + options.cache_bytes_max / 8;
    let engine = DiskEngine::open(options).unwrap();
    for number in 0..20_000 {
        put(&engine, number, &[7; 900]);
    }
    for number in (0..20_000).filter(|number| number % 7 != 0) {
        let mut batch = Batch::new();
        batch.delete(TREE, key(number));
        engine.commit(batch).unwrap();
    }
    let both = |now: &Statistics| now.dirty_bytes + now.cache_bytes;
    let most = Cell::new(0);
    wait_for(&engine, |now| {
        most.set(most.get().max(both(now)));
        slabs_used(now) <= now.slot_bytes_used / 65_536 * 9 / 8 + 15
    });
    assert!(most.get() <= bound, "{} bytes of changes and pages, {bound} allowed", most.get());
}

#[test]
fn commits_that_wait_for_room_together_do_not_take_it_together() {
    const THREADS: u64 = 12;
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let options = OpenOptions { cache_bytes_max: 8 << 20, ..OpenOptions::new(disk) };
    // The one that passes the bound changes a leaf for each of its entries, and most nodes above.
    let bound = options.cache_bytes_max / 2 + (5 << 20);
    let engine = DiskEngine::open(options).unwrap();
    // Keys all over the tree. Gives what changes take then.
    let put_all = |batch: u64| {
        let mut changes = Batch::new();
        for number in batch * 200..(batch + 1) * 200 {
            changes.put(TREE, key(number), vec![number as u8; 1000]);
        }
        engine.commit(changes).unwrap();
        engine.statistics().dirty_bytes
    };
    for batch in 0..100 {
        put_all(batch);
    }
    let write = &|thread: u64| (100 + thread..700).step_by(THREADS as usize).map(put_all).max();
    let most = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || write(thread))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).max()
    });
    assert!(most <= Some(bound), "{most:?} bytes of changes, {bound} allowed");
}

#[test]
fn the_page_cache_makes_room_for_what_only_a_snapshot_has() {
    const CACHE_BYTES: u64 = 16 << 20;
    let options = OpenOptions {
        cache_bytes_max: CACHE_BYTES,
        background: false,
        ..OpenOptions::new(Arc::new(SimulatedDisk::default()))
    };
    let engine = DiskEngine::open(options).unwrap();
    let fill = |tree: u64, megabytes: u64| {
        for batch in 0..megabytes * 10 {
            let mut changes = Batch::new();
            for number in batch * 100..(batch + 1) * 100 {
                changes.put(TreeId(tree), key(number), vec![number as u8; 1000]);
            }
            engine.commit(changes).unwrap();
        }
    };
    let read_all = || {
        let mut cursor = engine.snapshot().range(TREE, KeyRange::all(), Direction::Forward);
        while cursor.advance().unwrap() {}
        engine.statistics().cache_bytes
    };
    fill(1, 30);
    engine.checkpoint().unwrap();
    let usual = read_all();
    assert!(usual > CACHE_BYTES * 3 / 4, "{usual}");
    fill(2, 2);
    let (snapshot, changes) = (engine.snapshot(), engine.statistics().dirty_bytes);
    assert!(changes > 2 << 20);
    engine.checkpoint().unwrap();
    assert_eq!(engine.statistics().dirty_bytes, 0);
    let beside = read_all();
    assert!(beside <= CACHE_BYTES - changes, "{beside} beside {changes}");
    assert_eq!(snapshot.get(TreeId(2), &key(7)).unwrap().unwrap(), vec![7; 1000]);
    drop(snapshot);
    put(&engine, 1, &[1; 1000]);
    assert!(read_all() > CACHE_BYTES * 3 / 4);
}
