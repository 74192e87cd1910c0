//! A leaf that can be changed: what a page holds, in parts that can grow.
//!
//! Keys and values are copied in, so that a leaf takes about the memory of its page and holds
//! nothing else alive.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::node::{LargeValue, Root, Value};
use crate::page::{
    CHILD_BYTES, EMPTY_NODE_BYTES, LEAF_ENTRY_BYTES, LeafPage, Page, SLOT_BIT, copy_to, shared_prefix,
    worth_prefix,
};
use crate::pointer::read::u64_at;
use crate::pointer::{POINTER_BYTES, Pointer};

/// Set in the place of an offset: the value is aside, under the number in the other bits.
const ASIDE_BIT: u64 = 1 << 63;

/// A leaf in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaf {
    /// What all keys begin with.
    prefix: Box<[u8]>,
    /// Where each entry stands among the cells.
    places: Vec<Place>,
    /// Per entry, in key order: the key without the prefix, directly followed by the value.
    cells: Vec<u8>,
    /// Values that no packed form stands for yet; a removed one leaves a gap.
    aside: Vec<Option<Aside>>,
}

/// Where an entry stands. `value` has [`SLOT_BIT`] set when the cell holds a pointer, or in its
/// place the number of something aside.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u16,
    value: u16,
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
        Self { key: self.key.wrapping_add(by as u16), value: self.value.wrapping_add(by as u16) }
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
        let place = |index| {
            let (key, value, is_slot) = page.cell_place(index);
            Place { key: key as u16, value: value as u16 | if is_slot { SLOT_BIT } else { 0 } }
        };
        Self {
            prefix: page.prefix().into(),
            places: (0..page.count()).map(place).collect(),
            cells: page.cells().to_vec(),
            aside: Vec::new(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.places.len()
    }

    /// Packed length without prefix compression.
    pub(crate) fn bytes(&self) -> usize {
        EMPTY_NODE_BYTES + self.count() * (LEAF_ENTRY_BYTES + self.prefix.len()) + self.cells.len()
    }

    /// The memory this takes, large values left out.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.prefix.len()
            + self.places.capacity() * size_of::<Place>()
            + self.cells.capacity()
            + self.aside.capacity() * size_of::<Option<Aside>>()
    }

    /// Where `key` is, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        crate::page::search(&self.prefix, self.count(), key, |index| self.suffix(index))
    }

    /// How key `index` stands to another one.
    pub(crate) fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        crate::page::compare(&self.prefix, self.suffix(index), key)
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

    /// Value `index`, copied; what is aside is shared.
    pub(crate) fn value(&self, index: usize) -> Option<Value> {
        let place = *self.places.get(index)?;
        let cell = self.value_cell(index);
        if !place.is_slot() {
            return Some(Value::Inline(Bytes::copy_from_slice(cell)));
        }
        Some(match self.aside_of(cell) {
            Some(Aside::Large(large)) => Value::Large(large.clone()),
            Some(Aside::Tree(root)) => Value::Tree(root.clone()),
            None => Value::Slot(Pointer::decode_slice(cell)?),
        })
    }

    /// The values that do not stand in the leaf.
    pub(crate) fn outside(&self) -> impl Iterator<Item = Value> {
        let is_outside = |index: &usize| self.places.get(*index).is_some_and(|place| place.is_slot());
        (0..self.count()).filter(is_outside).filter_map(|index| self.value(index))
    }

    /// Adds an entry that comes to stand at `index`.
    pub(crate) fn insert(&mut self, index: usize, key: &[u8], value: Value) {
        if !key.starts_with(&self.prefix) {
            self.shorten_prefix(shared_prefix(&self.prefix, key));
        }
        let suffix = key.get(self.prefix.len()..).unwrap_or_default();
        let (value, flag) = self.cell_of(value);
        let at = self.key_start(index);
        let length = suffix.len() + value.as_ref().len();
        self.open_gap(at, length);
        copy_to(&mut self.cells, at, suffix);
        copy_to(&mut self.cells, at + suffix.len(), value.as_ref());
        self.move_places(index, length);
        reserve(&mut self.places, 1);
        self.places.insert(index, Place { key: at as u16, value: (at + suffix.len()) as u16 | flag });
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
        old
    }

    /// Removes an entry. Gives its value if it stands outside.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Value> {
        let old = self.take_outside(index);
        let (start, end) = (self.key_start(index), self.key_start(index + 1));
        self.cells.drain(start..end);
        self.places.remove(index);
        self.move_places(index, start.wrapping_sub(end));
        old
    }

    /// The tree of a catalog entry, for changing; `None` when the entry is of another kind.
    pub(crate) fn root_mut(&mut self, index: usize) -> Option<&mut Root> {
        if !self.places.get(index)?.is_slot() {
            let root = Root::decode(self.value_cell(index))?;
            self.replace(index, Value::Tree(root));
        }
        let number = aside_number(self.value_cell(index))?;
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
            ..Self::default()
        };
        right.places.extend(self.places.drain(at..).map(|place| place.moved(0usize.wrapping_sub(start))));
        self.cells.truncate(start);
        for index in 0..right.count() {
            let taken = aside_number(right.value_cell(index)).filter(|_| right.is_slot(index));
            if let Some(aside) = taken.and_then(|number| self.aside.get_mut(number)?.take()) {
                right.renumber(index, aside);
            }
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
        for index in count..self.count() {
            let taken = aside_number(self.value_cell(index)).filter(|_| self.is_slot(index));
            if let Some(aside) = taken.and_then(|number| right.aside.get_mut(number)?.take()) {
                self.renumber(index, aside);
            }
        }
    }

    /// The entry at which the left half has about as many bytes as the right one.
    pub(crate) fn middle(&self) -> usize {
        let half = self.bytes() / 2;
        let entry_bytes = LEAF_ENTRY_BYTES + self.prefix.len();
        let reaches = |index: usize| (index + 1) * entry_bytes + self.key_start(index + 1) >= half;
        (0..self.count()).find(|index| reaches(*index)).unwrap_or(0)
    }

    /// Gives what is aside to `sweep`, for changing; where that gives a pointer, it stands for
    /// the value from now on.
    pub(crate) fn sweep(&mut self, mut sweep: impl FnMut(&mut Aside) -> Option<Pointer>) {
        if self.aside.is_empty() {
            return;
        }
        for index in 0..self.count() {
            let number = aside_number(self.value_cell(index)).filter(|_| self.is_slot(index));
            let Some(place) = number.and_then(|number| self.aside.get_mut(number)) else { continue };
            if let Some(pointer) = place.as_mut().and_then(&mut sweep) {
                *place = None;
                let start = self.value_start(index);
                copy_to(&mut self.cells, start, &pointer.encode());
            }
        }
        while self.aside.pop_if(|last| last.is_none()).is_some() {}
    }

    /// Packs the leaf. `settle` says what stands for a thing that is aside. Gives also whether
    /// any value is in a slot.
    pub(crate) fn pack<E>(
        &self,
        mut settle: impl FnMut(&Aside) -> Result<Settled, E>,
    ) -> Result<(Vec<u8>, bool), E> {
        let last = self.count().saturating_sub(1);
        let shared = self.prefix.len() + shared_prefix(self.suffix(0), self.suffix(last));
        let more = worth_prefix(shared).saturating_sub(self.prefix.len());
        let prefix = [&*self.prefix, self.suffix(0).get(..more).unwrap_or_default()];
        let cells_bytes = self.cells.len() - more * self.count();
        let mut page = LeafPage::new(self.count(), prefix, cells_bytes);
        for (index, place) in self.places.iter().enumerate() {
            let (key, value) = (place.key_start() - more * index, place.value_start() - more * (index + 1));
            page.put_place(key, value, place.is_slot());
        }
        page.put_prefix(cells_bytes, prefix);
        if more == 0 {
            page.put_bytes(&self.cells);
        } else {
            for index in 0..self.count() {
                let cell = self.key_start(index) + more..self.key_start(index + 1);
                page.put_bytes(self.cells.get(cell).unwrap_or_default());
            }
        }
        let mut slots_below = false;
        for (index, _) in self.places.iter().enumerate().filter(|(_, place)| place.is_slot()) {
            match self.aside_of(self.value_cell(index)).map(&mut settle).transpose()? {
                Some(Settled::Tree(root)) => {
                    page.settle(index, &root, false);
                    continue;
                }
                Some(Settled::Slot(pointer)) => page.settle(index, &pointer.encode(), true),
                None => {}
            }
            slots_below = true;
        }
        Ok((page.finish(), slots_below))
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

    fn aside_of(&self, cell: &[u8]) -> Option<&Aside> {
        self.aside.get(aside_number(cell)?)?.as_ref()
    }

    /// What stands in the cell for a value, and its flag.
    fn cell_of(&mut self, value: Value) -> (Cell, u16) {
        match value {
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

    /// Takes something aside that came from another leaf.
    fn renumber(&mut self, index: usize, aside: Aside) {
        let number = self.put_aside(aside);
        let start = self.value_start(index);
        copy_to(&mut self.cells, start, &(ASIDE_BIT | number as u64).to_le_bytes());
    }

    /// Takes out the value of an entry that stands outside, before it is overwritten.
    fn take_outside(&mut self, index: usize) -> Option<Value> {
        if !self.is_slot(index) {
            return None;
        }
        let value = self.value(index);
        if let Some(number) = aside_number(self.value_cell(index))
            && let Some(gap) = self.aside.get_mut(number)
        {
            *gap = None;
        }
        value
    }

    fn open_gap(&mut self, at: usize, length: usize) {
        reserve(&mut self.cells, length);
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
        self.prefix = self.prefix.get(..length).unwrap_or_default().into();
    }
}

/// What stands in a cell for a value.
enum Cell {
    Inline(Bytes),
    Pointer([u8; POINTER_BYTES]),
    Tree([u8; CHILD_BYTES]),
}

impl AsRef<[u8]> for Cell {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => bytes,
            Self::Pointer(bytes) => bytes,
            Self::Tree(bytes) => bytes,
        }
    }
}

/// The number of something aside; `None` for a pointer.
fn aside_number(cell: &[u8]) -> Option<usize> {
    let offset = u64_at(cell, 0)?;
    (offset & ASIDE_BIT != 0).then_some((offset & !ASIDE_BIT) as usize)
}

/// Makes room for `more`, by less than the doubling of [`Vec`]: most leaves are nearly full.
fn reserve<T>(vector: &mut Vec<T>, more: usize) {
    let needed = vector.len() + more;
    if needed > vector.capacity() {
        vector.reserve_exact(more + needed / 4);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use photondb_base::{Random, SeededRandom};

    use super::*;
    use crate::node::Written;

    const PREFIXES: [&[u8]; 4] = [b"", b"a common prefix/", b"a common prefix/and more/", b"b"];

    fn large(bytes: Vec<u8>) -> Value {
        Value::Large(Arc::new(LargeValue { epoch: 1, written: Written::default(), bytes: bytes.into() }))
    }

    fn content(value: &Value) -> Vec<u8> {
        match value {
            Value::Inline(bytes) => bytes.to_vec(),
            Value::Large(large) => large.bytes.to_vec(),
            Value::Slot(pointer) => pointer.offset.to_le_bytes().to_vec(),
            Value::Tree(root) => root.count.to_le_bytes().to_vec(),
        }
    }

    fn assert_same(leaf: &Leaf, model: &BTreeMap<Vec<u8>, Vec<u8>>) {
        assert_eq!(leaf.count(), model.len());
        for (index, (key, value)) in model.iter().enumerate() {
            assert_eq!(leaf.search(key), Ok(index));
            assert_eq!(leaf.key(index), key);
            assert_eq!(content(&leaf.value(index).unwrap()), *value);
        }
    }

    /// Puts or removes something. Prefixes of a page come in by way of packing.
    fn step(random: &SeededRandom, leaf: &mut Leaf, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, prefixes: u64) {
        let prefix = PREFIXES[(1 + random.below(prefixes) as usize) % PREFIXES.len()];
        let key = [prefix, &random.below(40).to_be_bytes()[7..]].concat();
        let found = leaf.search(&key);
        let value = vec![random.below(256) as u8; random.below(60) as usize];
        match (random.below(3), found) {
            (0, Ok(index)) => {
                leaf.remove(index);
                model.remove(&key);
            }
            (1, found) => {
                put(leaf, found, &key, large(value.clone()));
                model.insert(key, value);
            }
            (_, found) => {
                put(leaf, found, &key, Value::Inline(value.clone().into()));
                model.insert(key, value);
            }
        }
    }

    /// The leaf as a page, when nothing is aside.
    fn to_page(leaf: &Leaf) -> Option<Page> {
        let (bytes, _) = leaf.pack(|_| Err(())).ok()?;
        Page::parse(bytes.into())
    }

    fn put(leaf: &mut Leaf, found: Result<usize, usize>, key: &[u8], value: Value) {
        match found {
            Ok(index) => drop(leaf.replace(index, value)),
            Err(index) => leaf.insert(index, key, value),
        }
    }

    #[test]
    fn a_leaf_is_a_map() {
        let random = SeededRandom::new(5);
        for round in 0..200 {
            let (mut leaf, mut model) = (Leaf::default(), BTreeMap::new());
            for _ in 0..random.below(120) + 2 {
                step(&random, &mut leaf, &mut model, round % 3 + 1);
                if random.below(20) == 0
                    && let Some(page) = to_page(&leaf).filter(|page| page.count() > 0)
                {
                    assert_eq!(page.plain_length(), leaf.bytes());
                    leaf = Leaf::from_page(&page);
                }
            }
            assert_same(&leaf, &model);
            if leaf.count() < 2 {
                continue;
            }
            let at = random.below(leaf.count() as u64) as usize;
            let mut right_model = model.split_off(&leaf.key(at)[..]);
            let right = leaf.split_off(at);
            assert_same(&leaf, &model);
            assert_same(&right, &right_model);
            leaf.append(right);
            model.append(&mut right_model);
            assert_same(&leaf, &model);
        }
    }

    #[test]
    fn what_is_aside_is_settled_in_the_page_and_in_the_leaf() {
        let pointer = Pointer { offset: 512, length: 7, checksum: 9, slots_below: false };
        let mut leaf = Leaf::of_one(b"key 1", large(vec![1; 5000]));
        leaf.insert(1, b"key 2", Value::Inline(Bytes::from_static(b"inline")));
        leaf.insert(2, b"key 3", Value::Tree(Root { node: None, count: 3 }));
        assert!(!leaf.has_nothing_aside());
        let settle = |aside: &Aside| match aside {
            Aside::Large(_) => Ok::<_, ()>(Settled::Slot(pointer)),
            Aside::Tree(_) => Ok(Settled::Tree([7; CHILD_BYTES])),
        };
        let (bytes, slots_below) = leaf.pack(settle).unwrap();
        assert!(slots_below);
        let page = Page::parse(bytes.into()).unwrap();
        let unpacked = Leaf::from_page(&page);
        assert!(matches!(unpacked.value(0), Some(Value::Slot(found)) if found == pointer));
        assert_eq!(content(&unpacked.value(1).unwrap()), b"inline");
        assert_eq!(content(&unpacked.value(2).unwrap()), [7; CHILD_BYTES]);
        leaf.sweep(|aside| matches!(aside, Aside::Large(_)).then_some(pointer));
        assert!(matches!(leaf.value(0), Some(Value::Slot(found)) if found == pointer));
        assert_eq!(leaf.root_mut(2).map(|root| root.count), Some(3));
        assert!(matches!(leaf.remove(2), Some(Value::Tree(_))));
        assert!(matches!(leaf.replace(0, Value::Inline(Bytes::new())), Some(Value::Slot(_))));
    }
}
