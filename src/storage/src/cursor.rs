//! Walking the entries of a range.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;

use crate::error::StorageError;
use crate::handle::Handle;
use crate::node::{Root, Value};
use crate::page::StoredValue;
use crate::path::{Path, Reached};
use crate::range::{Direction, KeyRange};
use crate::view::View;

/// Walks the entries of a range of one tree. Owns its snapshot.
pub struct Cursor {
    view: Arc<View>,
    source: Source,
    range: KeyRange,
    direction: Direction,
    path: Path,
    leaf: Option<Leaf>,
    state: Progress,
    /// The last entry of the leaves that are done with.
    passed: Option<Bytes>,
    /// The value that [`Cursor::advance`] came to, when it had to be fetched.
    fetched: Option<Bytes>,
}

enum Source {
    Tree(TreeId),
    Root(Root),
}

#[derive(PartialEq, Eq)]
enum Progress {
    /// Nothing of the range was read yet.
    Start,
    Walking,
    Done,
}

/// The entries of the path's leaf from `low` to before `high` lie in the range and are still to
/// come.
struct Leaf {
    /// Keys `low..high` when they had to be assembled and more than one was asked for.
    keys: Option<(usize, Vec<Bytes>)>,
    read: usize,
    low: usize,
    high: usize,
    is_last: bool,
    /// No value has to be fetched.
    lends_all_values: bool,
}

impl Cursor {
    pub(crate) fn new(view: Arc<View>, tree: TreeId, range: KeyRange, direction: Direction) -> Self {
        Self::from_source(view, Source::Tree(tree), range, direction)
    }

    /// A cursor over a tree that is known by its root.
    pub(crate) fn over(view: Arc<View>, root: Root, range: KeyRange, direction: Direction) -> Self {
        Self::from_source(view, Source::Root(root), range, direction)
    }

    fn from_source(view: Arc<View>, source: Source, range: KeyRange, direction: Direction) -> Self {
        Self {
            view,
            source,
            range,
            direction,
            path: Path::default(),
            leaf: None,
            state: Progress::Start,
            passed: None,
            fetched: None,
        }
    }

    /// The next entry, or `None` at the end. After an error the same entry is tried again.
    #[allow(clippy::should_implement_trait, reason = "an error does not end the walk")]
    pub fn next(&mut self) -> Result<Option<(Bytes, Bytes)>, StorageError> {
        let Some((key, value)) = self.peek()? else { return Ok(None) };
        let value = self.view.bytes(value)?;
        self.step();
        Ok(Some((key, value)))
    }

    /// Goes on to the next entry, whose value [`Cursor::value`] then gives without a copy or a
    /// reference count; `false` at the end. After an error the same entry is tried again.
    #[inline]
    pub fn advance(&mut self) -> Result<bool, StorageError> {
        if let Some(leaf) = &mut self.leaf
            && leaf.lends_all_values
            && leaf.low < leaf.high
        {
            leaf.step(self.direction);
            return Ok(true);
        }
        self.advance_further()
    }

    fn advance_further(&mut self) -> Result<bool, StorageError> {
        self.fetched = None;
        let Some(index) = self.find()? else { return Ok(false) };
        if let Some(node) = self.path.leaf()
            && node.stored(index).is_none()
        {
            let value = node.value(index);
            self.fetched = value.map(|value| self.view.bytes(value)).transpose()?;
        }
        self.step();
        Ok(true)
    }

    /// The value of the entry that [`Cursor::advance`] came to.
    #[inline]
    pub fn value(&self) -> Option<StoredValue<'_>> {
        match &self.fetched {
            Some(storage) => Some(StoredValue { bytes: storage, storage }),
            None => {
                let leaf = self.leaf.as_ref()?;
                self.path.leaf()?.stored(leaf.last_read(self.direction)?)
            }
        }
    }

    /// The key of the entry that was given last; none at the start and after the end.
    pub fn last_key(&self) -> Option<Bytes> {
        let leaf = self.leaf.as_ref()?;
        match leaf.last_read(self.direction) {
            Some(index) => Some(self.path.leaf()?.key(index)),
            None => self.passed.clone(),
        }
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
        self.restart(self.range.intersection(&seek));
    }

    /// Goes on with another range of the same tree. A range near the place where the cursor
    /// stands is found without going down the tree again.
    pub fn restart(&mut self, range: KeyRange) {
        self.range = range;
        self.leaf = None;
        self.state = Progress::Start;
        self.passed = None;
        self.fetched = None;
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
        let Some(index) = self.find()? else { return Ok(None) };
        let (Some(leaf), Some(node)) = (&mut self.leaf, self.path.leaf()) else { return Ok(None) };
        let key = leaf.key(node, index);
        Ok(node.value(index).map(|value| (key, value)))
    }

    /// Where in the leaf the entry is that comes next; enters the leaf that has it.
    fn find(&mut self) -> Result<Option<usize>, StorageError> {
        loop {
            if let Some(leaf) = &self.leaf {
                if leaf.low < leaf.high {
                    return Ok(Some(match self.direction {
                        Direction::Forward => leaf.low,
                        Direction::Backward => leaf.high - 1,
                    }));
                }
                if leaf.is_last {
                    self.state = Progress::Done;
                    self.leaf = None;
                }
            }
            match self.state {
                Progress::Done => return Ok(None),
                Progress::Start => self.start()?,
                Progress::Walking => self.next_leaf()?,
            }
        }
    }

    fn step(&mut self) {
        if let Some(leaf) = &mut self.leaf {
            leaf.step(self.direction);
        }
    }

    /// Goes to the first leaf.
    fn start(&mut self) -> Result<(), StorageError> {
        if let Source::Tree(tree) = &self.source {
            self.source = Source::Root(self.view.root(*tree)?);
        }
        let Source::Root(root) = &self.source else { return Ok(()) };
        let bound = match self.direction {
            Direction::Forward => &self.range.start,
            Direction::Backward => &self.range.end,
        };
        let found = match bound {
            _ if self.range.is_empty() => false,
            Bound::Unbounded => self.path.seek_end(&self.view, root, self.direction)?,
            Bound::Included(key) | Bound::Excluded(key) => {
                self.path.seek(&self.view, root, key)? != Reached::Nothing
            }
        };
        self.enter(found, true);
        Ok(())
    }

    /// Goes on to the neighbouring leaf. An error leaves the cursor where it was.
    fn next_leaf(&mut self) -> Result<(), StorageError> {
        let passed = self.last_key();
        let found = self.path.step(&self.view, self.direction)?;
        self.passed = passed;
        self.enter(found, false);
        Ok(())
    }

    /// Finds out which entries of the leaf lie in the range; without one the walk is done.
    fn enter(&mut self, found: bool, is_first: bool) {
        let Some(node) = self.path.leaf().filter(|_| found) else {
            self.state = Progress::Done;
            self.leaf = None;
            return;
        };
        // Behind the first leaf the walk is past one of the bounds, and most leaves are before the
        // other one as a whole.
        let forward = self.direction == Direction::Forward;
        let (past_start, past_end) = (!is_first && forward, !is_first && !forward);
        let low = match &self.range.start {
            Bound::Included(key) | Bound::Excluded(key)
                if past_start || past_end && node.compare(0, key).is_gt() =>
            {
                0
            }
            Bound::Unbounded => 0,
            Bound::Included(key) => node.search(key).unwrap_or_else(|index| index),
            Bound::Excluded(key) => node.search(key).map_or_else(|index| index, |index| index + 1),
        };
        let count = node.count();
        let high = match &self.range.end {
            Bound::Included(key) | Bound::Excluded(key)
                if past_end || past_start && node.compare(count - 1, key).is_lt() =>
            {
                count
            }
            Bound::Unbounded => count,
            // Most ranges are short or end in another leaf.
            Bound::Included(key) => node.search_near(low, key).map_or_else(|index| index, |index| index + 1),
            Bound::Excluded(key) => node.search_near(low, key).unwrap_or_else(|index| index),
        };
        let is_last = match self.direction {
            Direction::Forward => high < count,
            Direction::Backward => low > 0,
        };
        if high > low + 1 {
            self.path.make_leaf_shareable();
        }
        let leaf = self.path.leaf();
        if let Some(leaf) = leaf.filter(|_| !is_first) {
            leaf.touch_values();
        }
        let lends_all_values = leaf.is_some_and(Handle::lends_all_values);
        self.state = Progress::Walking;
        self.fetched = None;
        self.leaf = Some(Leaf { keys: None, read: 0, low, high, is_last, lends_all_values });
    }
}

impl Leaf {
    #[inline]
    fn step(&mut self, direction: Direction) {
        self.read += 1;
        match direction {
            Direction::Forward => self.low += 1,
            Direction::Backward => self.high -= 1,
        }
    }

    /// Where the entry is that was given last.
    #[inline]
    fn last_read(&self, direction: Direction) -> Option<usize> {
        (self.read > 0).then_some(match direction {
            Direction::Forward => self.low.wrapping_sub(1),
            Direction::Backward => self.high,
        })
    }

    /// Key `index` of the leaf.
    fn key(&mut self, node: &Handle, index: usize) -> Bytes {
        if let Some((first, keys)) = &self.keys {
            return keys.get(index.wrapping_sub(*first)).cloned().unwrap_or_default();
        }
        // Keys of a leaf with a prefix are assembled. One allocation for all of them pays from
        // the second on.
        if self.read > 0 && !node.prefix().is_empty() {
            let keys = node.assembled_keys(self.low, self.high);
            let key = keys.get(index - self.low).cloned().unwrap_or_default();
            self.keys = Some((self.low, keys));
            return key;
        }
        node.key(index)
    }
}
