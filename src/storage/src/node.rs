//! Nodes in memory: changed since the last checkpoint, shared with snapshots by reference
//! counts. What hangs below a node on disk is on disk too.

use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::internal::Internal;
use crate::leaf::Leaf;
use crate::link::DiskNode;
use crate::page::Page;
use crate::pointer::read::{array_at, u64_at};
use crate::pointer::{POINTER_BYTES, Pointer};
use crate::store::allocated_bytes;

/// Set once a checkpoint has written the thing this belongs to. It is shared by the copies
/// that a change makes, so that the change can free what a running checkpoint is yet to write.
pub(crate) type Written = Arc<OnceLock<Pointer>>;

/// The memory of a [`Written`] and of the reference counts of a node.
const WRITTEN_BYTES: usize = 64;

/// A node, wherever it is.
#[derive(Clone, Debug)]
pub(crate) enum NodeRef {
    Disk(DiskNode),
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
    pub level: u8,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Leaf(Leaf),
    Internal(Internal),
}

/// The value of an entry.
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

impl From<Pointer> for NodeRef {
    fn from(pointer: Pointer) -> Self {
        Self::Disk(pointer.into())
    }
}

impl Root {
    /// Reads a tree's entry of the catalog.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let pointer = Pointer::decode(array_at(bytes, 0)?)?;
        Some(Self { node: Some(pointer.into()), count: u64_at(bytes, POINTER_BYTES)? })
    }
}

impl MemoryNode {
    pub(crate) fn leaf(epoch: u64, leaf: Leaf) -> Self {
        Self { epoch, written: Written::default(), level: 0, body: Body::Leaf(leaf) }
    }

    pub(crate) fn internal(epoch: u64, level: u8, internal: Internal) -> Self {
        Self { epoch, written: Written::default(), level, body: Body::Internal(internal) }
    }

    /// Unpacks a page to change it; `None` when a child pointer is missing.
    pub(crate) fn from_page(page: &Page, epoch: u64) -> Option<Self> {
        if page.is_leaf() {
            return Some(Self::leaf(epoch, Leaf::from_page(page)));
        }
        Some(Self::internal(epoch, page.level(), Internal::from_page(page)?))
    }

    /// Packed length without prefix compression.
    pub(crate) fn bytes(&self) -> usize {
        match &self.body {
            Body::Leaf(leaf) => leaf.bytes(),
            Body::Internal(internal) => internal.bytes(),
        }
    }

    /// The memory this takes, large values left out.
    pub(crate) fn memory_bytes(&self) -> usize {
        let body = match &self.body {
            Body::Leaf(leaf) => leaf.memory_bytes(),
            Body::Internal(internal) => internal.memory_bytes(),
        };
        allocated_bytes(body) + size_of::<Self>() + WRITTEN_BYTES
    }

    pub(crate) fn count(&self) -> usize {
        match &self.body {
            Body::Leaf(leaf) => leaf.count(),
            Body::Internal(internal) => internal.count(),
        }
    }

    /// How key `index` stands to another one.
    pub(crate) fn compare(&self, index: usize, key: &[u8]) -> Ordering {
        match &self.body {
            Body::Leaf(leaf) => leaf.compare(index, key),
            Body::Internal(internal) => internal.key(index).cmp(key),
        }
    }

    /// Where `key` is among the keys, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        match &self.body {
            Body::Leaf(leaf) => leaf.search(key),
            Body::Internal(internal) => internal.search(key),
        }
    }

    /// Entries of all leaves below.
    pub(crate) fn entries_below(&self) -> u64 {
        match &self.body {
            Body::Leaf(leaf) => leaf.count() as u64,
            Body::Internal(internal) => internal.entries_below(),
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
