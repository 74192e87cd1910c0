//! Feeds that wait for system tables to change.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use photondb_catalog::{State, StateObserver};
use photondb_feed::Wake;

/// Whom to tell when any system table may have changed. They find out what it was.
#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<Weak<dyn Fn() + Send + Sync>>>);

impl Watchers {
    /// Tells `wake` from now on, for as long as it lives.
    pub(super) fn add(&self, wake: &Wake) {
        let mut watchers = self.0.lock();
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(wake));
    }

    /// Something may have changed.
    pub(super) fn tell(&self) {
        let watchers: Vec<Wake> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        for wake in watchers {
            wake();
        }
    }
}

impl StateObserver for Watchers {
    fn changed(&self, _old: &Arc<State>, _new: &Arc<State>) {
        self.tell();
    }
}
