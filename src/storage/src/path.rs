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
    /// Whether the key before was in the leaf of the one before it.
    is_near: bool,
}

/// Where a way has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// The tree is empty.
    Nothing,
    /// The leaf that the way led to before.
    SameLeaf,
    OtherLeaf,
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

    /// Goes to the leaf where `key` is or would be. Where keys are near one another the way begins
    /// at the bottom; else at the top, since the nodes up there are read for every key, and the
    /// leaf of another key would have to be fetched from memory only to say no.
    pub(crate) fn seek(&mut self, view: &View, root: &Root, key: &[u8]) -> Result<Reached, StorageError> {
        let mut start = 0;
        if self.is_near {
            if self.leaf.as_ref().is_some_and(|leaf| begins_before(leaf, key)) && self.ends_behind(key) {
                return Ok(Reached::SameLeaf);
            }
            // Where the first child begins and the last one ends only the nodes above know.
            let surely_below = |(node, _): &(Handle, usize)| spans(node, 1, key);
            start = self.levels.iter().rposition(surely_below).unwrap_or(0);
        }
        let reached = self.seek_below(view, root, key, start)?;
        self.is_near = reached == Reached::SameLeaf;
        Ok(reached)
    }

    /// Whether the leaf ends behind a key, as the nodes above it tell. The last one of a tree never
    /// ends: keys that grow stay in it.
    fn ends_behind(&self, key: &[u8]) -> bool {
        let next = self.levels.iter().rev().find(|(node, child)| child + 1 < node.count());
        next.is_none_or(|(node, child)| node.compare(child + 1, key) == Ordering::Greater)
    }

    /// Brings the leaf where `key` is or would be into the cache, and leads to the node above it. A leaf
    /// that is in memory is not even looked at: it mostly has to come from far.
    pub(crate) fn warm(&mut self, view: &View, root: &Root, key: &[u8]) -> Result<(), StorageError> {
        let is_below =
            |(node, child): &(Handle, usize)| *child > 0 && node.compare(*child, key) != Ordering::Greater;
        if self.levels.last().is_some_and(is_below) && self.ends_behind(key) {
            return Ok(());
        }
        let choose = |node: &Handle| child_index(node.search(key));
        let turn = self.levels.iter().position(|(node, child)| choose(node) != *child);
        let Some((node, _)) = turn.and_then(|depth| self.levels.drain(depth..).next()) else {
            match (&root.node, self.levels.is_empty()) {
                (Some(top), true) => return self.warm_below(view, view.load(top)?, choose),
                _ => return Ok(()),
            }
        };
        self.warm_below(view, node, choose)
    }

    fn warm_below(
        &mut self,
        view: &View,
        mut node: Handle,
        choose: impl Fn(&Handle) -> usize,
    ) -> Result<(), StorageError> {
        while !node.is_leaf() {
            let child = choose(&node);
            let below = match node.has_leaf_in_memory(child) {
                true => Ok(None),
                false => view.load_child(&node, child),
            };
            self.levels.push((node, child));
            match below {
                Ok(Some(below)) => node = below,
                Ok(None) => break,
                Err(error) => {
                    self.levels.clear();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Goes on from a level whose node surely has the key below it.
    fn seek_below(
        &mut self,
        view: &View,
        root: &Root,
        key: &[u8],
        start: usize,
    ) -> Result<Reached, StorageError> {
        let choose = |node: &Handle| child_index(node.search(key));
        for depth in start..self.levels.len() {
            let Some((node, passed)) = self.levels.get_mut(depth) else { break };
            let child = choose(node);
            if std::mem::replace(passed, child) != child {
                self.levels.truncate(depth + 1);
                self.leaf = None;
                break;
            }
        }
        if self.leaf.is_some() {
            return Ok(Reached::SameLeaf);
        }
        let found = if self.levels.is_empty() {
            self.descend(view, root, choose)?
        } else {
            self.finish(view, choose)?
        };
        Ok(if found { Reached::OtherLeaf } else { Reached::Nothing })
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
        let mut way = Self { levels: vec![(node.clone(), child)], ..Self::default() };
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
            let Some((node, child)) = self.levels.last() else { return Ok(false) };
            let loaded = match view.load_child(node, *child) {
                Ok(Some(loaded)) => loaded,
                failed => {
                    let error = failed.err().unwrap_or_else(malformed_catalog);
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

/// Whether a key is not before the first one of a leaf.
fn begins_before(leaf: &Handle, key: &[u8]) -> bool {
    leaf.count() > 0 && leaf.compare(0, key) != Ordering::Greater
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
