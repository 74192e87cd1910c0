//! Changing trees: copy-on-write where a snapshot or a checkpoint looks on, in place otherwise.

use std::sync::Arc;

use bytes::Bytes;

use crate::descent::{leaf_of, store_of};
use crate::error::StorageError;
use crate::internal::{Child, Internal};
use crate::leaf::Leaf;
use crate::link::DiskNode;
use crate::node::{Body, Freed, LargeValue, MemoryNode, NodeRef, Root, Value, Written, child_index};
use crate::page::{INLINE_BYTES_MAX, NODE_BYTES_MAX};
use crate::pointer::Pointer;
use crate::store::{DATA, Store};
use crate::view::malformed_catalog;

/// Below this a node looks for a neighbour to merge with.
const MERGE_BYTES: usize = NODE_BYTES_MAX / 4;
/// The most a merged node may have, so that it does not split at once.
const MERGED_BYTES_MAX: usize = NODE_BYTES_MAX * 3 / 4;

/// What changes to trees need from the engine and report to it.
pub(crate) struct Writer<'a> {
    /// Where nodes on disk are; none in a memory engine.
    pub store: Option<&'a Store>,
    pub epoch: u64,
    pub freed: &'a mut Vec<Freed>,
    /// The memory that only a checkpoint gives back.
    pub dirty_bytes: &'a mut u64,
    /// Length of the record that values are slices of.
    pub record_bytes: usize,
}

struct Split {
    key: Bytes,
    node: NodeRef,
    count: u64,
}

struct Inserted {
    added: bool,
    split: Option<Split>,
}

impl Writer<'_> {
    /// Sets a key. Gives whether it is new.
    pub(crate) fn put(&mut self, root: &mut Root, key: &[u8], value: Bytes) -> Result<bool, StorageError> {
        let value = if value.len() <= INLINE_BYTES_MAX { Value::Inline(value) } else { self.large(value) };
        self.put_value(root, key, value)
    }

    pub(crate) fn put_value(
        &mut self,
        root: &mut Root,
        key: &[u8],
        value: Value,
    ) -> Result<bool, StorageError> {
        let Some(node) = &mut root.node else {
            let leaf = MemoryNode::leaf(self.epoch, Leaf::of_one(key, value));
            self.account(0, leaf.memory_bytes());
            *root = Root { node: Some(NodeRef::Memory(Arc::new(leaf))), count: 1 };
            return Ok(true);
        };
        let inserted = self.insert(node, key, value)?;
        root.count += u64::from(inserted.added);
        if let Some(split) = inserted.split
            && let Some(left) = root.node.take()
        {
            let level = match &left {
                NodeRef::Memory(node) => node.level + 1,
                NodeRef::Disk(_) => 1,
            };
            let left = Child { count: root.count - split.count, node: left };
            let right = Child { count: split.count, node: split.node };
            let top = MemoryNode::internal(self.epoch, level, Internal::of_two(left, &split.key, right));
            self.account(0, top.memory_bytes());
            root.node = Some(NodeRef::Memory(Arc::new(top)));
        }
        Ok(inserted.added)
    }

    /// Removes a key. Gives whether it was there.
    pub(crate) fn delete(&mut self, root: &mut Root, key: &[u8]) -> Result<bool, StorageError> {
        let Some(node) = &mut root.node else { return Ok(false) };
        // Most deletions of what is not there should not make a path dirty.
        if !self.contains(node, key)? {
            return Ok(false);
        }
        self.remove(node, key)?;
        root.count -= 1;
        if root.count == 0 {
            // The last entry took its leaf and every node above with it, all of them dirty.
            root.node = None;
            return Ok(true);
        }
        self.collapse(root)?;
        Ok(true)
    }

    /// Gives the tree of a catalog's key for changing; `None` when it is not there.
    pub(crate) fn root_mut<'n>(
        &mut self,
        node: &'n mut NodeRef,
        key: &[u8],
    ) -> Result<Option<&'n mut Root>, StorageError> {
        let node = self.writable(node)?;
        let found = node.search(key);
        match &mut node.body {
            Body::Leaf(leaf) => match found {
                Ok(index) => leaf.root_mut(index).map(Some).ok_or_else(malformed_catalog),
                Err(_) => Ok(None),
            },
            Body::Internal(internal) => match internal.child_mut(child_index(found)) {
                Some(child) => self.root_mut(&mut child.node, key),
                None => Ok(None),
            },
        }
    }

    /// Makes the node of a level on the way to a key one that is written anew.
    pub(crate) fn rewrite(&mut self, node: &mut NodeRef, key: &[u8], level: u8) -> Result<(), StorageError> {
        let node = self.writable(node)?;
        if node.level <= level {
            return Ok(());
        }
        let index = child_index(node.search(key));
        match &mut node.body {
            Body::Internal(internal) => match internal.child_mut(index) {
                Some(child) => self.rewrite(&mut child.node, key, level),
                None => Ok(()),
            },
            Body::Leaf(_) => Ok(()),
        }
    }

    /// Makes a node one that may be changed in place.
    pub(crate) fn writable<'n>(&mut self, node: &'n mut NodeRef) -> Result<&'n mut MemoryNode, StorageError> {
        if let NodeRef::Disk(DiskNode { pointer, .. }) = node {
            let memory = self.load(pointer)?;
            self.account(0, memory.memory_bytes());
            self.freed.push(Freed::Pointer(*pointer));
            *node = NodeRef::Memory(Arc::new(memory));
        }
        match node {
            NodeRef::Memory(memory) => {
                let is_shared = Arc::strong_count(memory) > 1;
                let memory = Arc::make_mut(memory);
                if is_shared || memory.epoch != self.epoch {
                    self.account(0, memory.memory_bytes());
                }
                if memory.epoch != self.epoch {
                    self.freed.push(Freed::Written(std::mem::take(&mut memory.written)));
                    memory.epoch = self.epoch;
                }
                Ok(memory)
            }
            // Replaced above.
            NodeRef::Disk(disk) => {
                Err(StorageError::corrupt(DATA, disk.pointer.offset, "a node did not load"))
            }
        }
    }

    /// Notes that a value that stood outside its leaf is gone.
    fn release_value(&mut self, value: Option<Value>) {
        match value {
            Some(Value::Slot(pointer)) => self.freed.push(Freed::Pointer(pointer)),
            Some(Value::Large(large)) if large.epoch != self.epoch => {
                self.freed.push(Freed::Written(large.written.clone()));
            }
            Some(Value::Large(large)) => self.account(large.bytes.len(), 0),
            Some(Value::Inline(_) | Value::Tree(_)) | None => {}
        }
    }

    fn large(&mut self, bytes: Bytes) -> Value {
        self.account(0, bytes.len());
        // A part of a long record must not keep all of it in memory.
        let is_part = bytes.len() < self.record_bytes / 2;
        let bytes = if is_part { Bytes::copy_from_slice(&bytes) } else { bytes };
        Value::Large(Arc::new(LargeValue { epoch: self.epoch, written: Written::default(), bytes }))
    }

    /// Notes that memory which only a checkpoint gives back has grown or shrunk.
    fn account(&mut self, before: usize, after: usize) {
        *self.dirty_bytes = (*self.dirty_bytes + after as u64).saturating_sub(before as u64);
    }

    fn store(&self, pointer: &Pointer) -> Result<&Store, StorageError> {
        store_of(self.store, pointer)
    }

    fn load(&self, pointer: &Pointer) -> Result<MemoryNode, StorageError> {
        let page = self.store(pointer)?.page(pointer)?;
        MemoryNode::from_page(&page, self.epoch).ok_or_else(|| {
            StorageError::corrupt(DATA, pointer.offset, "a node has a child without a pointer")
        })
    }

    fn contains(&self, node: &NodeRef, key: &[u8]) -> Result<bool, StorageError> {
        Ok(leaf_of(self.store, node, key)?.is_some_and(|leaf| leaf.search(key).is_ok()))
    }

    fn insert(&mut self, node: &mut NodeRef, key: &[u8], value: Value) -> Result<Inserted, StorageError> {
        let node = self.writable(node)?;
        let found = node.search(key);
        let before = node.memory_bytes();
        let (added, at) = match &mut node.body {
            Body::Leaf(leaf) => match found {
                Ok(index) => {
                    let old = leaf.replace(index, value);
                    self.release_value(old);
                    (false, index)
                }
                Err(index) => {
                    leaf.insert(index, key, value);
                    (true, index)
                }
            },
            Body::Internal(internal) => {
                let index = child_index(found);
                if index == 0 && key < internal.key(0) {
                    // Below all keys so far, as happens once a first child is gone. Its key must
                    // stay below the one that a split of this child puts behind it.
                    internal.set_key(0, &[]);
                }
                let Some(child) = internal.child_mut(index) else {
                    return Ok(Inserted { added: false, split: None });
                };
                let inserted = self.insert(&mut child.node, key, value)?;
                child.count += u64::from(inserted.added);
                let Some(split) = inserted.split else {
                    return Ok(Inserted { added: inserted.added, split: None });
                };
                child.count -= split.count;
                internal.insert(index + 1, &split.key, Child { count: split.count, node: split.node });
                (inserted.added, index + 1)
            }
        };
        let split = (node.bytes() > NODE_BYTES_MAX && node.count() > 1).then(|| split(node, at, self.epoch));
        self.account(before, node.memory_bytes());
        if let Some(Split { node: NodeRef::Memory(right), .. }) = &split {
            self.account(0, right.memory_bytes());
        }
        Ok(Inserted { added, split })
    }

    fn remove(&mut self, node: &mut NodeRef, key: &[u8]) -> Result<(), StorageError> {
        let node = self.writable(node)?;
        let found = node.search(key);
        match &mut node.body {
            Body::Leaf(leaf) => {
                if let Ok(index) = found {
                    let old = leaf.remove(index);
                    self.release_value(old);
                }
            }
            Body::Internal(internal) => {
                let index = child_index(found);
                let Some(child) = internal.child_mut(index) else { return Ok(()) };
                self.remove(&mut child.node, key)?;
                child.count -= 1;
                if child.count == 0 {
                    let child = internal.remove(index);
                    if let Some(Child { node: NodeRef::Memory(memory), .. }) = child {
                        self.account(memory.memory_bytes(), 0);
                    }
                } else if let NodeRef::Memory(memory) = &child.node
                    && memory.bytes() < MERGE_BYTES
                    && internal.count() > 1
                {
                    let left = if index + 1 < internal.count() { index } else { index - 1 };
                    // A neighbour that cannot be read only stays unmerged; whoever needs what
                    // is in it will say so.
                    if let Ok(true) = self.fits_merged(internal, left)
                        && let Err(error) = self.merge(internal, left)
                    {
                        tracing::debug!(%error, "two nodes stay as they are");
                    }
                }
            }
        }
        Ok(())
    }

    fn fits_merged(&self, internal: &Internal, left: usize) -> Result<bool, StorageError> {
        let mut sum = 0;
        for child in internal.children().iter().skip(left).take(2) {
            sum += match &child.node {
                NodeRef::Memory(memory) => memory.bytes(),
                NodeRef::Disk(DiskNode { pointer, .. }) => {
                    if pointer.length as usize > MERGED_BYTES_MAX {
                        return Ok(false);
                    }
                    self.store(pointer)?.page(pointer)?.plain_length()
                }
            };
        }
        Ok(sum <= MERGED_BYTES_MAX)
    }

    /// Merges a child with its right neighbour. An error leaves them as they were.
    fn merge(&mut self, internal: &mut Internal, left: usize) -> Result<(), StorageError> {
        for index in [left + 1, left] {
            if let Some(child) = internal.child_mut(index) {
                self.writable(&mut child.node)?;
            }
        }
        let key = Bytes::copy_from_slice(internal.key(left + 1));
        let Some(Child { count, node: NodeRef::Memory(right) }) = internal.remove(left + 1) else {
            return Ok(());
        };
        let Some(child) = internal.child_mut(left) else { return Ok(()) };
        child.count += count;
        let target = self.writable(&mut child.node)?;
        let before = target.memory_bytes() + right.memory_bytes();
        match (&mut target.body, Arc::unwrap_or_clone(right).body) {
            (Body::Leaf(leaf), Body::Leaf(more)) => leaf.append(more),
            (Body::Internal(internal), Body::Internal(more)) => internal.append(&key, more),
            _ => {}
        }
        self.account(before, target.memory_bytes());
        Ok(())
    }

    /// Takes away top nodes that have only one child.
    fn collapse(&mut self, root: &mut Root) -> Result<(), StorageError> {
        while let Some(NodeRef::Memory(memory)) = &mut root.node {
            match &memory.body {
                Body::Internal(internal) if internal.count() == 1 => {
                    let only = internal.child(0).map(|child| child.node.clone());
                    if memory.epoch != self.epoch {
                        self.freed.push(Freed::Written(memory.written.clone()));
                    }
                    root.node = only;
                }
                _ => break,
            }
        }
        Ok(())
    }
}

/// Cuts a node in two around where something was inserted. Ascending and descending loads
/// leave full nodes behind; everything else is cut in the middle.
fn split(node: &mut MemoryNode, inserted_at: usize, epoch: u64) -> Split {
    let count = node.count();
    let at = |middle: usize| {
        if inserted_at + 1 == count {
            count - 1
        } else if inserted_at == 0 {
            1
        } else {
            middle.clamp(1, count - 1)
        }
    };
    let level = node.level;
    let (key, right) = match &mut node.body {
        Body::Leaf(leaf) => {
            let right = leaf.split_off(at(leaf.middle()));
            let (low, high) = (leaf.key(leaf.count().saturating_sub(1)), right.key(0));
            (separator(&low, &high), MemoryNode::leaf(epoch, right))
        }
        Body::Internal(internal) => {
            let right = internal.split_off(at(internal.middle()));
            (Bytes::copy_from_slice(right.key(0)), MemoryNode::internal(epoch, level, right))
        }
    };
    Split { key, count: right.entries_below(), node: NodeRef::Memory(Arc::new(right)) }
}

/// The shortest key above `low` and at or below `high`.
fn separator(low: &[u8], high: &Bytes) -> Bytes {
    let shared = crate::page::shared_prefix(low, high);
    high.slice(..(shared + 1).min(high.len()))
}
