//! Cancellation: a flag that long work looks at between batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const RUNNING: u8 = 0;
const CANCELLED: u8 = 1;
const TERMINATED: u8 = 2;

/// A flag shared by those who may end the work early and the one who works.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicU8>);

impl Cancel {
    /// Asks the work to stop at its next batch: nobody wants its result any more.
    pub fn cancel(&self) {
        self.0.fetch_max(CANCELLED, Ordering::AcqRel);
    }

    /// Asks the work to stop at its next batch, for a reason that whoever waits for the result
    /// has to be told.
    pub fn terminate(&self) {
        self.0.fetch_max(TERMINATED, Ordering::AcqRel);
    }

    /// Whether the work is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) != RUNNING
    }

    /// Whether it is to stop by [`Cancel::terminate`].
    pub fn is_terminated(&self) -> bool {
        self.0.load(Ordering::Acquire) == TERMINATED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_termination_is_told_whoever_else_has_had_enough() {
        let cancel = Cancel::default();
        assert!(!cancel.is_cancelled() && !cancel.is_terminated());
        cancel.cancel();
        assert!(cancel.is_cancelled() && !cancel.is_terminated());
        cancel.terminate();
        cancel.cancel();
        assert!(cancel.is_cancelled() && cancel.is_terminated());
    }
}
