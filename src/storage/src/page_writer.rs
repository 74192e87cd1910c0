//! Writing changed nodes and values into slots, neighbours in one go.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::StorageError;
use crate::leaf::{Aside, Settled};
use crate::node::{Body, LargeValue, NodeRef, Root, Written};
use crate::page::{CHILD_BYTES, encode_internal};
use crate::pointer::Pointer;
use crate::slab_map::pointer_to;
use crate::space::Space;
use crate::store::{DATA, Store};

/// Neighbouring writes are collected up to this.
const RUN_BYTES_MAX: usize = 1024 * 1024;
/// A larger gap is not worth writing zeros over.
const GAP_BYTES_MAX: u64 = 16 * 1024;

/// Writes into slots that nobody uses yet.
pub(crate) struct PageWriter<'a> {
    store: &'a Store,
    space: &'a mut Space,
    run_start: u64,
    run: Vec<u8>,
    /// What stands in the run: on disk only once the run is written.
    unwritten: Vec<(Pointer, Option<Written>, Option<Bytes>)>,
    pub bytes_written: u64,
}

impl<'a> PageWriter<'a> {
    pub(crate) fn new(store: &'a Store, space: &'a mut Space) -> Self {
        Self { store, space, run_start: 0, run: Vec::new(), unwritten: Vec::new(), bytes_written: 0 }
    }

    /// Writes what is dirty below a node. Gives the node's pointer.
    pub(crate) fn node(&mut self, node: &NodeRef) -> Result<Pointer, StorageError> {
        let memory = match node {
            NodeRef::Disk(disk) => return Ok(disk.pointer),
            NodeRef::Memory(memory) => memory,
        };
        if let Some(pointer) = memory.written.get() {
            return Ok(*pointer);
        }
        let (bytes, slots_below) = match &memory.body {
            Body::Leaf(leaf) => leaf.pack(|aside| match aside {
                Aside::Large(value) => self.large(value).map(Settled::Slot),
                Aside::Tree(root) => self.root(root).map(Settled::Tree),
            })?,
            Body::Internal(internal) => {
                let mut packed = Vec::with_capacity(internal.count());
                let mut slots_below = false;
                for (index, child) in internal.children().iter().enumerate() {
                    let pointer = self.node(&child.node)?;
                    slots_below |= pointer.slots_below;
                    packed.push((internal.key(index), pointer, child.count));
                }
                (encode_internal(memory.level, &packed), slots_below)
            }
        };
        let page = Bytes::from(bytes);
        let written = Some(memory.written.clone());
        let pointer = self.slot(&page, slots_below, written, Some(page.clone()))?;
        Ok(pointer)
    }

    fn root(&mut self, root: &Root) -> Result<[u8; CHILD_BYTES], StorageError> {
        let pointer = root.node.as_ref().map(|node| self.node(node)).transpose()?;
        let mut out = [0; CHILD_BYTES];
        if let Some((head, count)) = out.split_first_chunk_mut() {
            *head = Pointer::encode_optional(pointer.as_ref());
            count.copy_from_slice(&root.count.to_le_bytes());
        }
        Ok(out)
    }

    fn large(&mut self, value: &Arc<LargeValue>) -> Result<Pointer, StorageError> {
        match value.written.get() {
            Some(pointer) => Ok(*pointer),
            None => self.slot(&value.bytes, false, Some(value.written.clone()), None),
        }
    }

    /// Puts bytes into a new slot.
    pub(crate) fn slot(
        &mut self,
        bytes: &Bytes,
        slots_below: bool,
        written: Option<Written>,
        page: Option<Bytes>,
    ) -> Result<Pointer, StorageError> {
        let offset = self.space.allocate(bytes.len() as u64);
        let pointer = Pointer { slots_below, ..pointer_to(offset, bytes) };
        let joined = self.join(offset, bytes);
        // Even when the run before could not be written, this slot is known to be taken.
        self.unwritten.push((pointer, written, page));
        joined?;
        Ok(pointer)
    }

    /// Writes bytes at an offset that was allocated by somebody else.
    pub(crate) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.join(offset, bytes)
    }

    fn join(&mut self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let end = self.run_start + self.run.len() as u64;
        let continues = offset >= end && offset - end <= GAP_BYTES_MAX && self.is_gap_unused(end, offset);
        if !(continues && self.run.len() + bytes.len() <= RUN_BYTES_MAX) {
            self.flush()?;
            self.run_start = offset;
        }
        // Inside one slab the rest of a slot before this one means nothing.
        self.run.resize((offset - self.run_start) as usize, 0);
        self.run.extend_from_slice(bytes);
        Ok(())
    }

    /// Whether the bytes between two neighbouring slots belong to the first one only.
    fn is_gap_unused(&self, end: u64, offset: u64) -> bool {
        match self.unwritten.last() {
            Some((last, ..)) => self.space.room_end(last) == Some(offset) || end == offset,
            None => end == offset,
        }
    }

    /// Writes what was collected.
    pub(crate) fn flush(&mut self) -> Result<(), StorageError> {
        if self.run.is_empty() {
            return Ok(());
        }
        let result = self.store.file().write_all_at(&self.run, self.run_start);
        let bytes = self.run.len() as u64;
        self.run.clear();
        if let Err(error) = result {
            self.abandon();
            return Err(StorageError::io(DATA, "write", error));
        }
        self.bytes_written += bytes;
        for (pointer, written, page) in self.unwritten.drain(..) {
            if let Some(page) = page {
                self.store.remember_page(&pointer, page);
            }
            if let Some(written) = written {
                written.get_or_init(|| pointer);
            }
        }
        Ok(())
    }

    /// Gives back the slots of what was not written.
    pub(crate) fn abandon(&mut self) {
        self.run.clear();
        for (pointer, ..) in self.unwritten.drain(..) {
            self.space.retire(&pointer);
            self.space.release(&pointer);
        }
    }
}
