//! The way down a tree to one of its leaves, kept from one key to the next.

use std::cmp::Ordering;

use crate::error::StorageError;
use crate::handle::Handle;
use crate::node::{Root, child_index};
use crate::range::Direction;
use crate::view::{View, malformed_catalog};

/// The nodes from the top of a tree to a leaf. The way to a key near the one before begins at
/// the lowest node that surely has both below it.
#[derive(Default)]
pub(crate) struct Path {
    /// Internal nodes from the top, each with the child that the way goes through.
    levels: Vec<(Handle, usize)>,
    leaf: Option<Handle>,
}

impl Path {
    /// The leaf at the end of the way; none before the first step and after an error.
    #[inline]
    pub(crate) fn leaf(&self) -> Option<&Handle> {
        self.leaf.as_ref()
    }

    /// Replaces the leaf by one whose keys and values can be shared, if it can be; the entries
    /// stay where they are.
    pub(crate) fn make_leaf_shareable(&mut self) {
        self.leaf = self.leaf.take().map(Handle::shareable);
    }

    /// Goes to the leaf where `key` is or would be. `false` in an empty tree.
    pub(crate) fn seek(&mut self, view: &View, root: &Root, key: &[u8]) -> Result<bool, StorageError> {
        if self.leaf.as_ref().is_some_and(|leaf| spans(leaf, 0, key)) {
            return Ok(true);
        }
        // Where the first child begins and the last one ends only the nodes above know.
        let surely_below = |(node, _): &(Handle, usize)| spans(node, 1, key);
        let start = self.levels.iter().rposition(surely_below).unwrap_or(0);
        let Some((node, passed)) = self.levels.get_mut(start) else {
            return self.descend(view, root, |node| child_index(node.search(key)));
        };
        let child = child_index(node.search(key));
        let is_same = std::mem::replace(passed, child) == child;
        if is_same && start + 1 == self.levels.len() && self.leaf.is_some() {
            return Ok(true);
        }
        self.levels.truncate(start + 1);
        self.leaf = None;
        self.finish(view, |node| child_index(node.search(key)))
    }

    /// Goes to the first leaf, or backward to the last one. `false` in an empty tree.
    pub(crate) fn seek_end(
        &mut self,
        view: &View,
        root: &Root,
        direction: Direction,
    ) -> Result<bool, StorageError> {
        self.descend(view, root, |node| outermost(node, direction))
    }

    /// Goes to the neighbouring leaf; `false` when there is none. An error leaves everything as
    /// it was.
    pub(crate) fn step(&mut self, view: &View, direction: Direction) -> Result<bool, StorageError> {
        let neighbour = |(node, child): &(Handle, usize)| match direction {
            Direction::Forward => Some(child + 1).filter(|next| *next < node.count()),
            Direction::Backward => child.checked_sub(1),
        };
        let turn = self.levels.iter().enumerate().rev();
        let turn = turn.filter_map(|(depth, level)| Some((depth, level, neighbour(level)?))).next();
        let Some((depth, (node, _), child)) = turn else { return Ok(false) };
        let mut way = Self { levels: vec![(node.clone(), child)], leaf: None };
        way.finish(view, |node| outermost(node, direction))?;
        self.levels.truncate(depth);
        self.levels.append(&mut way.levels);
        self.leaf = way.leaf;
        Ok(true)
    }

    fn descend(
        &mut self,
        view: &View,
        root: &Root,
        choose: impl Fn(&Handle) -> usize,
    ) -> Result<bool, StorageError> {
        self.levels.clear();
        self.leaf = None;
        let Some(node) = &root.node else { return Ok(false) };
        let top = view.load(node)?;
        if top.is_leaf() {
            self.leaf = Some(top);
            return Ok(true);
        }
        let child = choose(&top);
        self.levels.push((top, child));
        self.finish(view, choose)
    }

    /// Goes on from the lowest node of the way down to a leaf.
    fn finish(&mut self, view: &View, choose: impl Fn(&Handle) -> usize) -> Result<bool, StorageError> {
        loop {
            let child = self.levels.last().and_then(|(node, child)| node.child(*child));
            let loaded = match child.ok_or_else(malformed_catalog).and_then(|child| view.load(&child)) {
                Ok(loaded) => loaded,
                Err(error) => {
                    self.levels.clear();
                    return Err(error);
                }
            };
            if loaded.is_leaf() {
                self.leaf = Some(loaded);
                return Ok(true);
            }
            let child = choose(&loaded);
            self.levels.push((loaded, child));
        }
    }
}

/// Whether a key is neither before entry `first` of a node nor behind its last one.
fn spans(node: &Handle, first: usize, key: &[u8]) -> bool {
    first < node.count()
        && node.compare(first, key) != Ordering::Greater
        && node.compare(node.count() - 1, key) != Ordering::Less
}

/// The first child, or backward the last.
fn outermost(node: &Handle, direction: Direction) -> usize {
    match direction {
        Direction::Forward => 0,
        Direction::Backward => node.count().saturating_sub(1),
    }
}
