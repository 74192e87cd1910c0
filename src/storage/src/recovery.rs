//! Finding the end of the log after a stop of any kind.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::log::{Segment, Tail};
use crate::log_format::{SEGMENT_HEADER_BYTES, SegmentHeader, proves_durable, read_frame, segment_first};

/// What a scan of one segment found.
struct Scanned {
    bytes: Bytes,
    /// Where the whole frames end.
    end: usize,
    position: u64,
    chain: u32,
}

/// Reads all segments, cuts a torn tail off and makes the rest durable. With `repair` unset
/// nothing is changed.
pub(crate) fn recover(disk: &Arc<dyn Disk>, checkpoint: u64, repair: bool) -> Result<Tail, StorageError> {
    let mut names: Vec<(u64, String)> = disk
        .list()
        .map_err(|error| StorageError::io("directory", "list", error))?
        .into_iter()
        .filter_map(|name| Some((segment_first(&name)?, name)))
        .collect();
    names.sort_unstable();
    let mut tail = Tail { segments: VecDeque::new(), position: checkpoint, chain: 0 };
    let count = names.len();
    for (index, (first, name)) in names.into_iter().enumerate() {
        let is_last = index + 1 == count;
        let file_name = name.as_str();
        let io = |operation| move |error| StorageError::io(file_name, operation, error);
        let file = disk.open(&name).map_err(io("open"))?;
        let bytes = read_all(&name, &*file)?;
        let Some(header) = SegmentHeader::decode(&name, &bytes)? else {
            // A segment is used only after its header is durable: this one never was.
            if is_last && bytes.len() <= SEGMENT_HEADER_BYTES {
                if repair {
                    disk.remove(&name).map_err(io("remove"))?;
                }
                continue;
            }
            return Err(StorageError::corrupt(&name, 0, "the segment's header is not whole"));
        };
        let continues = if index == 0 {
            header.first <= checkpoint + 1
        } else {
            header.first == tail.position + 1 && header.chain == tail.chain
        };
        if header.first != first || !continues {
            return Err(StorageError::corrupt(&name, 16, "log records before this segment are missing"));
        }
        let scanned = scan(bytes, &header);
        check_end(&name, &header, &scanned, is_last, checkpoint)?;
        if is_last && repair {
            if (scanned.end as u64) < file.length().map_err(io("measure"))? {
                file.set_length(scanned.end as u64).map_err(io("cut"))?;
            }
            file.sync().map_err(io("sync"))?;
        }
        (tail.position, tail.chain) = (scanned.position, scanned.chain);
        tail.segments.push_back(Segment { name: name.clone(), file, header, end: scanned.end as u64 });
    }
    Ok(tail)
}

/// Decides whether frames that stop early are a torn tail or damage.
fn check_end(
    name: &str,
    header: &SegmentHeader,
    scanned: &Scanned,
    is_last: bool,
    checkpoint: u64,
) -> Result<(), StorageError> {
    let is_whole = scanned.end >= scanned.bytes.len();
    let damaged = if is_last {
        scanned.position < checkpoint
            || (!is_whole && proves_durable(&scanned.bytes, header, scanned.end + 8, scanned.position + 1))
    } else {
        !is_whole
    };
    if damaged {
        return Err(StorageError::corrupt(name, scanned.end as u64, "a log record is not whole"));
    }
    Ok(())
}

fn scan(bytes: Bytes, header: &SegmentHeader) -> Scanned {
    let (mut end, mut position, mut chain) = (SEGMENT_HEADER_BYTES, header.first - 1, header.chain);
    while let Some(frame) = read_frame(&bytes, header, end, position, chain) {
        (end, position, chain) = (frame.end, frame.position, frame.checksum);
    }
    // A frame's padding may be cut off with the file.
    Scanned { end: end.min(bytes.len()), bytes, position, chain }
}

fn read_all(name: &str, file: &dyn DiskFile) -> Result<Bytes, StorageError> {
    let io = |error| StorageError::io(name, "read", error);
    let length = file.length().map_err(io)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, 0).map_err(io)?;
    Ok(bytes.into())
}
