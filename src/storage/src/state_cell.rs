//! The trees behind their lock, and the snapshot of them that readers share until they change.

use std::sync::Arc;

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};

use crate::state::State;
use crate::view::TreeSnapshot;

/// The newest version of all trees, for many threads.
pub(crate) struct StateCell(Mutex<Shared>);

struct Shared {
    state: State,
    /// Taken since anybody could last change the state. Making one costs more than looking up a key.
    snapshot: Option<Arc<TreeSnapshot>>,
}

impl StateCell {
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(Shared { state, snapshot: None }))
    }

    /// The state, to change it or to see who holds it. The snapshot is let go first: what it holds
    /// would have to be copied, and could not be freed.
    pub(crate) fn lock(&self) -> MappedMutexGuard<'_, State> {
        let mut shared = self.0.lock();
        shared.snapshot = None;
        MutexGuard::map(shared, |shared| &mut shared.state)
    }

    /// The trees as they are.
    pub(crate) fn snapshot(&self) -> Arc<TreeSnapshot> {
        self.0.lock().snapshot()
    }

    /// The same unless somebody has the lock.
    pub(crate) fn try_snapshot(&self) -> Option<Arc<TreeSnapshot>> {
        Some(self.0.try_lock()?.snapshot())
    }
}

impl Shared {
    fn snapshot(&mut self) -> Arc<TreeSnapshot> {
        let make = || Arc::new(TreeSnapshot(Arc::new(self.state.view())));
        self.snapshot.get_or_insert_with(make).clone()
    }
}
