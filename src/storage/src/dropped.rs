//! Freeing dropped trees piece by piece, outside of all locks.

use std::sync::Arc;

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::error::StorageError;
use crate::link::DiskNode;
use crate::node::{Body, Freed, MemoryNode, NodeRef, Value};
use crate::range::{Direction, KeyRange};
use crate::shared::Shared;
use crate::store::Store;

/// Nodes freed by one checkpoint.
const NODES_MAX: usize = 100_000;
/// Dropped trees looked at by one checkpoint.
const TREES_MAX: usize = 10_000;

struct Dismantling<'a> {
    store: &'a Store,
    epoch: u64,
    freed: Vec<Freed>,
    nodes_left: usize,
}

/// Frees a bounded part of what was dropped. Gives whether there is more.
pub(crate) fn dismantle(shared: &Shared) -> Result<bool, StorageError> {
    let (view, epoch) = {
        let mut state = shared.state.lock();
        if !std::mem::take(&mut state.has_dropped) {
            return Ok(false);
        }
        (state.view(), state.epoch)
    };
    let keys = {
        let root = view.catalog.clone();
        let range = KeyRange::prefix(&[1][..]);
        let mut cursor = Cursor::over(Arc::new(view), root, range, Direction::Forward);
        let mut keys = Vec::new();
        while keys.len() < TREES_MAX
            && let Some(key) = cursor.next_key()?
        {
            keys.push(key);
        }
        keys
    };
    let mut more = keys.len() == TREES_MAX;
    let mut work = Dismantling { store: &shared.store, epoch, freed: Vec::new(), nodes_left: NODES_MAX };
    let mut result = Ok(());
    for key in &keys {
        if work.nodes_left == 0 {
            more = true;
            break;
        }
        result = result.and(work.tree(shared, key, &mut more));
    }
    let mut state = shared.state.lock();
    state.freed.append(&mut work.freed);
    state.has_dropped |= more || result.is_err();
    // A damaged tree stays where it is; it must not keep everything else from being saved.
    if let Err(error) = result {
        tracing::warn!(%error, "a dropped tree could not be freed");
        return Ok(false);
    }
    Ok(more)
}

impl Dismantling<'_> {
    fn tree(&mut self, shared: &Shared, key: &Bytes, more: &mut bool) -> Result<(), StorageError> {
        // The durable catalog still has the tree: a power cut from here on loses nothing.
        let Some(mut root) = shared.state.lock().take_root(key)? else { return Ok(()) };
        let Some(node) = root.node.take() else { return Ok(()) };
        let before = self.freed.len();
        let (rest, result) = match self.node(node.clone(), None) {
            Ok(rest) => (rest, Ok(())),
            Err(error) => {
                self.freed.truncate(before);
                (Some(node), Err(error))
            }
        };
        if let Some(rest) = rest {
            *more |= result.is_ok();
            if let NodeRef::Memory(memory) = &rest {
                root.count = memory.entries_below();
            }
            root.node = Some(rest);
            shared.state.lock().put_root(key, root)?;
        }
        result
    }

    /// Frees a node with everything below, or as much as is allowed. Gives what is left.
    fn node(&mut self, node: NodeRef, level: Option<u8>) -> Result<Option<NodeRef>, StorageError> {
        self.nodes_left = self.nodes_left.saturating_sub(1);
        let (memory, freed) = match &node {
            NodeRef::Disk(DiskNode { pointer, .. }) => {
                let freed = Some(Freed::Pointer(*pointer));
                if level == Some(0) && !pointer.slots_below {
                    self.freed.extend(freed);
                    return Ok(None);
                }
                let page = self.store.page(pointer)?;
                let malformed = || StorageError::corrupt("data", pointer.offset, "a node is malformed");
                (MemoryNode::from_page(&page, self.epoch).ok_or_else(malformed)?, freed)
            }
            NodeRef::Memory(memory) => {
                let is_older = memory.epoch != self.epoch;
                let freed = is_older.then(|| Freed::Written(memory.written.clone()));
                (MemoryNode::clone(memory), freed)
            }
        };
        match memory.body {
            Body::Leaf(leaf) => {
                for value in leaf.outside() {
                    match value {
                        Value::Slot(pointer) => self.freed.push(Freed::Pointer(pointer)),
                        Value::Large(large) if large.epoch != self.epoch => {
                            self.freed.push(Freed::Written(large.written.clone()));
                        }
                        _ => {}
                    }
                }
            }
            Body::Internal(mut internal) => {
                let below = memory.level.saturating_sub(1);
                while let Some((key, mut child)) = internal.pop() {
                    let rest = if self.nodes_left == 0 {
                        Some(child.node)
                    } else {
                        self.node(child.node, Some(below))?
                    };
                    if let Some(rest) = rest {
                        if let NodeRef::Memory(memory) = &rest {
                            child.count = memory.entries_below();
                        }
                        child.node = rest;
                        internal.push(&key, child);
                        break;
                    }
                }
                if internal.count() > 0 {
                    self.freed.extend(freed);
                    let rest = MemoryNode::internal(self.epoch, memory.level, internal);
                    return Ok(Some(NodeRef::Memory(Arc::new(rest))));
                }
            }
        }
        self.freed.extend(freed);
        Ok(None)
    }
}
