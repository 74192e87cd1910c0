//! A node as it stands on disk: read in place, never parsed into a structure.

use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::key_heads::KeyHeads;
use crate::link::Link;
use crate::pointer::read::{array_at, u16_at, u64_at};
use crate::pointer::{POINTER_BYTES, Pointer};
use crate::search::{ShortPrefix, compare};
use crate::store::allocated_bytes;

/// Bytes of a node before it is split.
pub(crate) const NODE_BYTES_MAX: usize = 8 * 1024;
/// Largest value that stands in a leaf.
pub(crate) const INLINE_BYTES_MAX: usize = 2048;
/// Pointer and count of a child.
pub(crate) const CHILD_BYTES: usize = POINTER_BYTES + 8;

const LEAF: u8 = 1;
const INTERNAL: u8 = 2;
const HEADER_BYTES: usize = 8;
/// Set in the offset of a value that is a pointer.
pub(crate) const SLOT_BIT: u16 = 1 << 15;
/// A shorter common prefix is not worth that keys can no longer be slices of the page.
const PREFIX_BYTES_MIN: usize = 4;
/// What processors fetch from memory at once.
const LINE_BYTES: usize = 64;
/// Lines at the start of a value that are read ahead: what it begins with tells where the rest is.
const TOUCHED_LINES: usize = 3;

/// A value where it lies.
#[derive(Clone, Copy, Debug)]
pub struct StoredValue<'a> {
    /// The value.
    pub bytes: &'a [u8],
    /// What holds it, often along with other values: owning a slice of this copies nothing.
    pub storage: &'a Bytes,
}

/// A value of a leaf as it stands on the page.
pub(crate) enum PackedValue {
    /// The value itself.
    Inline(Bytes),
    /// Where the value is.
    Slot(Pointer),
}

/// A node in its packed form, checked once to be well formed.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    packed: Arc<Packed>,
}

/// What is known about a page, together with what a search looks at first.
#[derive(Debug)]
pub(crate) struct Packed {
    bytes: Bytes,
    level: u8,
    /// Whether the values of a leaf all stand in it.
    has_all_values: bool,
    count: u16,
    prefix_start: u16,
    prefix_length: u16,
    prefix_head: ShortPrefix,
    heads: KeyHeads,
    /// To the children of an internal node, as soon as one of them was looked for.
    links: OnceLock<Box<[Link]>>,
}

/// What a page takes besides its bytes.
const PAGE_HEADER_BYTES: usize = size_of::<Packed>() + 2 * size_of::<usize>();
/// What an internal node takes for each child: a link, and what the link keeps of a page that is gone.
const LINK_BYTES: usize = size_of::<Link>() + PAGE_HEADER_BYTES;

impl Deref for Page {
    type Target = Packed;

    fn deref(&self) -> &Packed {
        &self.packed
    }
}

impl Page {
    /// Takes the bytes of a node; `None` when they are not one.
    pub(crate) fn parse(bytes: Bytes) -> Option<Self> {
        let kind = *bytes.first()?;
        let level = *bytes.get(1)?;
        let count = u16_at(&bytes, 2)?;
        let prefix_length = u16_at(&bytes, 4)?;
        let entries = usize::from(count);
        let prefix_start = match (kind, level) {
            (LEAF, 0) => HEADER_BYTES + 4 * entries + 2,
            (INTERNAL, 1..) => HEADER_BYTES + 2 * entries + 2 + CHILD_BYTES * entries,
            _ => return None,
        };
        let prefix_start = u16::try_from(prefix_start).ok()?;
        let mut packed = Packed {
            bytes,
            level,
            has_all_values: false,
            count,
            prefix_start,
            prefix_length,
            prefix_head: ShortPrefix::default(),
            heads: KeyHeads::default(),
            links: OnceLock::new(),
        };
        if !packed.is_well_formed() {
            return None;
        }
        packed.prefix_head = ShortPrefix::of(packed.prefix());
        packed.has_all_values = packed.is_leaf() && (0..entries).all(|index| !packed.value_offset(index).1);
        // Nobody compares the key of the first child.
        let first = usize::from(!packed.is_leaf());
        packed.heads = if packed.is_leaf() {
            KeyHeads::of_some(first, entries, |index| packed.suffix(index))
        } else {
            KeyHeads::of(first, entries, |index| packed.suffix(index))
        };
        Some(Self { packed: Arc::new(packed) })
    }

    pub(crate) fn packed(&self) -> &Arc<Packed> {
        &self.packed
    }
}

impl From<Arc<Packed>> for Page {
    fn from(packed: Arc<Packed>) -> Self {
        Self { packed }
    }
}

impl Packed {
    fn is_well_formed(&self) -> bool {
        let mut last = self.cells_start();
        for index in 0..self.count() {
            let key = self.key_offset(index);
            let next = if self.is_leaf() { self.value_offset(index).0 } else { key };
            if key < last || next < key {
                return false;
            }
            last = next;
        }
        let end = self.key_offset(self.count());
        end >= last && end <= self.bytes.len()
    }

    pub(crate) fn is_leaf(&self) -> bool {
        self.level == 0
    }

    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    pub(crate) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// Bytes of the whole page.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The memory this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let links = if self.is_leaf() { 0 } else { self.count() * LINK_BYTES };
        allocated_bytes(self.bytes.len()) + PAGE_HEADER_BYTES + self.heads.memory_bytes() + links
    }

    /// The link to child `index` of an internal node.
    pub(crate) fn link(&self, index: usize) -> Option<&Link> {
        let links = self.links.get_or_init(|| (0..self.count()).map(|_| Link::default()).collect());
        links.get(index)
    }

    fn table_at(&self, index: usize) -> usize {
        usize::from(u16_at(&self.bytes, HEADER_BYTES + 2 * index).unwrap_or(0))
    }

    /// Where key `index` starts; for `index == count`, where everything ends.
    fn key_offset(&self, index: usize) -> usize {
        self.table_at(if self.is_leaf() { 2 * index } else { index })
    }

    fn value_offset(&self, index: usize) -> (usize, bool) {
        let raw = u16_at(&self.bytes, HEADER_BYTES + 4 * index + 2).unwrap_or(0);
        (usize::from(raw & !SLOT_BIT), raw & SLOT_BIT != 0)
    }

    fn key_end(&self, index: usize) -> usize {
        if self.is_leaf() { self.value_offset(index).0 } else { self.key_offset(index + 1) }
    }

    pub(crate) fn prefix(&self) -> &[u8] {
        self.bytes.get(usize::from(self.prefix_start)..self.cells_start()).unwrap_or_default()
    }

    /// Key `index` without the prefix.
    pub(crate) fn suffix(&self, index: usize) -> &[u8] {
        self.bytes.get(self.key_offset(index)..self.key_end(index)).unwrap_or_default()
    }

    /// Key `index`: a slice of the page unless the page has a prefix.
    pub(crate) fn key(&self, index: usize) -> Bytes {
        if self.prefix_length == 0 {
            return self.bytes.slice(self.key_offset(index)..self.key_end(index));
        }
        [self.prefix(), self.suffix(index)].concat().into()
    }

    /// How key `index` stands to another one.
    pub(crate) fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        compare(self.prefix(), self.suffix(index), key)
    }

    /// Where `key` is, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let rest = match self.prefix_head.cut(self.prefix_length.into(), key, || self.prefix()) {
            Ok(rest) => rest,
            Err(Ordering::Less) => return Err(self.count()),
            Err(_) => return Err(0),
        };
        self.heads.search(rest, |index| self.suffix(index))
    }

    /// The entries of a leaf, one behind the other.
    pub(crate) fn cells(&self) -> &[u8] {
        self.bytes.get(self.cells_start()..self.key_offset(self.count())).unwrap_or_default()
    }

    /// Where among the cells the key and the value of an entry start, and whether the value is
    /// a pointer.
    pub(crate) fn cell_place(&self, index: usize) -> (usize, usize, bool) {
        let start = self.cells_start();
        let (value, is_slot) = self.value_offset(index);
        (self.key_offset(index).saturating_sub(start), value.saturating_sub(start), is_slot)
    }

    /// Where among the cells an entry ends.
    pub(crate) fn cell_end(&self, index: usize) -> usize {
        self.key_offset(index + 1).saturating_sub(self.cells_start())
    }

    fn cells_start(&self) -> usize {
        usize::from(self.prefix_start) + usize::from(self.prefix_length)
    }

    /// Length without prefix compression.
    pub(crate) fn plain_length(&self) -> usize {
        let shared = usize::from(self.prefix_length) * self.count().saturating_sub(1);
        self.key_offset(self.count()) + shared
    }

    /// Whether the values of a leaf all stand in it.
    pub(crate) fn has_all_values(&self) -> bool {
        self.has_all_values
    }

    /// Reads a little of each value of a leaf. A processor fetches what is read independently
    /// from memory at the same time, and what is read on a walk through a value, each step telling
    /// where the next one goes, one after the other. Values are walked through faster after this.
    pub(crate) fn touch_values(&self) {
        let mut sum = 0_u8;
        for index in 0..self.count() {
            let (start, _) = self.value_offset(index);
            for line in 0..TOUCHED_LINES {
                sum = sum.wrapping_add(self.bytes.get(start + line * LINE_BYTES).copied().unwrap_or(0));
            }
        }
        std::hint::black_box(sum);
    }

    /// Value `index` of a leaf if it stands in the page.
    #[inline]
    pub(crate) fn inline_value(&self, index: usize) -> Option<StoredValue<'_>> {
        let (start, is_slot) = self.value_offset(index);
        if is_slot || index >= self.count() {
            return None;
        }
        let bytes = self.bytes.get(start..self.key_offset(index + 1))?;
        Some(StoredValue { bytes, storage: &self.bytes })
    }

    /// Value `index` of a leaf.
    pub(crate) fn value(&self, index: usize) -> PackedValue {
        let (start, is_slot) = self.value_offset(index);
        let end = self.key_offset(index + 1);
        if is_slot {
            let pointer = array_at(&self.bytes, start).and_then(Pointer::decode);
            // A pointer to nothing cannot pass its page's checksum unless it was written so;
            // reading through it reports the damage.
            return PackedValue::Slot(pointer.unwrap_or(Pointer {
                offset: 0,
                length: 0,
                checksum: u32::MAX,
                slots_below: false,
            }));
        }
        PackedValue::Inline(self.bytes.slice(start..end))
    }

    /// Child `index` of an internal node: its pointer and the entries below it.
    pub(crate) fn child(&self, index: usize) -> Option<(Pointer, u64)> {
        let at = HEADER_BYTES + 2 * self.count() + 2 + CHILD_BYTES * index;
        Some((Pointer::decode(array_at(&self.bytes, at)?)?, u64_at(&self.bytes, at + POINTER_BYTES)?))
    }

    /// Entries below child `index`.
    pub(crate) fn child_entries(&self, index: usize) -> u64 {
        let at = HEADER_BYTES + 2 * self.count() + 2 + CHILD_BYTES * index + POINTER_BYTES;
        u64_at(&self.bytes, at).unwrap_or(0)
    }
}

/// Bytes of an entry besides key and value.
pub(crate) const LEAF_ENTRY_BYTES: usize = 4;
/// Bytes of an internal entry besides its key.
pub(crate) const INTERNAL_ENTRY_BYTES: usize = 2 + CHILD_BYTES;
/// Bytes of a node without entries.
pub(crate) const EMPTY_NODE_BYTES: usize = HEADER_BYTES + 2;

/// A leaf while it is packed: places first, then the cells.
pub(crate) struct LeafPage {
    out: Vec<u8>,
    cells_start: usize,
}

impl LeafPage {
    /// Begins a leaf whose prefix is given in two parts.
    pub(crate) fn new(count: usize, prefix: [&[u8]; 2], cells_bytes: usize) -> Self {
        let [head, tail] = prefix;
        let cells_start = HEADER_BYTES + 4 * count + 2 + head.len() + tail.len();
        let mut out = Vec::with_capacity(cells_start + cells_bytes);
        put_header(&mut out, LEAF, 0, count, head.len() + tail.len());
        Self { out, cells_start }
    }

    /// Adds an entry by the offsets of key and value among the cells.
    pub(crate) fn put_place(&mut self, key: usize, value: usize, is_slot: bool) {
        put_offset(&mut self.out, self.cells_start + key, 0);
        put_offset(&mut self.out, self.cells_start + value, if is_slot { SLOT_BIT } else { 0 });
    }

    /// Adds what follows the places.
    pub(crate) fn put_prefix(&mut self, cells_bytes: usize, prefix: [&[u8]; 2]) {
        put_offset(&mut self.out, self.cells_start + cells_bytes, 0);
        self.put_bytes(prefix[0]);
        self.put_bytes(prefix[1]);
    }

    /// Adds bytes of cells.
    pub(crate) fn put_bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Overwrites the value of an entry.
    pub(crate) fn settle(&mut self, index: usize, value: &[u8], is_slot: bool) {
        let table_at = HEADER_BYTES + 4 * index + 2;
        let offset = u16_at(&self.out, table_at).unwrap_or(0) & !SLOT_BIT;
        let flagged = offset | if is_slot { SLOT_BIT } else { 0 };
        copy_to(&mut self.out, table_at, &flagged.to_le_bytes());
        copy_to(&mut self.out, usize::from(offset), value);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// Overwrites bytes that are there.
pub(crate) fn copy_to(target: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = target.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Packs an internal node. Keys ascend.
pub(crate) fn encode_internal(level: u8, entries: &[(&[u8], Pointer, u64)]) -> Vec<u8> {
    let prefix = common_prefix(entries.first().map(|e| e.0), entries.last().map(|e| e.0));
    let keys: usize = entries.iter().map(|(key, ..)| key.len() - prefix.len()).sum();
    let entry_bytes = INTERNAL_ENTRY_BYTES * entries.len();
    let mut out = Vec::with_capacity(EMPTY_NODE_BYTES + entry_bytes + prefix.len() + keys);
    put_header(&mut out, INTERNAL, level, entries.len(), prefix.len());
    let mut at = HEADER_BYTES + 2 * entries.len() + 2 + CHILD_BYTES * entries.len() + prefix.len();
    for (key, ..) in entries {
        put_offset(&mut out, at, 0);
        at += key.len() - prefix.len();
    }
    put_offset(&mut out, at, 0);
    for (_, pointer, count) in entries {
        out.extend_from_slice(&pointer.encode());
        out.extend_from_slice(&count.to_le_bytes());
    }
    out.extend_from_slice(prefix);
    for (key, ..) in entries {
        out.extend_from_slice(key.get(prefix.len()..).unwrap_or_default());
    }
    out
}

fn put_header(out: &mut Vec<u8>, kind: u8, level: u8, count: usize, prefix_length: usize) {
    debug_assert!(count < usize::from(u16::MAX));
    out.extend_from_slice(&[kind, level]);
    out.extend_from_slice(&(count as u16).to_le_bytes());
    out.extend_from_slice(&(prefix_length as u16).to_le_bytes());
    out.extend_from_slice(&[0, 0]);
}

fn put_offset(out: &mut Vec<u8>, offset: usize, bit: u16) {
    assert!(offset < usize::from(SLOT_BIT), "a node is split long before its offsets run out");
    out.extend_from_slice(&(offset as u16 | bit).to_le_bytes());
}

/// What the first and the last of ascending keys share, all of them share.
fn common_prefix<'a>(first: Option<&'a [u8]>, last: Option<&'a [u8]>) -> &'a [u8] {
    let (Some(first), Some(last)) = (first, last) else { return &[] };
    first.get(..worth_prefix(shared_prefix(first, last))).unwrap_or_default()
}

/// How many bytes two keys begin with in common.
pub(crate) fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let (words_a, words_b) = (a.as_chunks().0, b.as_chunks().0);
    let words =
        words_a.iter().zip(words_b).take_while(|(a, b)| u64::from_le_bytes(**a) == u64::from_le_bytes(**b));
    let at = 8 * words.count();
    at + a.iter().zip(b).skip(at).take_while(|(a, b)| a == b).count()
}

/// The length of a prefix to use when so much is shared.
pub(crate) fn worth_prefix(shared: usize) -> usize {
    if shared < PREFIX_BYTES_MIN { 0 } else { shared }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::Leaf;
    use crate::node::Value;

    /// A leaf in which every key is its own value.
    fn packed_leaf(keys: &[Vec<u8>]) -> Vec<u8> {
        let mut leaf = Leaf::default();
        for (index, key) in keys.iter().enumerate() {
            leaf.insert(index, key, Value::Inline(Bytes::copy_from_slice(key)));
        }
        leaf.pack::<()>(|_| Err(())).unwrap().0
    }

    #[test]
    fn leaves_with_and_without_a_prefix() {
        for head in [&b""[..], b"common/"] {
            let keys: Vec<Vec<u8>> = (0..50u8).map(|i| [head, &[i * 2, 1]].concat()).collect();
            let page = Page::parse(packed_leaf(&keys).into()).unwrap();
            for (i, key) in keys.iter().enumerate() {
                assert_eq!(page.search(key), Ok(i));
                assert_eq!(page.key(i), key);
                assert!(matches!(page.value(i), PackedValue::Inline(v) if v == key));
            }
            assert_eq!(page.search(b""), Err(0));
            assert_eq!(page.search(b"\xff"), Err(50));
            assert_eq!(page.search(&[head, &[3][..]].concat()), Err(2));
        }
    }

    #[test]
    fn anything_else_is_refused_without_a_panic() {
        let good = packed_leaf(&[b"a".to_vec(), b"b".to_vec()]);
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                if let Some(page) = Page::parse(bad.into()) {
                    for i in 0..page.count() {
                        if page.is_leaf() {
                            let _value = page.value(i);
                        }
                        let _key = page.key(i);
                    }
                }
            }
        }
        for end in 0..good.len() {
            assert!(Page::parse(Bytes::copy_from_slice(&good[..end])).is_none());
        }
    }
}
