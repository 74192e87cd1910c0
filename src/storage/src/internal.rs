//! An internal node that can be changed: its keys packed, its children apart.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::key_heads::KeyHeads;
use crate::node::NodeRef;
use crate::page::{EMPTY_NODE_BYTES, INTERNAL_ENTRY_BYTES, Page};

/// An internal node in memory. As many keys as children; the key of a child is at or below
/// every key in it, and nobody compares that of the first child.
#[derive(Clone, Debug, Default)]
pub(crate) struct Internal {
    /// Where each key ends.
    ends: Vec<u16>,
    /// The keys, one behind the other.
    keys: Vec<u8>,
    children: Vec<Child>,
    /// Of the keys; taken by the first search since they changed.
    heads: OnceLock<KeyHeads>,
}

/// A child of an internal node.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    /// Entries of all leaves below.
    pub count: u64,
    pub node: NodeRef,
}

impl Internal {
    /// A node of two children, of which the second begins with a key.
    pub(crate) fn of_two(left: Child, key: &[u8], right: Child) -> Self {
        let mut node = Self::default();
        node.insert(0, &[], left);
        node.insert(1, key, right);
        node
    }

    /// Unpacks a page; `None` when a child pointer is missing.
    pub(crate) fn from_page(page: &Page) -> Option<Self> {
        let mut node = Self::default();
        node.keys.reserve_exact(page.length());
        node.ends.reserve_exact(page.count() + 1);
        node.children.reserve_exact(page.count() + 1);
        for index in 0..page.count() {
            let (pointer, count) = page.child(index)?;
            node.keys.extend_from_slice(page.prefix());
            node.keys.extend_from_slice(page.suffix(index));
            node.ends.push(node.keys.len() as u16);
            node.children.push(Child { count, node: pointer.into() });
        }
        Some(node)
    }

    pub(crate) fn count(&self) -> usize {
        self.children.len()
    }

    /// Packed length without prefix compression.
    pub(crate) fn bytes(&self) -> usize {
        EMPTY_NODE_BYTES + self.count() * INTERNAL_ENTRY_BYTES + self.keys.len()
    }

    /// The memory this takes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.ends.capacity() * size_of::<u16>()
            + self.keys.capacity()
            + self.children.capacity() * size_of::<Child>()
            // Of the heads, there or not: what is accounted for must not depend on who has searched.
            + self.count() * size_of::<u32>()
    }

    /// Entries of all leaves below.
    pub(crate) fn entries_below(&self) -> u64 {
        self.children.iter().map(|child| child.count).sum()
    }

    /// Where `key` is among the keys from the second on, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        // Nobody compares the key of the first child.
        let heads = self.heads.get_or_init(|| KeyHeads::of(1, self.count(), |index| self.key(index)));
        heads.search(key, |index| self.key(index))
    }

    pub(crate) fn key(&self, index: usize) -> &[u8] {
        self.keys.get(self.key_start(index)..self.key_start(index + 1)).unwrap_or_default()
    }

    pub(crate) fn children(&self) -> &[Child] {
        &self.children
    }

    pub(crate) fn child(&self, index: usize) -> Option<&Child> {
        self.children.get(index)
    }

    pub(crate) fn child_mut(&mut self, index: usize) -> Option<&mut Child> {
        self.children.get_mut(index)
    }

    pub(crate) fn children_mut(&mut self) -> impl Iterator<Item = &mut Child> {
        self.children.iter_mut()
    }

    /// Adds a child that comes to be number `index`.
    pub(crate) fn insert(&mut self, index: usize, key: &[u8], child: Child) {
        if let Some(mut heads) = self.heads.take()
            && heads.insert(index, key, || self.key(1))
        {
            self.heads = OnceLock::from(heads);
        }
        let at = self.key_start(index);
        self.keys.splice(at..at, key.iter().copied());
        self.ends.insert(index, at as u16);
        self.move_ends(index, key.len());
        self.children.insert(index, child);
    }

    /// Removes a child.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Child> {
        if index >= self.count() {
            return None;
        }
        self.set_key(index, &[]);
        self.ends.remove(index);
        Some(self.children.remove(index))
    }

    /// Replaces the key of a child.
    pub(crate) fn set_key(&mut self, index: usize, key: &[u8]) {
        self.heads.take();
        let (start, end) = (self.key_start(index), self.key_start(index + 1));
        self.keys.splice(start..end, key.iter().copied());
        self.move_ends(index, key.len().wrapping_sub(end - start));
    }

    /// Cuts everything from `at` on off.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        self.heads.take();
        let start = self.key_start(at);
        let right = Self {
            ends: self.ends.drain(at..).map(|end| end.wrapping_sub(start as u16)).collect(),
            keys: self.keys.get(start..).unwrap_or_default().to_vec(),
            children: self.children.split_off(at),
            heads: OnceLock::new(),
        };
        self.keys.truncate(start);
        right
    }

    /// Adds the children of the node to the right, which begins with a key.
    pub(crate) fn append(&mut self, key: &[u8], mut right: Self) {
        // Nobody compared this key so far; from now on everybody does.
        right.set_key(0, key);
        self.heads.take();
        let start = self.keys.len() as u16;
        self.ends.extend(right.ends.iter().map(|end| end + start));
        self.keys.extend_from_slice(&right.keys);
        self.children.append(&mut right.children);
    }

    /// Removes and gives the last child with its key.
    pub(crate) fn pop(&mut self) -> Option<(Bytes, Child)> {
        let last = self.count().checked_sub(1)?;
        let key = Bytes::copy_from_slice(self.key(last));
        self.remove(last).map(|child| (key, child))
    }

    /// Adds a child behind all others.
    pub(crate) fn push(&mut self, key: &[u8], child: Child) {
        self.insert(self.count(), key, child);
    }

    /// The child at which the left half has about as many bytes as the right one.
    pub(crate) fn middle(&self) -> usize {
        let half = self.bytes() / 2;
        let reaches = |index: usize| (index + 1) * INTERNAL_ENTRY_BYTES + self.key_start(index + 1) >= half;
        (0..self.count()).find(|index| reaches(*index)).unwrap_or(0)
    }

    /// Where key `index` starts; behind the last one, where all end.
    fn key_start(&self, index: usize) -> usize {
        let before = index.checked_sub(1).map(|before| self.ends.get(before));
        before.map_or(0, |end| end.map_or(self.keys.len(), |end| usize::from(*end)))
    }

    fn move_ends(&mut self, from: usize, by: usize) {
        for end in self.ends.iter_mut().skip(from) {
            *end = end.wrapping_add(by as u16);
        }
    }
}
