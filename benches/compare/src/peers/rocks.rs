//! RocksDB: a log-structured merge tree.

use std::path::Path;

use rocksdb::{BlockBasedOptions, Cache, DB, Direction, IteratorMode, Options, WriteBatch, WriteOptions};

use crate::Failure;
use crate::peers::Engine;

pub fn open(folder: &Path, cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(&Cache::new_lru_cache(usize::try_from(cache_bytes)?));
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_block_based_table_factory(&blocks);
    Ok(Box::new(Rocks(DB::open(&options, folder.join("rocksdb"))?)))
}

struct Rocks(DB);

impl Engine for Rocks {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        let mut batch = WriteBatch::default();
        for (key, value) in entries {
            batch.put(key, value);
        }
        Ok(self.0.write(batch)?)
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        let mut options = WriteOptions::default();
        options.set_sync(durable);
        Ok(self.0.put_opt(key, value, &options)?)
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        Ok(self.0.get_pinned(key)?.map(|value| value.len()))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let mut bytes = 0;
        for entry in self.0.iterator(IteratorMode::From(from, Direction::Forward)).take(count) {
            bytes += entry?.1.len();
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        Ok(self.0.flush_wal(true)?)
    }

    fn settle(&self) -> Result<(), Failure> {
        self.0.flush()?;
        self.0.compact_range(None::<&[u8]>, None::<&[u8]>);
        Ok(())
    }
}
