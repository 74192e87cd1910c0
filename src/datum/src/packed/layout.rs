//! The bytes of packed values and how to read them in place.

use crate::pseudo::PseudoType;
use crate::view::{ArrayRef, ArrayView, DatumRef, ObjectRef, ObjectView};

use super::object::PackedObject;

pub(super) const MINVAL: u8 = 0x01;
pub(super) const NULL: u8 = 0x02;
pub(super) const FALSE: u8 = 0x03;
pub(super) const TRUE: u8 = 0x04;
pub(super) const DOUBLE: u8 = 0x05;
pub(super) const INTEGER_8: u8 = 0x06;
pub(super) const INTEGER_16: u8 = 0x07;
pub(super) const INTEGER_32: u8 = 0x08;
// 0x09 is reserved for 64-bit integers that no double holds.
pub(super) const STRING_SHORT: u8 = 0x0a;
pub(super) const STRING_LONG: u8 = 0x0b;
pub(super) const BINARY_SHORT: u8 = 0x0c;
pub(super) const BINARY_LONG: u8 = 0x0d;
pub(super) const MAXVAL: u8 = 0x0e;
pub(super) const ARRAY: u8 = 0x10;
pub(super) const OBJECT: u8 = 0x20;
/// Added to the tag of an array or object whose words have 4 bytes.
pub(super) const WIDE: u8 = 0x01;

/// Bytes before the first word: the tag and the depth.
pub(super) const PREFIX_BYTES: usize = 3;

/// The tag of a narrow object of a pseudo-type.
pub(super) const fn object_tag(pseudo_type: Option<PseudoType>) -> u8 {
    OBJECT
        + match pseudo_type {
            None | Some(PseudoType::Binary) => 0,
            Some(PseudoType::Time) => 2,
            Some(PseudoType::Geometry) => 4,
            Some(PseudoType::Literal) => 6,
        }
}

/// The pseudo-type behind the tag of an object.
pub(super) const fn pseudo_type_of(tag: u8) -> Option<PseudoType> {
    match tag & !WIDE {
        0x22 => Some(PseudoType::Time),
        0x24 => Some(PseudoType::Geometry),
        0x26 => Some(PseudoType::Literal),
        _ => None,
    }
}

/// The number as an integer of 32 bits, unless that would lose something, the sign of the
/// negative zero included.
#[inline]
pub(super) fn small_integer(number: f64) -> Option<i32> {
    let integer = number as i32;
    (f64::from(integer).to_bits() == number.to_bits()).then_some(integer)
}

/// Bytes of a packed number.
pub(crate) fn number_bytes(number: f64) -> usize {
    match small_integer(number) {
        Some(n) if i8::try_from(n).is_ok() => 2,
        Some(n) if i16::try_from(n).is_ok() => 3,
        Some(_) => 5,
        None => 9,
    }
}

/// Bytes of a packed string or binary of a length.
pub(crate) fn blob_bytes(len: usize) -> usize {
    if len <= usize::from(u8::MAX) { 2 + len } else { 5 + len }
}

fn composite_bytes(contents: usize, words: usize) -> usize {
    let narrow = PREFIX_BYTES + words * 2 + contents;
    if narrow <= usize::from(u16::MAX) { narrow } else { PREFIX_BYTES + words * 4 + contents }
}

/// Bytes of a packed array whose items have these bytes.
pub(crate) fn array_bytes(items: impl ExactSizeIterator<Item = usize>) -> usize {
    let words = 2 + items.len();
    composite_bytes(items.sum(), words)
}

/// Bytes of a packed object whose fields, names included, have these bytes.
pub(crate) fn object_bytes(fields: impl ExactSizeIterator<Item = usize>) -> usize {
    let words = 2 + 2 * fields.len();
    composite_bytes(fields.sum(), words)
}

/// The fixed part of an array or object, checked against the bytes there are.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) wide: bool,
    pub(super) depth: u16,
    pub(super) total: usize,
    pub(super) count: usize,
}

impl Header {
    /// Reads it, or nothing when the value does not fit into `bytes` or its tables not into
    /// the value.
    #[inline]
    pub(super) fn read(bytes: &[u8], words_per_child: usize) -> Option<Self> {
        let wide = bytes.first()? & WIDE != 0;
        let depth = u16::from_le_bytes(*bytes.get(1..)?.first_chunk()?);
        let total = word(bytes, PREFIX_BYTES, wide)?;
        let count = word(bytes, PREFIX_BYTES + word_bytes(wide), wide)?;
        let header = Self { wide, depth, total, count };
        let tables_end =
            header.table() + count.checked_mul(words_per_child)?.checked_mul(word_bytes(wide))?;
        (tables_end <= total && total <= bytes.len()).then_some(header)
    }

    /// Where the first table begins.
    #[inline]
    pub(super) fn table(self) -> usize {
        PREFIX_BYTES + 2 * word_bytes(self.wide)
    }
}

#[inline]
pub(super) const fn word_bytes(wide: bool) -> usize {
    if wide { 4 } else { 2 }
}

/// The word at a position.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize, wide: bool) -> Option<usize> {
    let rest = bytes.get(at..)?;
    if wide {
        Some(u32::from_le_bytes(*rest.first_chunk()?) as usize)
    } else {
        Some(usize::from(u16::from_le_bytes(*rest.first_chunk()?)))
    }
}

/// A packed array: exactly its bytes.
#[derive(Clone, Copy)]
pub(crate) struct PackedArray<'a> {
    bytes: &'a [u8],
    header: Header,
}

impl<'a> PackedArray<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first()? & !WIDE != ARRAY {
            return None;
        }
        let header = Header::read(bytes, 1)?;
        Some(Self { bytes: bytes.get(..header.total)?, header })
    }

    /// Reads bytes that were checked before; an empty array if they were not.
    #[inline]
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        const NOTHING: Header = Header { wide: false, depth: 1, total: 0, count: 0 };
        Self::read(bytes).unwrap_or(Self { bytes: &[], header: NOTHING })
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.header.count
    }

    pub(crate) fn depth(self) -> usize {
        usize::from(self.header.depth)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The item at a position below the length.
    #[inline]
    pub(crate) fn get(self, index: usize) -> DatumRef<'a> {
        let wide = self.header.wide;
        let table = self.header.table();
        word(self.bytes, table + index * word_bytes(wide), wide)
            .map_or(DatumRef::Null, |offset| child(self.bytes, offset, table, self.header.depth))
    }
}

/// The value at an offset of its parent, null when that is not a place for a child.
#[inline]
pub(super) fn child(parent: &[u8], offset: usize, tables: usize, parent_depth: u16) -> DatumRef<'_> {
    // A child that begins after the start of its parent is smaller than it, and its depth
    // is less: following children ends, and soon.
    if offset < tables {
        return DatumRef::Null;
    }
    parent
        .get(offset..)
        .and_then(|rest| read(rest, parent_depth.saturating_sub(1)))
        .map_or(DatumRef::Null, |(value, _)| value)
}

/// The deepest nesting that is read; above what the language allows, well below what a
/// stack holds.
const DEPTH_READ_MAX: u16 = 1000;

/// Reads the value at the start of the bytes and its length; nothing when it is cut off,
/// unknown or nested deeper than `depth_max`.
#[inline]
pub(super) fn read(bytes: &[u8], depth_max: u16) -> Option<(DatumRef<'_>, usize)> {
    let (&tag, rest) = bytes.split_first()?;
    Some(match tag {
        MINVAL => (DatumRef::MinVal, 1),
        NULL => (DatumRef::Null, 1),
        FALSE => (DatumRef::Bool(false), 1),
        TRUE => (DatumRef::Bool(true), 1),
        DOUBLE => {
            let number = f64::from_le_bytes(*rest.first_chunk()?);
            // No value is infinite or not a number; order and output rely on it.
            if !number.is_finite() {
                return None;
            }
            (DatumRef::Number(number), 9)
        }
        INTEGER_8 => (DatumRef::Number(f64::from(i8::from_le_bytes(*rest.first_chunk()?))), 2),
        INTEGER_16 => (DatumRef::Number(f64::from(i16::from_le_bytes(*rest.first_chunk()?))), 3),
        INTEGER_32 => (DatumRef::Number(f64::from(i32::from_le_bytes(*rest.first_chunk()?))), 5),
        STRING_SHORT | STRING_LONG => {
            let (blob, len) = read_blob(rest, tag == STRING_LONG)?;
            (DatumRef::String(blob), len)
        }
        BINARY_SHORT | BINARY_LONG => {
            let (blob, len) = read_blob(rest, tag == BINARY_LONG)?;
            (DatumRef::Binary(blob), len)
        }
        MAXVAL => (DatumRef::MaxVal, 1),
        0x10 | 0x11 => {
            let array = PackedArray::read(bytes)?;
            if array.header.depth > depth_max.min(DEPTH_READ_MAX) {
                return None;
            }
            (DatumRef::Array(ArrayRef(ArrayView::Packed(array))), array.bytes.len())
        }
        0x20..=0x27 => {
            let object = PackedObject::read(bytes)?;
            if object.depth() > usize::from(depth_max.min(DEPTH_READ_MAX)) {
                return None;
            }
            (DatumRef::Object(ObjectRef(ObjectView::Packed(object))), object.bytes().len())
        }
        _ => return None,
    })
}

#[inline]
fn read_blob(rest: &[u8], long: bool) -> Option<(&[u8], usize)> {
    if long {
        let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        Some((rest.get(4..4usize.checked_add(len)?)?, 5 + len))
    } else {
        let len = usize::from(*rest.first()?);
        Some((rest.get(1..=len)?, 2 + len))
    }
}
