//! The write-ahead log: appending, group sync, rotation, reading back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use photondb_base::{Clock, LogPosition};

use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::engine::LogRecords;
use crate::error::StorageError;
use crate::log_format::{
    Payload, SEGMENT_HEADER_BYTES, SegmentHeader, TIME_FRAME_BYTES, frame_bytes, put_frame, segment_name,
};
use crate::log_reader::Records;
use crate::log_spares::{Spare, Spares};

/// A segment grows ahead of the writer by its own length, within these bounds.
const GROW_BYTES_MIN: u64 = 16 * 1024;
const GROW_BYTES_MAX: u64 = 1024 * 1024;
/// What segments grow with. Blocks that are written before they are needed make the syncs to
/// come cheap: these have then only bytes to write, and nothing to note about the file.
static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
/// Files for segments to come that are kept while nothing is written.
const SPARES_IDLE_MAX: usize = 1;
/// The log tells the time when that has changed by so much since it did so last.
const TIME_STEP_MS: u64 = 100;
/// A buffer above this is not kept for the next records.
const BUFFER_KEPT_BYTES_MAX: usize = 1024 * 1024;

/// Why writing has stopped, once it has.
#[derive(Clone, Default)]
pub(crate) struct Poison(Arc<OnceLock<Arc<str>>>);

impl Poison {
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        match self.0.get() {
            Some(reason) => Err(StorageError::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    /// Stops all writing because of an error. Gives the error back.
    pub(crate) fn set(&self, error: StorageError) -> StorageError {
        let reason = error.to_string();
        tracing::error!(%reason, "storage stops writing");
        self.0.get_or_init(|| reason.into());
        error
    }
}

/// One file of the log.
#[derive(Clone)]
pub(crate) struct Segment {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub header: SegmentHeader,
    /// Position of the first record.
    pub first: u64,
    /// Checksum of the last frame of the segment before.
    pub chain: u32,
    /// Bytes in use.
    pub end: u64,
}

/// The log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    segment_bytes: u64,
    poison: Poison,
    writer: Mutex<Writer>,
    syncing: Mutex<bool>,
    synced: Condvar,
    written: AtomicU64,
    durable: AtomicU64,
    syncs: AtomicU64,
    spares: Spares,
    wants_spare: AtomicBool,
}

struct Writer {
    segments: VecDeque<Segment>,
    /// Length of the newest file, of which `end` is in use.
    length: u64,
    /// Closed segments, and whether there are new names, that no sync has seen.
    unsynced: Vec<Segment>,
    is_directory_unsynced: bool,
    position: u64,
    chain: u32,
    /// Highest durable position that the log itself states.
    stated: u64,
    /// The last time that the newest segment tells, in milliseconds since 1970.
    time_ms: Option<u64>,
    buffer: Vec<u8>,
}

/// Where recovery found the end.
pub(crate) struct Tail {
    pub segments: VecDeque<Segment>,
    pub position: u64,
    pub chain: u32,
}

impl Log {
    /// Goes on behind `tail`, whose records are all durable.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        segment_bytes: u64,
        poison: Poison,
        tail: Tail,
        spares: Spares,
    ) -> Result<Self, StorageError> {
        let position = tail.position;
        let log = Self {
            disk,
            clock,
            segment_bytes,
            poison,
            syncing: Mutex::new(false),
            synced: Condvar::new(),
            written: AtomicU64::new(position),
            durable: AtomicU64::new(position),
            syncs: AtomicU64::new(0),
            spares,
            wants_spare: AtomicBool::new(false),
            writer: Mutex::new(Writer {
                length: tail.segments.back().map_or(0, |segment| segment.end),
                segments: tail.segments,
                unsynced: Vec::new(),
                is_directory_unsynced: false,
                position,
                chain: tail.chain,
                stated: 0,
                time_ms: None,
                buffer: Vec::new(),
            }),
        };
        let mut writer = log.writer.lock();
        if writer.segments.is_empty() {
            log.rotate(&mut writer)?;
        }
        drop(writer);
        Ok(log)
    }

    /// Writes records as one. Gives the position of the first. After an error nothing of them
    /// is in the log.
    pub(crate) fn append(&self, records: &[Bytes]) -> Result<u64, StorageError> {
        self.poison.check()?;
        let mut writer = self.writer.lock();
        if writer.segments.back().is_some_and(|segment| segment.end >= self.segment_bytes) {
            self.rotate(&mut writer)?;
        }
        let writer = &mut *writer;
        let Some(segment) = writer.segments.back_mut() else {
            return Err(StorageError::corrupt("log", 0, "there is no segment to write to"));
        };
        let frames_bytes: usize = records.iter().map(|record| frame_bytes(record)).sum();
        writer.buffer.clear();
        writer.buffer.reserve(TIME_FRAME_BYTES + frames_bytes);
        let durable = self.durable.load(Ordering::Acquire);
        let (mut position, mut chain, mut time_ms) = (writer.position, writer.chain, writer.time_ms);
        let out = &mut writer.buffer;
        if let Some(now_ms) = self.time_to_tell(segment, time_ms) {
            chain = put_frame(out, &segment.header, position, durable, chain, Payload::Time(now_ms));
            time_ms = Some(now_ms);
        }
        for record in records {
            position += 1;
            chain = put_frame(out, &segment.header, position, durable, chain, Payload::Record(record));
        }
        let half = self.segment_bytes / 2;
        let was_below = segment.end < half;
        write_frames(&self.poison, segment, &mut writer.length, &writer.buffer)?;
        if was_below && segment.end >= half {
            self.wants_spare.store(self.spares.is_empty(), Ordering::Relaxed);
        }
        if writer.buffer.capacity() > BUFFER_KEPT_BYTES_MAX {
            writer.buffer = Vec::new();
        }
        let first = writer.position + 1;
        (writer.position, writer.chain, writer.stated) = (position, chain, durable);
        writer.time_ms = time_ms;
        self.written.store(position, Ordering::Release);
        Ok(first)
    }

    /// The time, if it is far enough from the one that a segment has told last. Also when it
    /// went back: the log says what the clock says.
    fn time_to_tell(&self, segment: &Segment, told_ms: Option<u64>) -> Option<u64> {
        let now_ms = (self.clock.now_seconds() * 1000.0) as u64;
        let is_news = told_ms.is_none_or(|told_ms| now_ms.abs_diff(told_ms) >= TIME_STEP_MS);
        (is_news && segment.header.may_hold_times()).then_some(now_ms)
    }

    /// Blocks until everything up to `position` is durable.
    pub(crate) fn sync_to(&self, position: u64) -> Result<(), StorageError> {
        let position = position.min(self.written.load(Ordering::Acquire));
        let mut syncing = self.syncing.lock();
        loop {
            if self.durable.load(Ordering::Acquire) >= position {
                return Ok(());
            }
            self.poison.check()?;
            if *syncing {
                self.synced.wait(&mut syncing);
                continue;
            }
            *syncing = true;
            drop(syncing);
            let result = self.sync_written();
            syncing = self.syncing.lock();
            *syncing = false;
            self.synced.notify_all();
            result?;
        }
    }

    fn sync_written(&self) -> Result<(), StorageError> {
        let (closed, is_directory_unsynced, segment, position) = {
            let mut writer = self.writer.lock();
            let closed = std::mem::take(&mut writer.unsynced);
            let is_directory_unsynced = std::mem::take(&mut writer.is_directory_unsynced);
            (closed, is_directory_unsynced, writer.segments.back().cloned(), writer.position)
        };
        for segment in closed.iter().chain(&segment) {
            self.sync_segment(segment)?;
        }
        if is_directory_unsynced {
            let failed = |error| self.poison.set(StorageError::io("directory", "sync", error));
            self.disk.sync_directory().map_err(failed)?;
        }
        self.durable.fetch_max(position, Ordering::AcqRel);
        Ok(())
    }

    /// A sync that fails says nothing about what is on the disk, and neither would a second one.
    fn sync_segment(&self, segment: &Segment) -> Result<(), StorageError> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let failed = |error| self.poison.set(StorageError::io(&segment.name, "sync", error));
        segment.file.sync().map_err(failed)
    }

    /// Closes the newest segment and begins the next one. Waits for no disk as long as there is
    /// a spare file; the next sync does what is left to be done.
    fn rotate(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let Spare { name: spare_name, file, header, length } = self.spares.take()?;
        let first = writer.position + 1;
        let name = segment_name(first);
        self.disk.rename(&spare_name, &name).map_err(|error| StorageError::io(&name, "create", error))?;
        writer.unsynced.extend(writer.segments.back().cloned());
        writer.is_directory_unsynced = true;
        writer.length = length;
        // Who begins to read here must know it, too.
        writer.time_ms = None;
        let end = SEGMENT_HEADER_BYTES as u64;
        writer.segments.push_back(Segment { name, file, header, first, chain: writer.chain, end });
        Ok(())
    }

    /// Whether a file for the next segment will soon be needed, and there is none.
    pub(crate) fn wants_spare(&self) -> bool {
        self.wants_spare.load(Ordering::Relaxed)
    }

    /// Makes the file that is wanted.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        self.wants_spare.store(false, Ordering::Relaxed);
        self.spares.prepare()
    }

    /// Gives the room of files that wait for a rush of writes back.
    pub(crate) fn give_spares_back(&self) {
        self.spares.keep(SPARES_IDLE_MAX);
    }

    /// Removes segments that only hold positions up to `position`, as long as `keep_bytes` stay.
    pub(crate) fn remove_before(&self, position: u64, keep_bytes: u64) {
        let mut removed = Vec::new();
        {
            let mut writer = self.writer.lock();
            let mut bytes: u64 = writer.segments.iter().map(|segment| segment.end).sum();
            while let (Some(first), Some(second)) = (writer.segments.front(), writer.segments.get(1)) {
                bytes -= first.end;
                if second.first > position + 1 || bytes < keep_bytes {
                    break;
                }
                removed.extend(writer.segments.pop_front());
            }
        }
        self.spares.take_back(removed);
    }

    /// Leaves the log so that the next start finds it whole: durable, stating so, and cut to
    /// its length.
    pub(crate) fn close(&self) -> Result<(), StorageError> {
        self.poison.check()?;
        self.sync_to(u64::MAX)?;
        let mut writer = self.writer.lock();
        self.state(&mut writer)?;
        let Some(segment) = writer.segments.back().cloned() else { return Ok(()) };
        let cut = |error| StorageError::io(&segment.name, "cut", error);
        segment.file.set_length(segment.end).map_err(cut)?;
        writer.length = segment.end;
        self.spares.keep(0);
        self.sync_segment(&segment)
    }

    /// Writes down what is durable when nothing newer has done so: after a power cut, damage to
    /// the last records can then be told from a torn write.
    pub(crate) fn state_durable(&self) -> Result<(), StorageError> {
        self.poison.check()?;
        self.state(&mut self.writer.lock())
    }

    fn state(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let durable = self.durable.load(Ordering::Acquire);
        let Some(segment) = writer.segments.back_mut() else { return Ok(()) };
        if writer.stated >= durable {
            return Ok(());
        }
        writer.buffer.clear();
        let out = &mut writer.buffer;
        let chain = put_frame(out, &segment.header, writer.position, durable, writer.chain, Payload::Marker);
        write_frames(&self.poison, segment, &mut writer.length, &writer.buffer)?;
        (writer.chain, writer.stated) = (chain, durable);
        Ok(())
    }

    pub(crate) fn written(&self) -> LogPosition {
        LogPosition(self.written.load(Ordering::Acquire))
    }

    pub(crate) fn durable(&self) -> LogPosition {
        LogPosition(self.durable.load(Ordering::Acquire))
    }

    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Segments and their bytes in use.
    pub(crate) fn size(&self) -> (u64, u64) {
        let writer = self.writer.lock();
        (writer.segments.len() as u64, writer.segments.iter().map(|segment| segment.end).sum())
    }

    pub(crate) fn segments(&self) -> Vec<Segment> {
        self.writer.lock().segments.iter().cloned().collect()
    }

    /// The records behind `position`, encoded.
    pub(crate) fn since(&self, position: LogPosition) -> Result<Records, StorageError> {
        let segments = self.segments();
        let first = segments.first().map_or(0, |segment| segment.first);
        if position.0 + 1 < first {
            return Err(StorageError::LogTooOld { requested: position, oldest: LogPosition(first - 1) });
        }
        let after: Vec<u64> = segments.iter().skip(1).map(|segment| segment.first).collect();
        let skipped = after.iter().take_while(|first| **first <= position.0 + 1).count();
        Ok(Records::new(segments.into_iter().skip(skipped).collect(), position))
    }

    /// The records behind `position`.
    pub(crate) fn batches_since(&self, position: LogPosition) -> Result<LogRecords, StorageError> {
        Ok(Box::new(self.since(position)?.map(|record| {
            let (position, record) = record?;
            let malformed = || StorageError::corrupt("log", 0, "a record is malformed");
            Ok((position, Batch::unseal(&record).ok_or_else(malformed)?))
        })))
    }
}

fn write_frames(
    poison: &Poison,
    segment: &mut Segment,
    length: &mut u64,
    frames: &[u8],
) -> Result<(), StorageError> {
    let end = segment.end + frames.len() as u64;
    if end > *length {
        let ahead = segment.end.clamp(GROW_BYTES_MIN, GROW_BYTES_MAX);
        // Close to a full disk, what is needed right now may still fit.
        *length = grow(segment, *length, end + ahead).unwrap_or(end);
    }
    if let Err(error) = segment.file.write_all_at(frames, segment.end) {
        let error = StorageError::io(&segment.name, "write", error);
        // Whole frames may have been written, which recovery would take for committed ones.
        if !error.is_full() || segment.file.set_length(segment.end).is_err() {
            return Err(poison.set(error));
        }
        *length = segment.end;
        return Err(error);
    }
    segment.end = end;
    Ok(())
}

/// Makes a segment longer. Gives its length.
fn grow(segment: &Segment, mut length: u64, target: u64) -> std::io::Result<u64> {
    while length < target {
        let zeros = ZEROS.get(..(target - length) as usize).unwrap_or(&ZEROS);
        segment.file.write_all_at(zeros, length)?;
        length += zeros.len() as u64;
    }
    Ok(length)
}
