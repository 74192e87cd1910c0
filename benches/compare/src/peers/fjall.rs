//! fjall: a log-structured merge tree.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::Failure;
use crate::peers::Engine;

pub fn open(folder: &Path, cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let database = Database::builder(folder.join("fjall")).cache_size(cache_bytes).open()?;
    let entries = database.keyspace("entries", KeyspaceCreateOptions::default)?;
    Ok(Box::new(Fjall { database, entries }))
}

struct Fjall {
    database: Database,
    entries: Keyspace,
}

impl Engine for Fjall {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        let mut batch = self.database.batch();
        for (key, value) in entries {
            batch.insert(&self.entries, &key[..], *value);
        }
        Ok(batch.commit()?)
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        self.entries.insert(key, value)?;
        if durable { self.sync() } else { Ok(()) }
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        Ok(self.entries.get(key)?.map(|value| value.len()))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let mut bytes = 0;
        for entry in self.entries.range(from..).take(count) {
            bytes += entry.into_inner()?.1.len();
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        Ok(self.database.persist(PersistMode::SyncAll)?)
    }
}
