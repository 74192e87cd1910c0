//! Reading trees: one view of all of them, held by a catalog root.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use photondb_base::{LogPosition, TreeId};

use crate::cursor::Cursor;
use crate::descent::{FoundLeaf, leaf_of, store_of};
use crate::engine::Snapshot;
use crate::error::StorageError;
use crate::handle::Handle;
use crate::held::SweepGuard;
use crate::lookup::Lookup;
use crate::node::{Body, NodeRef, Root, Value, child_index};
use crate::page::Page;
use crate::pointer::Pointer;
use crate::range::{Direction, KeyRange};
use crate::store::{DATA, Store};

/// Lives as long as a snapshot of its epoch does; slots freed in that epoch or later wait.
#[derive(Debug, Default)]
pub(crate) struct EpochGuard;

/// Everything a snapshot needs to read.
#[derive(Clone)]
pub(crate) struct View {
    pub catalog: Root,
    pub position: LogPosition,
    pub store: Option<Arc<Store>>,
    /// Set when applying a record failed half way: nothing read from here could be trusted.
    pub broken: Option<StorageError>,
    /// Keeps slots from being reused; shared with the other snapshots of the epoch.
    pub _guard: Arc<EpochGuard>,
    /// Tells that nodes of this view may be in memory although they are on disk.
    pub _sweep: Arc<SweepGuard>,
    /// Roots that somebody asked for, each at one place for some trees: the first of them.
    pub roots: [OnceLock<(TreeId, Root)>; ROOTS],
}

/// Trees whose roots a view knows at most.
const ROOTS: usize = 4;

/// The catalog key of a tree.
pub(crate) fn tree_key(tree: TreeId) -> [u8; 9] {
    let mut key = [0; 9];
    if let Some(id) = key.get_mut(1..) {
        id.copy_from_slice(&tree.0.to_be_bytes());
    }
    key
}

/// The tree of a catalog key; `None` when the key is of another kind.
pub(crate) fn tree_of_key(key: &[u8]) -> Option<TreeId> {
    match key.split_first()? {
        (0, id) => Some(TreeId(u64::from_be_bytes(id.try_into().ok()?))),
        _ => None,
    }
}

impl View {
    fn store(&self, pointer: &Pointer) -> Result<&Store, StorageError> {
        store_of(self.store.as_deref(), pointer)
    }

    /// Reads a node.
    pub(crate) fn page(&self, pointer: &Pointer) -> Result<Page, StorageError> {
        self.store(pointer)?.page(pointer)
    }

    /// Reads a value in a slot past the cache.
    pub(crate) fn read(&self, pointer: &Pointer) -> Result<Bytes, StorageError> {
        self.store(pointer)?.read(pointer)
    }

    pub(crate) fn check(&self) -> Result<(), StorageError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    pub(crate) fn load(&self, node: &NodeRef) -> Result<Handle, StorageError> {
        match node {
            NodeRef::Disk(disk) => {
                Ok(Handle::Page(self.store(&disk.pointer)?.linked_page(&disk.link, &disk.pointer)?))
            }
            NodeRef::Memory(node) => Ok(Handle::Memory(node.clone())),
        }
    }

    /// Child `index` of a node; `None` when it has none.
    pub(crate) fn load_child(&self, node: &Handle, index: usize) -> Result<Option<Handle>, StorageError> {
        match node {
            Handle::Page(page) => match self.store.as_deref() {
                Some(store) => Ok(store.child(page, index)?.map(Handle::Page)),
                None => Ok(None),
            },
            Handle::Memory(node) | Handle::Shared(node, _) => match &node.body {
                Body::Internal(internal) => {
                    internal.child(index).map(|child| self.load(&child.node)).transpose()
                }
                Body::Leaf(_) => Ok(None),
            },
        }
    }

    /// The bytes of a value.
    pub(crate) fn bytes(&self, value: Value) -> Result<Bytes, StorageError> {
        match value {
            Value::Inline(bytes) => Ok(bytes),
            Value::Large(large) => Ok(large.bytes.clone()),
            Value::Slot(pointer) => self.store(&pointer)?.value(&pointer),
            Value::Tree(_) => Ok(Bytes::new()),
        }
    }

    /// Finds the value of a key below a root.
    pub(crate) fn find(&self, root: &Root, key: &[u8]) -> Result<Option<Value>, StorageError> {
        let Some(leaf) = self.leaf_of(root, key)? else { return Ok(None) };
        let Ok(index) = leaf.search(key) else { return Ok(None) };
        Ok(match leaf {
            FoundLeaf::Memory(leaf) => leaf.value(index),
            FoundLeaf::Page(page) => Handle::Page(page).value(index),
        })
    }

    fn leaf_of<'r>(&self, root: &'r Root, key: &[u8]) -> Result<Option<FoundLeaf<'r>>, StorageError> {
        match &root.node {
            Some(top) => leaf_of(self.store.as_deref(), top, key),
            None => Ok(None),
        }
    }

    /// The root of a tree; an empty one when the tree was never written to.
    pub(crate) fn root(&self, tree: TreeId) -> Result<Root, StorageError> {
        self.with_root(tree, Root::clone)
    }

    fn with_root<T>(&self, tree: TreeId, read: impl FnOnce(&Root) -> T) -> Result<T, StorageError> {
        self.check()?;
        let place = self.roots.get(tree.0 as usize % ROOTS);
        match place.and_then(OnceLock::get) {
            Some((known, root)) if *known == tree => return Ok(read(root)),
            _ => {}
        }
        let root = self.catalog_root(&tree_key(tree))?;
        let answer = read(&root);
        if let Some(place) = place {
            // Somebody else's is as good.
            place.get_or_init(|| (tree, root));
        }
        Ok(answer)
    }

    /// The root that the catalog has for a key.
    pub(crate) fn catalog_root(&self, key: &[u8]) -> Result<Root, StorageError> {
        match self.find(&self.catalog, key)? {
            None => Ok(Root::default()),
            Some(Value::Tree(root)) => Ok(root),
            Some(Value::Inline(bytes)) => Root::decode(&bytes).ok_or_else(malformed_catalog),
            Some(_) => Err(malformed_catalog()),
        }
    }

    /// Brings the pages on the way to a key into the cache.
    pub(crate) fn warm(&self, root: &Root, key: &[u8]) -> Result<(), StorageError> {
        self.leaf_of(root, key).map(drop)
    }

    /// Number of keys below `key`, and with `inclusive` at it.
    fn rank(&self, root: &Root, key: &[u8], inclusive: bool) -> Result<u64, StorageError> {
        let Some(node) = &root.node else { return Ok(0) };
        let mut handle = self.load(node)?;
        let mut rank = 0;
        loop {
            let found = handle.search(key);
            if handle.is_leaf() {
                return Ok(rank
                    + match found {
                        Ok(index) => index as u64 + u64::from(inclusive),
                        Err(index) => index as u64,
                    });
            }
            let index = child_index(found);
            rank += (0..index).map(|before| handle.child_entries(before)).sum::<u64>();
            match self.load_child(&handle, index)? {
                Some(child) => handle = child,
                None => return Ok(rank),
            }
        }
    }

    /// Numbers of the first key of a range and of the first key behind it.
    fn ranks(&self, root: &Root, range: &KeyRange) -> Result<(u64, u64), StorageError> {
        let start = match &range.start {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.rank(root, key, false)?,
            Bound::Excluded(key) => self.rank(root, key, true)?,
        };
        let end = match &range.end {
            Bound::Unbounded => root.count,
            Bound::Included(key) => self.rank(root, key, true)?,
            Bound::Excluded(key) => self.rank(root, key, false)?,
        };
        Ok((start, end.max(start)))
    }

    /// Key number `n` of a tree.
    fn select(&self, root: &Root, mut n: u64) -> Result<Option<Bytes>, StorageError> {
        let Some(node) = &root.node else { return Ok(None) };
        let mut handle = self.load(node)?;
        while !handle.is_leaf() {
            let mut index = 0;
            while index + 1 < handle.count() && n >= handle.child_entries(index) {
                n -= handle.child_entries(index);
                index += 1;
            }
            match self.load_child(&handle, index)? {
                Some(child) => handle = child,
                None => return Ok(None),
            }
        }
        let index = usize::try_from(n).unwrap_or(usize::MAX);
        Ok((index < handle.count()).then(|| handle.key(index)))
    }
}

pub(crate) fn malformed_catalog() -> StorageError {
    StorageError::corrupt(DATA, 0, "the catalog holds something that is not a tree")
}

/// A snapshot: a view that cursors share.
pub(crate) struct TreeSnapshot(pub Arc<View>);

impl Snapshot for TreeSnapshot {
    fn position(&self) -> LogPosition {
        self.0.position
    }

    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let found = self.0.with_root(tree, |root| self.0.find(root, key))??;
        found.map(|value| self.0.bytes(value)).transpose()
    }

    fn lookup(&self, tree: TreeId) -> Lookup {
        Lookup::new(self.0.clone(), tree)
    }

    fn range(&self, tree: TreeId, range: KeyRange, direction: Direction) -> Cursor {
        Cursor::new(self.0.clone(), tree, range, direction)
    }

    fn count(&self, tree: TreeId, range: &KeyRange) -> Result<u64, StorageError> {
        let root = self.0.root(tree)?;
        let (start, end) = self.0.ranks(&root, range)?;
        Ok(end - start)
    }

    fn nth_key(&self, tree: TreeId, range: &KeyRange, n: u64) -> Result<Option<Bytes>, StorageError> {
        let root = self.0.root(tree)?;
        let (start, end) = self.0.ranks(&root, range)?;
        if n >= end - start { Ok(None) } else { self.0.select(&root, start + n) }
    }

    fn split(&self, tree: TreeId, range: &KeyRange, parts: usize) -> Result<Vec<Bytes>, StorageError> {
        let root = self.0.root(tree)?;
        let (start, end) = self.0.ranks(&root, range)?;
        let (keys, parts) = (end - start, parts.max(1) as u64);
        let mut cuts = Vec::new();
        let mut last = 0;
        for part in 1..parts {
            let at = (u128::from(keys) * u128::from(part) / u128::from(parts)) as u64;
            if at > last && at < keys {
                cuts.extend(self.0.select(&root, start + at)?);
                last = at;
            }
        }
        Ok(cuts)
    }

    fn trees(&self) -> Result<Vec<(TreeId, u64)>, StorageError> {
        self.0.check()?;
        let mut cursor = Cursor::over(
            self.0.clone(),
            self.0.catalog.clone(),
            KeyRange::prefix(&[0][..]),
            Direction::Forward,
        );
        let mut trees = Vec::new();
        while let Some((key, value)) = cursor.next_value()? {
            let root = match value {
                Value::Tree(root) => root,
                Value::Inline(bytes) => Root::decode(&bytes).ok_or_else(malformed_catalog)?,
                _ => return Err(malformed_catalog()),
            };
            trees.push((tree_of_key(&key).ok_or_else(malformed_catalog)?, root.count));
        }
        Ok(trees)
    }
}
