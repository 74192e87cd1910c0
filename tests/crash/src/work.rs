//! The work that is cut: several trees, batches, large values, deletions, drops, snapshots,
//! checkpoints, restarts, a disk that is full for a while.

use std::sync::Arc;

use photondb_base::{Random, SeededRandom};
use photondb_storage::{Batch, DiskEngine, Engine, SimulatedDisk, Snapshot, StorageError, TreeId};

use crate::Violation;
use crate::judge::{Judge, Model, compare_snapshot, options};

const STEPS: u64 = 50;
const SNAPSHOTS_MAX: usize = 3;

/// How a round is run.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Decides everything.
    pub seed: u64,
    /// The canary: syncs do nothing.
    pub ignore_syncs: bool,
}

/// Runs a round. Gives the number of cuts, or what must not happen.
pub fn run_round(round: Round) -> Result<u64, Violation> {
    let disk = SimulatedDisk::new();
    disk.set_ignore_syncs(round.ignore_syncs);
    let judge = Arc::new(Judge::new(round.seed));
    let observer = judge.clone();
    disk.observe(Some(Arc::new(move |disk, _| observer.cut(disk))));
    let mut work = Work {
        random: SeededRandom::new(round.seed),
        judge: judge.clone(),
        model: Model::default(),
        snapshots: Vec::new(),
    };
    let result = work.run(&disk);
    disk.observe(None);
    if let Some(violation) = judge.violation() {
        return Err(violation);
    }
    result.map_err(|detail| {
        let (seed, cut) = (round.seed, judge.cuts());
        Violation { seed, cut, mode: photondb_storage::Cut::KeepAll, detail }
    })?;
    Ok(judge.cuts())
}

struct Work {
    random: SeededRandom,
    judge: Arc<Judge>,
    model: Model,
    snapshots: Vec<(Arc<dyn Snapshot>, Arc<Model>)>,
}

impl Work {
    fn run(&mut self, disk: &SimulatedDisk) -> Result<(), String> {
        let mut engine = open(disk)?;
        for _ in 0..STEPS {
            if self.judge.violation().is_some() {
                return Ok(());
            }
            match self.random.below(25) {
                0 | 1 => tolerate_full(engine.checkpoint())?,
                2 => self.take_snapshot(&engine),
                3 => self.drop_snapshot()?,
                4 => engine = self.restart(disk, engine)?,
                5..=8 => {
                    let position = engine.applied();
                    engine.wait_durable(position).map_err(|error| error.to_string())?;
                    self.judge.known.lock().durable = position.0;
                }
                9 if self.random.below(2) == 0 => {
                    disk.set_capacity(Some(disk.bytes_used() + self.random.below(50_000)));
                }
                10 => disk.set_capacity(None),
                11 => tolerate_full(engine.compact(&|| true))?,
                _ => self.commit(&engine)?,
            }
        }
        disk.set_capacity(None);
        while !self.snapshots.is_empty() {
            self.drop_snapshot()?;
        }
        engine.checkpoint().map_err(|error| error.to_string())?;
        compare_snapshot(&*engine.snapshot(), &self.model)
    }

    fn commit(&mut self, engine: &DiskEngine) -> Result<(), String> {
        let mut batch = Batch::new();
        let before = self.model.clone();
        for _ in 0..=self.random.below(8) {
            self.change(&mut batch);
        }
        if batch.is_empty() {
            return Ok(());
        }
        let expected = {
            let mut known = self.judge.known.lock();
            known.models.push(Arc::new(self.model.clone()));
            known.models.len() as u64 - 1
        };
        // What is appended only may be lost until something is written behind it.
        let is_written = self.random.below(3) > 0;
        let position = match if is_written { engine.commit(batch) } else { engine.append(batch) } {
            Ok(position) => position,
            Err(error) if error.is_full() => {
                self.model = before;
                self.judge.known.lock().models.pop();
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        if position.0 != expected {
            return Err(format!("position {position} instead of {expected}"));
        }
        if is_written {
            self.judge.known.lock().committed = position.0;
        }
        Ok(())
    }

    fn change(&mut self, batch: &mut Batch) {
        let tree = self.random.below(4) + 1;
        let entries = self.model.entry(tree).or_default();
        match self.random.below(40) {
            0 => {
                batch.drop_tree(TreeId(tree));
                entries.clear();
            }
            1..=8 => {
                let key = key(&self.random);
                batch.delete(TreeId(tree), &key);
                entries.remove(&key);
            }
            9..=11 => {
                let start = key(&self.random);
                let victims: Vec<Vec<u8>> =
                    entries.range(start..).map(|entry| entry.0.clone()).take(60).collect();
                for key in victims {
                    batch.delete(TreeId(tree), &key);
                    entries.remove(&key);
                }
            }
            12..=14 => {
                let start = self.random.below(500) as u16;
                for n in start..start + 80 {
                    let (key, value) = (n.to_be_bytes().to_vec(), value(&self.random, 60));
                    batch.put(TreeId(tree), &key, &value);
                    entries.insert(key, value);
                }
            }
            kind => {
                let bytes_max = match kind {
                    15 => 150_000,
                    16..=19 => 8_000,
                    _ => 300,
                };
                let (key, value) = (key(&self.random), value(&self.random, bytes_max));
                batch.put(TreeId(tree), &key, &value);
                entries.insert(key, value);
            }
        }
    }

    fn take_snapshot(&mut self, engine: &DiskEngine) {
        if self.snapshots.len() < SNAPSHOTS_MAX {
            self.snapshots.push((engine.snapshot(), Arc::new(self.model.clone())));
        }
    }

    /// A snapshot must still be what it was.
    fn drop_snapshot(&mut self) -> Result<(), String> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let index = self.random.below(self.snapshots.len() as u64) as usize;
        let (snapshot, model) = self.snapshots.swap_remove(index);
        compare_snapshot(&*snapshot, &model).map_err(|detail| format!("a snapshot changed: {detail}"))
    }

    fn restart(&mut self, disk: &SimulatedDisk, engine: DiskEngine) -> Result<DiskEngine, String> {
        while !self.snapshots.is_empty() {
            self.drop_snapshot()?;
        }
        if self.random.below(2) == 0 {
            tolerate_full(engine.close())?;
        } else {
            drop(engine);
        }
        let engine = open(disk)?;
        // What was appended only is gone, and its positions are free.
        let mut known = self.judge.known.lock();
        known.models.truncate(engine.applied().0 as usize + 1);
        self.model = known.models.last().map(|model| Model::clone(model)).unwrap_or_default();
        drop(known);
        Ok(engine)
    }
}

fn open(disk: &SimulatedDisk) -> Result<DiskEngine, String> {
    DiskEngine::open(options(disk)).map_err(|error| error.to_string())
}

fn tolerate_full(result: Result<(), StorageError>) -> Result<(), String> {
    match result {
        Err(error) if !error.is_full() => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn key(random: &SeededRandom) -> Vec<u8> {
    match random.below(8) {
        0 => vec![random.below(4) as u8; random.below(1200) as usize],
        1..=3 => [&b"with a prefix/"[..], &(random.below(300) as u16).to_be_bytes()].concat(),
        _ => (random.below(600) as u16).to_be_bytes().to_vec(),
    }
}

fn value(random: &SeededRandom, bytes_max: u64) -> Vec<u8> {
    let length = random.below(bytes_max + 1) as usize;
    let mut value = Vec::with_capacity(length + 8);
    while value.len() < length {
        value.extend_from_slice(&random.next_u64().to_le_bytes());
    }
    value.truncate(length);
    value
}
