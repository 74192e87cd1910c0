//! A backup that is being taken, or verified.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use photondb_backup::{BackupError, BackupMode, BackupProgress};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Add to the newest set, or begin one.
    Backup(BackupMode),
    /// Read every byte of a set.
    Verify(String),
}

impl TaskKind {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "backup",
            Self::Verify(_) => "verify",
        }
    }
}

/// How far a task is.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// What is being done.
    pub kind: TaskKind,
    /// To which set, once that is known.
    pub set: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Entries, records or files that are done, of how many, and the bytes written or read.
    pub progress: BackupProgress,
}

/// What became of a task.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What was done.
    pub kind: TaskKind,
    /// To which set.
    pub set: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// When it ended.
    pub ended_at_ms: u64,
    /// Bytes that were written, or read.
    pub bytes: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed, or what is to be known about it.
    pub message: Option<String>,
    /// What a verification has found.
    pub problems: Vec<String>,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Done,
    /// A verification has found something.
    Damaged,
    /// It was asked to end.
    Cancelled,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Damaged => "damaged",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Numbers about backups.
#[derive(Clone, Debug, Default)]
pub struct BackupCounts {
    /// Taken since the start.
    pub taken: u64,
    /// Failed since the start.
    pub failed: u64,
    /// The last that is there.
    pub last: Option<LastBackup>,
}

/// The last backup that was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastBackup {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Bytes that it has added to its set.
    pub bytes: u64,
    /// How long it took; not known of one before the start.
    pub seconds: Option<f64>,
}

impl BackupCounts {
    pub(super) fn add(&mut self, finished: &Finished) {
        match (&finished.kind, finished.outcome) {
            (TaskKind::Backup(_), Outcome::Done) => {
                self.taken += 1;
                let seconds = finished.ended_at_ms.saturating_sub(finished.started_at_ms) as f64 / 1000.0;
                let (at_ms, bytes) = (finished.ended_at_ms, finished.bytes);
                self.last = Some(LastBackup { at_ms, bytes, seconds: Some(seconds) });
            }
            (TaskKind::Backup(_), Outcome::Failed) => self.failed += 1,
            _ => {}
        }
    }
}

/// A task while it runs.
pub(super) struct Task {
    kind: TaskKind,
    started_at_ms: u64,
    is_cancelled: AtomicBool,
    place: Mutex<(Option<String>, BackupProgress)>,
}

/// What a task came to.
pub(super) struct Done {
    pub bytes: u64,
    pub note: Option<String>,
    pub problems: Vec<String>,
}

impl Task {
    pub(super) fn new(kind: TaskKind, started_at_ms: u64) -> Self {
        let set = match &kind {
            TaskKind::Verify(name) => Some(name.clone()),
            TaskKind::Backup(_) => None,
        };
        let place = Mutex::new((set, BackupProgress::default()));
        Self { kind, started_at_ms, is_cancelled: AtomicBool::new(false), place }
    }

    pub(super) fn kind(&self) -> &TaskKind {
        &self.kind
    }

    pub(super) fn started_at_ms(&self) -> u64 {
        self.started_at_ms
    }

    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    pub(super) fn work_on(&self, set: &str) {
        self.place.lock().0 = Some(set.to_owned());
    }

    /// A task that has not chosen a set may still choose any.
    pub(super) fn works_on(&self, name: &str) -> bool {
        self.place.lock().0.as_deref().is_none_or(|set| set == name)
    }

    /// Notes how far it is; `false` when it is to end.
    pub(super) fn advance(&self, progress: BackupProgress) -> bool {
        self.place.lock().1 = progress;
        !self.is_cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn report(&self) -> TaskReport {
        let (set, progress) = self.place.lock().clone();
        TaskReport { kind: self.kind.clone(), set, started_at_ms: self.started_at_ms, progress }
    }

    pub(super) fn finish(&self, done: Result<Done, BackupError>, ended_at_ms: u64) -> Finished {
        let (outcome, message, bytes, problems) = match done {
            Ok(done) if !done.problems.is_empty() => (Outcome::Damaged, None, done.bytes, done.problems),
            Ok(done) => (Outcome::Done, done.note, done.bytes, Vec::new()),
            Err(BackupError::Cancelled) => (Outcome::Cancelled, None, 0, Vec::new()),
            Err(error) => (Outcome::Failed, Some(error.to_string()), 0, Vec::new()),
        };
        let set = self.place.lock().0.clone();
        let (kind, started_at_ms) = (self.kind.clone(), self.started_at_ms);
        Finished { kind, set, started_at_ms, ended_at_ms, bytes, outcome, message, problems }
    }
}

impl Finished {
    /// Tells the log.
    pub(super) fn tell(&self) {
        let set = self.set.as_deref().unwrap_or("without a name");
        let message = self.message.as_deref().unwrap_or_default();
        match (&self.kind, self.outcome) {
            (TaskKind::Backup(_), Outcome::Done) if self.bytes == 0 => {
                tracing::info!("Backup {set} has everything already.");
            }
            (TaskKind::Backup(_), Outcome::Done) => {
                let text = format!("Backup {set} was taken, {} bytes. {message}", self.bytes);
                tracing::info!("{}", text.trim_end());
            }
            (TaskKind::Backup(_), Outcome::Cancelled) => tracing::info!("Backup {set} was cancelled."),
            (TaskKind::Backup(_), _) => tracing::error!("Backup {set} failed: {message}"),
            (TaskKind::Verify(_), Outcome::Done) => tracing::info!("Backup {set} is whole."),
            (TaskKind::Verify(_), Outcome::Cancelled) => {
                tracing::info!("The verification of backup {set} was cancelled.");
            }
            (TaskKind::Verify(_), Outcome::Damaged) => {
                tracing::error!("Backup {set} is damaged: {}", self.problems.join("; "));
            }
            (TaskKind::Verify(_), Outcome::Failed) => {
                tracing::error!("Backup {set} could not be verified: {message}");
            }
        }
    }
}
