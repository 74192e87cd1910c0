//! Admission control: how much long queries take at the same time.
//!
//! While a long query is decoded and run, its text is in memory several times over: as it came, as
//! values, as rows, as a record of the log. There is no use in more of that at once than keeps the
//! cores busy. Who comes then waits, but not for long: the others may be slow for reasons that have
//! nothing to do with their length.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::INLINE_QUERY_BYTES_MAX;

/// The part of the cache's size that texts of queries may take.
const CACHE_PART: u64 = 128;
const KILOBYTES_MIN: u64 = 1024;
const KILOBYTES_MAX: u64 = 64 * 1024;
/// After so long a query goes on all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lets long queries in one after the other.
#[derive(Debug)]
pub(crate) struct Admission {
    room: Arc<Semaphore>,
    kilobytes: u32,
    patience: Duration,
}

/// A query that was let in, until this is dropped.
pub(crate) type Admitted = Option<OwnedSemaphorePermit>;

impl Admission {
    /// For a server whose cache may take so much.
    pub(crate) fn new(cache_bytes: u64) -> Self {
        let kilobytes = (cache_bytes / 1024 / CACHE_PART).clamp(KILOBYTES_MIN, KILOBYTES_MAX) as u32;
        Self { room: Arc::new(Semaphore::new(kilobytes as usize)), kilobytes, patience: PATIENCE }
    }

    /// Waits until a query of this length may be decoded and run; short ones never do. Does
    /// something else before it waits.
    pub(crate) async fn admit(&self, bytes: usize, before: impl AsyncFnOnce()) -> Admitted {
        if bytes <= INLINE_QUERY_BYTES_MAX {
            return None;
        }
        // The longest ones are let in alone.
        let kilobytes =
            u32::try_from(bytes / 1024).map_or(self.kilobytes, |length| length.min(self.kilobytes));
        if let Ok(admitted) = Arc::clone(&self.room).try_acquire_many_owned(kilobytes) {
            return Some(admitted);
        }
        before().await;
        let admitted = Arc::clone(&self.room).acquire_many_owned(kilobytes);
        // The semaphore is never closed.
        tokio::time::timeout(self.patience, admitted).await.ok()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const MEGABYTE: usize = 1024 * 1024;

    #[tokio::test]
    async fn long_queries_wait_for_each_other_and_not_for_ever() {
        let mut admission = Admission::new(64 * MEGABYTE as u64);
        admission.patience = Duration::from_millis(20);
        let waits = Cell::new(0);
        let admit = async |bytes| admission.admit(bytes, async || waits.set(waits.get() + 1)).await;
        let first = admit(MEGABYTE / 2).await;
        let second = admit(MEGABYTE / 2).await;
        assert!(first.is_some() && second.is_some());
        assert!(admit(INLINE_QUERY_BYTES_MAX).await.is_none(), "a short one is not counted");
        assert_eq!(waits.get(), 0);
        assert!(admit(MEGABYTE).await.is_none(), "it goes on without");
        drop(first);
        assert!(admit(MEGABYTE / 4).await.is_some());
        assert!(admit(64 * MEGABYTE).await.is_none());
        assert_eq!(waits.get(), 2);
        drop(second);
        assert!(admit(64 * MEGABYTE).await.is_some(), "it takes all the room");
    }

    #[test]
    fn a_larger_cache_lets_more_in() {
        let kilobytes = |megabytes: u64| Admission::new(megabytes * MEGABYTE as u64).kilobytes;
        assert_eq!([1, 64, 256, 4096, 1 << 20].map(kilobytes), [1024, 1024, 2048, 32 * 1024, 64 * 1024]);
    }
}
