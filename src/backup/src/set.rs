//! A set: the backup files of a directory, and what they lead to.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use photondb_storage::LogMark;

use crate::error::BackupError;
use crate::file::{BackupFile, PendingFile, is_partial, number_of, sync_directory};
use crate::header::{BackupKind, Totals};
use crate::time_text::time_text;

/// Held by whoever changes the set.
const LOCK: &str = "lock";
/// The highest number of a file.
const NUMBER_MAX: u32 = 999_999;

/// The backup files of a directory.
#[derive(Debug)]
pub struct BackupSet {
    directory: PathBuf,
    /// In the order in which they came.
    files: Vec<BackupFile>,
    unreadable: Vec<Unreadable>,
}

/// A file whose ends are damaged.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is.
    pub path: PathBuf,
    /// Its place in the order of the files.
    pub number: u32,
    /// What is wrong with it.
    pub error: BackupError,
}

/// What a base and the increments behind it reach: any position and moment from the base's to the
/// end of the last increment can be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The base first.
    pub files: Vec<BackupFile>,
}

/// To when to restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The last that the set has.
    Latest,
    /// A position of the log.
    Position(u64),
    /// A moment, in milliseconds since 1970, to a tenth of a second.
    Time(u64),
}

/// Which files lead to a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePlan {
    /// The base, and the increments that are needed.
    pub files: Vec<BackupFile>,
    /// Where to end in the last of them.
    pub moment: Moment,
}

impl Stretch {
    fn base(&self) -> Option<&BackupFile> {
        self.files.first()
    }

    /// Where it ends.
    pub fn end(&self) -> LogMark {
        self.files.last().map(|file| file.header.end).unwrap_or_default()
    }

    /// First and last position.
    pub fn positions(&self) -> (u64, u64) {
        (self.base().map_or(0, |base| base.header.end.position.0), self.end().position.0)
    }

    /// First and last moment, in milliseconds since 1970.
    pub fn times_ms(&self) -> (u64, u64) {
        let time = |file: Option<&BackupFile>| file.map_or(0, |file| file.header.time_ms);
        (time(self.base()), time(self.files.last()))
    }
}

impl BackupSet {
    /// Looks at the files of a directory. There may be none.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, BackupError> {
        let directory = directory.into();
        let mut set = Self { files: Vec::new(), unreadable: Vec::new(), directory };
        for name in names(&set.directory)? {
            let Some(number) = number_of(&name) else { continue };
            let path = set.directory.join(name);
            match BackupFile::open(&path, number) {
                Ok(file) => set.files.push(file),
                Err(error) => set.unreadable.push(Unreadable { path, number, error }),
            }
        }
        set.files.sort_by_key(|file| file.number);
        set.unreadable.sort_by_key(|file| file.number);
        Ok(set)
    }

    /// Whether a directory has backups in it.
    pub fn is_set(directory: &Path) -> bool {
        names(directory).is_ok_and(|names| names.iter().any(|name| number_of(name).is_some()))
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files in the order in which they came.
    pub fn files(&self) -> &[BackupFile] {
        &self.files
    }

    /// Files whose ends are damaged.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// What can be restored: one stretch for each base, the oldest first.
    pub fn stretches(&self) -> Vec<Stretch> {
        stretches(&self.files)
    }

    /// Where the newest backup ends: what an increment goes on from.
    pub fn end(&self) -> Option<LogMark> {
        self.stretches().last().map(Stretch::end)
    }

    /// Which files lead to a moment. An error says what can be had instead.
    pub fn plan(&self, moment: Moment) -> Result<RestorePlan, BackupError> {
        let stretches = self.stretches();
        let Some(newest) = stretches.last() else {
            return Err(BackupError::NoBackup { directory: self.directory.clone() });
        };
        if moment == Moment::Latest {
            self.check_newest(newest)?;
        }
        let is_inside = |stretch: &&Stretch| {
            let ((first, last), (first_ms, last_ms)) = (stretch.positions(), stretch.times_ms());
            match moment {
                Moment::Latest => true,
                Moment::Position(position) => (first..=last).contains(&position),
                Moment::Time(time_ms) => (first_ms..=last_ms).contains(&time_ms),
            }
        };
        let Some(stretch) = stretches.iter().rev().find(is_inside) else {
            return Err(BackupError::NotCovered(not_covered(moment, &stretches)));
        };
        let mut files = stretch.files.clone();
        if let Moment::Position(position) = moment {
            files.retain(|file| {
                file.header.kind == BackupKind::Base || file.header.start.position.0 < position
            });
        }
        Ok(RestorePlan { files, moment })
    }

    /// What came behind the last file of the newest stretch should lead on from it: else the
    /// last that can be restored is not what somebody expects.
    fn check_newest(&self, newest: &Stretch) -> Result<(), BackupError> {
        let last = newest.files.last().map_or(0, |file| file.number);
        let until = newest.positions().1;
        if let Some(lost) = self.unreadable.iter().find(|file| file.number > last) {
            return Err(BackupError::NotCovered(format!(
                "{}; without it the backups lead up to position {until} only, which can still be restored",
                lost.error
            )));
        }
        let orphan = self.files.iter().find(|file| file.number > last && !newest.files.contains(file));
        match orphan {
            Some(orphan) => Err(BackupError::NotCovered(format!(
                "{} begins behind position {}, and what leads there is missing; the backups lead up to \
                 position {until} without it, which can still be restored",
                orphan.name(),
                orphan.header.start.position
            ))),
            None => Ok(()),
        }
    }

    /// Reads every byte of every file. `tell` is told of each file, and may end it all by
    /// `false`. Gives what can be restored of the files that are whole.
    pub fn verify(
        &self,
        tell: &mut dyn FnMut(&BackupFile, Result<Totals, BackupError>) -> bool,
    ) -> Result<Vec<Stretch>, BackupError> {
        let mut whole = Vec::new();
        for file in &self.files {
            let result = file.read().and_then(|mut reader| reader.read_to_end());
            if result.is_ok() {
                whole.push(file.clone());
            }
            if !tell(file, result) {
                return Err(BackupError::Cancelled);
            }
        }
        Ok(stretches(&whole))
    }

    /// Removes everything older than the newest `bases` bases. Gives the files that are gone, but
    /// for those that could not be read.
    pub fn retain(&mut self, bases: usize) -> Result<Vec<BackupFile>, BackupError> {
        let _lock = lock(&self.directory)?;
        let mut numbers = self.files.iter().filter(|file| file.header.kind == BackupKind::Base).rev();
        let Some(oldest) = numbers.nth(bases.max(1) - 1).map(|base| base.number) else {
            return Ok(Vec::new());
        };
        let (old, kept) = std::mem::take(&mut self.files).into_iter().partition(|file| file.number < oldest);
        self.files = kept;
        let old: Vec<BackupFile> = old;
        let lost = self.unreadable.iter().filter(|file| file.number < oldest).map(|file| &file.path);
        // The newest first: what is left in between still leads somewhere.
        for path in lost.chain(old.iter().rev().map(|file| &file.path)) {
            fs::remove_file(path).map_err(BackupError::io("remove", path))?;
        }
        self.unreadable.retain(|file| file.number >= oldest);
        sync_directory(&self.directory)?;
        Ok(old)
    }
}

/// Which increments follow which base. Nothing but the marks decides.
fn stretches(files: &[BackupFile]) -> Vec<Stretch> {
    let bases = files.iter().filter(|file| file.header.kind == BackupKind::Base);
    let increments = || files.iter().filter(|file| file.header.kind == BackupKind::Increment);
    let mut found = Vec::new();
    for base in bases {
        let mut stretch = Stretch { files: vec![base.clone()] };
        // Each goes on, so this ends.
        while let Some(next) = increments()
            .filter(|file| file.header.start == stretch.end())
            .max_by_key(|file| file.header.end.position)
        {
            stretch.files.push(next.clone());
        }
        found.push(stretch);
    }
    found
}

fn not_covered(moment: Moment, stretches: &[Stretch]) -> String {
    let mut text = match moment {
        Moment::Time(_) => "the backups do not cover that moment; they cover".to_owned(),
        _ => "the backups do not cover that position; they cover".to_owned(),
    };
    for (index, stretch) in stretches.iter().enumerate() {
        let ((first, last), (first_ms, last_ms)) = (stretch.positions(), stretch.times_ms());
        let separator = if index == 0 { "" } else { "," };
        text.push_str(&match moment {
            Moment::Time(_) => format!("{separator} {} to {}", time_text(first_ms), time_text(last_ms)),
            _ => format!("{separator} {first} to {last}"),
        });
    }
    text
}

fn names(directory: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BackupError::io("list", directory)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(BackupError::io("list", directory))?.file_name().into_string());
    }
    Ok(names)
}

fn lock(directory: &Path) -> Result<File, BackupError> {
    let path = directory.join(LOCK);
    let lock = File::create(&path).map_err(BackupError::io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy { directory: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(BackupError::io("lock", &path)(error)),
    }
}

/// A set that nobody else changes meanwhile.
pub(crate) struct SetWriter {
    pub set: BackupSet,
    _lock: File,
}

impl SetWriter {
    /// Opens a set, making its directory when it is not there.
    pub(crate) fn open(directory: &Path) -> Result<Self, BackupError> {
        fs::create_dir_all(directory).map_err(BackupError::io("create", directory))?;
        let lock = lock(directory)?;
        for name in names(directory)?.into_iter().filter(|name| is_partial(name)) {
            let path = directory.join(name);
            fs::remove_file(&path).map_err(BackupError::io("remove", &path))?;
        }
        Ok(Self { set: BackupSet::open(directory)?, _lock: lock })
    }

    /// Begins the next file.
    pub(crate) fn begin(&self) -> Result<PendingFile, BackupError> {
        let numbers = self.set.files.iter().map(|file| file.number);
        let last = numbers.chain(self.set.unreadable.iter().map(|file| file.number)).max().unwrap_or(0);
        if last >= NUMBER_MAX {
            return Err(BackupError::NotCovered(format!(
                "a directory can hold {NUMBER_MAX} backups; begin another"
            )));
        }
        PendingFile::create(&self.set.directory, last + 1)
    }
}
