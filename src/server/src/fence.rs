//! Waiting for queries without reply.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The running queries without reply of one connection, in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct NoreplyFence {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: BTreeSet<u64>,
}

/// One running query; dropped when it has ended.
#[derive(Debug)]
pub(crate) struct NoreplyGuard {
    fence: Arc<NoreplyFence>,
    number: u64,
}

impl NoreplyFence {
    /// Notes a query that arrived.
    pub(crate) fn enter(self: &Arc<Self>) -> NoreplyGuard {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.running.insert(number);
        NoreplyGuard { fence: Arc::clone(self), number }
    }

    /// The queries that arrived so far, as a number for [`NoreplyFence::wait`].
    pub(crate) fn arrived(&self) -> u64 {
        self.state.lock().next
    }

    /// Waits until every query that arrived before has ended.
    pub(crate) async fn wait(&self, arrived: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let done = self.state.lock().running.first().is_none_or(|first| *first >= arrived);
            if done {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for NoreplyGuard {
    fn drop(&mut self) {
        self.fence.state.lock().running.remove(&self.number);
        self.fence.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn only_earlier_queries_are_waited_for() {
        let fence = Arc::new(NoreplyFence::default());
        let first = fence.enter();
        let arrived = fence.arrived();
        let second = fence.enter();
        assert!(tokio::time::timeout(Duration::from_millis(20), fence.wait(arrived)).await.is_err());
        drop(first);
        fence.wait(arrived).await;
        drop(second);
    }
}
