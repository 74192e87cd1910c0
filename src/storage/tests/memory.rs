//! Memory stays bounded whatever is written. A process of its own: it looks at all its memory.

use std::sync::Arc;

use photondb_storage::{Batch, DiskEngine, Engine, OpenOptions, RealDisk, TreeId};

const CACHE_BYTES: u64 = 32 << 20;
/// A commit under way may pass a bound by a leaf for each of its 200 entries, and for the splits.
const COMMIT_BYTES: u64 = 4 << 20;
/// What is not the cache's: the commits under way, the log's buffers, what the allocator keeps.
const REST_BYTES: u64 = 60 << 20;

/// That of the server: the bound is one of both together.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of memory this process has; `None` where nobody tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// A number that looks random.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

struct Watch {
    engine: DiskEngine,
    resident_before: Option<u64>,
    written: u64,
}

impl Watch {
    fn put(&mut self, entries: impl Iterator<Item = (u64, usize)>) {
        let mut batch = Batch::new();
        for (key, length) in entries {
            batch.put(TreeId(length as u64), key.to_be_bytes(), vec![key as u8; length]);
            self.written += length as u64;
        }
        self.engine.commit(batch).unwrap();
        let now = self.engine.statistics();
        assert!(now.dirty_bytes <= CACHE_BYTES / 2 + COMMIT_BYTES, "changes: {now:?}");
        let both = now.dirty_bytes + now.cache_bytes;
        assert!(both <= CACHE_BYTES + COMMIT_BYTES, "changes and pages: {now:?}");
        self.check_resident();
    }

    fn check_resident(&self) {
        if let (Some(before), Some(now)) = (self.resident_before, resident_bytes()) {
            let bound = before + CACHE_BYTES + REST_BYTES;
            assert!(now < bound, "{now} bytes of memory after {} written", self.written);
        }
    }
}

#[test]
fn ten_times_the_cache_is_written_and_memory_stays_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
    let options = OpenOptions {
        cache_bytes_max: CACHE_BYTES,
        checkpoint_log_bytes: 16 << 20,
        wal_segment_bytes: 4 << 20,
        log_keep_bytes: 0,
        ..OpenOptions::new(disk)
    };
    let engine = DiskEngine::open(options).unwrap();
    let mut watch = Watch { engine, resident_before: resident_bytes(), written: 0 };
    for batch in 0..600 {
        watch.put((0..200).map(|entry| (batch * 200 + entry, 1000)));
    }
    for value in 0..1500 {
        watch.put(std::iter::once((value % 200, 64 * 1024)));
    }
    let held = watch.engine.snapshot();
    for batch in 0..100 {
        watch.put((0..50).map(|entry| (scattered(batch * 50 + entry) % 120_000, 1000)));
    }
    drop(held);
    for batch in 0..400 {
        watch.put((0..200).map(|entry| (scattered(batch * 200 + entry), 1000)));
    }
    assert!(watch.written > 9 * CACHE_BYTES);
    watch.engine.scrub().unwrap();
}
