//! Those who listen to a table, and the order in which they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use photondb_base::{LogPosition, TableId};
use photondb_storage::{Batch, Engine, StorageError};

use super::effect::Effect;
use crate::change::{Change, CloseReason, Subscriber, Subscription};
use crate::error::TableError;
use crate::limits::SUBSCRIBERS_MAX;
use crate::read::ReadSnapshot;

/// The listeners of one table.
///
/// While nobody listens, commits share the lock and go side by side. With listeners a commit
/// and the telling of its changes hold the lock alone, so that all are told in log order; a
/// new listener takes the lock too, so that no change falls between its snapshot and the
/// first change it is told.
pub(crate) struct Listeners {
    list: RwLock<Vec<Listener>>,
}

struct Listener {
    subscriber: Arc<dyn Subscriber>,
    ended: Arc<AtomicBool>,
}

impl Listeners {
    pub(crate) fn new() -> Self {
        Self { list: RwLock::new(Vec::new()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.read().iter().filter(|listener| !listener.has_ended()).count()
    }

    /// Appends a batch to the log and tells its effects.
    pub(crate) fn append(
        &self,
        engine: &dyn Engine,
        table: TableId,
        batch: Batch,
        effects: Vec<Effect>,
    ) -> Result<LogPosition, StorageError> {
        let shared = self.list.read();
        if shared.is_empty() {
            return engine.append(batch);
        }
        drop(shared);
        let mut list = self.list.write();
        list.retain(|listener| !listener.has_ended());
        let position = engine.append(batch)?;
        for Effect { key, old, new } in effects {
            let change = Arc::new(Change { table, position, key, old, new });
            for listener in list.iter() {
                listener.subscriber.change(&change);
            }
        }
        Ok(position)
    }

    /// Adds a listener that is told everything after the state it gets.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        engine: &dyn Engine,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<Subscription, TableError> {
        let ended = Arc::new(AtomicBool::new(false));
        let mut list = self.list.write();
        list.retain(|listener| !listener.has_ended());
        if list.len() >= SUBSCRIBERS_MAX {
            return Err(TableError::Limit { what: "subscribers of one table", max: SUBSCRIBERS_MAX });
        }
        let snapshot = ReadSnapshot(engine.snapshot());
        list.push(Listener { subscriber, ended: ended.clone() });
        drop(list);
        let listeners = Arc::downgrade(self);
        Ok(Subscription::new(snapshot, ended, move || {
            // A subscription may end while changes are told; then the next commit removes it.
            if let Some(listeners) = listeners.upgrade()
                && let Some(mut list) = listeners.list.try_write()
            {
                list.retain(|listener| !listener.has_ended());
            }
        }))
    }

    /// Tells all that nothing follows.
    pub(crate) fn close(&self, why: CloseReason) {
        let list = std::mem::take(&mut *self.list.write());
        for listener in list.iter().filter(|listener| !listener.has_ended()) {
            listener.subscriber.closed(why);
        }
    }
}

impl Listener {
    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
