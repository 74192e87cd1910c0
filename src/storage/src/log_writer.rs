//! The newest segment of the log and the frames on their way into it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::disk::DiskFile;
use crate::engine::WhenReached;
use crate::error::StorageError;
use crate::log_format::{Payload, SegmentHeader, put_frame};

/// A segment grows ahead of the writer by its own length, within these bounds.
const GROW_BYTES_MIN: u64 = 16 * 1024;
const GROW_BYTES_MAX: u64 = 1024 * 1024;
/// What segments grow with. Blocks that are written before they are needed make the syncs to
/// come cheap: these have then only bytes to write, and nothing to note about the file.
static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];
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
    /// Bytes in use; of the segment that is appended to, those that are written.
    pub end: u64,
    /// Position of the last record of a segment that was not read at the start, when it was behind
    /// the checkpoint: `end` is then the length of the file, of which less may be in use.
    pub last: Option<u64>,
}

/// What is appended to.
pub(crate) struct Writer {
    pub segments: VecDeque<Segment>,
    /// Length of the newest file, of which `end` is in use.
    pub length: u64,
    /// Closed segments, and whether there are new names, that no sync has seen.
    pub unsynced: Vec<Segment>,
    pub is_directory_unsynced: bool,
    pub position: u64,
    pub chain: u32,
    /// Highest durable position that the log itself states.
    pub stated: u64,
    /// The last time that the newest segment tells, in milliseconds since 1970.
    pub time_ms: Option<u64>,
    /// Frames for the newest segment that nobody has begun to write.
    pub unwritten: Vec<u8>,
    /// An empty buffer, kept for its room.
    pub spare_buffer: Vec<u8>,
    /// Bytes that somebody is writing behind the end of the newest segment.
    pub in_flight: u64,
    pub is_writing: bool,
    /// Who is to be told about the write after the one that is under way.
    pub waiting: Vec<WhenReached>,
}

impl Writer {
    /// Goes on behind the last of some segments.
    pub(crate) fn new(segments: VecDeque<Segment>, position: u64, chain: u32) -> Self {
        Self {
            length: segments.back().map_or(0, |segment| segment.end),
            segments,
            unsynced: Vec::new(),
            is_directory_unsynced: false,
            position,
            chain,
            stated: 0,
            time_ms: None,
            unwritten: Vec::new(),
            spare_buffer: Vec::new(),
            in_flight: 0,
            is_writing: false,
            waiting: Vec::new(),
        }
    }

    /// Where the newest segment ends when all that is appended is written.
    pub(crate) fn segment_end(&self) -> u64 {
        let written = self.segments.back().map_or(0, |segment| segment.end);
        written + self.in_flight + self.unwritten.len() as u64
    }

    /// Sees to it that the newest segment has blocks for so many bytes more: writing them later
    /// cannot fail because the disk is full, unless the file system writes all bytes to new
    /// blocks.
    pub(crate) fn make_room(&mut self, bytes: u64) -> Result<(), StorageError> {
        let end = self.segment_end() + bytes;
        let Some(segment) = self.segments.back() else {
            return Err(StorageError::corrupt("log", 0, "there is no segment to write to"));
        };
        if end > self.length {
            let ahead = end.clamp(GROW_BYTES_MIN, GROW_BYTES_MAX);
            // Close to a full disk, what is needed right now may still fit.
            self.length = grow(segment, self.length, end + ahead)
                .or_else(|_| grow(segment, self.length, end))
                .map_err(|error| StorageError::io(&segment.name, "grow", error))?;
        }
        Ok(())
    }

    /// Appends a frame, for which room was made.
    pub(crate) fn put(&mut self, position: u64, durable: u64, payload: Payload<'_>) {
        let Some(segment) = self.segments.back() else { return };
        self.chain = put_frame(&mut self.unwritten, &segment.header, position, durable, self.chain, payload);
        (self.position, self.stated) = (position, durable);
    }
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
