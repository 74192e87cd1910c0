//! A leaf that can be changed: what a page holds, in parts that can grow.
//!
//! Keys and short values are copied in, so that a leaf takes about the memory of its page. Longer
//! values stay where they are in the page, or in memory of their own: see [`kept`].

mod changes;
mod heads;
mod kept;
mod packing;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use self::heads::{Heads, KEYS_SHARING_MIN};
use self::kept::{KEPT_BYTES_MIN, Kept, KeptValues};
use crate::node::{LargeValue, Root, Value};
use crate::page::{
    CHILD_BYTES, EMPTY_NODE_BYTES, LEAF_ENTRY_BYTES, PackedValue, Page, SLOT_BIT, shared_prefix,
};
use crate::pointer::Pointer;
use crate::pointer::read::u64_at;
use crate::search::{search, search_between};

/// Set in the place of an offset: the value is aside, under the number in the other bits.
const ASIDE_BIT: u64 = 1 << 63;
/// Likewise: the value is kept, and what stands for it in the cell is this number alone.
const KEPT_BIT: u64 = 1 << 62;
const KEPT_MARK_BYTES: usize = 8;
/// Room for an entry or two in a leaf that is unpacked: most are to have one more.
const SPARE_CELL_BYTES: usize = 256;
const SPARE_PLACES: usize = 4;

/// A leaf in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaf {
    /// What all keys begin with.
    prefix: Box<[u8]>,
    /// Where each entry stands among the cells.
    places: Vec<Place>,
    /// Per entry, in key order: the key without the prefix, directly followed by the value or what
    /// stands for it.
    cells: Vec<u8>,
    kept: KeptValues,
    /// Of the page that some of the kept values are of.
    page_bytes: usize,
    /// Values that no packed form stands for yet; a removed one leaves a gap.
    aside: Vec<Option<Aside>>,
    heads: Heads,
}

/// Where an entry stands. `value` has [`SLOT_BIT`] set when the cell holds a pointer, or in its
/// place the number of something aside or kept.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u16,
    value: u16,
    /// Of the key, where the heads are taken.
    head: u32,
}

/// A value that only a checkpoint gives a packed form.
#[derive(Clone, Debug)]
pub(crate) enum Aside {
    /// Too large for a leaf, and perhaps not yet on disk.
    Large(Arc<LargeValue>),
    /// In the catalog: a tree.
    Tree(Root),
}

/// What stands for something aside in a page.
pub(crate) enum Settled {
    /// A value is in a slot.
    Slot(Pointer),
    /// A tree's entry of the catalog.
    Tree([u8; CHILD_BYTES]),
}

impl Place {
    fn moved(self, by: usize) -> Self {
        // Wraps for a move to the front; the flag above the offset stays as it is.
        let [key, value] = [self.key, self.value].map(|offset| offset.wrapping_add(by as u16));
        Self { key, value, ..self }
    }

    fn key_start(self) -> usize {
        usize::from(self.key)
    }

    fn value_start(self) -> usize {
        usize::from(self.value & !SLOT_BIT)
    }

    fn is_slot(self) -> bool {
        self.value & SLOT_BIT != 0
    }
}

impl Leaf {
    /// A leaf of one entry.
    pub(crate) fn of_one(key: &[u8], value: Value) -> Self {
        let mut leaf = Self::default();
        leaf.insert(0, key, value);
        leaf
    }

    /// Unpacks a page.
    pub(crate) fn from_page(page: &Page) -> Self {
        let (cells, prefix) = (page.cells(), page.prefix().into());
        let (mut places, mut kept_count, mut kept_bytes) =
            (Vec::with_capacity(page.count() + SPARE_PLACES), 0, 0);
        for index in 0..page.count() {
            let (key, value, is_slot) = page.cell_place(index);
            let value_place = value as u16 | if is_slot { SLOT_BIT } else { 0 };
            places.push(Place { key: key as u16, value: value_place, head: 0 });
            let bytes = page.cell_end(index) - value;
            if bytes >= KEPT_BYTES_MIN && !is_slot {
                kept_count += 1;
                kept_bytes += bytes;
            }
        }
        if kept_count == 0 {
            let mut copied = Vec::with_capacity(cells.len() + SPARE_CELL_BYTES);
            copied.extend_from_slice(cells);
            return Self { prefix, places, cells: copied, ..Self::default() };
        }
        let cells_bytes = cells.len() - kept_bytes + kept_count * KEPT_MARK_BYTES;
        let mut leaf = Self {
            prefix,
            places,
            cells: Vec::with_capacity(cells_bytes + SPARE_CELL_BYTES),
            kept: KeptValues::with_capacity(kept_count + 1),
            page_bytes: page.length(),
            ..Self::default()
        };
        // The cells up to here are in.
        let mut done = 0;
        for (index, place) in leaf.places.iter_mut().enumerate() {
            let (start, end) = (place.value_start(), page.cell_end(index));
            // A leaf has fewer cells than its page.
            let gone = done - leaf.cells.len();
            *place = place.moved(0usize.wrapping_sub(gone));
            if end - start < KEPT_BYTES_MIN || place.is_slot() {
                continue;
            }
            let PackedValue::Inline(bytes) = page.value(index) else { continue };
            let number = leaf.kept.put(Kept { bytes, is_of_page: true });
            place.value |= SLOT_BIT;
            leaf.cells.extend_from_slice(cells.get(done..start).unwrap_or_default());
            leaf.cells.extend_from_slice(&(KEPT_BIT | number as u64).to_le_bytes());
            done = end;
        }
        leaf.cells.extend_from_slice(cells.get(done..).unwrap_or_default());
        leaf
    }

    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// Packed length without prefix compression.
    pub(crate) fn bytes(&self) -> usize {
        EMPTY_NODE_BYTES + self.count() * (LEAF_ENTRY_BYTES + self.prefix.len()) + self.packed_cells_bytes()
    }

    /// Of the cells when all kept values stand in them.
    fn packed_cells_bytes(&self) -> usize {
        self.cells.len() + self.kept.bytes() - self.kept.count() * KEPT_MARK_BYTES
    }

    /// The memory this takes, large values left out.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.prefix.len()
            + self.places.capacity() * size_of::<Place>()
            + self.cells.capacity()
            + self.aside.capacity() * size_of::<Option<Aside>>()
            + self.kept.memory_bytes()
            + self.page_bytes
    }

    /// Where `key` is, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let count = self.count();
        search(&self.prefix, count, key, |rest| {
            if let Some(found) = self.search_heads(rest) {
                return found;
            }
            if count < KEYS_SHARING_MIN {
                return search_between(0..count, rest, |index| self.suffix(index));
            }
            // Keys differ where the first one and the last one do: mostly in the next eight bytes,
            // which are compared as a number.
            let (first, last) = (self.suffix(0), self.suffix(count - 1));
            let shared = shared_prefix(first, last);
            search(first.get(..shared).unwrap_or_default(), count, rest, |rest| {
                search_between(0..count, rest, |index| self.suffix(index).get(shared..).unwrap_or_default())
            })
        })
    }

    /// How key `index` stands to another one.
    pub(crate) fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        crate::search::compare(&self.prefix, self.suffix(index), key)
    }

    /// What all keys begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The entries, one behind the other.
    pub(crate) fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// Where among the cells key `index` stands, if it stands there as a whole.
    pub(crate) fn plain_key_place(&self, index: usize) -> Option<Range<usize>> {
        self.prefix.is_empty().then(|| self.key_start(index)..self.value_start(index))
    }

    /// Where among the cells value `index` stands, if it stands there.
    pub(crate) fn inline_value_place(&self, index: usize) -> Option<Range<usize>> {
        let place = self.places.get(index).filter(|place| !place.is_slot())?;
        Some(place.value_start()..self.key_start(index + 1))
    }

    /// Whether all values stand in the leaf or on disk.
    pub(crate) fn has_nothing_aside(&self) -> bool {
        self.aside.iter().all(Option::is_none)
    }

    pub(crate) fn key(&self, index: usize) -> Bytes {
        let suffix = self.suffix(index);
        if self.prefix.is_empty() {
            return Bytes::copy_from_slice(suffix);
        }
        [&self.prefix, suffix].concat().into()
    }

    /// Value `index` if it is kept.
    pub(crate) fn kept_value(&self, index: usize) -> Option<&Bytes> {
        let number = self.kept_number(index)?;
        self.kept.get(number)
    }

    fn kept_number(&self, index: usize) -> Option<usize> {
        self.is_slot(index).then(|| number_of(self.value_cell(index), KEPT_BIT)).flatten()
    }

    fn aside_number(&self, index: usize) -> Option<usize> {
        self.is_slot(index).then(|| number_of(self.value_cell(index), ASIDE_BIT)).flatten()
    }

    /// Value `index`: copied if it is short, shared otherwise.
    pub(crate) fn value(&self, index: usize) -> Option<Value> {
        let place = *self.places.get(index)?;
        let cell = self.value_cell(index);
        if !place.is_slot() {
            return Some(Value::Inline(Bytes::copy_from_slice(cell)));
        }
        if let Some(kept) = self.kept_value(index) {
            return Some(Value::Inline(kept.clone()));
        }
        Some(match self.aside_of(index) {
            Some(Aside::Large(large)) => Value::Large(large.clone()),
            Some(Aside::Tree(root)) => Value::Tree(root.clone()),
            None => Value::Slot(Pointer::decode_slice(cell)?),
        })
    }

    /// The values that do not stand in the leaf.
    pub(crate) fn outside(&self) -> impl Iterator<Item = Value> {
        let is_outside = |index: &usize| self.is_slot(*index) && self.kept_number(*index).is_none();
        (0..self.count()).filter(is_outside).filter_map(|index| self.value(index))
    }

    /// The entry at which the left half has about as many bytes as the right one.
    pub(crate) fn middle(&self) -> usize {
        let half = self.bytes() / 2;
        let (entry_bytes, mut kept_bytes) = (LEAF_ENTRY_BYTES + self.prefix.len(), 0);
        let reaches = |index: usize| {
            kept_bytes += self.kept_value(index).map_or(0, |kept| kept.len() - KEPT_MARK_BYTES);
            (index + 1) * entry_bytes + self.key_start(index + 1) + kept_bytes >= half
        };
        (0..self.count()).position(reaches).unwrap_or(0)
    }

    /// Key `index` without the prefix.
    pub(crate) fn suffix(&self, index: usize) -> &[u8] {
        self.cells.get(self.key_start(index)..self.value_start(index)).unwrap_or_default()
    }

    fn value_cell(&self, index: usize) -> &[u8] {
        self.cells.get(self.value_start(index)..self.key_start(index + 1)).unwrap_or_default()
    }

    fn is_slot(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|place| place.is_slot())
    }

    /// Where entry `index` starts; behind the last one, where all end.
    fn key_start(&self, index: usize) -> usize {
        self.places.get(index).map_or(self.cells.len(), |place| place.key_start())
    }

    fn value_start(&self, index: usize) -> usize {
        self.places.get(index).map_or(self.cells.len(), |place| place.value_start())
    }

    fn aside_of(&self, index: usize) -> Option<&Aside> {
        self.aside.get(self.aside_number(index)?)?.as_ref()
    }
}

/// The number in a cell that has `bit` set; `None` for a pointer.
fn number_of(cell: &[u8], bit: u64) -> Option<usize> {
    let offset = u64_at(cell, 0)?;
    (offset & bit != 0).then_some((offset & !bit) as usize)
}
