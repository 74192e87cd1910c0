//! Where streams stand, and how streams that nobody reads lose their snapshots.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use photondb_base::Clock;
use photondb_storage::{Engine, Snapshot};

use super::scan::Scan;
use crate::limits::SNAPSHOT_SWEEP_MS;

/// Where a stream stands.
pub(crate) struct Position {
    pub(crate) scan: Scan,
    /// Absent after it was taken away; the next batch takes a newer one.
    snapshot: Option<Arc<dyn Snapshot>>,
    snapshot_since_us: u64,
    /// Whether the query chose the snapshot; then it is kept.
    pinned: bool,
    pub(crate) ended: bool,
}

impl Position {
    pub(crate) fn new(scan: Scan, snapshot: Arc<dyn Snapshot>, pinned: bool, now_us: u64) -> Self {
        Self { scan, snapshot: Some(snapshot), snapshot_since_us: now_us, pinned, ended: false }
    }

    /// The snapshot to go on with: a newer one when it has been held for too long.
    pub(crate) fn snapshot(&mut self, engine: &dyn Engine, now_us: u64, us_max: u64) -> Arc<dyn Snapshot> {
        self.release_old(now_us, us_max);
        if let Some(snapshot) = &self.snapshot {
            return snapshot.clone();
        }
        let snapshot = engine.snapshot();
        self.snapshot_since_us = now_us;
        self.snapshot = Some(snapshot.clone());
        snapshot
    }

    /// Ends the stream: nothing is held any longer.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.scan.release();
        self.snapshot = None;
    }

    fn release_old(&mut self, now_us: u64, us_max: u64) {
        if !self.pinned && now_us.saturating_sub(self.snapshot_since_us) > us_max {
            self.scan.release();
            self.snapshot = None;
        }
    }
}

/// The positions of streams that were not read to their end at once. A thread looks at them
/// now and then and takes old snapshots away, as long as there are any.
pub(crate) struct Sweeper {
    clock: Arc<dyn Clock>,
    snapshot_us_max: u64,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    positions: Vec<Weak<Mutex<Position>>>,
    running: bool,
}

impl Sweeper {
    pub(crate) fn new(clock: Arc<dyn Clock>, snapshot_us_max: u64) -> Self {
        Self { clock, snapshot_us_max, watched: Mutex::default() }
    }

    pub(crate) fn watch(self: &Arc<Self>, position: &Arc<Mutex<Position>>) {
        let mut watched = self.watched.lock();
        watched.positions.push(Arc::downgrade(position));
        if watched.running {
            return;
        }
        let sweeper = Arc::downgrade(self);
        let run = move || {
            loop {
                std::thread::sleep(Duration::from_millis(SNAPSHOT_SWEEP_MS));
                let Some(sweeper) = sweeper.upgrade() else { return };
                if !sweeper.sweep() {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("snapshot-sweep".to_owned()).spawn(run) {
            Ok(_detached) => watched.running = true,
            Err(error) => tracing::error!(%error, "could not start the thread that frees old snapshots"),
        }
    }

    /// Takes old snapshots away; `false` when no stream is left to look at.
    pub(crate) fn sweep(&self) -> bool {
        let now_us = self.clock.monotonic_us();
        let mut watched = self.watched.lock();
        watched.positions.retain(|position| {
            let Some(position) = position.upgrade() else { return false };
            // A stream that is being read looks after itself.
            let Some(mut position) = position.try_lock() else { return true };
            position.release_old(now_us, self.snapshot_us_max);
            !position.ended
        });
        watched.running = !watched.positions.is_empty();
        watched.running
    }
}
