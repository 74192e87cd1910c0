//! Rough figures of the engine on this machine's disk:
//! `cargo run --release -p photondb-storage --example throughput [DIRECTORY]`.

use std::sync::Arc;
use std::time::Instant;

use photondb_base::{Random, SeededRandom};
use photondb_storage::{
    Batch, Direction, DiskEngine, Durability, Engine, KeyRange, OpenOptions, RealDisk, StorageError, TreeId,
};

const ROWS: u64 = 500_000;
const VALUE_BYTES: usize = 200;
const TREE: TreeId = TreeId(1);
const INDEX: TreeId = TreeId(2);

fn report(what: &str, count: u64, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what:<44} {:>12.0}/s  ({seconds:.2} s)", count as f64 / seconds);
}

fn key(n: u64) -> [u8; 16] {
    let high = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(high) << 64 | u128::from(n)).to_be_bytes()
}

fn main() -> Result<(), StorageError> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "/tmp/photondb-throughput".into());
    if std::path::Path::new(&path).exists() {
        eprintln!("{path} exists: give a directory that does not");
        return Ok(());
    }
    let options = || -> Result<OpenOptions, StorageError> {
        Ok(OpenOptions { cache_bytes_max: 512 << 20, ..OpenOptions::new(Arc::new(RealDisk::open(&path)?)) })
    };
    let engine = DiskEngine::open(options()?)?;
    writes(&engine)?;
    let started = Instant::now();
    engine.checkpoint()?;
    report("checkpoint (rows)", ROWS, started);
    println!("{:?}", engine.statistics());
    reads(&engine)?;
    mixed(&engine)?;
    let started = Instant::now();
    let scrubbed = engine.scrub()?;
    report("scrub (bytes)", scrubbed.bytes, started);
    engine.close()?;
    let started = Instant::now();
    let engine = DiskEngine::open(options()?)?;
    report("open (times)", 1, started);
    reads(&engine)
}

fn writes(engine: &DiskEngine) -> Result<(), StorageError> {
    let value = [7u8; VALUE_BYTES];
    let started = Instant::now();
    for n in 0..100_000 {
        let mut batch = Batch::new();
        batch.put(TREE, key(n), value);
        engine.commit(batch)?;
    }
    report("put, soft, random keys, one a commit", 100_000, started);
    let started = Instant::now();
    for first in (100_000..ROWS).step_by(1000) {
        let mut batch = Batch::with_capacity(1000 * (VALUE_BYTES + 24));
        for n in first..first + 1000 {
            batch.put(TREE, key(n), value);
        }
        engine.commit(batch)?;
    }
    report("put, soft, random keys, 1000 a commit", ROWS - 100_000, started);
    let started = Instant::now();
    for first in (0..ROWS).step_by(1000) {
        let mut batch = Batch::with_capacity(40_000);
        for n in first..first + 1000 {
            batch.put(INDEX, n.to_be_bytes(), key(n));
        }
        engine.commit(batch)?;
    }
    report("put, soft, ascending keys, 1000 a commit", ROWS, started);
    for threads in [1u64, 8] {
        let started = Instant::now();
        let each = 200;
        std::thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || -> Result<(), StorageError> {
                    for n in 0..each {
                        let mut batch = Batch::new();
                        batch.put(TREE, key(thread * 1000 + n), value);
                        engine.commit_with(batch, Durability::Hard)?;
                    }
                    Ok(())
                });
            }
        });
        report(&format!("put, hard, one a commit, {threads} threads"), each * threads, started);
    }
    Ok(())
}

fn reads(engine: &DiskEngine) -> Result<(), StorageError> {
    let random = SeededRandom::new(1);
    let started = Instant::now();
    for _ in 0..300_000 {
        let snapshot = engine.snapshot();
        assert!(snapshot.get(TREE, &key(random.below(ROWS)))?.is_some());
    }
    report("get, random, a snapshot each", 300_000, started);
    let snapshot = engine.snapshot();
    for (tree, direction) in
        [(TREE, Direction::Forward), (TREE, Direction::Backward), (INDEX, Direction::Forward)]
    {
        let started = Instant::now();
        let mut cursor = snapshot.range(tree, KeyRange::all(), direction);
        let mut rows = 0;
        while let Some((key, value)) = cursor.next()? {
            rows += u64::from(!key.is_empty() && !value.is_empty());
        }
        assert_eq!(rows, ROWS);
        report(&format!("scan, tree {tree}, {direction:?} (rows)"), rows, started);
    }
    let started = Instant::now();
    for n in 0..100_000 {
        snapshot.nth_key(TREE, &KeyRange::all(), n * 4)?;
    }
    report("nth key", 100_000, started);
    Ok(())
}

fn mixed(engine: &DiskEngine) -> Result<(), StorageError> {
    let random = SeededRandom::new(2);
    let started = Instant::now();
    for _ in 0..50_000 {
        let mut batch = Batch::new();
        batch.put(TREE, key(random.below(ROWS)), [8u8; VALUE_BYTES]);
        // A reader that is still there when the write comes.
        let snapshot = engine.snapshot();
        engine.commit(batch)?;
        snapshot.get(TREE, &key(random.below(ROWS)))?;
    }
    report("put beside a snapshot, and get", 50_000, started);
    let started = Instant::now();
    for n in 0..50_000 {
        let mut batch = Batch::new();
        batch.delete(TREE, key(n));
        batch.put(TREE, key(n), [9u8; VALUE_BYTES]);
        engine.commit(batch)?;
    }
    report("delete and put, one a commit", 50_000, started);
    Ok(())
}
