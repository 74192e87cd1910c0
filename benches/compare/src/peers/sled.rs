//! sled: a lock-free tree over a log.

use std::path::Path;

use crate::Failure;
use crate::peers::Engine;

pub fn open(folder: &Path, cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let database = sled::Config::new().path(folder.join("sled")).cache_capacity(cache_bytes).open()?;
    Ok(Box::new(Sled(database)))
}

struct Sled(sled::Db);

impl Engine for Sled {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        let mut batch = sled::Batch::default();
        for (key, value) in entries {
            batch.insert(&key[..], *value);
        }
        Ok(self.0.apply_batch(batch)?)
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        self.0.insert(key, value)?;
        if durable { self.sync() } else { Ok(()) }
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        Ok(self.0.get(key)?.map(|value| value.len()))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let mut bytes = 0;
        for entry in self.0.range(from..).take(count) {
            bytes += entry?.1.len();
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        self.0.flush()?;
        Ok(())
    }
}
