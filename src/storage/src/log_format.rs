//! The bytes of a log segment: header and frames.

use bytes::Bytes;

use crate::error::StorageError;
use crate::pointer::read::{u32_at, u64_at};
use crate::superblock::{FORMAT_VERSION, checked_version};

pub(crate) const SEGMENT_HEADER_BYTES: usize = 32;
pub(crate) const FRAME_HEADER_BYTES: usize = 32;
const MAGIC: &[u8; 8] = b"PHOTOLOG";
const RECORD: u32 = 1;
const MARKER: u32 = 2;
const TIME: u32 = 3;
const TIME_BYTES: usize = 8;
/// The first version whose segments may hold times.
const TIME_VERSION: u32 = 3;

/// Start of a segment. It is written and durable before anybody knows what for: which positions
/// the segment holds, its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The format of what follows.
    version: u32,
    /// Goes into the checksum of every frame, so that neither a document nor what stood in the
    /// file before can look like a frame.
    pub salt: u32,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    /// A record, encoded.
    Record(&'a [u8]),
    /// Nothing but what stands in the header.
    Marker,
    /// The records behind it were written at or after this moment, in milliseconds since 1970.
    Time(u64),
}

/// One whole frame.
pub(crate) struct Frame {
    pub position: u64,
    pub checksum: u32,
    /// None for a marker or a time.
    pub record: Option<Bytes>,
    /// In milliseconds since 1970; none but in a time.
    pub time_ms: Option<u64>,
    /// Where the next frame starts.
    pub end: usize,
}

/// Name of the segment whose first record has this position.
pub(crate) fn segment_name(first: u64) -> String {
    format!("log-{first:016x}")
}

/// The first position of a segment's name.
pub(crate) fn segment_first(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("log-")?;
    if digits.len() != 16 {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().filter(|first| *first > 0)
}

impl SegmentHeader {
    /// The header of a new segment.
    pub(crate) fn new(salt: u32) -> Self {
        Self { version: FORMAT_VERSION, salt }
    }

    /// Whether programs that know this version know times. One that does not would take the
    /// first for the end of the log.
    pub(crate) fn may_hold_times(&self) -> bool {
        self.version >= TIME_VERSION
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        let mut rest = vec![0; 12];
        rest.extend_from_slice(&self.salt.to_le_bytes());
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&out), &rest);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&rest);
        out
    }

    /// Reads a header; `Ok(None)` when it is not whole.
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Option<Self>, StorageError> {
        let Some(header) = bytes.get(..SEGMENT_HEADER_BYTES) else { return Ok(None) };
        let Some(version) = checked_version(header, MAGIC) else { return Ok(None) };
        if version > FORMAT_VERSION {
            let (file, found, supported) = (name.into(), version, FORMAT_VERSION);
            return Err(StorageError::NewerFormat { file, found, supported });
        }
        Ok(u32_at(header, 28).map(|salt| Self { version, salt }))
    }
}

/// The chain that the first frame of a segment states; anything when there is no frame.
pub(crate) fn first_chain(segment: &[u8]) -> u32 {
    u32_at(segment, SEGMENT_HEADER_BYTES + 24).unwrap_or(0)
}

/// Appends a frame. Gives its checksum.
pub(crate) fn put_frame(
    out: &mut Vec<u8>,
    header: &SegmentHeader,
    position: u64,
    durable: u64,
    chain: u32,
    payload: Payload<'_>,
) -> u32 {
    let time;
    let (kind, payload) = match payload {
        Payload::Record(record) => (RECORD, record),
        Payload::Marker => (MARKER, [].as_slice()),
        Payload::Time(time_ms) => {
            time = time_ms.to_le_bytes();
            (TIME, time.as_slice())
        }
    };
    let length = (payload.len() as u32).to_le_bytes();
    let mut fields = [0u8; 24];
    let packed = u128::from(position) | u128::from(durable) << 64;
    if let Some((numbers, rest)) = fields.split_first_chunk_mut::<16>() {
        *numbers = packed.to_le_bytes();
        rest.copy_from_slice(&(u64::from(chain) | u64::from(kind) << 32).to_le_bytes());
    }
    let mut checksum = crc32c::crc32c_append(header.salt, &length);
    checksum = crc32c::crc32c_append(checksum, &fields);
    checksum = crc32c::crc32c_append(checksum, payload);
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&fields);
    out.extend_from_slice(payload);
    out.resize(out.len().next_multiple_of(8), 0);
    checksum
}

/// Length of the frame of a time.
pub(crate) const TIME_FRAME_BYTES: usize = FRAME_HEADER_BYTES + TIME_BYTES;

/// Length of the frame of a record.
pub(crate) fn frame_bytes(record: &[u8]) -> usize {
    (FRAME_HEADER_BYTES + record.len()).next_multiple_of(8)
}

/// Reads the frame at an offset of a segment, if there is a whole one that continues the log
/// after `position` with checksum `chain`.
pub(crate) fn read_frame(
    segment: &Bytes,
    header: &SegmentHeader,
    at: usize,
    position: u64,
    chain: u32,
) -> Option<Frame> {
    let (length, kind) = frame_lengths(segment, at)?;
    let expected = if kind == RECORD { position + 1 } else { position };
    if u64_at(segment, at + 8)? != expected || u32_at(segment, at + 24)? != chain {
        return None;
    }
    let end = at + FRAME_HEADER_BYTES + length;
    let checksum = frame_checksum(segment, header, at, end)?;
    // The padding carries nothing; a damaged byte there does no harm.
    let record = (kind == RECORD).then(|| segment.slice(at + FRAME_HEADER_BYTES..end));
    let time_ms = if kind == TIME { u64_at(segment, at + FRAME_HEADER_BYTES) } else { None };
    Some(Frame { position: expected, checksum, record, time_ms, end: end.next_multiple_of(8) })
}

/// Whether a whole frame somewhere behind `from` says that `position` was durable.
pub(crate) fn proves_durable(segment: &Bytes, header: &SegmentHeader, from: usize, position: u64) -> bool {
    let mut at = from.next_multiple_of(8);
    while at + FRAME_HEADER_BYTES <= segment.len() {
        let says = u64_at(segment, at + 16).is_some_and(|durable| durable >= position);
        if says
            && let Some((length, _)) = frame_lengths(segment, at)
            && frame_checksum(segment, header, at, at + FRAME_HEADER_BYTES + length).is_some()
        {
            return true;
        }
        at += 8;
    }
    false
}

fn frame_lengths(segment: &[u8], at: usize) -> Option<(usize, u32)> {
    let length = u32_at(segment, at)? as usize;
    let kind = u32_at(segment, at + 28)?;
    let fits = at + FRAME_HEADER_BYTES + length <= segment.len();
    let is_known = match kind {
        RECORD => true,
        MARKER => length == 0,
        TIME => length == TIME_BYTES,
        _ => false,
    };
    (fits && is_known).then_some((length, kind))
}

/// The checksum of a frame when it is right.
fn frame_checksum(segment: &[u8], header: &SegmentHeader, at: usize, end: usize) -> Option<u32> {
    let stored = u32_at(segment, at + 4)?;
    let checksum = crc32c::crc32c_append(header.salt, segment.get(at..at + 4)?);
    (crc32c::crc32c_append(checksum, segment.get(at + 8..end)?) == stored).then_some(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_and_every_flip_is_seen() {
        let header = SegmentHeader::new(0xdead_beef);
        let mut out = header.encode();
        assert_eq!(SegmentHeader::decode("log", &out).unwrap(), Some(header));
        let chain = put_frame(&mut out, &header, 5, 3, 77, Payload::Record(b"hello"));
        let chain = put_frame(&mut out, &header, 5, 5, chain, Payload::Marker);
        put_frame(&mut out, &header, 5, 5, chain, Payload::Time(1_700_000_000_123));
        let bytes = Bytes::from(out.clone());
        let frame = read_frame(&bytes, &header, 32, 4, 77).unwrap();
        assert_eq!(frame.record.as_deref(), Some(&b"hello"[..]));
        assert_eq!(frame.end, 32 + frame_bytes(b"hello"));
        let marker = read_frame(&bytes, &header, frame.end, 5, frame.checksum).unwrap();
        assert_eq!((marker.record, marker.time_ms), (None, None));
        let time = read_frame(&bytes, &header, marker.end, 5, marker.checksum).unwrap();
        assert_eq!((time.record, time.time_ms), (None, Some(1_700_000_000_123)));
        assert_eq!(time.end, marker.end + TIME_FRAME_BYTES);
        assert!(proves_durable(&bytes, &header, 40, 5));
        assert!(!proves_durable(&bytes, &header, 40, 6));
        for at in 32..32 + 32 + 5 {
            let mut bad = out.clone();
            bad[at] ^= 0x40;
            assert!(read_frame(&Bytes::from(bad), &header, 32, 4, 77).is_none());
        }
        for at in 0..32 {
            let mut bad = out.clone();
            bad[at] ^= 0x40;
            assert_eq!(SegmentHeader::decode("log", &bad).unwrap(), None);
        }
    }
}
