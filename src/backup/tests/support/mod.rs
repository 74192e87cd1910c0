//! Engines, writers and sets for the tests.

#![allow(dead_code, reason = "each test that includes this uses a part of it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use photondb_backup::{BackupError, BackupMode, EngineSource, Taken, take};
use photondb_base::ManualClock;
use photondb_storage::{
    Batch, Direction, Disk, DiskEngine, Engine, KeyRange, OpenOptions, SimulatedDisk, TreeId,
};

/// Every entry of every tree.
pub type Contents = BTreeMap<(u64, Vec<u8>), Vec<u8>>;

/// An engine on a simulated disk, with a clock that stands still.
pub struct Server {
    pub disk: SimulatedDisk,
    pub clock: Arc<ManualClock>,
    pub engine: Arc<DiskEngine>,
}

pub fn open(disk: &SimulatedDisk, clock: &Arc<ManualClock>) -> DiskEngine {
    let options = OpenOptions {
        wal_segment_bytes: 20_000,
        checkpoint_idle_ms: 0,
        scrub_bytes_per_second: 0,
        clock: clock.clone(),
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    DiskEngine::open(options).expect("opens")
}

impl Server {
    pub fn new() -> Self {
        let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
        clock.advance_us(1_700_000_000_000_000);
        let engine = Arc::new(open(&disk, &clock));
        Self { disk, clock, engine }
    }

    /// A clean stop and a start.
    pub fn restart(self) -> Self {
        let Self { disk, clock, engine } = self;
        Arc::into_inner(engine).expect("nobody else has it").close().expect("closes");
        let engine = Arc::new(open(&disk, &clock));
        Self { disk, clock, engine }
    }

    /// Write number `n`, a second after the one before.
    pub fn put(&self, n: u64) {
        self.clock.advance_us(1_000_000);
        let position = self.engine.commit(batch(n)).expect("commits");
        assert_eq!(position.0, n);
    }

    pub fn put_all(&self, numbers: std::ops::RangeInclusive<u64>) {
        numbers.for_each(|n| self.put(n));
    }

    pub fn take(&self, directory: &Path, mode: BackupMode) -> Result<Taken, BackupError> {
        let mut source = EngineSource::new(self.engine.clone(), self.clock.clone());
        take(directory, &mut source, mode, &mut |_| true)
    }

    pub fn taken(&self, directory: &Path) -> Taken {
        self.take(directory, BackupMode::Automatic).expect("is taken")
    }

    /// When write number `n` was.
    pub fn time_ms(n: u64) -> u64 {
        1_700_000_000_000 + n * 1000
    }
}

/// Puts, overwrites, deletes, drops trees, and now and then something large.
pub fn batch(n: u64) -> Batch {
    let mut batch = Batch::new();
    let tree = TreeId(n % 3 + 1);
    batch.put(tree, n.to_be_bytes(), vec![n as u8; (n % 97) as usize * 7]);
    batch.put(tree, b"last", n.to_be_bytes());
    if n.is_multiple_of(5) {
        batch.delete(tree, (n - 3).to_be_bytes());
    }
    if n.is_multiple_of(41) {
        batch.put(
            TreeId(9),
            n.to_be_bytes(),
            (0..300_000u32).flat_map(|i| i.wrapping_mul(i).to_le_bytes()).collect::<Vec<_>>(),
        );
    }
    if n.is_multiple_of(60) {
        batch.drop_tree(TreeId(9));
    }
    batch
}

/// What an engine holds after so many writes.
pub fn expected(count: u64) -> Contents {
    let engine = photondb_storage::MemoryEngine::new();
    for n in 1..=count {
        engine.commit(batch(n)).expect("commits");
    }
    contents(&engine)
}

pub fn contents(engine: &dyn Engine) -> Contents {
    let snapshot = engine.snapshot();
    let mut all = Contents::new();
    for (tree, _) in snapshot.trees().expect("trees") {
        let mut cursor = snapshot.range(tree, KeyRange::all(), Direction::Forward);
        while let Some((key, value)) = cursor.next().expect("reads") {
            all.insert((tree.0, key.to_vec()), value.to_vec());
        }
    }
    all
}

/// What a disk holds, which must be sound.
pub fn contents_of(disk: &SimulatedDisk) -> Contents {
    let report = photondb_storage::check_disk(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).expect("checks");
    assert_eq!(report.problems, Vec::<String>::new());
    contents(&open(disk, &Arc::default()))
}
