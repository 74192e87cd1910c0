//! Backups that a server keeps of itself: sets in one directory, and at most one task at a time
//! that takes or verifies them.
//!
//! A set is a directory of its own with a base and the increments that go on from it. `photondb
//! restore` reads it as it does what `photondb backup` writes.

mod error;
mod report;
mod task;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use photondb_backup::{BackupError, BackupProgress, BackupSet, EngineSource, Taken, take, time_name};
use photondb_base::Clock;
use photondb_storage::Engine;

pub use error::BackupsError;
pub use photondb_backup::BackupMode;
pub use report::{FileReport, SetReport, Verification};
pub use task::{BackupCounts, Finished, LastBackup, Outcome, TaskKind, TaskReport};

use task::{Done, Task};

/// Characters of the name of a set.
const NAME_CHARACTERS_MAX: usize = 64;

/// The backups that a server keeps of itself.
pub struct Backups {
    directory: PathBuf,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<Arc<Task>>,
    is_stopping: bool,
    last: Option<Finished>,
    counts: BackupCounts,
    verified: BTreeMap<String, Verification>,
}

impl Backups {
    /// The backups of an engine in a directory, which is made when there is one to put there.
    pub fn new(directory: PathBuf, engine: Arc<dyn Engine>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let backups = Self { directory, engine, clock, state: Mutex::default(), idle: Condvar::new() };
        backups.state.lock().counts.last = backups.newest_backup();
        Arc::new(backups)
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Begins a task on a thread of its own; an error while another one runs.
    pub fn start(self: &Arc<Self>, kind: TaskKind) -> Result<TaskReport, BackupsError> {
        match &kind {
            TaskKind::Verify(name) => drop(self.find(name)?),
            TaskKind::Backup(BackupMode::IncrementalOnly) if self.newest()?.is_none() => {
                return Err(BackupsError::NothingToContinue);
            }
            TaskKind::Backup(_) => {}
        }
        let task = Arc::new(Task::new(kind, self.now_ms()));
        {
            let mut state = self.state.lock();
            if state.running.is_some() || state.is_stopping {
                return Err(BackupsError::Busy);
            }
            state.running = Some(Arc::clone(&task));
        }
        let (backups, running) = (Arc::clone(self), Arc::clone(&task));
        let thread = std::thread::Builder::new().name("backup".to_owned());
        if let Err(error) = thread.spawn(move || backups.run(&running)) {
            self.finish(&task, Err(BackupError::Source(format!("cannot start a thread: {error}"))));
        }
        Ok(task.report())
    }

    /// What is being done.
    pub fn running(&self) -> Option<TaskReport> {
        self.state.lock().running.as_ref().map(|task| task.report())
    }

    /// What was done last since the start.
    pub fn last(&self) -> Option<Finished> {
        self.state.lock().last.clone()
    }

    /// What is being done, and what was done last: of one moment.
    pub fn tasks(&self) -> (Option<TaskReport>, Option<Finished>) {
        let state = self.state.lock();
        (state.running.as_ref().map(|task| task.report()), state.last.clone())
    }

    /// How often backups were taken and failed since the start, and the last that is there.
    pub fn counts(&self) -> BackupCounts {
        self.state.lock().counts.clone()
    }

    /// Asks the task to end soon; `false` when there is none.
    pub fn cancel(&self) -> bool {
        let state = self.state.lock();
        state.running.as_ref().inspect(|task| task.cancel()).is_some()
    }

    /// Ends the task and waits for its end. Nothing begins any more.
    pub fn shut_down(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        if let Some(task) = &state.running {
            task.cancel();
        }
        while state.running.is_some() {
            self.idle.wait(&mut state);
        }
    }

    /// All sets, the newest first. Blocks.
    pub fn sets(&self) -> Result<Vec<SetReport>, BackupsError> {
        let names = self.names()?;
        names.iter().rev().map(|name| self.describe(name)).collect()
    }

    /// One set. Blocks.
    pub fn set(&self, name: &str) -> Result<SetReport, BackupsError> {
        self.find(name)?;
        self.describe(name)
    }

    /// Removes a set, unless a task works on it. Blocks.
    pub fn delete(&self, name: &str) -> Result<(), BackupsError> {
        let directory = self.find(name)?;
        // Whoever deletes is not to meet a task that has begun meanwhile.
        let mut state = self.state.lock();
        if state.running.as_ref().is_some_and(|task| task.works_on(name)) {
            return Err(BackupsError::Busy);
        }
        fs::remove_dir_all(&directory).map_err(BackupsError::io("remove", &directory))?;
        state.verified.remove(name);
        drop(state);
        tracing::info!("Backup {name} was deleted.");
        Ok(())
    }

    fn run(&self, task: &Task) {
        let done = match crate::guarded(|| self.work(task)) {
            Ok(done) => done,
            Err(crash) => Err(BackupError::Source(crash.message)),
        };
        self.finish(task, done);
    }

    fn work(&self, task: &Task) -> Result<Done, BackupError> {
        match task.kind() {
            TaskKind::Verify(name) => self.verify(task, name),
            TaskKind::Backup(mode) => self.back_up(task, *mode),
        }
    }

    /// Adds to the newest set, or begins one.
    fn back_up(&self, task: &Task, mode: BackupMode) -> Result<Done, BackupError> {
        let newest = match mode {
            BackupMode::Full => None,
            _ => self.newest().map_err(|error| BackupError::Source(error.to_string()))?,
        };
        let Some(name) = newest else { return self.take(task, self.new_name(task), BackupMode::Full, None) };
        match self.take(task, name, BackupMode::IncrementalOnly, None) {
            Err(BackupError::Discontinued { reason }) if mode == BackupMode::Automatic => {
                let note = format!("A new set was begun, as the one before cannot be continued: {reason}.");
                self.take(task, self.new_name(task), BackupMode::Full, Some(note))
            }
            outcome => outcome,
        }
    }

    fn take(
        &self,
        task: &Task,
        name: String,
        mode: BackupMode,
        note: Option<String>,
    ) -> Result<Done, BackupError> {
        let directory = self.directory.join(&name);
        task.work_on(&name);
        let mut source = EngineSource::new(Arc::clone(&self.engine), Arc::clone(&self.clock));
        let taken = take(&directory, &mut source, mode, &mut |progress| task.advance(progress));
        let done = |bytes, note| Done { bytes, note, problems: Vec::new() };
        match taken {
            Ok(Taken { file: Some(file), .. }) => Ok(done(file.bytes, note)),
            Ok(Taken { file: None, .. }) => {
                Ok(done(0, Some("Nothing was written since the last backup.".to_owned())))
            }
            Err(error) => {
                if mode == BackupMode::Full {
                    // The set has nothing in it. What cannot be removed is no set either.
                    drop(fs::remove_dir_all(&directory));
                }
                Err(error)
            }
        }
    }

    fn verify(&self, task: &Task, name: &str) -> Result<Done, BackupError> {
        let set = BackupSet::open(self.directory.join(name))?;
        let mut problems = report::problems(&set);
        let items_total = set.files().len() as u64;
        task.advance(BackupProgress { items_total, ..BackupProgress::default() });
        let (mut bytes, mut items) = (0, 0);
        set.verify(&mut |file, outcome| {
            items += 1;
            bytes += file.bytes;
            problems.extend(outcome.err().map(|error| error.to_string()));
            task.advance(BackupProgress { items, items_total, bytes })
        })?;
        Ok(Done { bytes, note: None, problems })
    }

    fn finish(&self, task: &Task, done: Result<Done, BackupError>) {
        let finished = task.finish(done, self.now_ms());
        finished.tell();
        let mut state = self.state.lock();
        if let (TaskKind::Verify(name), Outcome::Done | Outcome::Damaged) = (task.kind(), finished.outcome) {
            let verification =
                Verification { at_ms: finished.ended_at_ms, problems: finished.problems.clone() };
            state.verified.insert(name.clone(), verification);
        }
        state.counts.add(&finished);
        state.last = Some(finished);
        state.running = None;
        self.idle.notify_all();
    }

    fn describe(&self, name: &str) -> Result<SetReport, BackupsError> {
        let set = BackupSet::open(self.directory.join(name))?;
        let verification = self.state.lock().verified.get(name).cloned();
        Ok(SetReport::new(name, &set, verification))
    }

    /// The directory of a set.
    fn find(&self, name: &str) -> Result<PathBuf, BackupsError> {
        let directory = self.directory.join(name);
        if is_name(name) && directory.is_dir() {
            Ok(directory)
        } else {
            Err(BackupsError::NoSuchSet(name.to_owned()))
        }
    }

    /// The names of all sets, in the order of their beginnings.
    fn names(&self) -> Result<Vec<String>, BackupsError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(BackupsError::io("list", &self.directory)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(BackupsError::io("list", &self.directory))?;
            let name = entry.file_name().into_string().ok().filter(|name| is_name(name));
            names.extend(name.filter(|_| BackupSet::is_set(&entry.path())));
        }
        names.sort();
        Ok(names)
    }

    fn newest(&self) -> Result<Option<String>, BackupsError> {
        Ok(self.names()?.pop())
    }

    /// What the files tell of the last backup, for a server that has just started.
    fn newest_backup(&self) -> Option<LastBackup> {
        let set = BackupSet::open(self.directory.join(self.newest().ok()??)).ok()?;
        let file = set.files().last()?;
        Some(LastBackup { at_ms: file.header.time_ms, bytes: file.bytes, seconds: None })
    }

    /// A name that no set has: the moment.
    fn new_name(&self, task: &Task) -> String {
        let moment = time_name(task.started_at_ms());
        let mut name = format!("{moment}Z");
        let mut number = 2;
        while self.directory.join(&name).exists() {
            name = format!("{moment}Z-{number}");
            number += 1;
        }
        name
    }

    fn now_ms(&self) -> u64 {
        (self.clock.now_seconds() * 1000.0) as u64
    }
}

/// Whether a set may be called so. Nothing else becomes a part of a path.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=NAME_CHARACTERS_MAX).contains(&name.len()) && name.bytes().all(fits)
}
