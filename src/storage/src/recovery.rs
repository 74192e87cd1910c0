//! Finding the end of the log after a stop of any kind.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::log::Tail;
use crate::log_format::{
    FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, first_chain, proves_durable, read_frame,
    segment_first,
};
use crate::log_writer::Segment;

/// A segment as it was found, with the log up to the end of its whole frames.
struct Scanned {
    segment: Segment,
    bytes: Bytes,
    position: u64,
    chain: u32,
}

/// Finds the end of the log, cuts a torn tail off and makes the rest durable. What is in segments
/// that the checkpoint has passed is not looked at: a start does not need it.
pub(crate) fn recover(disk: &Arc<dyn Disk>, checkpoint: u64) -> Result<Tail, StorageError> {
    let mut names = segment_names(disk)?;
    let not_passed = names.split_off(passed_segments(&names, checkpoint));
    let mut tail = read_tail(disk, not_passed, checkpoint, true)?;
    // The newest first: what is in front of a damaged one cannot be reached.
    while let (Some((first, name)), Some(next)) = (names.pop(), tail.segments.front()) {
        match passed_segment(disk, first, &name, next.first - 1) {
            Ok(segment) => tail.segments.push_front(segment),
            Err(error) => {
                tracing::error!(%error, "the log up to this segment is lost to incremental backups");
                break;
            }
        }
    }
    Ok(tail)
}

/// Reads the whole log and changes nothing.
pub(crate) fn verify(disk: &Arc<dyn Disk>, checkpoint: u64) -> Result<Tail, StorageError> {
    read_tail(disk, segment_names(disk)?, checkpoint, false)
}

/// How many segments hold nothing but what is in the trees of the checkpoint.
fn passed_segments(names: &[(u64, String)], checkpoint: u64) -> usize {
    names.iter().skip(1).take_while(|(first, _)| *first <= checkpoint).count()
}

/// A segment whose records are not read now, the last of which is known from the next segment.
fn passed_segment(disk: &Arc<dyn Disk>, first: u64, name: &str, last: u64) -> Result<Segment, StorageError> {
    let file = disk.open(name).map_err(|error| StorageError::io(name, "open", error))?;
    let io = |error| StorageError::io(name, "read", error);
    let mut start = vec![0; SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES];
    file.read_exact_at(&mut start, 0).map_err(io)?;
    let header = SegmentHeader::decode(name, &start)?.ok_or_else(|| header_damage(name))?;
    let (end, chain) = (file.length().map_err(io)?, first_chain(&start));
    Ok(Segment { name: name.to_owned(), file, header, first, chain, end, last: Some(last) })
}

fn header_damage(name: &str) -> StorageError {
    StorageError::corrupt(name, 0, "the segment's header is not whole")
}

/// Reads segments up to the end of the log. With `repair` unset nothing is changed.
fn read_tail(
    disk: &Arc<dyn Disk>,
    names: Vec<(u64, String)>,
    checkpoint: u64,
    repair: bool,
) -> Result<Tail, StorageError> {
    let mut tail = Tail { segments: VecDeque::new(), position: checkpoint, chain: 0 };
    let mut last: Option<Scanned> = None;
    let mut behind = names.into_iter();
    while let Some((first, name)) = behind.next() {
        if let Some(before) = &last
            && first != before.position + 1
        {
            let lost: Vec<_> = [(first, name)].into_iter().chain(behind).collect();
            check_lost(disk, before, &lost, checkpoint)?;
            if repair {
                remove(disk, &lost)?;
            }
            break;
        }
        let scanned = scan(disk, first, name, last.as_ref().map(|before| before.chain))?;
        if last.is_none() && first > checkpoint + 1 {
            let detail = "log records before this segment are missing";
            return Err(StorageError::corrupt(&scanned.segment.name, 0, detail));
        }
        (tail.position, tail.chain) = (scanned.position, scanned.chain);
        tail.segments.push_back(scanned.segment.clone());
        last = Some(scanned);
    }
    if let Some(last) = last {
        if last.position < checkpoint || last.states_durable(last.segment.end as usize + 8, last.position + 1)
        {
            return Err(last.damage());
        }
        if repair {
            last.cut()?;
            make_durable(disk, &tail.segments)?;
        }
    }
    Ok(tail)
}

/// The segments in order, by their first positions.
fn segment_names(disk: &Arc<dyn Disk>) -> Result<Vec<(u64, String)>, StorageError> {
    let names = disk.list().map_err(|error| StorageError::io("directory", "list", error))?;
    let mut names: Vec<_> =
        names.into_iter().filter_map(|name| Some((segment_first(&name)?, name))).collect();
    names.sort_unstable();
    Ok(names)
}

/// Decides whether a log that goes on behind a gap was torn there or is damaged: segments can
/// follow before the last records in front of them are durable.
fn check_lost(
    disk: &Arc<dyn Disk>,
    before: &Scanned,
    behind: &[(u64, String)],
    checkpoint: u64,
) -> Result<(), StorageError> {
    for (first, name) in behind {
        let scanned = scan(disk, *first, name.clone(), None)?;
        if *first <= before.position
            || before.position < checkpoint
            || scanned.states_durable(SEGMENT_HEADER_BYTES, before.position + 1)
        {
            return Err(before.damage());
        }
    }
    Ok(())
}

fn remove(disk: &Arc<dyn Disk>, segments: &[(u64, String)]) -> Result<(), StorageError> {
    for (_, name) in segments {
        disk.remove(name).map_err(|error| StorageError::io(name, "remove", error))?;
    }
    disk.sync_directory().map_err(|error| StorageError::io("directory", "sync", error))
}

/// A process that was killed may have left records to the operating system alone.
fn make_durable(disk: &Arc<dyn Disk>, segments: &VecDeque<Segment>) -> Result<(), StorageError> {
    for Segment { name, file, .. } in segments {
        file.sync().map_err(|error| StorageError::io(name, "sync", error))?;
    }
    disk.sync_directory().map_err(|error| StorageError::io("directory", "sync", error))
}

impl Scanned {
    fn damage(&self) -> StorageError {
        StorageError::corrupt(&self.segment.name, self.segment.end, "a log record is not whole")
    }

    /// Whether a whole frame at or behind an offset says that a position was durable.
    fn states_durable(&self, from: usize, position: u64) -> bool {
        proves_durable(&self.bytes, &self.segment.header, from, position)
    }

    /// Cuts off what is behind the whole frames.
    fn cut(&self) -> Result<(), StorageError> {
        let Segment { name, file, end, .. } = &self.segment;
        if *end < self.bytes.len() as u64 {
            file.set_length(*end).map_err(|error| StorageError::io(name, "cut", error))?;
        }
        Ok(())
    }
}

/// Reads a segment, which continues a log that ends with `chain`.
fn scan(disk: &Arc<dyn Disk>, first: u64, name: String, chain: Option<u32>) -> Result<Scanned, StorageError> {
    let file = disk.open(&name).map_err(|error| StorageError::io(&name, "open", error))?;
    let bytes = read_all(&name, &*file)?;
    // A file gets the name of a segment only after its header is durable.
    let header = SegmentHeader::decode(&name, &bytes)?.ok_or_else(|| header_damage(&name))?;
    let first_chain = chain.unwrap_or_else(|| first_chain(&bytes));
    let (mut end, mut position, mut chain) = (SEGMENT_HEADER_BYTES, first - 1, first_chain);
    while let Some(frame) = read_frame(&bytes, &header, end, position, chain) {
        (end, position, chain) = (frame.end, frame.position, frame.checksum);
    }
    // A frame's padding may be cut off with the file.
    let end = end.min(bytes.len()) as u64;
    let segment = Segment { name, file, header, first, chain: first_chain, end, last: None };
    Ok(Scanned { segment, bytes, position, chain })
}

fn read_all(name: &str, file: &dyn DiskFile) -> Result<Bytes, StorageError> {
    let io = |error| StorageError::io(name, "read", error);
    let length = file.length().map_err(io)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, 0).map_err(io)?;
    Ok(bytes.into())
}
