//! The fields of an object that is being written, and how they come into order.

use crate::error::DatumError;

use super::header::{HeaderWriter, Layout};
use super::layout::{object_tag, read};

/// Where a value of an open array or object stands, and its name.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) value_start: usize,
    name_start: usize,
    name_end: usize,
    /// The first bytes of the name, as a number that is in order where they are.
    name_head: u64,
}

impl Child {
    /// A value of an array.
    pub(super) fn item(value_start: usize) -> Self {
        Self { value_start, name_start: 0, name_end: 0, name_head: 0 }
    }

    /// A value of an object, whose name stands among the other names.
    pub(super) fn field(name: &[u8], name_start: usize, value_start: usize) -> Self {
        let name_head = match name.first_chunk() {
            Some(head) => u64::from_be_bytes(*head),
            // Shorter than that: what is missing counts as zeros.
            None => name.iter().rev().fold(0, |head, byte| head >> 8 | u64::from(*byte) << 56),
        };
        Self { value_start, name_start, name_end: name_start + name.len(), name_head }
    }
}

/// The fields of an open object as they were written.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    children: &'a [Child],
    /// The names of all open objects.
    names: &'a [u8],
    /// The values of all that is open; those of this object are the last ones.
    buffer: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(children: &'a [Child], names: &'a [u8], buffer: &'a [u8]) -> Self {
        Self { children, names, buffer }
    }

    pub(super) fn len(self) -> usize {
        self.children.len()
    }

    fn name(self, index: usize) -> &'a [u8] {
        let Child { name_start, name_end, .. } = self.children[index];
        &self.names[name_start..name_end]
    }

    fn value(self, index: usize) -> &'a [u8] {
        let end = self.children.get(index + 1).map_or(self.buffer.len(), |next| next.value_start);
        &self.buffer[self.children[index].value_start..end]
    }

    /// Whether the name of a field is smaller than that of another one.
    #[inline]
    fn precedes(self, left: usize, right: usize) -> bool {
        let heads = (self.children[left].name_head, self.children[right].name_head);
        heads.0 < heads.1 || heads.0 == heads.1 && self.name(left) < self.name(right)
    }

    /// Whether they came in the order of their names, none twice.
    pub(super) fn are_sorted(self) -> bool {
        (1..self.len()).all(|index| self.precedes(index - 1, index))
    }

    /// Whether they are in order as another object of so many fields was.
    pub(super) fn are_sorted_by(self, order: &[u32]) -> bool {
        order.len() == self.len()
            && order.windows(2).all(|pair| self.precedes(pair[0] as usize, pair[1] as usize))
    }

    /// Finds the order of their names, for equal ones that in which they came. Returns whether
    /// there are equal ones.
    pub(super) fn sort(self, order: &mut Vec<u32>) -> bool {
        order.clear();
        order.extend(0..self.len() as u32);
        order.sort_by(|left, right| self.name(*left as usize).cmp(self.name(*right as usize)));
        !self.are_sorted_by(order)
    }

    /// The error of a name that is there twice.
    pub(super) fn repeated(self, order: &[u32]) -> DatumError {
        let pair = order.windows(2).find(|pair| !self.precedes(pair[0] as usize, pair[1] as usize));
        let name = pair.map_or(&[][..], |pair| self.name(pair[0] as usize));
        DatumError::DuplicateKey(String::from_utf8_lossy(name).into_owned())
    }

    /// Takes all but the last one of equal names out of an order.
    pub(super) fn keep_last(self, order: &mut Vec<u32>) {
        order.dedup_by(|next, kept| {
            let is_repeated = self.name(*next as usize) == self.name(*kept as usize);
            if is_repeated {
                *kept = *next;
            }
            is_repeated
        });
    }

    /// The depth of the deepest value.
    pub(super) fn deepest(self, order: &[u32]) -> u16 {
        let depth = |index: &u32| match read(self.value(*index as usize), u16::MAX) {
            Some((value, _)) => u16::try_from(value.depth()).unwrap_or(u16::MAX),
            None => 0,
        };
        order.iter().map(depth).max().unwrap_or(0)
    }

    /// Writes the whole object over what a buffer held, its fields in the order in which they are
    /// or in another one.
    pub(super) fn assemble(self, order: Option<&[u32]>, depth: u16, out: &mut Vec<u8>) {
        let Some(order) = order else {
            let names = self.children.first().map_or(self.names.len(), |first| first.name_start)..;
            let values = self.children.first().map_or(self.buffer.len(), |first| first.value_start)..;
            let (names, values) = (&self.names[names], &self.buffer[values]);
            self.header(0..self.len(), (names.len(), values.len()), depth, out);
            out.extend_from_slice(names);
            out.extend_from_slice(values);
            return;
        };
        let order = order.iter().map(|index| *index as usize);
        let lengths = order.clone().fold((0, 0), |(names, values), index| {
            (names + self.name(index).len(), values + self.value(index).len())
        });
        self.header(order.clone(), lengths, depth, out);
        order.clone().for_each(|index| out.extend_from_slice(self.name(index)));
        order.for_each(|index| out.extend_from_slice(self.value(index)));
    }

    /// Writes what is before the names, for names and values of so many bytes.
    fn header(
        self,
        order: impl ExactSizeIterator<Item = usize> + Clone,
        (names_len, values_len): (usize, usize),
        depth: u16,
        out: &mut Vec<u8>,
    ) {
        let layout = Layout::of(names_len + values_len, order.len(), 2);
        out.clear();
        out.reserve(layout.total);
        out.resize(layout.header_bytes, 0);
        let mut header = HeaderWriter::begin(out, object_tag(None), depth, order.len(), layout);
        let mut value_start = layout.header_bytes + names_len;
        for index in order.clone() {
            header.word(value_start);
            value_start += self.value(index).len();
        }
        let mut name_end = 0;
        for index in order {
            name_end += self.name(index).len();
            header.word(name_end);
        }
    }
}
