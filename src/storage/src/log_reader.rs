//! Reading the log back.

use std::collections::VecDeque;

use bytes::Bytes;
use photondb_base::LogPosition;

use crate::error::StorageError;
use crate::log_format::{SEGMENT_HEADER_BYTES, read_frame};
use crate::log_writer::Segment;

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
    /// The records of some segments behind a position that is in the first of them.
    pub(crate) fn new(segments: VecDeque<Segment>, after: LogPosition) -> Self {
        Self { segments, current: None, position: after, failed: false }
    }

    fn read(&mut self) -> Result<Option<(LogPosition, Bytes)>, StorageError> {
        loop {
            let Some(reading) = &mut self.current else {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                let bytes = read_segment(&segment)?;
                let (position, chain) = (segment.first - 1, segment.chain);
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
