//! The write-ahead log: appending, group sync, rotation, reading back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use photondb_base::LogPosition;

use crate::batch::Batch;
use crate::disk::{Disk, DiskFile};
use crate::engine::LogRecords;
use crate::error::StorageError;
use crate::log_format::{
    SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes, put_frame, read_frame, segment_name,
};

/// A segment grows ahead of the writer by its own length, within these bounds.
const ALLOCATE_BYTES_MIN: u64 = 16 * 1024;
const ALLOCATE_BYTES_MAX: u64 = 4 * 1024 * 1024;

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
    /// Bytes in use.
    pub end: u64,
}

/// The log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    poison: Poison,
    writer: Mutex<Writer>,
    syncing: Mutex<bool>,
    synced: Condvar,
    written: AtomicU64,
    durable: AtomicU64,
    syncs: AtomicU64,
    salt: Box<dyn Fn() -> u32 + Send + Sync>,
}

struct Writer {
    segments: VecDeque<Segment>,
    /// Length of the newest file, of which `end` is in use.
    allocated: u64,
    position: u64,
    chain: u32,
    /// Highest durable position that the log itself states.
    stated: u64,
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
        segment_bytes: u64,
        poison: Poison,
        tail: Tail,
        salt: Box<dyn Fn() -> u32 + Send + Sync>,
    ) -> Result<Self, StorageError> {
        let position = tail.position;
        let mut writer = Writer {
            allocated: tail.segments.back().map_or(0, |segment| segment.end),
            segments: tail.segments,
            position,
            chain: tail.chain,
            stated: 0,
            buffer: Vec::new(),
        };
        let log = Self {
            disk,
            segment_bytes,
            poison,
            syncing: Mutex::new(false),
            synced: Condvar::new(),
            written: AtomicU64::new(position),
            durable: AtomicU64::new(position),
            syncs: AtomicU64::new(0),
            salt,
            writer: Mutex::new(Writer {
                segments: VecDeque::new(),
                allocated: 0,
                position: 0,
                chain: 0,
                stated: 0,
                buffer: Vec::new(),
            }),
        };
        if writer.segments.is_empty() {
            log.add_segment(&mut writer)?;
        }
        *log.writer.lock() = writer;
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
        writer.buffer.clear();
        writer.buffer.reserve(records.iter().map(|record| frame_bytes(record)).sum());
        let durable = self.durable.load(Ordering::Acquire);
        let (mut position, mut chain) = (writer.position, writer.chain);
        for record in records {
            position += 1;
            let out = &mut writer.buffer;
            chain = put_frame(out, &segment.header, position, durable, chain, Some(record));
        }
        write_frames(&self.poison, segment, &mut writer.allocated, &writer.buffer)?;
        if writer.buffer.capacity() > 4 << 20 {
            writer.buffer = Vec::new();
        }
        let first = writer.position + 1;
        (writer.position, writer.chain, writer.stated) = (position, chain, durable);
        self.written.store(position, Ordering::Release);
        Ok(first)
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
        let (segment, position) = {
            let writer = self.writer.lock();
            (writer.segments.back().cloned(), writer.position)
        };
        if let Some(segment) = segment {
            self.sync_segment(&segment)?;
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

    /// Closes the newest segment and begins the next one.
    fn rotate(&self, writer: &mut Writer) -> Result<(), StorageError> {
        if let Some(segment) = writer.segments.back() {
            segment
                .file
                .set_length(segment.end)
                .map_err(|error| StorageError::io(&segment.name, "cut", error))?;
            writer.allocated = segment.end;
            self.sync_segment(segment)?;
            self.durable.fetch_max(writer.position, Ordering::AcqRel);
        }
        self.add_segment(writer)
    }

    fn add_segment(&self, writer: &mut Writer) -> Result<(), StorageError> {
        let header = SegmentHeader { first: writer.position + 1, chain: writer.chain, salt: (self.salt)() };
        let name = segment_name(header.first);
        let file = self.disk.create(&name).map_err(|error| StorageError::io(&name, "create", error))?;
        file.write_all_at(&header.encode(), 0).map_err(|error| StorageError::io(&name, "write", error))?;
        let failed = |error| self.poison.set(StorageError::io(&name, "sync", error));
        file.sync().map_err(failed)?;
        self.disk.sync_directory().map_err(failed)?;
        let end = SEGMENT_HEADER_BYTES as u64;
        writer.allocated = end;
        writer.segments.push_back(Segment { name, file, header, end });
        Ok(())
    }

    /// Removes segments that only hold positions up to `position`, as long as `keep_bytes` stay.
    pub(crate) fn remove_before(&self, position: u64, keep_bytes: u64) {
        let mut removed = Vec::new();
        {
            let mut writer = self.writer.lock();
            let mut bytes: u64 = writer.segments.iter().map(|segment| segment.end).sum();
            while let (Some(first), Some(second)) = (writer.segments.front(), writer.segments.get(1)) {
                bytes -= first.end;
                if second.header.first > position + 1 || bytes < keep_bytes {
                    break;
                }
                removed.extend(writer.segments.pop_front());
            }
        }
        for segment in removed {
            // What could not be removed now is removed after the next start.
            if let Err(error) = self.disk.remove(&segment.name) {
                tracing::warn!(file = segment.name, %error, "could not remove a log segment");
            }
        }
    }

    /// Leaves the log so that the next start finds it whole: durable, stating so, and cut to
    /// its length.
    pub(crate) fn close(&self) -> Result<(), StorageError> {
        self.poison.check()?;
        self.sync_to(u64::MAX)?;
        let mut writer = self.writer.lock();
        let durable = self.durable.load(Ordering::Acquire);
        let writer = &mut *writer;
        let Some(segment) = writer.segments.back_mut() else { return Ok(()) };
        let is_empty = segment.end == SEGMENT_HEADER_BYTES as u64;
        if writer.stated < durable && !is_empty {
            writer.buffer.clear();
            let out = &mut writer.buffer;
            let chain = put_frame(out, &segment.header, writer.position, durable, writer.chain, None);
            write_frames(&self.poison, segment, &mut writer.allocated, &writer.buffer)?;
            (writer.chain, writer.stated) = (chain, durable);
        }
        let cut = |error| StorageError::io(&segment.name, "cut", error);
        segment.file.set_length(segment.end).map_err(cut)?;
        writer.allocated = segment.end;
        self.sync_segment(segment)
    }

    /// Writes down what is durable when nothing newer has done so: after a power cut, damage to
    /// the last records can then be told from a torn write.
    pub(crate) fn state_durable(&self) -> Result<(), StorageError> {
        self.poison.check()?;
        let mut writer = self.writer.lock();
        let writer = &mut *writer;
        let durable = self.durable.load(Ordering::Acquire);
        let Some(segment) = writer.segments.back_mut() else { return Ok(()) };
        if writer.stated >= durable || segment.end == SEGMENT_HEADER_BYTES as u64 {
            return Ok(());
        }
        writer.buffer.clear();
        let out = &mut writer.buffer;
        let chain = put_frame(out, &segment.header, writer.position, durable, writer.chain, None);
        write_frames(&self.poison, segment, &mut writer.allocated, &writer.buffer)?;
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
        let first = segments.first().map_or(0, |segment| segment.header.first);
        if position.0 + 1 < first {
            return Err(StorageError::LogTooOld { requested: position, oldest: LogPosition(first - 1) });
        }
        let after: Vec<u64> = segments.iter().skip(1).map(|segment| segment.header.first).collect();
        let skipped = after.iter().take_while(|first| **first <= position.0 + 1).count();
        let segments = segments.into_iter().skip(skipped).collect();
        Ok(Records { segments, current: None, position, failed: false })
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
    allocated: &mut u64,
    frames: &[u8],
) -> Result<(), StorageError> {
    let end = segment.end + frames.len() as u64;
    if end > *allocated {
        let ahead = segment.end.clamp(ALLOCATE_BYTES_MIN, ALLOCATE_BYTES_MAX);
        let target = end.max(*allocated + ahead);
        let reserve = |target: u64| segment.file.allocate(*allocated, target - *allocated);
        // Close to a full disk, what is needed right now may still fit.
        let result = reserve(target).map(|()| target).or_else(|_| reserve(end).map(|()| end));
        *allocated = result.map_err(|error| StorageError::io(&segment.name, "grow", error))?;
    }
    if let Err(error) = segment.file.write_all_at(frames, segment.end) {
        let error = StorageError::io(&segment.name, "write", error);
        // Whole frames may have been written, which recovery would take for committed ones.
        if !error.is_full() || segment.file.set_length(segment.end).is_err() {
            return Err(poison.set(error));
        }
        *allocated = segment.end;
        return Err(error);
    }
    segment.end = end;
    Ok(())
}

/// Reads a segment's bytes in use.
pub(crate) fn read_segment(segment: &Segment) -> Result<Bytes, StorageError> {
    let mut bytes = vec![0; segment.end as usize];
    match segment.file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(bytes.into()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(StorageError::corrupt(&segment.name, 0, "the file is shorter than it was"))
        }
        Err(error) => Err(StorageError::io(&segment.name, "read", error)),
    }
}

/// Encoded records in order, read segment by segment.
pub(crate) struct Records {
    segments: VecDeque<Segment>,
    current: Option<Reading>,
    position: LogPosition,
    failed: bool,
}

struct Reading {
    segment: Segment,
    bytes: Bytes,
    at: usize,
    position: u64,
    chain: u32,
}

impl Records {
    fn read(&mut self) -> Result<Option<(LogPosition, Bytes)>, StorageError> {
        loop {
            let Some(reading) = &mut self.current else {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                let bytes = read_segment(&segment)?;
                let (position, chain) = (segment.header.first - 1, segment.header.chain);
                self.current = Some(Reading { segment, bytes, at: SEGMENT_HEADER_BYTES, position, chain });
                continue;
            };
            if reading.at >= reading.bytes.len() {
                self.current = None;
                continue;
            }
            let header = &reading.segment.header;
            let frame = read_frame(&reading.bytes, header, reading.at, reading.position, reading.chain);
            let Some(frame) = frame else {
                let (name, at) = (&reading.segment.name, reading.at as u64);
                return Err(StorageError::corrupt(name, at, "a record is not whole"));
            };
            (reading.at, reading.position, reading.chain) = (frame.end, frame.position, frame.checksum);
            if let Some(record) = frame.record
                && frame.position > self.position.0
            {
                return Ok(Some((LogPosition(frame.position), record)));
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<(LogPosition, Bytes), StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let result = self.read();
        self.failed = result.is_err();
        result.transpose()
    }
}
