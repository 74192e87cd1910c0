//! Latches: no two writes work on the same key at once.

use std::hash::Hasher;

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHasher;

use crate::limits::LATCHES;

/// The latches of one table; a key belongs to one of them by its hash.
pub(crate) struct Latches {
    stripes: Box<[Mutex<()>]>,
}

impl Latches {
    pub(crate) fn new() -> Self {
        Self { stripes: (0..LATCHES).map(|_| Mutex::new(())).collect() }
    }

    /// Takes the latches of some keys. All writers take them in the same order, so that
    /// none can wait for another in a circle.
    pub(crate) fn lock<'a, K: AsRef<[u8]>>(&'a self, keys: impl Iterator<Item = K>) -> Held<'a> {
        let mut wanted: Vec<usize> = keys.map(|key| stripe_of(key.as_ref())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Held { _guards: wanted.into_iter().map(|stripe| self.stripes[stripe].lock()).collect() }
    }
}

/// Latches that are held until this is dropped.
pub(crate) struct Held<'a> {
    _guards: Vec<MutexGuard<'a, ()>>,
}

fn stripe_of(key: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(key);
    (hasher.finish() >> 32) as usize % LATCHES
}
