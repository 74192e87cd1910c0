//! Reading the log back.

use std::collections::VecDeque;

use bytes::Bytes;
use photondb_base::LogPosition;

use crate::error::StorageError;
use crate::log_format::{Frame, SEGMENT_HEADER_BYTES, SegmentHeader, read_frame};
use crate::log_writer::Segment;

/// The frames of some segments in order, one segment in memory at a time.
pub(crate) struct Frames {
    segments: VecDeque<Segment>,
    current: Option<Reading>,
    /// Position and checksum of the last frame of the segment before.
    before: Option<(u64, u32)>,
}

struct Reading {
    segment: Segment,
    bytes: Bytes,
    at: usize,
    position: u64,
    chain: u32,
    time_ms: Option<u64>,
}

impl Frames {
    pub(crate) fn new(segments: VecDeque<Segment>) -> Self {
        Self { segments, current: None, before: None }
    }

    /// The next frame.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Frame>, StorageError> {
        loop {
            let Some(reading) = &mut self.current else {
                let Some(segment) = self.segments.pop_front() else { return Ok(None) };
                let is_next = self.before.is_none_or(|before| before == (segment.first - 1, segment.chain));
                if !is_next {
                    let detail = "the segment does not continue the one before";
                    return Err(StorageError::corrupt(&segment.name, 0, detail));
                }
                self.current = Some(Reading::open(segment)?);
                continue;
            };
            match reading.read()? {
                Some(frame) => return Ok(Some(frame)),
                None => self.before = Some((reading.position, reading.chain)),
            }
            self.current = None;
        }
    }

    /// The segment of the frame that was read last.
    pub(crate) fn segment(&self) -> Option<&Segment> {
        self.current.as_ref().map(|reading| &reading.segment)
    }

    /// The time that the segment of this frame has told last.
    pub(crate) fn time_ms(&self) -> Option<u64> {
        self.current.as_ref().and_then(|reading| reading.time_ms)
    }
}

impl Reading {
    fn open(segment: Segment) -> Result<Self, StorageError> {
        let bytes = read_segment(&segment)?;
        if SegmentHeader::decode(&segment.name, &bytes)? != Some(segment.header) {
            return Err(StorageError::corrupt(&segment.name, 0, "the segment's header is not whole"));
        }
        let (position, chain) = (segment.first - 1, segment.chain);
        Ok(Self { segment, bytes, at: SEGMENT_HEADER_BYTES, position, chain, time_ms: None })
    }

    /// The next frame, up to the end of the segment.
    fn read(&mut self) -> Result<Option<Frame>, StorageError> {
        let Segment { name, header, last, .. } = &self.segment;
        let is_complete = last.is_none_or(|last| last == self.position);
        if self.at >= self.bytes.len() && is_complete {
            return Ok(None);
        }
        match read_frame(&self.bytes, header, self.at, self.position, self.chain) {
            Some(frame) => {
                (self.at, self.position, self.chain) = (frame.end, frame.position, frame.checksum);
                self.time_ms = frame.time_ms.or(self.time_ms);
                Ok(Some(frame))
            }
            // Behind the last frame there may be anything.
            None if last.is_some() && is_complete => Ok(None),
            None => Err(StorageError::corrupt(name, self.at as u64, "a log record is not whole")),
        }
    }
}

fn read_segment(segment: &Segment) -> Result<Bytes, StorageError> {
    let mut bytes = vec![0; segment.end as usize];
    match segment.file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(bytes.into()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err(StorageError::corrupt(&segment.name, 0, "the file is shorter than it was"))
        }
        Err(error) => Err(StorageError::io(&segment.name, "read", error)),
    }
}

/// Encoded records in order.
pub(crate) struct Records {
    frames: Frames,
    position: LogPosition,
    is_over: bool,
}

impl Records {
    /// The records of some segments behind a position that is in the first of them.
    pub(crate) fn new(segments: VecDeque<Segment>, after: LogPosition) -> Self {
        Self { frames: Frames::new(segments), position: after, is_over: false }
    }

    fn read(&mut self) -> Result<Option<(LogPosition, Bytes)>, StorageError> {
        while let Some(frame) = self.frames.next_frame()? {
            if let Some(record) = frame.record
                && frame.position > self.position.0
            {
                return Ok(Some((LogPosition(frame.position), record)));
            }
        }
        Ok(None)
    }
}

impl Iterator for Records {
    type Item = Result<(LogPosition, Bytes), StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let result = self.read();
        self.is_over = !matches!(result, Ok(Some(_)));
        result.transpose()
    }
}
