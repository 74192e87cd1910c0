//! The storage engine on the machine's disk.

use std::hint::black_box;
use std::sync::Arc;

use photondb_base::{Random, SeededRandom};
use photondb_storage::{Batch, Direction, DiskEngine, Engine, KeyRange, OpenOptions, RealDisk, TreeId};

use crate::{KeyPath, Step};

const TREE: TreeId = TreeId(1);
const ROWS: u64 = 20_000;
const VALUE_BYTES: usize = 200;

pub(crate) const PATHS: &[KeyPath] = &[
    KeyPath {
        name: "tree/get",
        prepare: || {
            with_engine(|engine, random| {
                let found = engine.snapshot().get(TREE, &key(random.below(ROWS)));
                assert!(found.expect("readable").is_some());
            })
        },
    },
    KeyPath {
        name: "tree/range_100",
        prepare: || {
            with_engine(|engine, random| {
                let range = from(random.below(ROWS));
                let mut cursor = engine.snapshot().range(TREE, range, Direction::Forward);
                for _ in 0..100 {
                    black_box(cursor.next().expect("readable"));
                }
            })
        },
    },
    KeyPath {
        name: "tree/count",
        prepare: || {
            with_engine(|engine, random| {
                let range = from(random.below(ROWS));
                black_box(engine.snapshot().count(TREE, &range).expect("readable"));
            })
        },
    },
    KeyPath { name: "log/commit_one", prepare: || with_engine(|engine, random| commit(engine, random, 1)) },
    KeyPath { name: "log/commit_200", prepare: || with_engine(|engine, random| commit(engine, random, 200)) },
];

fn key(number: u64) -> [u8; 8] {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()
}

/// All keys from that of a number on.
fn from(number: u64) -> KeyRange {
    KeyRange::half_open(key(number).to_vec(), vec![u8::MAX; 9])
}

fn commit(engine: &DiskEngine, random: &SeededRandom, count: usize) {
    let mut batch = Batch::with_capacity(count * (VALUE_BYTES + 32));
    for _ in 0..count {
        batch.put(TREE, key(random.below(ROWS)), [3; VALUE_BYTES]);
    }
    engine.commit(batch).expect("the disk has room");
}

/// A step on an engine with rows, which goes with the step.
fn with_engine(step: fn(&DiskEngine, &SeededRandom)) -> Step {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = RealDisk::open(folder.path()).expect("a folder that was just made");
    let engine = DiskEngine::open(OpenOptions::new(Arc::new(disk))).expect("an empty folder");
    for first in (0..ROWS).step_by(1000) {
        let mut batch = Batch::new();
        for number in first..first + 1000 {
            batch.put(TREE, key(number), [7; VALUE_BYTES]);
        }
        engine.commit(batch).expect("the disk has room");
    }
    let random = SeededRandom::new(1);
    Box::new(move || {
        step(&engine, &random);
        // The folder has to live as long as the engine.
        black_box(&folder);
    })
}
