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
/// The bits of the tag of an array or object that hold its [`Width`].
const WIDTH_BITS: u8 = 0x03;

/// The size of the words in an array or object.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Width {
    One = 0,
    Two = 1,
    Four = 2,
}

impl Width {
    /// Bytes of a word.
    #[inline]
    pub(super) const fn bytes(self) -> usize {
        1 << self as u8
    }

    /// Bytes before the first word: the tag and the depth, which has one byte where the
    /// words do, since so short a value cannot be nested deeper than that.
    #[inline]
    pub(super) const fn prefix_bytes(self) -> usize {
        match self {
            Self::One => 2,
            Self::Two | Self::Four => 3,
        }
    }

    /// The width in the tag of an array or object.
    #[inline]
    pub(super) const fn of_tag(tag: u8) -> Option<Self> {
        match tag & WIDTH_BITS {
            0 => Some(Self::One),
            1 => Some(Self::Two),
            2 => Some(Self::Four),
            _ => None,
        }
    }

    /// The smallest width for so many words and bytes, and the bytes of the header.
    pub(super) fn fitting(words: usize, contents: usize) -> (Self, usize) {
        for (width, total_max) in [(Self::One, usize::from(u8::MAX)), (Self::Two, usize::from(u16::MAX))] {
            let header = width.prefix_bytes() + words * width.bytes();
            if header + contents <= total_max {
                return (width, header);
            }
        }
        (Self::Four, Self::Four.prefix_bytes() + words * Self::Four.bytes())
    }

    /// The word at a position.
    #[inline]
    pub(super) fn word(self, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..)?;
        Some(match self {
            Self::One => usize::from(*rest.first()?),
            Self::Two => usize::from(u16::from_le_bytes(*rest.first_chunk()?)),
            Self::Four => u32::from_le_bytes(*rest.first_chunk()?) as usize,
        })
    }
}

/// The tag of an object of a pseudo-type, without its width.
pub(super) const fn object_tag(pseudo_type: Option<PseudoType>) -> u8 {
    OBJECT
        + match pseudo_type {
            None | Some(PseudoType::Binary) => 0x00,
            Some(PseudoType::Time) => 0x04,
            Some(PseudoType::Geometry) => 0x08,
            Some(PseudoType::Literal) => 0x0c,
        }
}

/// The pseudo-type behind the tag of an object.
pub(super) const fn pseudo_type_of(tag: u8) -> Option<PseudoType> {
    match tag & !WIDTH_BITS {
        0x24 => Some(PseudoType::Time),
        0x28 => Some(PseudoType::Geometry),
        0x2c => Some(PseudoType::Literal),
        _ => None,
    }
}

/// The tag of an array or object with other words.
pub(super) const fn with_width(tag: u8, width: Width) -> u8 {
    tag & !WIDTH_BITS | width as u8
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
    Width::fitting(words, contents).1 + contents
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

/// The fixed part of an array or object, checked against the bytes there are. Small, since
/// views are passed by value; the total length is that of their bytes.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) width: Width,
    pub(super) depth: u16,
    count: u32,
}

impl Header {
    /// Of nothing at all.
    pub(super) const EMPTY: Self = Self { width: Width::One, depth: 1, count: 0 };

    /// Reads it and cuts the bytes to the value; nothing when the value does not fit into
    /// `bytes` or its tables not into the value.
    #[inline]
    pub(super) fn read(bytes: &[u8], words_per_child: usize) -> Option<(Self, &[u8])> {
        let width = Width::of_tag(*bytes.first()?)?;
        let depth = match width {
            Width::One => u16::from(*bytes.get(1)?),
            Width::Two | Width::Four => u16::from_le_bytes(*bytes.get(1..)?.first_chunk()?),
        };
        let total = width.word(bytes, width.prefix_bytes())?;
        let count = width.word(bytes, width.prefix_bytes() + width.bytes())?;
        let header = Self { width, depth, count: count as u32 };
        let tables_end = header.table() + count.checked_mul(words_per_child)?.checked_mul(width.bytes())?;
        if tables_end > total {
            return None;
        }
        Some((header, bytes.get(..total)?))
    }

    /// The number of children.
    #[inline]
    pub(super) const fn count(self) -> usize {
        self.count as usize
    }

    /// Where the first table begins.
    #[inline]
    pub(super) const fn table(self) -> usize {
        self.width.prefix_bytes() + 2 * self.width.bytes()
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
        if bytes.first()? & !WIDTH_BITS != ARRAY {
            return None;
        }
        let (header, bytes) = Header::read(bytes, 1)?;
        Some(Self { bytes, header })
    }

    /// Reads bytes that were checked before; an empty array if they were not.
    #[inline]
    pub(crate) fn trusted(bytes: &'a [u8]) -> Self {
        Self::read(bytes).unwrap_or(Self { bytes: &[], header: Header::EMPTY })
    }

    #[inline]
    pub(crate) fn len(self) -> usize {
        self.header.count()
    }

    pub(crate) fn depth(self) -> usize {
        usize::from(self.header.depth)
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes that begin with each item.
    #[inline]
    pub(super) fn children(self) -> impl Iterator<Item = &'a [u8]> {
        let width = self.header.width;
        let table = self.header.table();
        (0..self.len()).map(move |index| {
            let offset = width.word(self.bytes, table + index * width.bytes()).unwrap_or(0);
            child_bytes(self.bytes, offset, table)
        })
    }

    /// The item at a position below the length.
    #[inline]
    pub(crate) fn get(self, index: usize) -> DatumRef<'a> {
        let width = self.header.width;
        let table = self.header.table();
        width
            .word(self.bytes, table + index * width.bytes())
            .map_or(DatumRef::Null, |offset| child(self.bytes, offset, table, self.header.depth))
    }
}

/// The value at an offset of its parent, null when that is not a place for a child.
#[inline]
pub(super) fn child(parent: &[u8], offset: usize, tables: usize, parent_depth: u16) -> DatumRef<'_> {
    read(child_bytes(parent, offset, tables), parent_depth.saturating_sub(1))
        .map_or(DatumRef::Null, |(value, _)| value)
}

/// What begins at an offset of a parent; nothing when that is not a place for a child.
#[inline]
pub(super) fn child_bytes(parent: &[u8], offset: usize, tables: usize) -> &[u8] {
    // A child that begins after the start of its parent is smaller than it, and its depth
    // must be less: following children ends, and soon.
    if offset < tables { &[] } else { parent.get(offset..).unwrap_or(&[]) }
}

/// The number at the start of the bytes, if that is what they begin with.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Option<f64> {
    let (&tag, rest) = bytes.split_first()?;
    match tag {
        // No value is infinite or not a number; order and output rely on it.
        DOUBLE => Some(f64::from_le_bytes(*rest.first_chunk()?)).filter(|number| number.is_finite()),
        INTEGER_8 => Some(f64::from(i8::from_le_bytes(*rest.first_chunk()?))),
        INTEGER_16 => Some(f64::from(i16::from_le_bytes(*rest.first_chunk()?))),
        INTEGER_32 => Some(f64::from(i32::from_le_bytes(*rest.first_chunk()?))),
        _ => None,
    }
}

/// The deepest nesting that is read; above what the language allows, well below what a
/// stack holds.
pub(super) const DEPTH_READ_MAX: u16 = 1000;

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
        DOUBLE => (DatumRef::Number(number(bytes)?), 9),
        INTEGER_8 => (DatumRef::Number(number(bytes)?), 2),
        INTEGER_16 => (DatumRef::Number(number(bytes)?), 3),
        INTEGER_32 => (DatumRef::Number(number(bytes)?), 5),
        STRING_SHORT | STRING_LONG => {
            let (blob, len) = read_blob(rest, tag == STRING_LONG)?;
            (DatumRef::String(blob), len)
        }
        BINARY_SHORT | BINARY_LONG => {
            let (blob, len) = read_blob(rest, tag == BINARY_LONG)?;
            (DatumRef::Binary(blob), len)
        }
        MAXVAL => (DatumRef::MaxVal, 1),
        0x10..=0x12 => {
            let array = PackedArray::read(bytes)?;
            if array.header.depth > depth_max.min(DEPTH_READ_MAX) {
                return None;
            }
            (DatumRef::Array(ArrayRef(ArrayView::Packed(array))), array.bytes.len())
        }
        0x20..=0x2e => {
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
pub(super) fn read_blob(rest: &[u8], long: bool) -> Option<(&[u8], usize)> {
    if long {
        let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        Some((rest.get(4..4usize.checked_add(len)?)?, 5 + len))
    } else {
        let len = usize::from(*rest.first()?);
        Some((rest.get(1..=len)?, 2 + len))
    }
}
