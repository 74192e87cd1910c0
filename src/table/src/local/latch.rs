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

    /// The latch that a hash belongs to.
    pub(crate) fn stripe_of_hash(hash: u64) -> usize {
        (hash >> 32) as usize % LATCHES
    }

    pub(crate) fn lock_stripe(&self, stripe: usize) -> MutexGuard<'_, ()> {
        self.stripes[stripe].lock()
    }

    /// Takes a latch that nobody holds.
    pub(crate) fn try_lock_stripe(&self, stripe: usize) -> Option<MutexGuard<'_, ()>> {
        self.stripes[stripe].try_lock()
    }
}

/// Latches that are held until this is dropped.
pub(crate) struct Held<'a> {
    _guards: Vec<MutexGuard<'a, ()>>,
}

/// Some of the latches of a table.
#[derive(Default)]
pub(crate) struct StripeSet([u64; LATCHES / 64]);

impl StripeSet {
    pub(crate) fn contains(&self, stripe: usize) -> bool {
        self.0[stripe / 64] & (1 << (stripe % 64)) != 0
    }

    pub(crate) fn insert(&mut self, stripe: usize) {
        self.0[stripe / 64] |= 1 << (stripe % 64);
    }
}

fn stripe_of(key: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(key);
    Latches::stripe_of_hash(hasher.finish())
}
