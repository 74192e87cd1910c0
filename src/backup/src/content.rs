//! The content of the blocks: entries of trees, or records of the log, one behind the other.
//! Blocks end anywhere in it.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use photondb_base::TreeId;
use photondb_storage::{BATCH_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};

const TREE: u8 = 1;
const ENTRY: u8 = 2;
const TIME: u8 = 3;
const RECORD: u8 = 4;

/// One thing in the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// The entries that follow are of this tree.
    Tree(TreeId),
    Entry {
        key: Bytes,
        value: Bytes,
    },
    /// The records that follow were written at this time, in milliseconds since 1970.
    Time(u64),
    Record(Bytes),
}

pub(crate) fn put_tree(out: &mut BytesMut, tree: TreeId) {
    out.put_u8(TREE);
    put_varint(out, tree.0);
}

pub(crate) fn put_entry(out: &mut BytesMut, key: &[u8], value: &[u8]) {
    out.reserve(24 + key.len() + value.len());
    out.put_u8(ENTRY);
    put_varint(out, key.len() as u64);
    put_varint(out, value.len() as u64);
    out.put_slice(key);
    out.put_slice(value);
}

pub(crate) fn put_time(out: &mut BytesMut, time_ms: u64) {
    out.put_u8(TIME);
    put_varint(out, time_ms);
}

pub(crate) fn put_record(out: &mut BytesMut, record: &[u8]) {
    out.reserve(12 + record.len());
    out.put_u8(RECORD);
    put_varint(out, record.len() as u64);
    out.put_slice(record);
}

/// Takes the next item off the front; `None` when it is not all there yet.
pub(crate) fn take_item(content: &mut BytesMut) -> Result<Option<Item>, &'static str> {
    let mut head = Head { bytes: content, at: 1 };
    let Some(kind) = head.bytes.first().copied() else { return Ok(None) };
    let sizes = match kind {
        TREE | TIME => head.varint()?.map(|number| (number, 0, 0)),
        ENTRY => match (head.varint()?, head.varint()?) {
            (Some(key), Some(value)) => {
                Some((0, length(key, KEY_BYTES_MAX)?, length(value, VALUE_BYTES_MAX)?))
            }
            _ => None,
        },
        RECORD => match head.varint()? {
            Some(record) => Some((0, 0, length(record, BATCH_BYTES_MAX)?)),
            None => None,
        },
        _ => return Err("the content makes no sense"),
    };
    let at = head.at;
    let Some((number, key_bytes, value_bytes)) = sizes else { return Ok(None) };
    if content.len() < at + key_bytes + value_bytes {
        return Ok(None);
    }
    content.advance(at);
    let key = content.split_to(key_bytes).freeze();
    let value = content.split_to(value_bytes).freeze();
    Ok(Some(match kind {
        TREE => Item::Tree(TreeId(number)),
        ENTRY => Item::Entry { key, value },
        TIME => Item::Time(number),
        _ => Item::Record(value),
    }))
}

fn length(number: u64, bytes_max: usize) -> Result<usize, &'static str> {
    match usize::try_from(number) {
        Ok(bytes) if bytes <= bytes_max => Ok(bytes),
        _ => Err("something in it is longer than anything can be"),
    }
}

/// Numbers in front of something.
struct Head<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Head<'_> {
    /// `None` when it is not all there yet.
    fn varint(&mut self) -> Result<Option<u64>, &'static str> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes.get(self.at) else { return Ok(None) };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(Some(value));
            }
        }
        Err("a number in it has no end")
    }
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8((value as u8) | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}
