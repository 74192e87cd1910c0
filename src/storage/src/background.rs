//! The engine's threads: checkpoints, syncs that somebody awaits, scrubbing.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use photondb_base::LogPosition;

use crate::compaction::compact;
use crate::engine::WhenReached;
use crate::error::StorageError;
use crate::scrub;
use crate::shared::Shared;

/// Pause after a checkpoint that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// After so much silence the log states what is durable.
const IDLE_PAUSE: Duration = Duration::from_millis(200);

/// How the engine talks to its threads.
#[derive(Default)]
pub(crate) struct Control {
    requests: Mutex<Requests>,
    checkpoint_wanted: Condvar,
    sync_wanted: Condvar,
    scrub_wanted: Condvar,
}

#[derive(Default)]
struct Requests {
    stop: bool,
    checkpoint: bool,
    syncs: Vec<(LogPosition, WhenReached)>,
    spare: bool,
}

impl Control {
    pub(crate) fn request_checkpoint(&self) {
        let mut requests = self.requests.lock();
        if !requests.checkpoint {
            requests.checkpoint = true;
            self.checkpoint_wanted.notify_one();
        }
    }

    pub(crate) fn request_sync(&self, position: LogPosition, done: WhenReached) {
        self.requests.lock().syncs.push((position, done));
        self.sync_wanted.notify_one();
    }

    /// Asks for a file for the log's next segment.
    pub(crate) fn request_spare(&self) {
        let mut requests = self.requests.lock();
        if !requests.spare {
            requests.spare = true;
            self.sync_wanted.notify_one();
        }
    }

    /// Sleeps for a while. Gives whether to stop.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let mut requests = self.requests.lock();
        let end = Instant::now() + time;
        while !requests.stop {
            if self.scrub_wanted.wait_until(&mut requests, end).timed_out() {
                return false;
            }
        }
        true
    }
}

/// The running threads.
pub(crate) struct Background {
    threads: Vec<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Self, StorageError> {
        let mut background = Self { threads: Vec::new() };
        background.spawn("storage-checkpoint", shared, checkpoints)?;
        background.spawn("storage-sync", shared, syncs)?;
        if shared.options.scrub_bytes_per_second > 0 {
            background.spawn("storage-scrub", shared, scrubs)?;
        }
        Ok(background)
    }

    fn spawn(&mut self, name: &str, shared: &Arc<Shared>, run: fn(&Shared)) -> Result<(), StorageError> {
        let shared = shared.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(move || run(&shared));
        self.threads.push(thread.map_err(|error| StorageError::io(name, "start the thread", error))?);
        Ok(())
    }

    pub(crate) fn stop(self, shared: &Shared) {
        shared.control.requests.lock().stop = true;
        shared.control.checkpoint_wanted.notify_all();
        shared.control.sync_wanted.notify_all();
        shared.control.scrub_wanted.notify_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a storage thread panicked");
            }
        }
    }
}

fn checkpoints(shared: &Shared) {
    let control = &shared.control;
    let pause = Duration::from_millis(shared.options.checkpoint_idle_ms);
    let mut idle = Idle::default();
    loop {
        let is_requested = {
            let mut requests = control.requests.lock();
            while !requests.checkpoint && !requests.stop {
                if pause.is_zero() {
                    control.checkpoint_wanted.wait(&mut requests);
                } else if control.checkpoint_wanted.wait_for(&mut requests, pause).timed_out() {
                    break;
                }
            }
            if requests.stop {
                return;
            }
            std::mem::take(&mut requests.checkpoint)
        };
        let result = if shared.is_checkpoint_due() {
            shared.checkpoint()
        } else if is_requested {
            continue;
        } else {
            idle.pass(shared)
        };
        if let Err(error) = result {
            tracing::warn!(%error, "a checkpoint failed");
            if control.pause(RETRY_PAUSE) {
                return;
            }
        }
    }
}

/// What is done when nothing is written.
#[derive(Default)]
struct Idle {
    /// The last position when it was looked at before.
    seen: LogPosition,
    /// The last position when something was done. What fails or gains nothing is tried again
    /// when there is more.
    checkpointed: LogPosition,
    compacted: LogPosition,
}

impl Idle {
    /// Does what is due if nothing was written since the last time.
    fn pass(&mut self, shared: &Shared) -> Result<(), StorageError> {
        let applied = shared.applied();
        if std::mem::replace(&mut self.seen, applied) != applied {
            return Ok(());
        }
        // The snapshots may have ended that took of the cache.
        shared.balance();
        shared.log.give_spares_back();
        if self.checkpointed != applied && shared.is_idle_checkpoint_due() {
            self.checkpointed = applied;
            shared.checkpoint()?;
            // Not after every few writes: the next ones would take longer for it.
            return shared.log.cut_newest();
        }
        if self.compacted != applied && shared.is_compaction_due() {
            self.compacted = applied;
            return compact(shared, || shared.applied() == applied && !shared.control.requests.lock().stop);
        }
        Ok(())
    }
}

fn syncs(shared: &Shared) {
    let control = &shared.control;
    loop {
        let (waiting, spare, stop) = {
            let mut requests = control.requests.lock();
            while requests.syncs.is_empty() && !requests.spare && !requests.stop {
                if control.sync_wanted.wait_for(&mut requests, IDLE_PAUSE).timed_out() {
                    break;
                }
            }
            let spare = std::mem::take(&mut requests.spare);
            (std::mem::take(&mut requests.syncs), spare, requests.stop)
        };
        if spare && let Err(error) = shared.log.prepare() {
            tracing::debug!(%error, "the log's next segment gets its file when it needs it");
        }
        if waiting.is_empty() && !spare {
            if stop {
                return;
            }
            if let Err(error) = shared.log.state_durable() {
                tracing::debug!(%error, "the log could not state what is durable");
            }
            continue;
        }
        let Some(highest) = waiting.iter().map(|(position, _)| position.0).max() else { continue };
        let result = shared.log.sync_to(highest);
        for (_, done) in waiting {
            done(result.clone());
        }
    }
}

fn scrubs(shared: &Shared) {
    let control = &shared.control;
    loop {
        if control.pause(Duration::from_millis(shared.options.scrub_pause_ms)) {
            return;
        }
        let outcome = scrub::scrub_slowly(shared);
        shared.failures.scrub.note(&outcome);
        match outcome {
            Ok(Some(report)) => tracing::info!(?report, "scrub found no damage"),
            Ok(None) => return,
            Err(error) => tracing::error!(%error, "scrub"),
        }
    }
}
