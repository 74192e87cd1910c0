//! Numbers that many threads add to all the time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Threads that add to the same place wait for one another's memory.
const PLACES: usize = 8;

/// A number in several places, of which each thread adds to one.
#[derive(Debug, Default)]
pub(crate) struct Counter([Place; PLACES]);

/// Far enough from what stands beside it that processors do not fetch both together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

thread_local! {
    static PLACE: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed) % PLACES
    };
}

impl Counter {
    pub(crate) fn increment(&self) {
        let place = PLACE.try_with(|place| *place).unwrap_or(0);
        if let Some(Place(number)) = self.0.get(place) {
            number.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.iter().map(|place| place.0.load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_threads_add_is_counted() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * PLACES {
                scope.spawn(|| (0..100).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.get(), 2 * PLACES as u64 * 100);
    }
}
