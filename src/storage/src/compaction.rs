//! Giving back the room that is lost in slabs with gaps: what the emptiest hold, and those far
//! behind the room that is needed, moves into gaps of others, and these come free.
//!
//! Moving is nothing but changing a node or a value without changing it: the next checkpoint
//! writes it elsewhere, and everything that makes a checkpoint safe makes this safe.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;

use crate::engine::Snapshot;
use crate::error::StorageError;
use crate::link::DiskNode;
use crate::node::{Body, NodeRef};
use crate::open_options::OpenOptions;
use crate::page::{PackedValue, Page};
use crate::pointer::Pointer;
use crate::shared::Shared;
use crate::slab::{CLASS_EXTENT, CLASS_EXTENT_BODY, CLASS_FREE, SLAB_BYTES, Slab, locate};
use crate::space::Space;
use crate::view::{TreeSnapshot, View};

/// What is moved at most before a checkpoint writes it.
const PASS_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Likewise, as part of the memory for changes and pages.
const PASS_PART_MAX: u64 = 8;
/// A file that has lost less than this part of what is used is left alone.
const LOST_PART_MIN: u64 = 16;
/// A slab that has lost less than this part of itself is left alone.
const SLAB_LOST_PART_MIN: u64 = 16;
/// The last pass is one by which less than this part of the slabs that it emptied came free.
const GAIN_PART_MIN: u64 = 16;
/// Slabs that the file may be longer than it has to be, as part of those in use.
const LONGER_PART_MAX: u32 = 4;
/// Passes besides those that what is used would take altogether.
const PASSES_MORE_MAX: u64 = 4;

/// Slabs of the data file, and what they are used for.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub slabs: u64,
    pub slabs_free: u64,
    pub slot_bytes_used: u64,
}

impl Usage {
    fn of(space: &Space) -> Self {
        let (slabs, slabs_free) = (u64::from(space.slab_count()), u64::from(space.free_slabs()));
        Self { slabs, slabs_free, slot_bytes_used: space.live_bytes() }
    }

    /// Whether enough room is lost to be worth the writes.
    pub(crate) fn is_worth_compacting(&self, options: &OpenOptions) -> bool {
        let lost = self.lost_bytes();
        let has_lost = lost > options.compact_lost_bytes && lost > self.slot_bytes_used / LOST_PART_MIN;
        has_lost || self.is_long(options)
    }

    /// Bytes that slabs in use have lost.
    fn lost_bytes(&self) -> u64 {
        (self.slabs_used() * SLAB_BYTES).saturating_sub(self.slot_bytes_used)
    }

    fn slabs_used(&self) -> u64 {
        self.slabs.saturating_sub(self.slabs_free)
    }

    /// Whether the file is much longer than it has to be.
    fn is_long(&self, options: &OpenOptions) -> bool {
        self.slabs_free * SLAB_BYTES > options.compact_lost_bytes
            && self.slabs_free > self.slabs_used() / u64::from(LONGER_PART_MAX)
    }
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

/// Collects what stands in slabs that are to be emptied.
struct Search<'a> {
    view: &'a View,
    victims: &'a HashMap<u32, Slab>,
    tree: TreeId,
    found: Vec<Move>,
    bytes_left: u64,
}

/// Moves until nothing is gained by it, or `goes_on` says no.
pub(crate) fn compact(shared: &Shared, goes_on: impl Fn() -> bool) -> Result<(), StorageError> {
    // Frees what only waited for its snapshots to end.
    shared.checkpoint()?;
    let result = run_passes(shared, goes_on);
    shared.checkpointer.lock().space.reopen();
    result
}

fn run_passes(shared: &Shared, goes_on: impl Fn() -> bool) -> Result<(), StorageError> {
    let usage = || Usage::of(&shared.checkpointer.lock().space);
    let mut before = usage();
    if !before.is_worth_compacting(&shared.options) {
        return Ok(());
    }
    for _ in 0..before.slot_bytes_used / pass_bytes(&shared.options) + PASSES_MORE_MAX {
        let victims = close_victims(shared);
        let view = shared.view();
        for one in search(&view, &victims)? {
            if !goes_on() {
                return Ok(());
            }
            one.apply(shared, &view)?;
        }
        drop(view);
        shared.checkpoint()?;
        let now = usage();
        let came_free = before.slabs_used().saturating_sub(now.slabs_used());
        let gain = came_free + before.slabs.saturating_sub(now.slabs);
        if gain <= victims.len() as u64 / GAIN_PART_MIN {
            break;
        }
        before = now;
    }
    Ok(())
}

fn pass_bytes(options: &OpenOptions) -> u64 {
    PASS_BYTES_MAX.min(options.cache_bytes_max / PASS_PART_MAX).max(SLAB_BYTES)
}

/// Closes slabs that are to be emptied; none when there are none, or snapshots hold on to what
/// was moved.
fn close_victims(shared: &Shared) -> HashMap<u32, Slab> {
    let mut checkpointer = shared.checkpointer.lock();
    let space = &mut checkpointer.space;
    space.reopen();
    if space.busy_bytes() > space.live_bytes() {
        return HashMap::new();
    }
    let victims = victims(space, &shared.options);
    space.close(victims.keys().copied());
    victims
}

/// As many slabs as one pass empties: first the last ones of a file that is too long, then the
/// emptiest.
fn victims(space: &Space, options: &OpenOptions) -> HashMap<u32, Slab> {
    let is_long = Usage::of(space).is_long(options);
    let used = space.slab_count() - space.free_slabs();
    let length_max = used + used / LONGER_PART_MAX / 2;
    let mut found = Vec::new();
    let mut is_behind_extent = false;
    for index in 0..space.slab_count() {
        let slab = space.slab(index);
        let is_extent = matches!(slab.class, CLASS_EXTENT | CLASS_EXTENT_BODY);
        // The end of a value that begins in front: it would have to move whole.
        let ends_extent = std::mem::replace(&mut is_behind_extent, is_extent) && slab.live & 1 != 0;
        if is_extent || ends_extent || slab.class == CLASS_FREE {
            continue;
        }
        let live = slab.bytes(slab.live);
        if is_long && index >= length_max {
            found.push(((0, u64::from(u32::MAX - index)), index, slab));
        } else if SLAB_BYTES - live >= SLAB_BYTES / SLAB_LOST_PART_MIN {
            found.push(((1, live), index, slab));
        }
    }
    found.sort_unstable_by_key(|(order, ..)| *order);
    let mut bytes = 0;
    let within_pass = found.into_iter().take_while(|(.., slab)| {
        bytes += slab.bytes(slab.live);
        bytes <= pass_bytes(options)
    });
    within_pass.map(|(_, index, slab)| (index, slab)).collect()
}

fn search(view: &Arc<View>, victims: &HashMap<u32, Slab>) -> Result<Vec<Move>, StorageError> {
    let bytes_left = victims.values().map(|slab| slab.bytes(slab.live)).sum();
    let mut search = Search { view, victims, tree: TreeId(0), found: Vec::new(), bytes_left };
    for (tree, _) in TreeSnapshot(Arc::clone(view)).trees()? {
        if search.bytes_left == 0 {
            break;
        }
        search.tree = tree;
        if let Some(node) = view.root(tree)?.node {
            search.node(&node, Bytes::new(), None)?;
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
            NodeRef::Disk(DiskNode { pointer, .. }) => {
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
            self.node(&NodeRef::from(pointer), key, page.level().checked_sub(1))?;
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
        let Some((index, _)) = locate(pointer.offset) else { return };
        let room = self.victims.get(&index).and_then(|slab| slab.room(index, pointer));
        if let Some(room) = room {
            self.bytes_left = self.bytes_left.saturating_sub(room.bytes);
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
                shared.change(|state| state.rewrite_node(self.tree, &self.key, *level))
            }
            Movable::Value(pointer) => {
                let bytes = view.read(pointer)?;
                shared.change(|state| state.rewrite_value(self.tree, &self.key, pointer, bytes))
            }
        }
    }
}
