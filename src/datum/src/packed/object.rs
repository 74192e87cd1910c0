//! Packed objects read in place.

use std::cmp::Ordering;
use std::ops::Range;

use crate::pseudo::PseudoType;
use crate::view::DatumRef;

use super::layout::{Header, OBJECT, child, number, pseudo_type_of};

/// A packed object: exactly its bytes.
#[derive(Clone, Copy)]
pub(crate) struct PackedObject<'a> {
    bytes: &'a [u8],
    header: Header,
}

/// How the fields of an object are called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape<'a> {
    pub word_bytes: usize,
    pub count: usize,
    /// Where each name ends, and the names.
    pub names: &'a [u8],
}

impl<'a> PackedObject<'a> {
    #[inline]
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.first()? & 0xf0 != OBJECT {
            return None;
        }
        let (header, bytes) = Header::read(bytes, 2)?;
        Some(Self { bytes, header })
    }

    /// Reads bytes that were checked before; an empty object if they were not.
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

    #[inline]
    pub(crate) fn pseudo_type(self) -> Option<PseudoType> {
        self.bytes.first().and_then(|tag| pseudo_type_of(*tag))
    }

    /// Where the names begin.
    #[inline]
    pub(super) fn names(self) -> usize {
        self.header.table() + 2 * self.header.count() * self.header.width.bytes()
    }

    /// What says how the fields are called: objects for which this is the same have the same names.
    #[inline]
    pub(crate) fn shape(self) -> Option<Shape<'a>> {
        let (width, count) = (self.header.width, self.header.count());
        let start = self.header.table() + count * width.bytes();
        let end = self.name_place(count.checked_sub(1)?)?.end;
        Some(Shape { word_bytes: width.bytes(), count, names: self.bytes.get(start..end)? })
    }

    /// The name at a position below the length; empty if it lies outside.
    #[inline]
    pub(crate) fn key(self, index: usize) -> &'a [u8] {
        self.name_place(index).and_then(|place| self.bytes.get(place)).unwrap_or(&[])
    }

    /// Where the name at a position below the length stands. Names stand one behind the other.
    #[inline]
    pub(super) fn name_place(self, index: usize) -> Option<Range<usize>> {
        let width = self.header.width;
        let end_at = self.header.table() + (self.header.count() + index) * width.bytes();
        let start = if index == 0 { 0 } else { width.word(self.bytes, end_at - width.bytes())? };
        let names = self.names();
        Some(names + start..names + width.word(self.bytes, end_at)?)
    }

    /// The value at a position below the length.
    #[inline]
    pub(crate) fn value(self, index: usize) -> DatumRef<'a> {
        let width = self.header.width;
        width
            .word(self.bytes, self.header.table() + index * width.bytes())
            .map_or(DatumRef::Null, |offset| child(self.bytes, offset, self.names(), self.header.depth))
    }

    /// The value at a position below the length, if it is a number.
    #[inline]
    pub(crate) fn number(self, index: usize) -> Option<f64> {
        let width = self.header.width;
        let offset = width.word(self.bytes, self.header.table() + index * width.bytes())?;
        if offset < self.names() { None } else { number(self.bytes.get(offset..)?) }
    }

    /// Where the values from a position on begin; for the length, where they end. `None` when
    /// that is no place for a value.
    #[inline]
    pub(super) fn value_start(self, index: usize) -> Option<usize> {
        if index == self.len() {
            return Some(self.bytes.len());
        }
        let width = self.header.width;
        let start = width.word(self.bytes, self.header.table() + index * width.bytes())?;
        (self.names()..=self.bytes.len()).contains(&start).then_some(start)
    }

    /// Where the values begin, in order.
    #[inline]
    pub(super) fn offsets(self) -> impl Iterator<Item = usize> {
        let (width, table) = (self.header.width, self.header.table());
        let offset = move |index| width.word(self.bytes, table + index * width.bytes()).unwrap_or(0);
        (0..self.header.count()).map(offset)
    }

    /// The fields in order.
    #[inline]
    pub(crate) fn fields(self) -> PackedFields<'a> {
        let word_bytes = self.header.width.bytes();
        PackedFields {
            object: self,
            front: 0,
            back: self.header.count(),
            ends: self.header.table() + self.header.count() * word_bytes,
            names: self.names(),
            name_start: 0,
        }
    }

    /// The value of a field.
    #[inline]
    pub(crate) fn get(self, key: &str) -> Option<DatumRef<'a>> {
        self.position(key.as_bytes(), self.header.count() / 2).ok().map(|position| self.value(position))
    }

    /// Where a field is, or where it would be: a binary search that looks at `first` before
    /// anything else.
    #[inline]
    pub(crate) fn position(self, key: &[u8], first: usize) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.header.count());
        let mut probe = first;
        if probe >= high {
            probe = high / 2;
        } else if self.key(probe) == key {
            return Ok(probe);
        }
        while low < high {
            match self.key(probe).cmp(key) {
                Ordering::Less => low = probe + 1,
                Ordering::Greater => high = probe,
                Ordering::Equal => return Ok(probe),
            }
            probe = low + (high - low) / 2;
        }
        Err(low)
    }
}

/// The fields of a packed object in order, names as bytes. From the front each name is
/// read once; from the back it costs a little more.
pub(crate) struct PackedFields<'a> {
    object: PackedObject<'a>,
    front: usize,
    back: usize,
    /// Where the table of the ends of names begins.
    ends: usize,
    /// Where the names begin.
    names: usize,
    /// Where the next name from the front begins, counted from the first.
    name_start: usize,
}

impl<'a> PackedFields<'a> {
    /// Names and the offsets of values.
    pub(super) fn raw(mut self) -> impl Iterator<Item = (&'a [u8], usize)> {
        std::iter::from_fn(move || self.next_raw())
    }

    #[inline]
    fn next_raw(&mut self) -> Option<(&'a [u8], usize)> {
        if self.front == self.back {
            return None;
        }
        let PackedObject { bytes, header } = self.object;
        let at = self.front * header.width.bytes();
        let name_end = header.width.word(bytes, self.ends + at).unwrap_or(self.name_start);
        let name = bytes.get(self.names + self.name_start..self.names + name_end).unwrap_or(&[]);
        let offset = header.width.word(bytes, header.table() + at).unwrap_or(0);
        self.name_start = name_end;
        self.front += 1;
        Some((name, offset))
    }
}

impl<'a> Iterator for PackedFields<'a> {
    type Item = (&'a [u8], DatumRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (name, offset) = self.next_raw()?;
        let PackedObject { bytes, header } = self.object;
        Some((name, child(bytes, offset, self.names, header.depth)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back - self.front, Some(self.back - self.front))
    }
}

impl DoubleEndedIterator for PackedFields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        Some((self.object.key(self.back), self.object.value(self.back)))
    }
}

impl ExactSizeIterator for PackedFields<'_> {}
