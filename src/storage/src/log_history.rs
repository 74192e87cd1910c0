//! The log as a backup takes it: records as they are, each with what tells its log from others.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use photondb_base::LogPosition;

use crate::error::StorageError;
use crate::log_reader::Frames;
use crate::log_writer::Segment;

/// A position of one particular log. Two logs that were the same up to a position have the same
/// mark there, and no others: a data directory that was restored has a log of its own, and a
/// position that is used again after a power cut gets another mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogMark {
    /// The position of a record.
    pub position: LogPosition,
    /// Checksum of the record and of the chain of records before it, in the low half, and the
    /// random number that its part of the log began with.
    pub chain: u64,
}

/// As one word: the position, and what tells the log apart in 16 hexadecimal digits.
impl fmt::Display for LogMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.position, self.chain)
    }
}

impl FromStr for LogMark {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (position, chain) = text.split_once('-')?;
            Some((position.parse().ok()?, u64::from_str_radix(chain, 16).ok()?))
        };
        let unreadable = || StorageError::NoMark { text: text.to_owned() };
        let (position, chain) = read().ok_or_else(unreadable)?;
        Ok(Self { position: LogPosition(position), chain })
    }
}

/// A record of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Where it is.
    pub mark: LogMark,
    /// When it was written, to a tenth of a second: milliseconds since 1970. `None` where the
    /// log does not tell, as those of old formats.
    pub time_ms: Option<u64>,
    /// An encoded batch: see [`crate::Batch::unseal`].
    pub record: Bytes,
}

/// The records of a log in order, one segment in memory at a time.
pub struct LogHistory {
    frames: Frames,
    is_over: bool,
}

impl LogHistory {
    /// The mark of a position.
    pub(crate) fn find(segments: Vec<Segment>, position: LogPosition) -> Result<LogMark, StorageError> {
        Self::up_to(segments, position).map(|(_, mark)| mark)
    }

    /// The records behind a mark.
    pub(crate) fn after(segments: Vec<Segment>, mark: LogMark) -> Result<Self, StorageError> {
        let (history, found) = Self::up_to(segments, mark.position)?;
        if found != mark {
            return Err(StorageError::OtherLog { position: mark.position });
        }
        Ok(history)
    }

    /// Reads up to a position.
    fn up_to(segments: Vec<Segment>, position: LogPosition) -> Result<(Self, LogMark), StorageError> {
        let Some(oldest) = segments.first() else { return Err(StorageError::OtherLog { position }) };
        let (oldest_first, start) = (oldest.first, start_mark(oldest));
        let later = segments.iter().skip(1).take_while(|segment| segment.first <= position.0).count();
        let segments = segments.into_iter().skip(later).collect();
        let mut history = Self { frames: Frames::new(segments), is_over: false };
        if position == start.position {
            return Ok((history, start));
        }
        if position.0 < oldest_first {
            let oldest = LogPosition(oldest_first);
            return Err(StorageError::LogTooOld { requested: position, oldest });
        }
        for entry in history.by_ref() {
            let LogEntry { mark, .. } = entry?;
            if mark.position == position {
                return Ok((history, mark));
            }
        }
        Err(StorageError::OtherLog { position })
    }

    fn read(&mut self) -> Result<Option<LogEntry>, StorageError> {
        while let Some(frame) = self.frames.next_frame()? {
            if let (Some(record), Some(segment)) = (frame.record, self.frames.segment()) {
                let position = LogPosition(frame.position);
                let mark = LogMark { position, chain: chain(segment, frame.checksum) };
                return Ok(Some(LogEntry { mark, time_ms: self.frames.time_ms(), record }));
            }
        }
        Ok(None)
    }
}

/// The mark of the position in front of the oldest segment, whose record is not there. A log that
/// has just begun has no other.
fn start_mark(segment: &Segment) -> LogMark {
    LogMark { position: LogPosition(segment.first - 1), chain: chain(segment, segment.header.salt) }
}

fn chain(segment: &Segment, checksum: u32) -> u64 {
    u64::from(segment.header.salt) << 32 | u64::from(checksum)
}

impl Iterator for LogHistory {
    type Item = Result<LogEntry, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let result = self.read();
        self.is_over = !matches!(result, Ok(Some(_)));
        result.transpose()
    }
}
