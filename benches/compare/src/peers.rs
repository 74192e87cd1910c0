//! Engines behind one trait. Each writes as its documentation recommends.

mod fjall;
mod lmdb;
mod photon;
mod redb;
#[cfg(feature = "rocksdb")]
mod rocks;
mod sled;

use std::path::Path;

use crate::Failure;

/// What the work needs. Keys are 16 bytes.
pub trait Engine {
    /// Puts all or nothing; not durable.
    fn put_batch(&self, entries: &[([u8; 16], &[u8])]) -> Result<(), Failure>;
    fn put(&self, key: &[u8], value: &[u8], durable: bool) -> Result<(), Failure>;
    /// The length of a value; its bytes have to be in reach.
    fn get(&self, key: &[u8]) -> Result<Option<usize>, Failure>;
    /// The bytes of so many values from a key on.
    fn range(&self, from: &[u8], count: usize) -> Result<usize, Failure>;
    /// Makes everything durable.
    fn sync(&self) -> Result<(), Failure>;
    /// Does what is left to do in the background, before space is measured.
    fn settle(&self) -> Result<(), Failure> {
        self.sync()
    }
}

/// An engine by name.
pub struct EngineKind {
    pub name: &'static str,
    pub open: fn(&Path, u64) -> Result<Box<dyn Engine>, Failure>,
}

/// All of them; ratios are told to the first.
pub const ENGINES: &[EngineKind] = &[
    EngineKind { name: "photondb", open: photon::open },
    EngineKind { name: "redb", open: redb::open },
    EngineKind { name: "fjall", open: fjall::open },
    EngineKind { name: "sled", open: sled::open },
    EngineKind { name: "lmdb", open: lmdb::open },
    #[cfg(feature = "rocksdb")]
    EngineKind { name: "rocksdb", open: rocks::open },
];
