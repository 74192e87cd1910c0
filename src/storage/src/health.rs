//! What is wrong with an engine, for whoever can do something about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::error::StorageError;

/// What is wrong with an engine at the moment; all absent when nothing is.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Why nothing can be written any more. A restart recovers.
    pub stopped: Option<Arc<str>>,
    /// Why the last write was refused; gone with the next one that succeeds.
    pub refused_write: Option<StorageError>,
    /// Why the last checkpoint failed; gone with the next one that succeeds. The log grows
    /// meanwhile.
    pub failed_checkpoint: Option<StorageError>,
    /// What the last scrub ended with; gone with the next one that finds no damage.
    pub damage: Option<StorageError>,
}

/// How work that is done again and again ended the last time.
#[derive(Default)]
pub(crate) struct Failures {
    pub append: LastFailure,
    pub checkpoint: LastFailure,
    pub scrub: LastFailure,
}

impl Failures {
    /// All of them, of an engine that may have `stopped`.
    pub(crate) fn health(&self, stopped: Option<Arc<str>>) -> Health {
        // What stopped is why the rest fails.
        let unless_stopped = |failure: &LastFailure| failure.get().filter(|_| stopped.is_none());
        Health {
            refused_write: unless_stopped(&self.append),
            failed_checkpoint: unless_stopped(&self.checkpoint),
            damage: self.scrub.get(),
            stopped,
        }
    }

    /// Why the last checkpoint failed.
    pub(crate) fn of_checkpoint(&self) -> StorageError {
        let unknown = || StorageError::Full { file: "data".into(), operation: "checkpoint" };
        self.checkpoint.get().unwrap_or_else(unknown)
    }
}

/// The last failure of one kind of work, until the work succeeds.
#[derive(Default)]
pub(crate) struct LastFailure {
    /// Spares the lock those who succeed as ever.
    is_there: AtomicBool,
    error: Mutex<Option<StorageError>>,
}

impl LastFailure {
    /// Keeps the failure, or forgets the one before.
    pub(crate) fn note<T>(&self, outcome: &Result<T, StorageError>) {
        let error = match outcome {
            Ok(_) if !self.is_there.load(Ordering::Relaxed) => return,
            Ok(_) => None,
            Err(error) => Some(error.clone()),
        };
        let mut place = self.error.lock();
        self.is_there.store(error.is_some(), Ordering::Relaxed);
        *place = error;
    }

    /// What it was.
    pub(crate) fn get(&self) -> Option<StorageError> {
        self.error.lock().clone()
    }
}
