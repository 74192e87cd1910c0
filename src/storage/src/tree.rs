//! Changing trees: copy-on-write where a snapshot or a checkpoint looks on, in place otherwise.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::StorageError;
use crate::node::{
    Body, Child, Entry, Freed, LargeValue, MemoryNode, NodeRef, Root, Value, Written, child_index,
};
use crate::page::{INLINE_BYTES_MAX, NODE_BYTES_MAX};
use crate::pointer::Pointer;
use crate::store::{DATA, Store};

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
    /// Estimate of the memory that only a checkpoint gives back.
    pub dirty_bytes: &'a mut u64,
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
    pub(crate) fn put(&mut self, root: &mut Root, key: Bytes, value: Bytes) -> Result<bool, StorageError> {
        *self.dirty_bytes += (key.len() + value.len() + size_of::<Entry>()) as u64;
        let value = if value.len() <= INLINE_BYTES_MAX {
            Value::Inline(value)
        } else {
            Value::Large(Arc::new(LargeValue {
                epoch: self.epoch,
                written: Written::default(),
                bytes: value,
            }))
        };
        self.put_value(root, key, value)
    }

    pub(crate) fn put_value(
        &mut self,
        root: &mut Root,
        key: Bytes,
        value: Value,
    ) -> Result<bool, StorageError> {
        let Some(node) = &mut root.node else {
            let leaf = MemoryNode::leaf(self.epoch, vec![Entry { key, value }]);
            *self.dirty_bytes += leaf.memory_bytes() as u64;
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
            let children = vec![
                Child { key: Bytes::new(), count: root.count - split.count, node: left },
                Child { key: split.key, count: split.count, node: split.node },
            ];
            root.node = Some(NodeRef::Memory(Arc::new(MemoryNode::internal(self.epoch, level, children))));
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

    /// Gives the value of a key for changing; `None` when it is not there.
    pub(crate) fn value_mut<'n>(
        &mut self,
        node: &'n mut NodeRef,
        key: &[u8],
    ) -> Result<Option<&'n mut Value>, StorageError> {
        let node = self.writable(node)?;
        let found = node.search(key);
        match &mut node.body {
            Body::Leaf(entries) => {
                let index = found.ok();
                Ok(index.and_then(|index| entries.get_mut(index)).map(|entry| &mut entry.value))
            }
            Body::Internal(children) => match children.get_mut(child_index(found)) {
                Some(child) => self.value_mut(&mut child.node, key),
                None => Ok(None),
            },
        }
    }

    /// Makes a node one that may be changed in place.
    pub(crate) fn writable<'n>(&mut self, node: &'n mut NodeRef) -> Result<&'n mut MemoryNode, StorageError> {
        if let NodeRef::Disk(pointer) = node {
            let memory = self.load(pointer)?;
            *self.dirty_bytes += memory.memory_bytes() as u64;
            self.freed.push(Freed::Pointer(*pointer));
            *node = NodeRef::Memory(Arc::new(memory));
        }
        match node {
            NodeRef::Memory(memory) => {
                let memory = Arc::make_mut(memory);
                if memory.epoch != self.epoch {
                    self.freed.push(Freed::Written(std::mem::take(&mut memory.written)));
                    memory.epoch = self.epoch;
                    *self.dirty_bytes += memory.memory_bytes() as u64;
                }
                Ok(memory)
            }
            // Replaced above.
            NodeRef::Disk(pointer) => Err(StorageError::corrupt(DATA, pointer.offset, "a node did not load")),
        }
    }

    /// Notes that a value is gone.
    pub(crate) fn release_value(&mut self, value: &Value) {
        match value {
            Value::Slot(pointer) => self.freed.push(Freed::Pointer(*pointer)),
            Value::Large(large) if large.epoch != self.epoch => {
                self.freed.push(Freed::Written(large.written.clone()));
            }
            Value::Large(_) | Value::Inline(_) | Value::Tree(_) => {}
        }
    }

    fn store(&self, pointer: &Pointer) -> Result<&Store, StorageError> {
        self.store.ok_or_else(|| StorageError::corrupt(DATA, pointer.offset, "a memory engine has no pages"))
    }

    fn load(&self, pointer: &Pointer) -> Result<MemoryNode, StorageError> {
        let page = self.store(pointer)?.page(pointer)?;
        MemoryNode::from_page(&page, self.epoch).ok_or_else(|| {
            StorageError::corrupt(DATA, pointer.offset, "a node has a child without a pointer")
        })
    }

    fn contains(&self, node: &NodeRef, key: &[u8]) -> Result<bool, StorageError> {
        let mut node = node;
        let mut pointer = loop {
            match node {
                NodeRef::Disk(pointer) => break *pointer,
                NodeRef::Memory(memory) => {
                    let found = memory.search(key);
                    match &memory.body {
                        Body::Leaf(_) => return Ok(found.is_ok()),
                        Body::Internal(children) => match children.get(child_index(found)) {
                            Some(child) => node = &child.node,
                            None => return Ok(false),
                        },
                    }
                }
            }
        };
        loop {
            let page = self.store(&pointer)?.page(&pointer)?;
            let found = page.search(key);
            if page.is_leaf() {
                return Ok(found.is_ok());
            }
            match page.child(child_index(found)) {
                Some((child, _)) => pointer = child,
                None => return Ok(false),
            }
        }
    }

    fn insert(&mut self, node: &mut NodeRef, key: Bytes, value: Value) -> Result<Inserted, StorageError> {
        let epoch = self.epoch;
        let node = self.writable(node)?;
        let found = node.search(&key);
        let (added, at) = match &mut node.body {
            Body::Leaf(entries) => match found {
                Ok(index) => {
                    if let Some(entry) = entries.get_mut(index) {
                        node.bytes = node.bytes + value.packed_bytes() - entry.value.packed_bytes();
                        let old = std::mem::replace(&mut entry.value, value);
                        self.release_value(&old);
                    }
                    (false, index)
                }
                Err(index) => {
                    let entry = Entry { key, value };
                    node.bytes += entry.packed_bytes();
                    entries.insert(index, entry);
                    (true, index)
                }
            },
            Body::Internal(children) => {
                let index = child_index(found);
                let Some(child) = children.get_mut(index) else {
                    return Ok(Inserted { added: false, split: None });
                };
                if found == Err(0) {
                    // Below all keys so far, as happens once a first child is gone. Its key must
                    // stay below the one that a split of this child puts behind it.
                    node.bytes -= child.key.len();
                    child.key = Bytes::new();
                }
                let inserted = self.insert(&mut child.node, key, value)?;
                child.count += u64::from(inserted.added);
                let Some(split) = inserted.split else {
                    return Ok(Inserted { added: inserted.added, split: None });
                };
                child.count -= split.count;
                let right = Child { key: split.key, count: split.count, node: split.node };
                node.bytes += right.packed_bytes();
                children.insert(index + 1, right);
                (inserted.added, index + 1)
            }
        };
        let split = (node.bytes > NODE_BYTES_MAX && node.count() > 1).then(|| split(node, at, epoch));
        if let Some(Split { node: NodeRef::Memory(right), .. }) = &split {
            *self.dirty_bytes += right.memory_bytes() as u64 / 4;
        }
        Ok(Inserted { added, split })
    }

    fn remove(&mut self, node: &mut NodeRef, key: &[u8]) -> Result<(), StorageError> {
        let node = self.writable(node)?;
        let found = node.search(key);
        match &mut node.body {
            Body::Leaf(entries) => {
                if let Ok(index) = found {
                    let entry = entries.remove(index);
                    node.bytes -= entry.packed_bytes();
                    self.release_value(&entry.value);
                }
            }
            Body::Internal(children) => {
                let index = child_index(found);
                let Some(child) = children.get_mut(index) else { return Ok(()) };
                self.remove(&mut child.node, key)?;
                child.count -= 1;
                if child.count == 0 {
                    let child = children.remove(index);
                    node.bytes -= child.packed_bytes();
                } else if let NodeRef::Memory(memory) = &child.node
                    && memory.bytes < MERGE_BYTES
                    && children.len() > 1
                {
                    let left = if index + 1 < children.len() { index } else { index - 1 };
                    // A neighbour that cannot be read only stays unmerged; whoever needs what
                    // is in it will say so.
                    if let Ok(true) = self.fits_merged(children, left)
                        && let Ok(shrunk) = self.merge(children, left)
                    {
                        node.bytes -= shrunk;
                    }
                }
            }
        }
        Ok(())
    }

    fn fits_merged(&self, children: &[Child], left: usize) -> Result<bool, StorageError> {
        let mut sum = 0;
        for child in children.iter().skip(left).take(2) {
            sum += match &child.node {
                NodeRef::Memory(memory) => memory.bytes,
                NodeRef::Disk(pointer) => {
                    if pointer.length as usize > MERGED_BYTES_MAX {
                        return Ok(false);
                    }
                    self.load(pointer)?.bytes
                }
            };
        }
        Ok(sum <= MERGED_BYTES_MAX)
    }

    /// Merges a child with its right neighbour. Gives by how much the parent shrank.
    fn merge(&mut self, children: &mut Vec<Child>, left: usize) -> Result<usize, StorageError> {
        if let Some(child) = children.get_mut(left + 1) {
            self.writable(&mut child.node)?;
        }
        if let Some(child) = children.get_mut(left) {
            self.writable(&mut child.node)?;
        }
        let right = children.remove(left + 1);
        let shrunk = right.packed_bytes();
        let Some(child) = children.get_mut(left) else { return Ok(shrunk) };
        child.count += right.count;
        let target = self.writable(&mut child.node)?;
        let NodeRef::Memory(right_node) = right.node else { return Ok(shrunk) };
        let right_node = Arc::unwrap_or_clone(right_node);
        match (&mut target.body, right_node.body) {
            (Body::Leaf(entries), Body::Leaf(more)) => entries.extend(more),
            (Body::Internal(entries), Body::Internal(mut more)) => {
                // Nobody compared this key so far; from now on everybody does.
                if let Some(first) = more.first_mut() {
                    first.key = right.key;
                }
                entries.extend(more);
            }
            _ => {}
        }
        target.bytes = match &target.body {
            Body::Leaf(entries) => MemoryNode::leaf_bytes(entries),
            Body::Internal(children) => MemoryNode::internal_bytes(children),
        };
        Ok(shrunk)
    }

    /// Takes away top nodes that have only one child.
    fn collapse(&mut self, root: &mut Root) -> Result<(), StorageError> {
        while let Some(NodeRef::Memory(memory)) = &mut root.node {
            match &memory.body {
                Body::Internal(children) if children.len() == 1 => {
                    let only = children.first().map(|child| child.node.clone());
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
    let at = if inserted_at + 1 == count {
        count - 1
    } else if inserted_at == 0 {
        1
    } else {
        middle(node)
    };
    let level = node.level;
    match &mut node.body {
        Body::Leaf(entries) => {
            let mut right = entries.split_off(at);
            right.reserve(right.capacity().max(8));
            let low = entries.last().map(|entry| entry.key.clone()).unwrap_or_default();
            let high = right.first().map(|entry| entry.key.clone()).unwrap_or_default();
            node.bytes = MemoryNode::leaf_bytes(entries);
            let count = right.len() as u64;
            let right = MemoryNode::leaf(epoch, right);
            Split { key: separator(&low, &high), node: NodeRef::Memory(Arc::new(right)), count }
        }
        Body::Internal(children) => {
            let right = children.split_off(at);
            let key = right.first().map(|child| child.key.clone()).unwrap_or_default();
            node.bytes = MemoryNode::internal_bytes(children);
            let right = MemoryNode::internal(epoch, level, right);
            let count = right.entries_below();
            Split { key, node: NodeRef::Memory(Arc::new(right)), count }
        }
    }
}

/// The entry at which the left half has about as many bytes as the right one.
fn middle(node: &MemoryNode) -> usize {
    let half = node.bytes / 2;
    let mut sum = 0;
    let mut sizes: Box<dyn Iterator<Item = usize>> = match &node.body {
        Body::Leaf(entries) => Box::new(entries.iter().map(Entry::packed_bytes)),
        Body::Internal(children) => Box::new(children.iter().map(Child::packed_bytes)),
    };
    let at = sizes.position(|size| {
        sum += size;
        sum >= half
    });
    at.unwrap_or(0).clamp(1, node.count().saturating_sub(1).max(1))
}

/// The shortest key above `low` and at or below `high`.
fn separator(low: &[u8], high: &Bytes) -> Bytes {
    let shared = low.iter().zip(high.iter()).take_while(|(a, b)| a == b).count();
    high.slice(..(shared + 1).min(high.len()))
}
