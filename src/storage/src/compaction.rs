//! Giving back the room that is lost in slabs with few slots in use: what stands far back in
//! the file moves to free slots of its class further in front, until slabs come free.
//!
//! Moving is nothing but changing a node or a value without changing it: the next checkpoint
//! writes it elsewhere, and everything that makes a checkpoint safe makes this safe.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;

use crate::engine::Snapshot;
use crate::error::StorageError;
use crate::node::{Body, NodeRef};
use crate::open_options::OpenOptions;
use crate::page::{PackedValue, Page};
use crate::pointer::Pointer;
use crate::shared::Shared;
use crate::space::{Borders, SLAB_BYTES};
use crate::view::{TreeSnapshot, View};

/// What is moved before a checkpoint writes it.
const PASS_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// A file that has lost less than this part of what is used is left alone.
const LOST_PART_MIN: u64 = 8;
/// Passes besides those that what is used would take altogether.
const PASSES_MORE_MAX: u64 = 4;

/// Whether so many slabs have lost enough room to be worth the writes.
pub(crate) fn is_worth_it(options: &OpenOptions, slabs_used: u64, slot_bytes_used: u64) -> bool {
    let lost = (slabs_used * SLAB_BYTES).saturating_sub(slot_bytes_used);
    lost > options.compact_lost_bytes && lost > slot_bytes_used / LOST_PART_MIN
}

/// Something that is to be moved.
struct Move {
    tree: TreeId,
    /// A key by which it is found.
    key: Bytes,
    what: Movable,
}

enum Movable {
    /// The node of this level.
    Node(u8),
    /// The value of the key.
    Value(Pointer),
}

/// Collects what stands behind the borders.
struct Search<'a> {
    view: &'a View,
    borders: &'a Borders,
    tree: TreeId,
    found: Vec<Move>,
    bytes_left: u64,
}

/// Moves until nothing is gained by it, or `goes_on` says no.
pub(crate) fn compact(shared: &Shared, goes_on: impl Fn() -> bool) -> Result<(), StorageError> {
    // Frees what only waited for its snapshots to end.
    shared.checkpoint()?;
    let passes_max = shared.slot_bytes_used() / PASS_BYTES_MAX + PASSES_MORE_MAX;
    for _ in 0..passes_max {
        let Some(borders) = borders(shared) else { break };
        let view = shared.view();
        let moves = search(&view, &borders)?;
        if moves.is_empty() {
            break;
        }
        for one in moves {
            if !goes_on() {
                return Ok(());
            }
            one.apply(shared, &view)?;
        }
        drop(view);
        shared.checkpoint()?;
    }
    Ok(())
}

/// Behind which slabs slots are to be moved; `None` when there is nothing to gain, or snapshots
/// hold on to what was moved.
fn borders(shared: &Shared) -> Option<Borders> {
    let checkpointer = shared.checkpointer.lock();
    let space = &checkpointer.space;
    let slabs_used = u64::from(space.slab_count() - space.free_slabs());
    let is_worth_it = is_worth_it(&shared.options, slabs_used, space.live_bytes());
    (is_worth_it && checkpointer.pending_bytes() == 0).then(|| space.borders())
}

fn search(view: &Arc<View>, borders: &Borders) -> Result<Vec<Move>, StorageError> {
    let mut search = Search { view, borders, tree: TreeId(0), found: Vec::new(), bytes_left: PASS_BYTES_MAX };
    for (tree, _) in TreeSnapshot(Arc::clone(view)).trees()? {
        search.tree = tree;
        if let Some(node) = view.root(tree)?.node {
            search.node(&node, Bytes::new(), None)?;
        }
        if search.bytes_left == 0 {
            break;
        }
    }
    Ok(search.found)
}

impl Search<'_> {
    /// Looks at a node that is on the way to `key`, and at what is below it.
    fn node(&mut self, node: &NodeRef, key: Bytes, level: Option<u8>) -> Result<(), StorageError> {
        if self.bytes_left == 0 {
            return Ok(());
        }
        match node {
            NodeRef::Disk(pointer) => {
                if level == Some(0) && !pointer.slots_below {
                    self.consider(pointer, &key, Movable::Node(0));
                    return Ok(());
                }
                let page = self.view.page(pointer)?;
                self.consider(pointer, &key, Movable::Node(page.level()));
                if page.is_leaf() {
                    self.values(&page);
                    return Ok(());
                }
                self.children(&page, &key)
            }
            NodeRef::Memory(memory) => match &memory.body {
                // It is written anew anyway.
                Body::Leaf(_) => Ok(()),
                Body::Internal(internal) => {
                    let below = memory.level.checked_sub(1);
                    for (index, child) in internal.children().iter().enumerate() {
                        let own = || Bytes::copy_from_slice(internal.key(index));
                        self.node(&child.node, if index == 0 { key.clone() } else { own() }, below)?;
                    }
                    Ok(())
                }
            },
        }
    }

    fn children(&mut self, page: &Page, key: &Bytes) -> Result<(), StorageError> {
        for index in 0..page.count() {
            let Some((pointer, _)) = page.child(index) else { continue };
            // Nobody compares the key of a first child: the way to it is the way to its parent.
            let key = if index == 0 { key.clone() } else { page.key(index) };
            self.node(&NodeRef::Disk(pointer), key, page.level().checked_sub(1))?;
        }
        Ok(())
    }

    fn values(&mut self, page: &Page) {
        for index in 0..page.count() {
            if let PackedValue::Slot(pointer) = page.value(index) {
                self.consider(&pointer, &page.key(index), Movable::Value(pointer));
            }
        }
    }

    fn consider(&mut self, pointer: &Pointer, key: &Bytes, what: Movable) {
        if self.borders.is_behind(pointer) {
            self.bytes_left = self.bytes_left.saturating_sub(u64::from(pointer.length));
            self.found.push(Move { tree: self.tree, key: key.clone(), what });
        }
    }
}

impl Move {
    /// Makes what is to be moved something that the next checkpoint writes.
    fn apply(&self, shared: &Shared, view: &View) -> Result<(), StorageError> {
        match &self.what {
            Movable::Node(level) => {
                // Reads while nobody waits.
                view.warm(&view.root(self.tree)?, &self.key)?;
                shared.state.lock().rewrite_node(self.tree, &self.key, *level)
            }
            Movable::Value(pointer) => {
                let bytes = view.read(pointer)?;
                shared.state.lock().rewrite_value(self.tree, &self.key, pointer, bytes)
            }
        }
    }
}
