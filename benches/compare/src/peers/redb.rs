//! redb: a copy-on-write B-tree.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::Failure;
use crate::peers::Engine;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

pub fn open(folder: &Path, cache_bytes: u64) -> Result<Box<dyn Engine>, Failure> {
    let file = folder.join("redb");
    let database = Database::builder().set_cache_size(usize::try_from(cache_bytes)?).create(file)?;
    Ok(Box::new(Redb(database)))
}

struct Redb(Database);

impl Redb {
    fn write<'a>(
        &self,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        durable: bool,
    ) -> Result<(), Failure> {
        let mut transaction = self.0.begin_write()?;
        transaction.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for (key, value) in entries {
                table.insert(key, value)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Engine for Redb {
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure> {
        self.write(entries.iter().map(|(key, value)| (&key[..], *value)), false)
    }

    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure> {
        self.write(std::iter::once((key, value)), durable)
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        Ok(table.get(key)?.map(|value| value.value().len()))
    }

    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure> {
        let table = self.0.begin_read()?.open_table(TABLE)?;
        let mut bytes = 0;
        for entry in table.range(from..)?.take(count) {
            bytes += entry?.1.value().len();
        }
        Ok(bytes)
    }

    fn sync(&self) -> Result<(), Failure> {
        self.write(std::iter::empty(), true)
    }
}
