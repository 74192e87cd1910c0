//! A node ready to be read, wherever it is.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;

use crate::node::{Body, MemoryNode, NodeRef, Value};
use crate::page::{PackedValue, Page, StoredValue};

/// A node ready to be read.
#[derive(Clone)]
pub(crate) enum Handle {
    Page(Page),
    Memory(Arc<MemoryNode>),
    /// A changed leaf with its cells, whose slices keep the leaf as it is: who changes it
    /// meanwhile changes a copy.
    Shared(Arc<MemoryNode>, Bytes),
}

/// The cells of a leaf in memory.
struct Cells(Arc<MemoryNode>);

impl AsRef<[u8]> for Cells {
    fn as_ref(&self) -> &[u8] {
        match &self.0.body {
            Body::Leaf(leaf) => leaf.cells(),
            Body::Internal(_) => &[],
        }
    }
}

impl Handle {
    pub(crate) fn is_leaf(&self) -> bool {
        match self {
            Self::Page(page) => page.is_leaf(),
            Self::Memory(node) | Self::Shared(node, _) => node.level == 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Page(page) => page.count(),
            Self::Memory(node) | Self::Shared(node, _) => node.count(),
        }
    }

    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        match self {
            Self::Page(page) => page.search(key),
            Self::Memory(node) | Self::Shared(node, _) => node.search(key),
        }
    }

    /// How key `index` stands to another one.
    pub(crate) fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        match self {
            Self::Page(page) => page.compare(index, key),
            Self::Memory(node) | Self::Shared(node, _) => node.compare(index, key),
        }
    }

    /// [`Handle::search`] for a key that is probably at entry `hint` or shortly behind.
    pub(crate) fn search_near(&self, hint: usize, key: &[u8]) -> Result<usize, usize> {
        let count = self.count();
        let (mut low, mut high) = (0, count);
        // Behind the last entry is behind all.
        let (mut probe, mut step) = (hint.min(count.saturating_sub(1)), 0);
        while probe < high {
            match self.compare(probe, key) {
                Ordering::Equal => return Ok(probe),
                Ordering::Greater => high = probe,
                Ordering::Less => {
                    low = probe + 1;
                    probe = low + step;
                    step = 2 * step + 1;
                }
            }
        }
        while low < high {
            let middle = (low + high) / 2;
            match self.compare(middle, key) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    pub(crate) fn key(&self, index: usize) -> Bytes {
        match self {
            Self::Page(page) => page.key(index),
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Leaf(leaf) => match (self, leaf.plain_key_place(index)) {
                    (Self::Shared(_, cells), Some(place)) => cells.slice(place),
                    _ => leaf.key(index),
                },
                Body::Internal(internal) => Bytes::copy_from_slice(internal.key(index)),
            },
        }
    }

    /// What all keys of a leaf begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        match self {
            Self::Page(page) => page.prefix(),
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Leaf(leaf) => leaf.prefix(),
                Body::Internal(_) => &[],
            },
        }
    }

    /// The keys of a leaf from `start` to before `end`, which have to be assembled, in one
    /// allocation.
    pub(crate) fn assembled_keys(&self, start: usize, end: usize) -> Vec<Bytes> {
        let prefix = self.prefix();
        let mut buffer = Vec::with_capacity((end - start) * (prefix.len() + 32));
        let mut ends = Vec::with_capacity(end - start);
        for index in start..end {
            buffer.extend_from_slice(prefix);
            buffer.extend_from_slice(self.suffix(index));
            ends.push(buffer.len());
        }
        let buffer = Bytes::from(buffer);
        let mut at = 0;
        ends.into_iter().map(|end| buffer.slice(std::mem::replace(&mut at, end)..end)).collect()
    }

    fn suffix(&self, index: usize) -> &[u8] {
        match self {
            Self::Page(page) => page.suffix(index),
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Leaf(leaf) => leaf.suffix(index),
                Body::Internal(internal) => internal.key(index),
            },
        }
    }

    /// Whether a child is a leaf that was changed.
    pub(crate) fn has_leaf_in_memory(&self, index: usize) -> bool {
        match self {
            Self::Page(_) => false,
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Internal(internal) if node.level == 1 => {
                    internal.child(index).is_some_and(|child| matches!(child.node, NodeRef::Memory(_)))
                }
                _ => false,
            },
        }
    }

    pub(crate) fn child_entries(&self, index: usize) -> u64 {
        match self {
            Self::Page(page) => page.child_entries(index),
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Internal(internal) => internal.child(index).map_or(0, |child| child.count),
                Body::Leaf(_) => 0,
            },
        }
    }

    /// Value `index` of a leaf if it can be lent. A short one of a leaf in memory which is not
    /// shared is copied, like [`Handle::value`] does, or fetched.
    #[inline]
    pub(crate) fn stored(&self, index: usize) -> Option<StoredValue<'_>> {
        let (node, cells) = match self {
            Self::Page(page) => return page.inline_value(index),
            Self::Shared(node, cells) => (node, Some(cells)),
            Self::Memory(node) => (node, None),
        };
        let Body::Leaf(leaf) = &node.body else { return None };
        if let Some(kept) = leaf.kept_value(index) {
            return Some(StoredValue { bytes: kept, storage: kept });
        }
        let storage = cells?;
        Some(StoredValue { bytes: storage.get(leaf.inline_value_place(index)?)?, storage })
    }

    /// Whether this surely is a leaf each of whose values can be lent.
    pub(crate) fn lends_all_values(&self) -> bool {
        matches!(self, Self::Page(page) if page.has_all_values())
    }

    /// Gets ready for a walk through the values of a leaf.
    pub(crate) fn touch_values(&self) {
        if let Self::Page(page) = self {
            page.touch_values();
        }
    }

    pub(crate) fn value(&self, index: usize) -> Option<Value> {
        match self {
            Self::Page(page) if index < page.count() => Some(match page.value(index) {
                PackedValue::Inline(bytes) => Value::Inline(bytes),
                PackedValue::Slot(pointer) => Value::Slot(pointer),
            }),
            Self::Page(_) => None,
            Self::Memory(node) | Self::Shared(node, _) => match &node.body {
                Body::Leaf(leaf) => match (self, leaf.inline_value_place(index)) {
                    (Self::Shared(_, cells), Some(place)) => Some(Value::Inline(cells.slice(place))),
                    _ => leaf.value(index),
                },
                Body::Internal(_) => None,
            },
        }
    }

    /// The same with keys and values that can be shared, which pays when several are read.
    /// Large values that stand aside would all be kept by the smallest of their leaf: such a
    /// leaf stays as it is.
    pub(crate) fn shareable(self) -> Self {
        match self {
            Self::Memory(node) => match &node.body {
                Body::Leaf(leaf) if leaf.has_nothing_aside() => {
                    let cells = Bytes::from_owner(Cells(node.clone()));
                    Self::Shared(node, cells)
                }
                _ => Self::Memory(node),
            },
            shareable => shareable,
        }
    }
}
