//! The way from the top of a tree to the leaf of a key, once.

use crate::error::StorageError;
use crate::leaf::Leaf;
use crate::node::{Body, NodeRef, child_index};
use crate::page::Page;
use crate::pointer::Pointer;
use crate::store::{DATA, Store};

/// A leaf, wherever it is.
pub(crate) enum FoundLeaf<'n> {
    Memory(&'n Leaf),
    Page(Page),
}

impl FoundLeaf<'_> {
    /// Where `key` is in the leaf, or where it would be.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        match self {
            Self::Memory(leaf) => leaf.search(key),
            Self::Page(page) => page.search(key),
        }
    }
}

/// The leaf where a key is or would be, in the cache from now on.
pub(crate) fn leaf_of<'n>(
    store: Option<&Store>,
    top: &'n NodeRef,
    key: &[u8],
) -> Result<Option<FoundLeaf<'n>>, StorageError> {
    let mut node = top;
    let (store, mut page) = loop {
        match node {
            NodeRef::Disk(disk) => {
                let store = store_of(store, &disk.pointer)?;
                break (store, store.linked_page(&disk.link, &disk.pointer)?);
            }
            NodeRef::Memory(memory) => match &memory.body {
                Body::Leaf(leaf) => return Ok(Some(FoundLeaf::Memory(leaf))),
                Body::Internal(internal) => match internal.child(child_index(internal.search(key))) {
                    Some(child) => node = &child.node,
                    None => return Ok(None),
                },
            },
        }
    };
    while !page.is_leaf() {
        match store.child(&page, child_index(page.search(key)))? {
            Some(child) => page = child,
            None => return Ok(None),
        }
    }
    Ok(Some(FoundLeaf::Page(page)))
}

/// The store that a pointer points into.
pub(crate) fn store_of<'s>(store: Option<&'s Store>, pointer: &Pointer) -> Result<&'s Store, StorageError> {
    store.ok_or_else(|| StorageError::corrupt(DATA, pointer.offset, "a memory engine has no pages"))
}
