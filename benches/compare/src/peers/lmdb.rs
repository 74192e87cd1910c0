//! LMDB, by heed: a copy-on-write B-tree in mapped memory.

use std::ops::Bound;
use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvFlags, EnvOpenOptions};

use crate::Failure;
use crate::peers::Engine;

/// The largest the file may become; only what is used takes room.
const MAP_BYTES: usize = 16 << 30;

pub fn open(folder: &Path, _cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let folder = folder.join("lmdb");
    std::fs::create_dir(&folder)?;
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    // SAFETY: the folder is new and nobody else knows it, so the mapped file changes under no one;
    // without syncs a power cut may corrupt it, which does not matter to a measurement.
    let environment = unsafe { options.flags(EnvFlags::NO_SYNC).open(&folder)? };
    let mut transaction = environment.write_txn()?;
    let entries = environment.create_database(&mut transaction, None)?;
    transaction.commit()?;
    Ok(Box::new(Lmdb { environment, entries }))
}

struct Lmdb {
    environment: Env,
    entries: Database<Bytes, Bytes>,
}

impl Engine for Lmdb {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        let mut transaction = self.environment.write_txn()?;
        for (key, value) in entries {
            self.entries.put(&mut transaction, key, value)?;
        }
        Ok(transaction.commit()?)
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        let mut transaction = self.environment.write_txn()?;
        self.entries.put(&mut transaction, key, value)?;
        transaction.commit()?;
        if durable { self.sync() } else { Ok(()) }
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        let transaction = self.environment.read_txn()?;
        Ok(self.entries.get(&transaction, key)?.map(<[u8]>::len))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let transaction = self.environment.read_txn()?;
        let mut bytes = 0;
        let from = (Bound::Included(from), Bound::Unbounded);
        for entry in self.entries.range(&transaction, &from)?.take(count) {
            bytes += entry?.1.len();
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        Ok(self.environment.force_sync()?)
    }
}
