//! Memory of nodes that are on disk already, and that snapshots still have.
//!
//! A snapshot keeps the nodes that no checkpoint had written when it was taken. A checkpoint lets go
//! of them, the snapshot does not: as long as it lives they take memory that is nobody's else to
//! count, and the page cache makes room for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// Lives as long as a snapshot that was taken between two sweeps.
#[derive(Debug, Default)]
pub(crate) struct SweepGuard;

/// What checkpoints have written and snapshots still have.
#[derive(Debug, Default)]
pub(crate) struct HeldNodes {
    written: Mutex<Vec<Written>>,
    /// Of all of them when they were last looked at.
    bytes: AtomicU64,
}

/// What one checkpoint has written.
#[derive(Debug)]
struct Written {
    bytes: u64,
    /// Of the snapshots that were taken before the sweep that ended the checkpoint, and before the
    /// one that ended the checkpoint before: those may have been taken after this one's nodes came to be.
    guards: [Weak<SweepGuard>; 2],
}

impl Written {
    fn is_held(&self) -> bool {
        self.guards.iter().any(|guard| guard.strong_count() > 0)
    }
}

impl HeldNodes {
    /// Notes that a checkpoint has written nodes of so many bytes, and ended with a sweep.
    pub(crate) fn note_written(&self, bytes: u64, guard: Weak<SweepGuard>) {
        let mut written = self.written.lock();
        let before = written.last().map_or_else(Weak::new, |last| Weak::clone(&last.guards[0]));
        written.push(Written { bytes, guards: [guard, before] });
        self.count(&mut written);
    }

    /// How much is held. May tell of too much until somebody looks again.
    pub(crate) fn bytes(&self) -> u64 {
        if self.bytes.load(Ordering::Relaxed) > 0
            && let Some(mut written) = self.written.try_lock()
        {
            self.count(&mut written);
        }
        self.bytes.load(Ordering::Relaxed)
    }

    fn count(&self, written: &mut Vec<Written>) {
        // The last one says who may have what the next one writes.
        let last = written.len().saturating_sub(1);
        let mut index = 0;
        written.retain(|nodes| {
            index += 1;
            index > last || nodes.is_held()
        });
        let held = written.iter().filter(|nodes| nodes.is_held());
        self.bytes.store(held.map(|nodes| nodes.bytes).sum(), Ordering::Relaxed);
    }
}

/// Ends the snapshots of a guard: whoever takes one from now on has another. Gives who to wait for.
pub(crate) fn next_guard(guard: &mut Arc<SweepGuard>) -> Weak<SweepGuard> {
    Arc::downgrade(&std::mem::take(guard))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_held_as_long_as_a_snapshot_that_may_have_them() {
        let held = HeldNodes::default();
        let mut guard = Arc::<SweepGuard>::default();
        let early = Arc::clone(&guard);
        held.note_written(100, next_guard(&mut guard));
        assert_eq!(held.bytes(), 100);
        // A checkpoint that began while the early snapshot was taken already.
        held.note_written(10, next_guard(&mut guard));
        assert_eq!(held.bytes(), 110);
        let late = Arc::clone(&guard);
        held.note_written(1, next_guard(&mut guard));
        assert_eq!(held.bytes(), 111);
        drop(early);
        assert_eq!(held.bytes(), 1);
        drop(late);
        assert_eq!(held.bytes(), 0);
        for _ in 0..5 {
            held.note_written(7, next_guard(&mut guard));
        }
        assert_eq!((held.bytes(), held.written.lock().len()), (0, 1));
    }
}
