//! The write-ahead log: appending, group write, group sync, rotation, reading back.
//!
//! A record passes three stages. *Appended*, it has its position and its room in the segment,
//! and waits in a buffer. *Written*, it is with the operating system and survives the process.
//! *Durable*, it survives a power cut. Whoever needs a later stage takes all that waits along.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex, MutexGuard};
use photondb_base::{Clock, LogPosition};

use crate::batch::Batch;
use crate::disk::Disk;
use crate::engine::{LogRecords, WhenReached};
use crate::error::StorageError;
use crate::log_format::{Payload, SEGMENT_HEADER_BYTES, TIME_FRAME_BYTES, frame_bytes, segment_name};
use crate::log_reader::Records;
use crate::log_spares::{Spare, Spares};
use crate::log_writer::{Segment, Writer};

/// The log tells the time when that has changed by so much since it did so last.
const TIME_STEP_MS: u64 = 100;
/// A buffer above this is not kept for the next records.
const BUFFER_KEPT_BYTES_MAX: usize = 1024 * 1024;
/// With more than this unwritten, appending writes.
const UNWRITTEN_BYTES_MAX: usize = 1024 * 1024;

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

/// The log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    segment_bytes: u64,
    poison: Poison,
    writer: Mutex<Writer>,
    /// Tells that a write has ended.
    wrote: Condvar,
    syncing: Mutex<bool>,
    synced: Condvar,
    appended: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    syncs: AtomicU64,
    spares: Spares,
    wants_spare: AtomicBool,
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
            wrote: Condvar::new(),
            syncing: Mutex::new(false),
            synced: Condvar::new(),
            appended: AtomicU64::new(position),
            written: AtomicU64::new(position),
            durable: AtomicU64::new(position),
            syncs: AtomicU64::new(0),
            spares,
            wants_spare: AtomicBool::new(false),
            writer: Mutex::new(Writer::new(tail.segments, position, tail.chain)),
        };
        let mut writer = log.writer.lock();
        if writer.segments.is_empty() {
            log.rotate(&mut writer)?;
        }
        drop(writer);
        Ok(log)
    }

    /// Gives a record its position and its room in the log. After an error it has neither.
    pub(crate) fn append(&self, record: &[u8]) -> Result<u64, StorageError> {
        self.poison.check()?;
        let mut writer = self.writer.lock();
        let is_segment_full = writer.segment_end() >= self.segment_bytes;
        if is_segment_full || writer.unwritten.len() > UNWRITTEN_BYTES_MAX {
            writer = self.write_all(writer)?;
        }
        if is_segment_full {
            self.rotate(&mut writer)?;
        }
        let half = self.segment_bytes / 2;
        let was_below = writer.segment_end() < half;
        writer.make_room((TIME_FRAME_BYTES + frame_bytes(record)) as u64)?;
        let (position, durable) = (writer.position, self.durable.load(Ordering::Acquire));
        if let Some(now_ms) = self.time_to_tell(&writer) {
            writer.put(position, durable, Payload::Time(now_ms));
            writer.time_ms = Some(now_ms);
        }
        let position = position + 1;
        writer.put(position, durable, Payload::Record(record));
        if was_below && writer.segment_end() >= half {
            self.wants_spare.store(self.spares.is_empty(), Ordering::Relaxed);
        }
        self.appended.store(position, Ordering::Release);
        Ok(position)
    }

    /// The time, if it is far enough from the one that the newest segment has told last. Also
    /// when it went back: the log says what the clock says.
    fn time_to_tell(&self, writer: &Writer) -> Option<u64> {
        let now_ms = (self.clock.now_seconds() * 1000.0) as u64;
        let is_news = writer.time_ms.is_none_or(|told_ms| now_ms.abs_diff(told_ms) >= TIME_STEP_MS);
        let may_hold_it = writer.segments.back().is_some_and(|segment| segment.header.may_hold_times());
        (is_news && may_hold_it).then_some(now_ms)
    }

    /// Blocks until everything up to `position` is written.
    pub(crate) fn write_to(&self, position: u64) -> Result<(), StorageError> {
        let position = position.min(self.appended.load(Ordering::Acquire));
        if self.written.load(Ordering::Acquire) >= position {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        while self.written.load(Ordering::Acquire) < position {
            if writer.is_writing {
                self.wrote.wait(&mut writer);
                continue;
            }
            writer = self.lead(writer, None)?;
        }
        Ok(())
    }

    /// Calls `done` when everything up to `position` is written. Writes it here, unless
    /// somebody is writing: they will go on with what has come in the meantime.
    pub(crate) fn when_written(&self, position: u64, done: WhenReached) {
        if self.written.load(Ordering::Acquire) >= position {
            return done(Ok(()));
        }
        let mut writer = self.writer.lock();
        if self.written.load(Ordering::Acquire) >= position {
            drop(writer);
            done(Ok(()));
        } else if writer.is_writing {
            writer.waiting.push(done);
        } else {
            // Whoever waits has been told of an error.
            drop(self.lead(writer, Some(done)));
        }
    }

    /// Writes everything that is appended.
    fn write_all<'a>(
        &'a self,
        mut writer: MutexGuard<'a, Writer>,
    ) -> Result<MutexGuard<'a, Writer>, StorageError> {
        loop {
            if writer.is_writing {
                self.wrote.wait(&mut writer);
            } else if writer.unwritten.is_empty() {
                return Ok(writer);
            } else {
                writer = self.lead(writer, None)?;
            }
        }
    }

    /// Writes what is appended, and then what others who wait have appended meanwhile. Nobody
    /// else must be writing.
    fn lead<'a>(
        &'a self,
        mut writer: MutexGuard<'a, Writer>,
        done: Option<WhenReached>,
    ) -> Result<MutexGuard<'a, Writer>, StorageError> {
        let mut waiting: Vec<WhenReached> = done.into_iter().collect();
        let result = self.write_unwritten(&mut writer);
        let mut told = result.clone();
        loop {
            MutexGuard::unlocked(&mut writer, || {
                self.wrote.notify_all();
                waiting.drain(..).for_each(|done| done(told.clone()));
            });
            if writer.waiting.is_empty() || writer.is_writing {
                return result.map(|()| writer);
            }
            waiting.append(&mut writer.waiting);
            told = self.write_unwritten(&mut writer);
        }
    }

    /// Hands what is appended to the operating system, unlocked. What could not be written
    /// because the disk is full stays, to be tried again.
    fn write_unwritten(&self, writer: &mut MutexGuard<'_, Writer>) -> Result<(), StorageError> {
        self.poison.check()?;
        let position = writer.position;
        let Some(Segment { name, file, end, .. }) = writer.segments.back().cloned() else { return Ok(()) };
        let spare = std::mem::take(&mut writer.spare_buffer);
        let mut frames = std::mem::replace(&mut writer.unwritten, spare);
        (writer.is_writing, writer.in_flight) = (true, frames.len() as u64);
        let result = MutexGuard::unlocked(writer, || file.write_all_at(&frames, end));
        (writer.is_writing, writer.in_flight) = (false, 0);
        if let Err(error) = result {
            frames.append(&mut writer.unwritten);
            writer.unwritten = frames;
            let error = StorageError::io(&name, "write", error);
            return Err(if error.is_full() { error } else { self.poison.set(error) });
        }
        if let Some(segment) = writer.segments.back_mut() {
            segment.end = end + frames.len() as u64;
        }
        if frames.capacity() <= BUFFER_KEPT_BYTES_MAX {
            frames.clear();
            writer.spare_buffer = frames;
        }
        self.written.store(position, Ordering::Release);
        Ok(())
    }

    /// Blocks until everything up to `position` is durable.
    pub(crate) fn sync_to(&self, position: u64) -> Result<(), StorageError> {
        let position = position.min(self.appended.load(Ordering::Acquire));
        if self.durable.load(Ordering::Acquire) >= position {
            return Ok(());
        }
        self.write_to(position)?;
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
            let written = self.written.load(Ordering::Acquire);
            (closed, is_directory_unsynced, writer.segments.back().cloned(), written)
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
        writer.segments.push_back(Segment {
            name,
            file,
            header,
            first,
            chain: writer.chain,
            end,
            last: None,
        });
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

    /// Gives the room of files that wait for a rush of writes back, but for one that will soon be
    /// needed.
    pub(crate) fn give_spares_back(&self) {
        let is_half_full = self.writer.lock().segment_end() >= self.segment_bytes / 2;
        self.spares.keep(usize::from(is_half_full));
    }

    /// Gives the room back by which the newest segment is longer than what is in it.
    pub(crate) fn cut_newest(&self) -> Result<(), StorageError> {
        let mut writer = self.writer.lock();
        let end = writer.segment_end();
        let Some(segment) = writer.segments.back() else { return Ok(()) };
        let cut = |error| StorageError::io(&segment.name, "cut", error);
        segment.file.set_length(end).map_err(cut)?;
        writer.length = end;
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
        self.state_durable()?;
        self.cut_newest()?;
        self.spares.keep(0);
        let newest = self.writer.lock().segments.back().cloned();
        newest.map_or(Ok(()), |segment| self.sync_segment(&segment))
    }

    /// Writes what nobody waits for, and what is durable when nothing newer has stated it: after
    /// a power cut, damage to the last records can then be told from a torn write.
    pub(crate) fn state_durable(&self) -> Result<(), StorageError> {
        self.poison.check()?;
        let mut writer = self.write_all(self.writer.lock())?;
        let durable = self.durable.load(Ordering::Acquire);
        if writer.stated < durable {
            writer.make_room(frame_bytes(&[]) as u64)?;
            let position = writer.position;
            writer.put(position, durable, Payload::Marker);
            drop(self.write_all(writer)?);
        }
        Ok(())
    }

    pub(crate) fn appended(&self) -> LogPosition {
        LogPosition(self.appended.load(Ordering::Acquire))
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
        self.write_to(u64::MAX)?;
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
