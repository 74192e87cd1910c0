//! Checkpoints: the dirty part of all trees goes to disk, the superblock flips, and the log and
//! the slots behind it become free.

use std::collections::VecDeque;
use std::sync::Weak;

use crate::dropped;
use crate::error::StorageError;
use crate::node::Freed;
use crate::page_writer::PageWriter;
use crate::pointer::Pointer;
use crate::shared::Shared;
use crate::slab::{locate, slab_offset};
use crate::slab_map::{Planned, SlabMap};
use crate::space::Space;
use crate::state::Frozen;
use crate::store::{DATA, Store};
use crate::superblock::Superblock;
use crate::view::EpochGuard;

/// What only checkpoints touch. Only one runs at a time.
pub(crate) struct Checkpointer {
    pub space: Space,
    pub map: SlabMap,
    pub superblock: Superblock,
    /// Not needed by the newest trees; which of it is on disk is known once the checkpoint that
    /// ran at the time is over.
    freed: Vec<Freed>,
    /// Retired, but the durable superblock still reaches them.
    unsettled: Vec<(u64, Vec<Pointer>)>,
    /// Waiting for snapshots of their epoch and before.
    pending: VecDeque<(u64, Vec<Pointer>)>,
    guards: VecDeque<(u64, Weak<EpochGuard>)>,
}

impl Checkpointer {
    pub(crate) fn new(space: Space, map: SlabMap, superblock: Superblock) -> Self {
        Self {
            space,
            map,
            superblock,
            freed: Vec::new(),
            unsettled: Vec::new(),
            pending: VecDeque::new(),
            guards: VecDeque::new(),
        }
    }

    /// Snapshots of former epochs.
    pub(crate) fn old_snapshots(&self) -> u64 {
        self.guards.iter().map(|(_, guard)| guard.strong_count() as u64).sum()
    }

    /// Slots that wait.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.space.busy_bytes() - self.space.live_bytes()
    }

    /// Runs checkpoints until dropped trees are freed and the file's end is given back.
    pub(crate) fn run(&mut self, shared: &Shared) -> Result<(), StorageError> {
        loop {
            let more = self.run_once(shared, false)?;
            if !more {
                break;
            }
        }
        // The map and the catalog were written while the old slots were still taken, perhaps
        // behind all of them. Once more, and they move to the front.
        if self.end_is_held_by_metadata() {
            self.run_once(shared, true)?;
        }
        Ok(())
    }

    fn end_is_held_by_metadata(&self) -> bool {
        let slabs = self.space.slab_count();
        let metadata_end = self
            .map
            .slots()
            .chain(self.superblock.catalog)
            .filter_map(|pointer| locate(pointer.offset))
            .map(|(slab, _)| slab + 1)
            .max();
        self.pending.is_empty() && self.space.is_roomy() && slabs > 1 && metadata_end == Some(slabs)
    }

    /// One checkpoint. Gives whether dropped trees are left to free.
    fn run_once(&mut self, shared: &Shared, rewrite: bool) -> Result<bool, StorageError> {
        shared.poison.check()?;
        let more = dropped::dismantle(shared)?;
        let frozen = {
            let mut state = shared.state.lock();
            if let Some(error) = state.broken.clone() {
                return Err(error);
            }
            let is_clean = state.position == self.superblock.position
                && self.superblock.keeps_history == shared.keeps_history()
                && state.freed.is_empty()
                && self.freed.is_empty()
                && self.unsettled.is_empty();
            if is_clean && !rewrite {
                drop(state);
                self.reclaim(&shared.store);
                self.give_back(&shared.store);
                return Ok(false);
            }
            if rewrite {
                state.touch_catalog()?;
            }
            let frozen = state.freeze();
            shared.note_frozen(frozen.dirty_bytes);
            frozen
        };
        let result = self.write(shared, frozen);
        shared.note_thawed(result.is_ok());
        result.map(|()| more)
    }

    fn write(&mut self, shared: &Shared, mut frozen: Frozen) -> Result<(), StorageError> {
        let store = &*shared.store;
        self.guards.push_back((frozen.epoch, frozen.guard.clone()));
        self.freed.append(&mut frozen.freed);
        self.reclaim(store);

        let catalog = self.write_trees(store, &frozen)?;
        self.retire_freed(frozen.epoch);
        let planned = self.map.plan(&mut self.space);
        if let Err(error) = self.write_map(store, &planned) {
            for pointer in &planned.taken {
                self.space.retire(pointer);
                self.space.release(pointer);
            }
            return Err(error);
        }
        let superblock = Superblock {
            sequence: self.superblock.sequence + 1,
            position: frozen.view.position,
            slabs: u64::from(self.space.slab_count()),
            catalog,
            catalog_count: frozen.view.catalog.count,
            directory: planned.map.directory,
            keeps_history: shared.keeps_history(),
        };
        self.flip(shared, &superblock)?;

        self.map = planned.map;
        self.superblock = superblock;
        self.unsettled.push((frozen.epoch, planned.retired));
        self.pending.extend(self.unsettled.drain(..));
        let position = frozen.view.position;
        let snapshots = shared.state.lock().sweep();
        let written_bytes = frozen.dirty_bytes;
        // Frees the memory of all that was written, for which nobody should wait, and ends the
        // frozen view, which counts as a snapshot of its epoch.
        drop(frozen);
        shared.held.note_written(written_bytes, snapshots);
        self.reclaim(store);
        self.give_back(store);
        shared.log.remove_before(position.0, shared.log_keep_bytes());
        Ok(())
    }

    fn write_trees(&mut self, store: &Store, frozen: &Frozen) -> Result<Option<Pointer>, StorageError> {
        let mut writer = PageWriter::new(store, &mut self.space);
        let result = match &frozen.view.catalog.node {
            Some(node) => writer.node(node).map(Some),
            None => Ok(None),
        };
        let result = result.and_then(|pointer| writer.flush().map(|()| pointer));
        if result.is_err() {
            writer.abandon();
        }
        result
    }

    /// By now it is known what of the freed things is on disk.
    fn retire_freed(&mut self, epoch: u64) {
        let mut retired = Vec::with_capacity(self.freed.len());
        for freed in self.freed.drain(..) {
            let pointer = match freed {
                Freed::Pointer(pointer) => Some(pointer),
                Freed::Written(written) => written.get().copied(),
            };
            retired.extend(pointer);
        }
        for pointer in &retired {
            self.space.retire(pointer);
        }
        if !retired.is_empty() {
            self.unsettled.push((epoch, retired));
        }
    }

    fn write_map(&mut self, store: &Store, planned: &Planned) -> Result<(), StorageError> {
        let mut writer = PageWriter::new(store, &mut self.space);
        for (offset, bytes) in &planned.writes {
            writer.write_at(*offset, bytes)?;
        }
        writer.flush()
    }

    /// Makes everything written durable and then the superblock that reaches it.
    fn flip(&self, shared: &Shared, superblock: &Superblock) -> Result<(), StorageError> {
        let file = shared.store.file();
        let sync = || file.sync().map_err(|error| shared.poison.set(StorageError::io(DATA, "sync", error)));
        sync()?;
        // The log must not end before what the superblock contains.
        shared.log.sync_to(superblock.position.0)?;
        for copy in 0..2 {
            // Half a flip leaves two superblocks that must both stay valid: stop here.
            superblock.write(file, copy).map_err(|error| shared.poison.set(error))?;
            sync()?;
        }
        Ok(())
    }

    /// Makes slots available that neither the superblock nor a snapshot reaches.
    fn reclaim(&mut self, store: &Store) {
        while self.guards.front().is_some_and(|(_, guard)| guard.strong_count() == 0) {
            self.guards.pop_front();
        }
        let pinned = self.guards.front().map_or(u64::MAX, |(epoch, _)| *epoch);
        while let Some((epoch, pointers)) = self.pending.pop_front() {
            if epoch >= pinned {
                self.pending.push_front((epoch, pointers));
                break;
            }
            for pointer in &pointers {
                store.forget(pointer.offset);
                self.space.release(pointer);
            }
        }
    }

    /// Gives free slabs back to the file system. Only a courtesy: failures do no harm.
    fn give_back(&mut self, store: &Store) {
        if self.space.truncate() {
            let bytes = self.space.file_bytes();
            let is_longer = store.file().length().is_ok_and(|length| length > bytes);
            if is_longer && let Err(error) = store.file().set_length(bytes) {
                tracing::warn!(%error, "could not cut the data file");
            }
        }
        for run in self.space.take_emptied() {
            let (start, end) = (slab_offset(run.start), slab_offset(run.end));
            if let Err(error) = store.file().punch_hole(start, end - start) {
                tracing::debug!(%error, "could not give a hole back");
            }
        }
    }
}
