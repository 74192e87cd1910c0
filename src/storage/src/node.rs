//! Nodes in memory: changed since the last checkpoint, shared with snapshots by reference
//! counts. What hangs below a node on disk is on disk too.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::page::{CHILD_BYTES, EMPTY_NODE_BYTES, INTERNAL_ENTRY_BYTES, LEAF_ENTRY_BYTES, PackedValue, Page};
use crate::pointer::read::{array_at, u64_at};
use crate::pointer::{POINTER_BYTES, Pointer};

/// Set once a checkpoint has written the thing this belongs to. It is shared by the copies
/// that a change makes, so that the change can free what a running checkpoint is yet to write.
pub(crate) type Written = Arc<OnceLock<Pointer>>;

/// A node, wherever it is.
#[derive(Clone, Debug)]
pub(crate) enum NodeRef {
    Disk(Pointer),
    Memory(Arc<MemoryNode>),
}

/// A tree: its top node, and how many entries are below.
#[derive(Clone, Debug, Default)]
pub(crate) struct Root {
    pub node: Option<NodeRef>,
    pub count: u64,
}

/// A node that was changed.
#[derive(Clone, Debug)]
pub(crate) struct MemoryNode {
    /// The checkpoint epoch in which it was made.
    pub epoch: u64,
    pub written: Written,
    /// Packed length without prefix compression.
    pub bytes: usize,
    pub level: u8,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Leaf(Vec<Entry>),
    Internal(Vec<Child>),
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub key: Bytes,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// At or below every key of the child; nobody compares that of the first child.
    pub key: Bytes,
    pub count: u64,
    pub node: NodeRef,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Inline(Bytes),
    /// In a slot on disk.
    Slot(Pointer),
    /// Too large for a leaf and not yet on disk, or only just.
    Large(Arc<LargeValue>),
    /// In the catalog: a tree.
    Tree(Root),
}

#[derive(Debug)]
pub(crate) struct LargeValue {
    pub epoch: u64,
    pub written: Written,
    pub bytes: Bytes,
}

/// Something on disk that the trees no longer need.
#[derive(Clone, Debug)]
pub(crate) enum Freed {
    Pointer(Pointer),
    /// On disk if the checkpoint that ran at the time came to write it.
    Written(Written),
}

impl Value {
    /// Length in a packed leaf.
    pub(crate) fn packed_bytes(&self) -> usize {
        match self {
            Self::Inline(bytes) => bytes.len(),
            Self::Slot(_) | Self::Large(_) => POINTER_BYTES,
            Self::Tree(_) => CHILD_BYTES,
        }
    }
}

impl Entry {
    pub(crate) fn packed_bytes(&self) -> usize {
        LEAF_ENTRY_BYTES + self.key.len() + self.value.packed_bytes()
    }
}

impl Child {
    pub(crate) fn packed_bytes(&self) -> usize {
        INTERNAL_ENTRY_BYTES + self.key.len()
    }
}

impl Root {
    /// Reads a tree's entry of the catalog.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let pointer = Pointer::decode(array_at(bytes, 0)?)?;
        Some(Self { node: Some(NodeRef::Disk(pointer)), count: u64_at(bytes, POINTER_BYTES)? })
    }
}

impl MemoryNode {
    pub(crate) fn leaf(epoch: u64, entries: Vec<Entry>) -> Self {
        let bytes = Self::leaf_bytes(&entries);
        Self { epoch, written: Written::default(), bytes, level: 0, body: Body::Leaf(entries) }
    }

    pub(crate) fn internal(epoch: u64, level: u8, children: Vec<Child>) -> Self {
        let bytes = Self::internal_bytes(&children);
        Self { epoch, written: Written::default(), bytes, level, body: Body::Internal(children) }
    }

    /// Packed length of a leaf without prefix compression.
    pub(crate) fn leaf_bytes(entries: &[Entry]) -> usize {
        EMPTY_NODE_BYTES + entries.iter().map(Entry::packed_bytes).sum::<usize>()
    }

    /// Packed length of an internal node without prefix compression.
    pub(crate) fn internal_bytes(children: &[Child]) -> usize {
        EMPTY_NODE_BYTES + children.iter().map(Child::packed_bytes).sum::<usize>()
    }

    /// Unpacks a page to change it; `None` when a child pointer is missing.
    pub(crate) fn from_page(page: &Page, epoch: u64) -> Option<Self> {
        let keys = page.keys(0, page.count());
        if page.is_leaf() {
            let mut entries = Vec::with_capacity(keys.len() + 1);
            for (index, key) in keys.into_iter().enumerate() {
                let value = match page.value(index) {
                    PackedValue::Inline(bytes) => Value::Inline(bytes),
                    PackedValue::Slot(pointer) => Value::Slot(pointer),
                };
                entries.push(Entry { key, value });
            }
            return Some(Self::leaf(epoch, entries));
        }
        let mut children = Vec::with_capacity(keys.len() + 1);
        for (index, key) in keys.into_iter().enumerate() {
            let (pointer, count) = page.child(index)?;
            children.push(Child { key, count, node: NodeRef::Disk(pointer) });
        }
        Some(Self::internal(epoch, page.level(), children))
    }

    /// An estimate of the memory this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let structures = match &self.body {
            Body::Leaf(entries) => size_of::<Entry>() * entries.len(),
            Body::Internal(children) => size_of::<Child>() * children.len(),
        };
        self.bytes + structures + size_of::<Self>()
    }

    pub(crate) fn count(&self) -> usize {
        match &self.body {
            Body::Leaf(entries) => entries.len(),
            Body::Internal(children) => children.len(),
        }
    }

    /// Where `key` is among the keys, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        match &self.body {
            Body::Leaf(entries) => entries.binary_search_by(|entry| entry.key.as_ref().cmp(key)),
            Body::Internal(children) => children.binary_search_by(|child| child.key.as_ref().cmp(key)),
        }
    }

    /// Entries of all leaves below.
    pub(crate) fn entries_below(&self) -> u64 {
        match &self.body {
            Body::Leaf(entries) => entries.len() as u64,
            Body::Internal(children) => children.iter().map(|child| child.count).sum(),
        }
    }
}

/// The child whose keys include the one searched for.
pub(crate) fn child_index(found: Result<usize, usize>) -> usize {
    match found {
        Ok(index) => index,
        Err(index) => index.saturating_sub(1),
    }
}
