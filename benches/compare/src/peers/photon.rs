//! Ours.

use std::path::Path;
use std::sync::Arc;

use photondb_storage::{
    Batch, Direction, DiskEngine, Durability, Engine as _, KeyRange, OpenOptions, RealDisk, TreeId,
};

use crate::Failure;
use crate::peers::Engine;

const TREE: TreeId = TreeId(1);

pub fn open(folder: &Path, cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let disk = Arc::new(RealDisk::open(folder)?);
    let options = OpenOptions { cache_bytes_max: cache_bytes, ..OpenOptions::new(disk) };
    Ok(Box::new(Photon(DiskEngine::open(options)?)))
}

struct Photon(DiskEngine);

impl Engine for Photon {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        let mut batch = Batch::with_capacity(entries.iter().map(|(_, value)| value.len() + 32).sum());
        for (key, value) in entries {
            batch.put(TREE, key, value);
        }
        self.0.commit(batch)?;
        Ok(())
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        let mut batch = Batch::new();
        batch.put(TREE, key, value);
        self.0.commit_with(batch, if durable { Durability::Hard } else { Durability::Soft })?;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        Ok(self.0.snapshot().get(TREE, key)?.map(|value| value.len()))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let range = KeyRange::half_open(from.to_vec(), vec![u8::MAX; 17]);
        let mut cursor = self.0.snapshot().range(TREE, range, Direction::Forward);
        let mut bytes = 0;
        for _ in 0..count {
            if !cursor.advance()? {
                break;
            }
            bytes += cursor.value().map_or(0, |value| value.bytes.len());
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        Ok(self.0.wait_durable(self.0.applied())?)
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(self.0.checkpoint()?)
    }
}
