//! What all queries of a server take together.

use std::sync::atomic::{AtomicUsize, Ordering};

const MEBIBYTE: usize = 1024 * 1024;
/// The lowest limit that a query may ask for.
pub const QUERY_MEMORY_BYTES_MIN: usize = 64 * 1024;

/// How much memory queries may take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// One query that asks for no other limit.
    pub query_bytes: usize,
    /// The most that one query may ask for.
    pub query_bytes_max: usize,
    /// All queries together.
    pub total_bytes_max: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self {
            query_bytes: 512 * MEBIBYTE,
            query_bytes_max: 1024 * MEBIBYTE,
            total_bytes_max: 2048 * MEBIBYTE,
        }
    }
}

/// The memory of all queries of a server.
#[derive(Debug)]
pub struct MemoryPool {
    limits: MemoryLimits,
    used_bytes: AtomicUsize,
}

impl MemoryPool {
    /// A pool that nothing was taken from yet.
    pub fn new(limits: MemoryLimits) -> Self {
        Self { limits, used_bytes: AtomicUsize::new(0) }
    }

    /// What may be taken.
    pub fn limits(&self) -> &MemoryLimits {
        &self.limits
    }

    /// Bytes that queries take at the moment.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Takes bytes; `false` when there are too few.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let before = self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.limits.total_bytes_max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Default for MemoryPool {
    fn default() -> Self {
        Self::new(MemoryLimits::default())
    }
}

/// What one query takes, for whoever looks on while it runs.
#[derive(Debug, Default)]
pub struct MemoryUse {
    used_bytes: AtomicUsize,
    peak_bytes: AtomicUsize,
}

impl MemoryUse {
    /// Bytes at the moment.
    pub fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// The most bytes at any time so far.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    /// Takes bytes; `false` when that would be more than `bytes_max` at once.
    pub(crate) fn take(&self, bytes: usize, bytes_max: usize) -> bool {
        let used = self.used_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if used > bytes_max {
            self.give_back(bytes);
            return false;
        }
        self.peak_bytes.fetch_max(used, Ordering::Relaxed);
        true
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
