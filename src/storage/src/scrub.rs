//! Verifying the checksums of everything stored, past the cache.

use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::cursor::Cursor;
use crate::engine::ScrubReport;
use crate::error::StorageError;
use crate::link::DiskNode;
use crate::log_format::SEGMENT_HEADER_BYTES;
use crate::log_reader::Frames;
use crate::node::{Body, NodeRef, Root, Value, child_index};
use crate::page::{PackedValue, Page};
use crate::range::{Direction, KeyRange};
use crate::shared::Shared;
use crate::store::{DATA, Store};
use crate::superblock::Superblock;
use crate::view::{View, malformed_catalog};

/// Nodes that the slow scrub reads from one snapshot, so that it pins no space for long.
const SLICE_NODES: u64 = 256;

/// One pass over everything.
pub(crate) fn scrub(shared: &Shared) -> Result<ScrubReport, StorageError> {
    let mut scrub = Scrub { shared, report: ScrubReport::default(), started: None, stopped: false };
    scrub.files()?;
    let view = shared.view();
    view.check()?;
    let mut slice = Slice { nodes_left: u64::MAX, from: None, next: None, catalog: true };
    if let Some(node) = &view.catalog.node {
        scrub.node(&view, node, &mut slice)?;
    }
    shared.counters.scrubs.fetch_add(1, Ordering::Relaxed);
    Ok(scrub.report)
}

/// One pass that keeps to the rate limit; `None` when it was stopped.
pub(crate) fn scrub_slowly(shared: &Shared) -> Result<Option<ScrubReport>, StorageError> {
    let started = Some(Instant::now());
    let mut scrub = Scrub { shared, report: ScrubReport::default(), started, stopped: false };
    scrub.files()?;
    let mut tree_key: Option<Bytes> = Some(Bytes::new());
    while let Some(key) = tree_key {
        let (next, mut from) = (next_tree(shared, &key)?, Some(Bytes::new()));
        let Some((key, _)) = next else { break };
        while let Some(start) = from {
            let view = shared.view();
            let root = view.catalog_root(&key)?;
            let mut slice = Slice { nodes_left: SLICE_NODES, from: Some(start), next: None, catalog: false };
            if let Some(node) = &root.node {
                scrub.node(&view, node, &mut slice)?;
            }
            if scrub.stopped {
                return Ok(None);
            }
            from = slice.next;
        }
        tree_key = Some([&key[..], &[0]].concat().into());
    }
    shared.counters.scrubs.fetch_add(1, Ordering::Relaxed);
    Ok(Some(scrub.report))
}

/// The catalog entry at or behind a key.
fn next_tree(shared: &Shared, key: &Bytes) -> Result<Option<(Bytes, Value)>, StorageError> {
    let view = shared.view();
    let range = KeyRange::new(Bound::Included(key.clone()), Bound::Unbounded);
    Cursor::over(view.clone(), view.catalog.clone(), range, Direction::Forward).next_value()
}

struct Scrub<'a> {
    shared: &'a Shared,
    report: ScrubReport,
    /// Set when the rate is limited.
    started: Option<Instant>,
    stopped: bool,
}

/// What one look at a snapshot covers.
struct Slice {
    nodes_left: u64,
    /// Where to start.
    from: Option<Bytes>,
    /// Where to go on.
    next: Option<Bytes>,
    catalog: bool,
}

impl Scrub<'_> {
    fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Counts what was read and keeps to the rate.
    fn note(&mut self, bytes: usize) {
        self.report.bytes += bytes as u64;
        if let Some(started) = self.started {
            let rate = self.shared.options.scrub_bytes_per_second.max(1);
            let due = Duration::from_secs_f64(self.report.bytes as f64 / rate as f64);
            if let Some(early) = due.checked_sub(started.elapsed())
                && early > Duration::from_millis(5)
            {
                self.stopped |= self.shared.control.pause(early);
            }
        }
    }

    /// Superblocks, slab map and log.
    fn files(&mut self) -> Result<(), StorageError> {
        let pointers: Vec<_> = {
            let checkpointer = self.shared.checkpointer.lock();
            let found = Superblock::find(self.store().file())?;
            for (copy, is_current) in (0u64..).zip(found.is_current) {
                if !is_current {
                    return Err(StorageError::corrupt(DATA, copy * 4096, "a superblock is not whole"));
                }
            }
            for pointer in checkpointer.map.slots() {
                self.store().read(&pointer)?;
            }
            checkpointer.map.slots().collect()
        };
        for pointer in pointers {
            self.note(pointer.length as usize);
        }
        let mut frames = Frames::new(self.shared.log.segments().into());
        let mut at = SEGMENT_HEADER_BYTES;
        while let Some(frame) = frames.next_frame()? {
            self.report.records += u64::from(frame.record.is_some());
            let before = std::mem::replace(&mut at, frame.end);
            self.note(at.saturating_sub(before));
        }
        Ok(())
    }

    fn node(&mut self, view: &View, node: &NodeRef, slice: &mut Slice) -> Result<(), StorageError> {
        match node {
            NodeRef::Memory(memory) => match &memory.body {
                Body::Internal(internal) => {
                    let first = slice.from.as_ref().map_or(0, |from| child_index(memory.search(from)));
                    for (index, child) in internal.children().iter().enumerate().skip(first) {
                        if slice.is_over(internal.key(index)) {
                            return Ok(());
                        }
                        self.node(view, &child.node, slice)?;
                    }
                }
                Body::Leaf(leaf) => {
                    for value in leaf.outside() {
                        self.value(view, &value, slice)?;
                    }
                }
            },
            NodeRef::Disk(DiskNode { pointer, .. }) => {
                let page = self.shared.store.read_page(pointer)?;
                self.report.nodes += 1;
                slice.nodes_left = slice.nodes_left.saturating_sub(1);
                self.note(page.length());
                self.page(view, &page, slice)?;
            }
        }
        Ok(())
    }

    fn page(&mut self, view: &View, page: &Page, slice: &mut Slice) -> Result<(), StorageError> {
        if page.is_leaf() {
            for index in 0..page.count() {
                match page.value(index) {
                    PackedValue::Slot(pointer) => self.value(view, &Value::Slot(pointer), slice)?,
                    PackedValue::Inline(bytes) if slice.catalog => {
                        let root = Root::decode(&bytes).ok_or_else(malformed_catalog)?;
                        self.value(view, &Value::Tree(root), slice)?;
                    }
                    PackedValue::Inline(_) => {}
                }
            }
            return Ok(());
        }
        let first = slice.from.as_ref().map_or(0, |from| child_index(page.search(from)));
        for index in first..page.count() {
            if slice.is_over(&page.key(index)) {
                return Ok(());
            }
            if let Some((pointer, _)) = page.child(index) {
                self.node(view, &NodeRef::from(pointer), slice)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, view: &View, value: &Value, slice: &mut Slice) -> Result<(), StorageError> {
        match value {
            Value::Slot(pointer) => {
                let bytes = self.store().read(pointer)?;
                self.report.values += 1;
                self.note(bytes.len());
            }
            Value::Tree(Root { node: Some(node), .. }) => {
                let catalog = std::mem::replace(&mut slice.catalog, false);
                self.node(view, node, slice)?;
                slice.catalog = catalog;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Slice {
    /// Whether the budget is used up; then notes where to go on.
    fn is_over(&mut self, key: &[u8]) -> bool {
        if self.nodes_left == 0 {
            // The innermost loop knows best where to go on, and comes first.
            if self.next.is_none() {
                self.next = self.from.clone().max(Some(Bytes::copy_from_slice(key)));
            }
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use photondb_base::TreeId;

    use crate::batch::Batch;
    use crate::disk::SimulatedDisk;
    use crate::open_options::OpenOptions;

    #[test]
    fn the_slow_scrub_reads_every_page_too() {
        let options = OpenOptions {
            background: false,
            scrub_bytes_per_second: u64::MAX,
            ..OpenOptions::new(Arc::new(SimulatedDisk::new()))
        };
        let shared = crate::open::open(options).unwrap();
        for tree in 1..4u64 {
            let mut batch = Batch::new();
            for n in 0..3000 * tree {
                batch.put(TreeId(tree), n.to_be_bytes(), vec![7; if n % 100 == 0 { 3000 } else { 1000 }]);
            }
            shared.append(batch).unwrap();
        }
        shared.checkpoint().unwrap();
        let whole = scrub(&shared).unwrap();
        let slow = scrub_slowly(&shared).unwrap().unwrap();
        assert_eq!(slow.values, whole.values);
        // Slices read some inner nodes again; the catalog's own node is not among the trees'.
        assert!(slow.nodes + 1 >= whole.nodes && slow.nodes < whole.nodes + 100, "{slow:?} {whole:?}");
    }
}
