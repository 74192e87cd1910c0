//! Walking the entries of a range.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;

use crate::error::StorageError;
use crate::node::{NodeRef, Root, Value, child_index};
use crate::range::{Direction, KeyRange};
use crate::view::{Handle, View};

/// Walks the entries of a range of one tree. Owns its snapshot.
pub struct Cursor {
    view: Arc<View>,
    source: Source,
    range: KeyRange,
    direction: Direction,
    /// Internal nodes from the top with the child that is being walked.
    path: Vec<(Handle, usize)>,
    leaf: Option<Leaf>,
    state: Progress,
}

enum Source {
    Tree(TreeId),
    Root(Root),
}

#[derive(PartialEq, Eq)]
enum Progress {
    /// Nothing was read yet.
    Start,
    Walking,
    Done,
}

/// The leaf being walked: its entries from `low` to before `high` lie in the range and are
/// still to come.
struct Leaf {
    handle: Handle,
    /// Keys `low..high` when they had to be assembled and more than one was asked for.
    keys: Option<(usize, Vec<Bytes>)>,
    read: usize,
    low: usize,
    high: usize,
    is_last: bool,
}

impl Cursor {
    pub(crate) fn new(view: Arc<View>, tree: TreeId, range: KeyRange, direction: Direction) -> Self {
        let (source, path) = (Source::Tree(tree), Vec::new());
        Self { view, source, range, direction, path, leaf: None, state: Progress::Start }
    }

    /// A cursor over a tree that is known by its root.
    pub(crate) fn over(view: Arc<View>, root: Root, range: KeyRange, direction: Direction) -> Self {
        let (source, path) = (Source::Root(root), Vec::new());
        Self { view, source, range, direction, path, leaf: None, state: Progress::Start }
    }

    /// The next entry, or `None` at the end. After an error the same entry is tried again.
    #[allow(clippy::should_implement_trait, reason = "an error does not end the walk")]
    pub fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        let Some((key, value)) = self.peek()? else { return Ok(None) };
        let value = self.view.bytes(value)?;
        self.step();
        Ok(Some((key, value)))
    }

    /// The next key; does not touch its value.
    pub fn next_key(&mut self) -> Result<Option<Bytes>, StorageError> {
        let Some((key, _)) = self.peek()? else { return Ok(None) };
        self.step();
        Ok(Some(key))
    }

    /// Goes on from `key`: with the entry at it or, in the cursor's direction, the first behind
    /// it. Never leaves the range.
    pub fn seek(&mut self, key: impl Into<Bytes>) {
        let bound = Bound::Included(key.into());
        let seek = match self.direction {
            Direction::Forward => KeyRange { start: bound, end: Bound::Unbounded },
            Direction::Backward => KeyRange { start: Bound::Unbounded, end: bound },
        };
        self.range = self.range.intersection(&seek);
        self.path.clear();
        self.leaf = None;
        self.state = Progress::Start;
    }

    pub(crate) fn next_value(&mut self) -> Result<Option<(Bytes, Value)>, StorageError> {
        let next = self.peek()?;
        if next.is_some() {
            self.step();
        }
        Ok(next)
    }

    /// The entry that comes next.
    fn peek(&mut self) -> Result<Option<(Bytes, Value)>, StorageError> {
        loop {
            if let Some(leaf) = &mut self.leaf {
                if leaf.low < leaf.high {
                    let index = match self.direction {
                        Direction::Forward => leaf.low,
                        Direction::Backward => leaf.high - 1,
                    };
                    let key = leaf.key(index);
                    return Ok(leaf.handle.value(index).map(|value| (key, value)));
                }
                if leaf.is_last {
                    self.state = Progress::Done;
                    self.leaf = None;
                }
            }
            match self.state {
                Progress::Done => return Ok(None),
                Progress::Start => self.start()?,
                Progress::Walking => self.advance()?,
            }
        }
    }

    fn step(&mut self) {
        if let Some(leaf) = &mut self.leaf {
            leaf.read += 1;
            match self.direction {
                Direction::Forward => leaf.low += 1,
                Direction::Backward => leaf.high -= 1,
            }
        }
    }

    /// Goes down to the first leaf.
    fn start(&mut self) -> Result<(), StorageError> {
        let root = match &self.source {
            Source::Tree(tree) => self.view.root(*tree)?,
            Source::Root(root) => root.clone(),
        };
        let Some(node) = root.node.filter(|_| !self.range.is_empty()) else {
            self.state = Progress::Done;
            return Ok(());
        };
        self.path.clear();
        let mut handle = self.view.load(&node)?;
        while !handle.is_leaf() {
            let bound = match self.direction {
                Direction::Forward => &self.range.start,
                Direction::Backward => &self.range.end,
            };
            let index = match (bound, self.direction) {
                (Bound::Unbounded, Direction::Forward) => 0,
                (Bound::Unbounded, Direction::Backward) => handle.count().saturating_sub(1),
                (Bound::Included(key) | Bound::Excluded(key), _) => child_index(handle.search(key)),
            };
            handle = self.descend(handle, index)?;
        }
        self.enter(handle);
        Ok(())
    }

    /// Goes on to the neighbouring leaf. The path changes only once everything is read, so that
    /// an error leaves the cursor where it was.
    fn advance(&mut self) -> Result<(), StorageError> {
        let mut depth = self.path.len();
        let next = loop {
            let Some(above) = depth.checked_sub(1) else {
                self.state = Progress::Done;
                self.leaf = None;
                return Ok(());
            };
            depth = above;
            let Some((handle, index)) = self.path.get(above) else { continue };
            let next = match self.direction {
                Direction::Forward => Some(index + 1).filter(|next| *next < handle.count()),
                Direction::Backward => index.checked_sub(1),
            };
            if let Some(next) = next {
                break next;
            }
        };
        let (mut added, mut index) = (Vec::new(), next);
        let mut parent = self.path.get(depth).map(|(handle, _)| handle.clone());
        let leaf = loop {
            let child = parent.as_ref().and_then(|handle| handle.child(index));
            let Some((handle, child)) = parent.zip(child) else {
                self.state = Progress::Done;
                self.leaf = None;
                return Ok(());
            };
            let loaded = self.view.load(&child)?;
            added.push((handle, index));
            if loaded.is_leaf() {
                break loaded;
            }
            index = match self.direction {
                Direction::Forward => 0,
                Direction::Backward => loaded.count().saturating_sub(1),
            };
            parent = Some(loaded);
        };
        self.path.truncate(depth);
        self.path.append(&mut added);
        self.enter(leaf);
        Ok(())
    }

    fn descend(&mut self, handle: Handle, index: usize) -> Result<Handle, StorageError> {
        let child: Option<NodeRef> = handle.child(index);
        let loaded = match &child {
            Some(child) => self.view.load(child)?,
            None => return Err(crate::view::malformed_catalog()),
        };
        self.path.push((handle, index));
        Ok(loaded)
    }

    fn enter(&mut self, handle: Handle) {
        let low = match &self.range.start {
            Bound::Unbounded => 0,
            Bound::Included(key) => handle.search(key).unwrap_or_else(|index| index),
            Bound::Excluded(key) => handle.search(key).map_or_else(|index| index, |index| index + 1),
        };
        let high = match &self.range.end {
            Bound::Unbounded => handle.count(),
            Bound::Included(key) => handle.search(key).map_or_else(|index| index, |index| index + 1),
            Bound::Excluded(key) => handle.search(key).unwrap_or_else(|index| index),
        };
        let is_last = match self.direction {
            Direction::Forward => high < handle.count(),
            Direction::Backward => low > 0,
        };
        let handle = if high > low + 1 { handle.shareable() } else { handle };
        self.state = Progress::Walking;
        self.leaf = Some(Leaf { handle, keys: None, read: 0, low, high, is_last });
    }
}

impl Leaf {
    fn key(&mut self, index: usize) -> Bytes {
        if let Some((first, keys)) = &self.keys {
            return keys.get(index.wrapping_sub(*first)).cloned().unwrap_or_default();
        }
        // Keys of a page with a prefix are assembled. One allocation for all of them pays from
        // the second on.
        if let (Handle::Page(page), 1..) = (&self.handle, self.read)
            && page.has_prefix()
        {
            let keys = page.keys(self.low, self.high);
            let key = keys.get(index - self.low).cloned().unwrap_or_default();
            self.keys = Some((self.low, keys));
            return key;
        }
        self.handle.key(index)
    }
}
