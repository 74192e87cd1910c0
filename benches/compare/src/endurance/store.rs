//! Documents with an index in an engine of their own.

use std::path::Path;
use std::sync::Arc;

use photondb_base::{Random, SeededRandom};
use photondb_storage::{
    Batch, Direction, DiskEngine, Engine, KeyRange, OpenOptions, RealDisk, Snapshot, TreeId,
};
use tempfile::TempDir;

use crate::Failure;
use crate::measure::folder_bytes;

pub const DOCUMENTS: TreeId = TreeId(16);
const INDEX: TreeId = TreeId(17);
pub const DOCUMENT_BYTES: usize = 1100;
/// Documents that are written together.
const BATCH: u64 = 200;

pub struct Store {
    pub engine: DiskEngine,
    pub random: SeededRandom,
    options: Options,
    folder: TempDir,
}

/// How an engine is opened.
#[derive(Clone, Copy)]
pub struct Options {
    pub cache_bytes: u64,
    /// Whether there are checkpoints before somebody asks for one.
    pub checkpoints: bool,
}

pub fn key(number: u64) -> [u8; 16] {
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (u128::from(high) << 64 | u128::from(number)).to_be_bytes()
}

fn index_key(number: u64) -> [u8; 24] {
    let mut index = [0; 24];
    index[..8].copy_from_slice(&number.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).to_be_bytes());
    index[8..].copy_from_slice(&key(number));
    index
}

/// Letters, half as random as they could be.
pub fn value(random: &SeededRandom, bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(8))
        .flat_map(|_| (random.next_u64() & 0x0f0f_0f0f_0f0f_0f0f).to_le_bytes())
        .take(bytes)
        .collect()
}

fn open(folder: &Path, options: Options) -> Result<DiskEngine, Failure> {
    let disk = Arc::new(RealDisk::open(folder)?);
    let mut all = OpenOptions { cache_bytes_max: options.cache_bytes, ..OpenOptions::new(disk) };
    if !options.checkpoints {
        all.checkpoint_log_bytes = u64::MAX;
        all.checkpoint_idle_ms = 0;
    }
    Ok(DiskEngine::open(all)?)
}

impl Store {
    pub fn new(directory: &Path, cache_bytes: u64) -> Result<Self, Failure> {
        Self::with(directory, Options { cache_bytes, checkpoints: true })
    }

    pub fn with(directory: &Path, options: Options) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(directory)?;
        let engine = open(folder.path(), options)?;
        Ok(Self { engine, random: SeededRandom::new(1), options, folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Closes the engine and gives what opens it again.
    pub fn close(self) -> Result<Closed, Failure> {
        self.engine.close()?;
        Ok(Closed { folder: self.folder, options: self.options })
    }

    /// A copy of the files as they are, which is what a killed process leaves when no checkpoint
    /// is under way.
    pub fn copy(&self) -> Result<Closed, Failure> {
        let parent = self.path().parent().ok_or("a folder without a parent")?;
        let folder = tempfile::tempdir_in(parent)?;
        for entry in std::fs::read_dir(self.path())? {
            let entry = entry?;
            let path = folder.path().join(entry.file_name());
            std::fs::copy(entry.path(), &path)?;
            // Recovery is not to wait for the disk to take the copy.
            std::fs::File::open(path)?.sync_all()?;
        }
        Ok(Closed { folder, options: self.options })
    }

    /// Writes documents `from` to before `to` with their index entries.
    pub fn load(&self, from: u64, to: u64) -> Result<(), Failure> {
        for first in (from..to).step_by(BATCH as usize) {
            let mut batch = Batch::with_capacity(BATCH as usize * (DOCUMENT_BYTES + 100));
            for number in first..(first + BATCH).min(to) {
                batch.put(DOCUMENTS, key(number), value(&self.random, DOCUMENT_BYTES));
                batch.put(INDEX, index_key(number), []);
            }
            self.engine.commit(batch)?;
        }
        Ok(())
    }

    pub fn get(&self, number: u64) -> Result<(), Failure> {
        self.engine.snapshot().get(DOCUMENTS, &key(number))?.ok_or("a document is missing")?;
        Ok(())
    }

    /// Finds a document through the index.
    pub fn get_indexed(&self, number: u64) -> Result<(), Failure> {
        let snapshot: Arc<dyn Snapshot> = self.engine.snapshot();
        let entry = index_key(number);
        let range = KeyRange::prefix(entry[..8].to_vec());
        let found = snapshot.range(INDEX, range, Direction::Forward).next_key()?.ok_or("no entry")?;
        snapshot.get(DOCUMENTS, &found[8..])?.ok_or("a document is missing")?;
        Ok(())
    }

    pub fn put(&self, number: u64) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.put(DOCUMENTS, key(number), value(&self.random, DOCUMENT_BYTES));
        self.engine.commit(batch)?;
        Ok(())
    }

    pub fn delete(&self, from: u64, to: u64) -> Result<(), Failure> {
        for first in (from..to).step_by(BATCH as usize) {
            let mut batch = Batch::new();
            for number in first..(first + BATCH).min(to) {
                batch.delete(DOCUMENTS, key(number));
                batch.delete(INDEX, index_key(number));
            }
            self.engine.commit(batch)?;
        }
        Ok(())
    }

    /// Reads everything. Gives the bytes of the values.
    pub fn scan(&self) -> Result<u64, Failure> {
        let mut cursor = self.engine.snapshot().range(DOCUMENTS, KeyRange::all(), Direction::Forward);
        let mut bytes = 0;
        while cursor.advance()? {
            bytes += cursor.value().map_or(0, |value| value.bytes.len() as u64);
        }
        Ok(bytes)
    }

    /// Times as much disk as the documents have bytes.
    pub fn disk_ratio(&self, documents: u64) -> Result<f64, Failure> {
        Ok(folder_bytes(self.path())? as f64 / (documents * DOCUMENT_BYTES as u64) as f64)
    }
}

/// An engine that is closed, or was cut off.
pub struct Closed {
    folder: TempDir,
    options: Options,
}

impl Closed {
    pub fn open(self) -> Result<Store, Failure> {
        let engine = open(self.folder.path(), self.options)?;
        Ok(Store { engine, random: SeededRandom::new(2), options: self.options, folder: self.folder })
    }
}
