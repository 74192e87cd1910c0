//! Adding to a set what is missing in it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::Clock;
use photondb_storage::{Engine, LogMark};

use crate::error::BackupError;
use crate::file::BackupFile;
use crate::set::SetWriter;
use crate::stream::BackupStream;

/// What kind of backup is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackupMode {
    /// An increment where that is possible, else a base.
    #[default]
    Automatic,
    /// A base.
    Full,
    /// An increment or an error.
    IncrementalOnly,
}

/// Where backups come from: an engine here, or a server elsewhere.
pub trait BackupSource {
    /// Begins a base, or an increment behind a mark. `false` when nothing was written behind it;
    /// [`BackupError::Discontinued`] when there can be no increment.
    fn begin(&mut self, after: Option<LogMark>) -> Result<bool, BackupError>;

    /// The next piece of what was begun; `None` behind the last one.
    fn next_piece(&mut self) -> Result<Option<Bytes>, BackupError>;
}

/// Backups of an engine in this process.
pub struct EngineSource {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    stream: Option<BackupStream>,
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupProgress {
    /// Entries or records that are done.
    pub items: u64,
    /// Of so many.
    pub items_total: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// What was added to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The new file; `None` when nothing was written since the last one.
    pub file: Option<BackupFile>,
    /// Why it is a base where there were backups to go on from.
    pub discontinued: Option<String>,
}

impl EngineSource {
    /// Backups of an engine, with the time from a clock.
    pub fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>) -> Self {
        Self { engine, clock, stream: None }
    }
}

impl BackupSource for EngineSource {
    fn begin(&mut self, after: Option<LogMark>) -> Result<bool, BackupError> {
        let (engine, clock) = (&*self.engine, &*self.clock);
        self.stream = match after {
            None => Some(BackupStream::base(engine, clock)?),
            Some(mark) => BackupStream::increment(engine, clock, mark)?,
        };
        Ok(self.stream.is_some())
    }

    fn next_piece(&mut self) -> Result<Option<Bytes>, BackupError> {
        self.stream.as_mut().map_or(Ok(None), BackupStream::next_piece)
    }
}

/// Adds a backup to the set in a directory, which is made when it is not there. `tell` is told
/// how far it is, and cancels it by `false`.
pub fn take(
    directory: &Path,
    source: &mut dyn BackupSource,
    mode: BackupMode,
    tell: &mut dyn FnMut(BackupProgress) -> bool,
) -> Result<Taken, BackupError> {
    let writer = SetWriter::open(directory)?;
    let after = match mode {
        BackupMode::Full => None,
        _ => writer.set.end(),
    };
    if mode == BackupMode::IncrementalOnly && after.is_none() {
        return Err(BackupError::NothingToContinue { directory: directory.to_owned() });
    }
    let mut discontinued = None;
    let is_begun = match source.begin(after) {
        Err(BackupError::Discontinued { reason }) if mode == BackupMode::Automatic => {
            discontinued = Some(reason);
            source.begin(None)?
        }
        other => other?,
    };
    if !is_begun {
        return Ok(Taken { file: None, discontinued });
    }
    let mut file = writer.begin()?;
    let start = after.filter(|_| discontinued.is_none());
    while let Some(piece) = source.next_piece()? {
        file.write(&piece)?;
        let header = file.header();
        if header.is_some_and(|header| start.is_some_and(|start| header.start != start)) {
            return Err(BackupError::Source("what came is not what was asked for".to_owned()));
        }
        let items_total = header.map_or(0, |header| header.items);
        if !tell(BackupProgress { items: file.items(), items_total, bytes: file.bytes() }) {
            return Err(BackupError::Cancelled);
        }
    }
    Ok(Taken { file: Some(file.finish()?), discontinued })
}
