//! Making a data directory of a set again.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use photondb_base::LogPosition;
use photondb_storage::{Batch, Disk, DiskEngine, Engine, OpenOptions, RealDisk, load};

use crate::error::BackupError;
use crate::file::{BackupFile, sync_directory};
use crate::reader::BackupItem;
use crate::set::{Moment, RestorePlan};

/// Where a data directory comes to be before it is whole.
const UNFINISHED: &str = "restoring";
/// What the trees may take in memory while the log is applied.
const CACHE_BYTES: u64 = 512 * 1024 * 1024;
/// So many entries or records are restored between two reports.
const TELL_ITEMS: u64 = 1024;

/// How far a restore is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreProgress {
    /// Bytes of backups that were read.
    pub bytes: u64,
    /// Of so many; less are read when the end is before the last record.
    pub bytes_total: u64,
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The last position that it has.
    pub position: LogPosition,
    /// The moment as of which it is: when its last record was written, or up to when nothing
    /// more was. Milliseconds since 1970.
    pub time_ms: u64,
    /// Entries of the base.
    pub entries: u64,
    /// Records that were applied behind it.
    pub records: u64,
}

struct Restore<'a> {
    plan: &'a RestorePlan,
    tell: &'a mut dyn FnMut(RestoreProgress) -> bool,
    /// Of the files before the one that is being read.
    bytes_before: u64,
    items_untold: u64,
    restored: Restored,
}

/// Restores into a directory, which must be empty or not there. Only when all is done and durable
/// can a server be started on it. `tell` is told how far it is, and cancels it by `false`.
pub fn restore_directory(
    plan: &RestorePlan,
    directory: &Path,
    tell: &mut dyn FnMut(RestoreProgress) -> bool,
) -> Result<Restored, BackupError> {
    if let Ok(mut entries) = fs::read_dir(directory)
        && entries.next().is_some()
    {
        return Err(BackupError::NotEmpty { directory: directory.to_owned() });
    }
    // Keeps servers out until the end.
    let _lock = RealDisk::open(directory)?;
    let unfinished = directory.join(UNFINISHED);
    let restored = {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&unfinished)?);
        let result = restore(plan, &disk, tell);
        if result.is_err() {
            drop(disk);
            fs::remove_dir_all(&unfinished).map_err(BackupError::io("remove", &unfinished))?;
        }
        result?
    };
    publish(&unfinished, directory)?;
    Ok(restored)
}

/// Moves what is whole to where it belongs. The log goes first: nothing opens one alone.
fn publish(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from).map_err(BackupError::io("list", from))? {
        names.push(entry.map_err(BackupError::io("list", from))?.file_name());
    }
    names.sort_by_key(|name| !name.to_string_lossy().starts_with("log-"));
    for name in names.iter().filter(|name| *name != "lock") {
        let path = from.join(name);
        fs::rename(&path, to.join(name)).map_err(BackupError::io("move", &path))?;
    }
    fs::remove_dir_all(from).map_err(BackupError::io("remove", from))?;
    sync_directory(to)
}

/// Restores onto an empty disk.
pub fn restore(
    plan: &RestorePlan,
    disk: &Arc<dyn Disk>,
    tell: &mut dyn FnMut(RestoreProgress) -> bool,
) -> Result<Restored, BackupError> {
    let nothing = || BackupError::NotCovered("the plan has no files".to_owned());
    let (base, increments) = plan.files.split_first().ok_or_else(nothing)?;
    let restored = Restored::default();
    let mut restore = Restore { plan, tell, bytes_before: 0, items_untold: 0, restored };
    restore.base(base, disk)?;
    if !increments.is_empty() {
        restore.increments(increments, disk)?;
    }
    Ok(restore.restored)
}

impl Restore<'_> {
    fn base(&mut self, base: &BackupFile, disk: &Arc<dyn Disk>) -> Result<(), BackupError> {
        let mut reader = base.read()?;
        let next = &mut || {
            self.tell_sometimes(reader.bytes_read())?;
            match reader.next_item()? {
                Some(BackupItem::Entry { tree, key, value }) => Ok(Some((tree, key, value))),
                Some(BackupItem::Record { .. }) => {
                    Err(BackupError::damaged(&base.name(), 0, "a base was expected"))
                }
                None => Ok(None),
            }
        };
        let position = base.header.end.position;
        let loaded = load::<BackupError>(disk, position, next)?;
        self.bytes_before += base.bytes;
        self.restored =
            Restored { position, time_ms: base.header.time_ms, entries: loaded.entries, records: 0 };
        Ok(())
    }

    fn increments(&mut self, increments: &[BackupFile], disk: &Arc<dyn Disk>) -> Result<(), BackupError> {
        let engine = DiskEngine::open(OpenOptions {
            cache_bytes_max: CACHE_BYTES,
            log_keep_bytes: 0,
            scrub_bytes_per_second: 0,
            ..OpenOptions::new(Arc::clone(disk))
        })?;
        for increment in increments {
            if !self.increment(increment, &engine)? {
                break;
            }
        }
        engine.wait_durable(engine.applied())?;
        engine.checkpoint()?;
        Ok(engine.close()?)
    }

    /// Applies an increment; `false` when the moment lies in it.
    fn increment(&mut self, increment: &BackupFile, engine: &DiskEngine) -> Result<bool, BackupError> {
        let name = increment.name();
        let damaged = |reader_at, detail| BackupError::damaged(&name, reader_at, detail);
        let mut reader = increment.read()?;
        while let Some(item) = reader.next_item()? {
            self.tell_sometimes(reader.bytes_read())?;
            let BackupItem::Record { position, time_ms, record } = item else {
                return Err(damaged(0, "an increment was expected"));
            };
            let is_behind = match self.plan.moment {
                Moment::Latest => false,
                Moment::Position(last) => position.0 > last,
                Moment::Time(last_ms) => time_ms.is_some_and(|time_ms| time_ms > last_ms),
            };
            if is_behind {
                return Ok(false);
            }
            let malformed = || damaged(reader.bytes_read(), "a record makes no sense");
            let batch = Batch::unseal(&record).ok_or_else(malformed)?;
            if engine.commit(batch)? != position {
                return Err(damaged(reader.bytes_read(), "a record is not at its position"));
            }
            self.restored.position = position;
            self.restored.time_ms = time_ms.unwrap_or(self.restored.time_ms);
            self.restored.records += 1;
        }
        self.bytes_before += increment.bytes;
        // Nothing more was written up to here.
        self.restored.time_ms = match self.plan.moment {
            Moment::Time(last_ms) => increment.header.time_ms.min(last_ms),
            _ => increment.header.time_ms,
        };
        Ok(true)
    }

    fn tell_sometimes(&mut self, bytes_read: u64) -> Result<(), BackupError> {
        self.items_untold += 1;
        if self.items_untold < TELL_ITEMS {
            return Ok(());
        }
        self.items_untold = 0;
        let bytes_total = self.plan.files.iter().map(|file| file.bytes).sum();
        let progress = RestoreProgress { bytes: self.bytes_before + bytes_read, bytes_total };
        if (self.tell)(progress) { Ok(()) } else { Err(BackupError::Cancelled) }
    }
}
