//! Changes and those who listen to them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use photondb_base::{LogPosition, TableId};
use photondb_datum::Datum;

use crate::read::ReadSnapshot;

/// One document's change. At least one of `old` and `new` is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// Where in the log; the changes of one write may share a position.
    pub position: LogPosition,
    /// The encoded primary key.
    pub key: Bytes,
    /// The document before.
    pub old: Option<Datum>,
    /// The document after.
    pub new: Option<Datum>,
}

/// Somebody who listens to the changes of a table. Called by writers while they hold the
/// table's order: must be quick, must not block, and must not write to or subscribe to the
/// same table.
pub trait Subscriber: Send + Sync {
    /// The next change, in log order.
    fn change(&self, change: &Arc<Change>);

    /// Nothing follows.
    fn closed(&self, why: CloseReason);
}

/// Why changes end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The table was dropped.
    TableDropped,
    /// An index of the table was dropped; only told to those who watch that index, by
    /// whoever knows that they do.
    IndexDropped,
    /// The server shuts down.
    Shutdown,
}

/// A registration; dropping it ends it. The changes that the subscriber gets are exactly
/// those after [`Subscription::position`].
pub struct Subscription {
    position: LogPosition,
    snapshot: Option<ReadSnapshot>,
    ended: Arc<AtomicBool>,
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Subscription {
    /// A registration whose end sets `ended` and then calls `release`.
    pub fn new(
        snapshot: ReadSnapshot,
        ended: Arc<AtomicBool>,
        release: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        let position = snapshot.position();
        Self { position, snapshot: Some(snapshot), ended, release: Some(Box::new(release)) }
    }

    /// Where the changes start: everything at or before is in the snapshot.
    pub fn position(&self) -> LogPosition {
        self.position
    }

    /// The state that the changes start from, once; it holds space until it is dropped.
    pub fn take_snapshot(&mut self) -> Option<ReadSnapshot> {
        self.snapshot.take()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("position", &self.position).finish_non_exhaustive()
    }
}
