//! Changing a leaf in place.

use bytes::Bytes;

use super::heads::Heads;
use super::kept::{KEPT_BYTES_MIN, Kept};
use super::{ASIDE_BIT, Aside, KEPT_BIT, KEPT_MARK_BYTES, Leaf, Place};
use crate::node::{Root, Value};
use crate::page::{CHILD_BYTES, NODE_BYTES_MAX, SLOT_BIT, copy_to, shared_prefix, worth_prefix};
use crate::pointer::POINTER_BYTES;

impl Leaf {
    /// Adds an entry that comes to stand at `index`.
    pub(crate) fn insert(&mut self, index: usize, key: &[u8], value: Value) {
        if !key.starts_with(&self.prefix) {
            self.shorten_prefix(shared_prefix(&self.prefix, key));
        }
        let suffix = key.get(self.prefix.len()..).unwrap_or_default();
        let head = self.head_of(suffix);
        let (value, flag) = self.cell_of(value);
        let at = self.key_start(index);
        let length = suffix.len() + value.as_ref().len();
        self.open_gap(at, length);
        copy_to(&mut self.cells, at, suffix);
        copy_to(&mut self.cells, at + suffix.len(), value.as_ref());
        self.move_places(index, length);
        reserve(&mut self.places, 1, usize::MAX);
        self.places.insert(index, Place { key: at as u16, value: (at + suffix.len()) as u16 | flag, head });
        self.note_change();
    }

    /// Sets the value of an entry. Gives the former one if it stands outside.
    pub(crate) fn replace(&mut self, index: usize, value: Value) -> Option<Value> {
        let old = self.take_outside(index);
        let (value, flag) = self.cell_of(value);
        let (length, new_length) = (self.value_cell(index).len(), value.as_ref().len());
        let (start, end) = (self.value_start(index), self.value_start(index) + length);
        if new_length > length {
            self.open_gap(end, new_length - length);
        } else if new_length < length {
            self.cells.drain(start + new_length..end);
        }
        copy_to(&mut self.cells, start, value.as_ref());
        self.move_places(index + 1, new_length.wrapping_sub(length));
        if let Some(place) = self.places.get_mut(index) {
            place.value = place.value & !SLOT_BIT | flag;
        }
        self.note_change();
        old
    }

    /// Removes an entry. Gives its value if it stands outside.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Value> {
        let old = self.take_outside(index);
        let (start, end) = (self.key_start(index), self.key_start(index + 1));
        self.cells.drain(start..end);
        self.places.remove(index);
        self.move_places(index, start.wrapping_sub(end));
        self.note_change();
        old
    }

    /// The tree of a catalog entry, for changing; `None` when the entry is of another kind.
    pub(crate) fn root_mut(&mut self, index: usize) -> Option<&mut Root> {
        if !self.places.get(index)?.is_slot() {
            let root = Root::decode(self.value_cell(index))?;
            self.replace(index, Value::Tree(root));
        }
        let number = self.aside_number(index)?;
        match self.aside.get_mut(number)? {
            Some(Aside::Tree(root)) => Some(root),
            _ => None,
        }
    }

    /// Cuts everything from `at` on off.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let start = self.key_start(at);
        let mut right = Self {
            prefix: self.prefix.clone(),
            cells: self.cells.get(start..).unwrap_or_default().to_vec(),
            heads: Heads::ChangedOnce,
            ..Self::default()
        };
        right.places.extend(self.places.drain(at..).map(|place| place.moved(0usize.wrapping_sub(start))));
        self.cells.truncate(start);
        self.forget_heads();
        for index in 0..right.count() {
            right.take_over(index, self);
        }
        right
    }

    /// Adds the entries of the leaf to the right.
    pub(crate) fn append(&mut self, mut right: Self) {
        let shared = shared_prefix(&self.prefix, &right.prefix);
        self.shorten_prefix(shared);
        right.shorten_prefix(shared);
        let (count, start) = (self.count(), self.cells.len());
        self.places.extend(right.places.iter().map(|place| place.moved(start)));
        self.cells.extend_from_slice(&right.cells);
        self.page_bytes += right.page_bytes;
        self.forget_heads();
        for index in count..self.count() {
            self.take_over(index, &mut right);
        }
    }

    /// What stands in the cell for a value, and its flag.
    fn cell_of(&mut self, value: Value) -> (Cell, u16) {
        match value {
            Value::Inline(bytes) if bytes.len() >= KEPT_BYTES_MIN => {
                // What it is a slice of is to be freed.
                let bytes = Bytes::copy_from_slice(&bytes);
                let number = self.kept.put(Kept { bytes, is_of_page: false });
                (Cell::Mark((KEPT_BIT | number as u64).to_le_bytes()), SLOT_BIT)
            }
            Value::Inline(bytes) => (Cell::Inline(bytes), 0),
            Value::Slot(pointer) => (Cell::Pointer(pointer.encode()), SLOT_BIT),
            Value::Large(large) => {
                let mark = ASIDE_BIT | self.put_aside(Aside::Large(large)) as u64;
                (Cell::Pointer(u128::from(mark).to_le_bytes()), SLOT_BIT)
            }
            Value::Tree(root) => {
                let mark = ASIDE_BIT | self.put_aside(Aside::Tree(root)) as u64;
                let mut cell = [0; CHILD_BYTES];
                copy_to(&mut cell, 0, &mark.to_le_bytes());
                (Cell::Tree(cell), SLOT_BIT)
            }
        }
    }

    fn put_aside(&mut self, aside: Aside) -> usize {
        if let Some(number) = self.aside.iter().position(Option::is_none)
            && let Some(gap) = self.aside.get_mut(number)
        {
            *gap = Some(aside);
            return number;
        }
        self.aside.push(Some(aside));
        self.aside.len() - 1
    }

    /// Takes what is not in the cell of an entry that came from another leaf.
    fn take_over(&mut self, index: usize, other: &mut Self) {
        let mark = if let Some(number) = self.kept_number(index) {
            let Some(kept) = other.kept.take(number) else { return };
            KEPT_BIT | self.kept.put(kept) as u64
        } else {
            let number = self.aside_number(index);
            let Some(aside) = number.and_then(|number| other.aside.get_mut(number)?.take()) else { return };
            ASIDE_BIT | self.put_aside(aside) as u64
        };
        let start = self.value_start(index);
        copy_to(&mut self.cells, start, &mark.to_le_bytes());
    }

    /// Takes out the value of an entry that stands outside, before it is overwritten.
    fn take_outside(&mut self, index: usize) -> Option<Value> {
        if !self.is_slot(index) {
            return None;
        }
        if let Some(number) = self.kept_number(index) {
            self.kept.take(number);
            return None;
        }
        let value = self.value(index);
        if let Some(number) = self.aside_number(index)
            && let Some(gap) = self.aside.get_mut(number)
        {
            *gap = None;
        }
        value
    }

    fn open_gap(&mut self, at: usize, length: usize) {
        reserve(&mut self.cells, length, NODE_BYTES_MAX);
        let end = self.cells.len();
        self.cells.resize(end + length, 0);
        self.cells.copy_within(at..end, at + length);
    }

    fn move_places(&mut self, from: usize, by: usize) {
        for place in self.places.iter_mut().skip(from) {
            *place = place.moved(by);
        }
    }

    /// Keeps `length` bytes of the prefix, or none when that is not worth it.
    fn shorten_prefix(&mut self, length: usize) {
        let length = worth_prefix(length);
        if length >= self.prefix.len() {
            return;
        }
        let returned = self.prefix.get(length..).unwrap_or_default();
        let mut cells = Vec::with_capacity(self.cells.len() + returned.len() * (self.count() + 1));
        for index in 0..self.count() {
            cells.extend_from_slice(returned);
            cells.extend_from_slice(
                self.cells.get(self.key_start(index)..self.key_start(index + 1)).unwrap_or_default(),
            );
        }
        for (index, place) in self.places.iter_mut().enumerate() {
            let before = returned.len() * index;
            place.key += before as u16;
            place.value += (before + returned.len()) as u16;
        }
        self.cells = cells;
        if let Heads::Taken { .. } = self.heads {
            self.forget_heads();
        }
        self.prefix = self.prefix.get(..length).unwrap_or_default().into();
    }
}

/// What stands in a cell for a value.
enum Cell {
    Inline(Bytes),
    Mark([u8; KEPT_MARK_BYTES]),
    Pointer([u8; POINTER_BYTES]),
    Tree([u8; CHILD_BYTES]),
}

impl AsRef<[u8]> for Cell {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => bytes,
            Self::Mark(bytes) => bytes,
            Self::Pointer(bytes) => bytes,
            Self::Tree(bytes) => bytes,
        }
    }
}

/// Makes room for `more`, by less than the doubling of [`Vec`] and for no more than `most` unless it
/// has to be: most leaves are nearly full.
fn reserve<T>(vector: &mut Vec<T>, more: usize, most: usize) {
    let needed = vector.len() + more;
    if needed > vector.capacity() {
        let wanted = (needed + needed / 4).min(most).max(needed);
        vector.reserve_exact(wanted - vector.len());
    }
}
