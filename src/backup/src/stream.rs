//! Making a backup of an engine that goes on working.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use photondb_base::{Clock, LogPosition, TreeId};
use photondb_storage::{Cursor, Direction, Engine, KeyRange, LogHistory, LogMark, Snapshot, StorageError};

use crate::block::{BlockWriter, CONTENT_BYTES_MAX};
use crate::content::{put_entry, put_record, put_time, put_tree};
use crate::error::BackupError;
use crate::header::{BackupKind, FileHeader, Totals};

/// How often a base is begun anew when the log was cut behind the snapshot meanwhile.
const BEGINS_MAX: u32 = 8;

/// The pieces of one backup file: its header, its blocks, its totals. Holds a snapshot or files
/// of the log while it lives; writers never wait for it.
pub struct BackupStream {
    header: FileHeader,
    /// The header as a piece, until it was given out.
    first: Option<Bytes>,
    source: Source,
    content: BytesMut,
    items_pending: u32,
    blocks: BlockWriter,
    totals: Totals,
    is_over: bool,
}

enum Source {
    Trees { snapshot: Arc<dyn Snapshot>, left: VecDeque<TreeId>, cursor: Option<Cursor> },
    Log { history: LogHistory, end: LogPosition },
}

impl BackupStream {
    /// Begins a base: all trees as of now. Waits until that is durable.
    pub fn base(engine: &dyn Engine, clock: &dyn Clock) -> Result<Self, BackupError> {
        // Increments are to follow.
        engine.keep_history()?;
        let (snapshot, mark) = durable_snapshot(engine)?;
        let time_ms = now_ms(clock);
        let trees = snapshot.trees()?;
        let items = trees.iter().map(|(_, entries)| entries).sum();
        let header = FileHeader { kind: BackupKind::Base, start: mark, end: mark, time_ms, items };
        let left = trees.iter().map(|(tree, _)| *tree).collect();
        Ok(Self::new(header, Source::Trees { snapshot, left, cursor: None }))
    }

    /// Begins an increment: the log behind a mark, up to now. `None` when nothing was written
    /// since; [`BackupError::Discontinued`] when this is not the log that the mark is of, or it no
    /// longer reaches back. Waits until what was written is durable.
    pub fn increment(
        engine: &dyn Engine,
        clock: &dyn Clock,
        after: LogMark,
    ) -> Result<Option<Self>, BackupError> {
        let time_ms = now_ms(clock);
        engine.keep_history()?;
        let end = engine.applied();
        engine.wait_durable(end)?;
        let history = engine.log_after(after).map_err(discontinued)?;
        if end == after.position {
            return Ok(None);
        }
        let end = engine.log_mark(end)?;
        let items = end.position.0 - after.position.0;
        let header = FileHeader { kind: BackupKind::Increment, start: after, end, time_ms, items };
        Ok(Some(Self::new(header, Source::Log { history, end: end.position })))
    }

    fn new(header: FileHeader, source: Source) -> Self {
        let first = header.encode();
        Self {
            header,
            source,
            content: BytesMut::new(),
            items_pending: 0,
            blocks: BlockWriter::new(FileHeader::seed(&first)),
            first: Some(Bytes::copy_from_slice(&first)),
            totals: Totals::default(),
            is_over: false,
        }
    }

    /// What the file will hold.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// The next piece of the file; `None` behind the last one. After an error nothing follows.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, BackupError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.is_over {
            return Ok(None);
        }
        match self.piece() {
            Ok(piece) => Ok(Some(piece)),
            Err(error) => {
                self.is_over = true;
                Err(error)
            }
        }
    }

    fn piece(&mut self) -> Result<Bytes, BackupError> {
        while self.content.len() < CONTENT_BYTES_MAX && self.fill()? {}
        if self.content.is_empty() {
            self.is_over = true;
            return Ok(self.blocks.totals(self.totals));
        }
        let content = self.content.split_to(self.content.len().min(CONTENT_BYTES_MAX));
        self.totals.content_bytes += content.len() as u64;
        Ok(self.blocks.content(&content, std::mem::take(&mut self.items_pending)))
    }

    /// Adds one item to the content; `false` when there is none left.
    fn fill(&mut self) -> Result<bool, BackupError> {
        match &mut self.source {
            Source::Trees { snapshot, left, cursor } => {
                let Some(entries) = cursor else {
                    let Some(tree) = left.pop_front() else { return Ok(false) };
                    put_tree(&mut self.content, tree);
                    self.totals.trees += 1;
                    *cursor = Some(snapshot.range(tree, KeyRange::all(), Direction::Forward));
                    return Ok(true);
                };
                match entries.next()? {
                    Some((key, value)) => put_entry(&mut self.content, &key, &value),
                    None => {
                        *cursor = None;
                        return Ok(true);
                    }
                }
            }
            Source::Log { history, end } => {
                if self.totals.items == self.header.items {
                    return Ok(false);
                }
                let entry = history.next().transpose()?.filter(|entry| entry.mark.position <= *end);
                // What is durable cannot be gone.
                let missing = || StorageError::OtherLog { position: *end };
                let entry = entry.ok_or_else(missing)?;
                if let Some(time_ms) = entry.time_ms.filter(|time| *time != self.totals.last_time_ms) {
                    put_time(&mut self.content, time_ms);
                    self.totals.last_time_ms = time_ms;
                    if self.totals.first_time_ms == 0 {
                        self.totals.first_time_ms = time_ms;
                    }
                }
                put_record(&mut self.content, &entry.record);
            }
        }
        self.totals.items += 1;
        self.items_pending += 1;
        Ok(true)
    }
}

/// A snapshot that no power cut can take back, and its mark.
fn durable_snapshot(engine: &dyn Engine) -> Result<(Arc<dyn Snapshot>, LogMark), BackupError> {
    let mut begins = 0;
    loop {
        let snapshot = engine.snapshot();
        engine.wait_durable(snapshot.position())?;
        begins += 1;
        match engine.log_mark(snapshot.position()) {
            Ok(mark) => return Ok((snapshot, mark)),
            Err(StorageError::LogTooOld { .. }) if begins < BEGINS_MAX => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn discontinued(error: StorageError) -> BackupError {
    match error {
        StorageError::LogTooOld { .. } | StorageError::OtherLog { .. } => {
            BackupError::Discontinued { reason: error.to_string() }
        }
        error => error.into(),
    }
}

fn now_ms(clock: &dyn Clock) -> u64 {
    (clock.now_seconds() * 1000.0) as u64
}
