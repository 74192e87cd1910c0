//! Takes images of the disk, recovers them, and compares with what they may be.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use photondb_base::{Clock, ManualClock, Random, SeededRandom};
use photondb_storage::{
    Batch, Cut, Direction, Disk, DiskEngine, Engine, KeyRange, OpenOptions, SimulatedDisk, TreeId, check_disk,
};

/// All trees after some record.
pub type Model = BTreeMap<u64, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Something that must never happen.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The round that shows it again.
    pub seed: u64,
    /// The cut of the round, from 0.
    pub cut: u64,
    /// What survived.
    pub mode: Cut,
    /// What was wrong.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, cut, mode, detail } = self;
        write!(f, "seed {seed}, cut {cut} ({mode:?}): {detail}\nreplay with PHOTONDB_CRASH_SEED={seed}")
    }
}

/// A clock that goes on when it is asked, the same way in every run.
#[derive(Default)]
struct StepClock(ManualClock);

/// Every few records are told their time then.
const CLOCK_STEP_US: u64 = 30_000;

impl Clock for StepClock {
    fn now_seconds(&self) -> f64 {
        self.0.advance_us(CLOCK_STEP_US);
        self.0.now_seconds()
    }

    fn monotonic_us(&self) -> u64 {
        self.0.monotonic_us()
    }
}

/// Small limits, so that little work passes every border.
pub fn options(disk: &SimulatedDisk) -> OpenOptions {
    OpenOptions {
        clock: Arc::new(StepClock::default()),
        cache_bytes_max: 512 * 1024,
        wal_segment_bytes: 40_000,
        checkpoint_log_bytes: 90_000,
        log_keep_bytes: 20_000,
        compact_lost_bytes: 0,
        background: false,
        scrub_bytes_per_second: 0,
        ..OpenOptions::new(Arc::new(disk.clone()))
    }
}

/// What the judge knows of the work at the moment of a cut.
#[derive(Default)]
pub struct Known {
    /// By position; the last one may be under way.
    pub models: Vec<Arc<Model>>,
    /// Acknowledged as durable.
    pub durable: u64,
    /// Committed; survives a killed process.
    pub committed: u64,
}

/// Judges every cut of one round.
pub struct Judge {
    seed: u64,
    random: SeededRandom,
    pub known: Mutex<Known>,
    cuts: Mutex<u64>,
    violation: Mutex<Option<Violation>>,
}

impl Judge {
    pub fn new(seed: u64) -> Self {
        let known = Known { models: vec![Arc::default()], ..Known::default() };
        let random = SeededRandom::new(seed ^ 0x006a_7564_6765);
        Self { seed, random, known: Mutex::new(known), cuts: Mutex::default(), violation: Mutex::default() }
    }

    pub fn cuts(&self) -> u64 {
        *self.cuts.lock()
    }

    pub fn violation(&self) -> Option<Violation> {
        self.violation.lock().clone()
    }

    /// Cuts the disk here and judges what is left.
    pub fn cut(&self, disk: &SimulatedDisk) {
        if self.violation.lock().is_some() {
            return;
        }
        let mode = match self.random.below(6) {
            0 => Cut::DropUnsynced,
            1 | 2 => Cut::Prefix,
            3 | 4 => Cut::Reorder,
            _ => Cut::KeepAll,
        };
        let seed = self.random.next_u64();
        let image = disk.after_cut(mode, seed);
        let cut = self.cuts();
        *self.cuts.lock() += 1;
        if let Err(detail) = self.judge(&image, mode, seed) {
            *self.violation.lock() = Some(Violation { seed: self.seed, cut, mode, detail });
        }
    }

    fn judge(&self, image: &SimulatedDisk, mode: Cut, seed: u64) -> Result<(), String> {
        let random = SeededRandom::new(seed ^ 1);
        // Recovery itself may be cut, too.
        let second = Arc::new(Mutex::new(None));
        if random.below(3) == 0 {
            let (second, at) = (second.clone(), random.below(6));
            let count = Mutex::new(0);
            let second_mode = if mode == Cut::KeepAll { Cut::KeepAll } else { Cut::Reorder };
            image.observe(Some(Arc::new(move |disk: &SimulatedDisk, _| {
                let mut count = count.lock();
                if *count == at {
                    *second.lock() = Some(disk.after_cut(second_mode, seed ^ 2));
                }
                *count += 1;
            })));
        }
        let engine = self.recovered(image, mode)?;
        image.observe(None);
        if let Some(image) = second.lock().take() {
            self.recovered(&image, mode).map_err(|detail| format!("cut again while recovering: {detail}"))?;
        }
        match random.below(4) {
            0 => Self::verify_files(image),
            1 => Self::verify_life_goes_on(image, engine, seed),
            _ => Ok(()),
        }
    }

    /// Recovers an image; its state must be one it may be in.
    fn recovered(&self, image: &SimulatedDisk, mode: Cut) -> Result<DiskEngine, String> {
        let engine = DiskEngine::open(options(image)).map_err(|error| format!("does not open: {error}"))?;
        let position = engine.applied().0;
        let known = self.known.lock();
        let required = if mode == Cut::KeepAll { known.committed } else { known.durable };
        if position < required {
            return Err(format!("position {position} was recovered, {required} was acknowledged"));
        }
        let Some(model) = known.models.get(position as usize).cloned() else {
            return Err(format!("position {position} was never written"));
        };
        drop(known);
        compare(&engine, &model).map_err(|detail| format!("at position {position}: {detail}"))?;
        Ok(engine)
    }

    fn verify_files(image: &SimulatedDisk) -> Result<(), String> {
        let disk: Arc<dyn Disk> = Arc::new(image.clone());
        let report = check_disk(&disk).map_err(|error| format!("check: {error}"))?;
        if report.problems.is_empty() { Ok(()) } else { Err(format!("check: {:?}", report.problems)) }
    }

    /// What is recovered must be good to go on with.
    fn verify_life_goes_on(image: &SimulatedDisk, engine: DiskEngine, seed: u64) -> Result<(), String> {
        let fail = |error| format!("after recovery: {error}");
        let position = engine.applied();
        let mut batch = Batch::new();
        batch.put(TreeId(9), b"after", vec![1; 5000]);
        let next = engine.commit(batch).map_err(fail)?;
        if next.0 != position.0 + 1 {
            return Err(format!("position {next} follows {position}"));
        }
        engine.wait_durable(next).map_err(fail)?;
        if seed.is_multiple_of(2) {
            engine.checkpoint().map_err(fail)?;
        }
        let again = image.after_cut(Cut::DropUnsynced, 0);
        let engine = DiskEngine::open(options(&again)).map_err(fail)?;
        let found = engine.snapshot().get(TreeId(9), b"after").map_err(fail)?;
        if engine.applied() != next || found.is_none_or(|value| value.len() != 5000) {
            return Err("a write after recovery was lost".into());
        }
        engine.scrub().map_err(fail)?;
        Self::verify_files(&again)
    }
}

/// Compares an engine with a model: entries, counts.
pub fn compare(engine: &dyn Engine, model: &Model) -> Result<(), String> {
    compare_snapshot(&*engine.snapshot(), model)
}

/// Compares a snapshot with a model: entries, counts.
pub fn compare_snapshot(snapshot: &dyn photondb_storage::Snapshot, model: &Model) -> Result<(), String> {
    let fail = |error: photondb_storage::StorageError| error.to_string();
    let trees: Vec<(TreeId, u64)> = model
        .iter()
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(tree, entries)| (TreeId(*tree), entries.len() as u64))
        .collect();
    let found = snapshot.trees().map_err(fail)?;
    if found != trees {
        return Err(format!("trees {found:?} instead of {trees:?}"));
    }
    for (tree, entries) in model {
        let mut cursor = snapshot.range(TreeId(*tree), KeyRange::all(), Direction::Forward);
        for (key, value) in entries {
            match cursor.next().map_err(fail)? {
                Some((k, v)) if k == key && v == value => {}
                Some((k, v)) if k == key => {
                    return Err(format!("tree {tree}, key {key:?}: {} bytes, not {}", v.len(), value.len()));
                }
                other => {
                    return Err(format!("tree {tree}: {:?} instead of {key:?}", other.map(|entry| entry.0)));
                }
            }
        }
        if let Some((key, _)) = cursor.next().map_err(fail)? {
            return Err(format!("tree {tree}: {key:?} should not be there"));
        }
    }
    Ok(())
}
