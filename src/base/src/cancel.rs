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
        self.end(CANCELLED);
    }

    /// Asks the work to stop at its next batch, for a reason that whoever waits for the result
    /// has to be told.
    pub fn terminate(&self) {
        self.end(TERMINATED);
    }

    /// Whether the work is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) != RUNNING
    }

    /// Whether it is to stop by [`Cancel::terminate`].
    pub fn is_terminated(&self) -> bool {
        self.0.load(Ordering::Acquire) == TERMINATED
    }

    /// The first reason stands.
    fn end(&self, reason: u8) {
        // Fails when there is one already.
        let _ = self.0.compare_exchange(RUNNING, reason, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stands() {
        let (client, administrator) = (Cancel::default(), Cancel::default());
        assert!(!client.is_cancelled());
        client.cancel();
        client.terminate();
        administrator.terminate();
        administrator.cancel();
        assert!(client.is_cancelled() && !client.is_terminated());
        assert!(administrator.is_cancelled() && administrator.is_terminated());
    }
}
