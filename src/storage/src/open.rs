//! Opening a data directory and recovering it.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::checkpoint::Checkpointer;
use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::log::{Log, Poison};
use crate::log_format::{SEGMENT_HEADER_BYTES, segment_first};
use crate::log_spares::Spares;
use crate::node::{NodeRef, Root};
use crate::open_options::OpenOptions;
use crate::recovery::recover;
use crate::shared::Shared;
use crate::slab_map::SlabMap;
use crate::space::Space;
use crate::state::State;
use crate::store::{DATA, Store};
use crate::superblock::{SUPERBLOCK_BYTES, Superblock};

/// The data file of a directory that was never checkpointed.
const FRESH_BYTES: u64 = 2 * SUPERBLOCK_BYTES as u64;

pub(crate) fn open(options: OpenOptions) -> Result<Shared, StorageError> {
    let disk = options.disk.clone();
    let (file, superblock) = open_data(&disk)?;
    let (map, slabs) = SlabMap::read(&*file, superblock.directory, superblock.slabs)?;
    let store = Arc::new(Store::new(file, options.page_cache_bytes(0)));
    let catalog = Root { node: superblock.catalog.map(NodeRef::from), count: superblock.catalog_count };
    let tail = recover(&disk, superblock.position.0)?;
    let (checkpoint, end) = (superblock.position, tail.position);
    let poison = Poison::default();
    let spares = Spares::new(disk.clone(), salts(options.background), options.log_spares_max())?;
    let clock = options.clock.clone();
    let log = Log::new(disk, clock, options.wal_segment_bytes, poison.clone(), tail, spares)?;
    let state = State::new(catalog, checkpoint, Some(store.clone()));
    let checkpointer = Checkpointer::new(Space::from_slabs(slabs), map, superblock);
    let shared = Shared::new(options, poison, store, log, state, checkpointer);
    if end > checkpoint.0 {
        for record in shared.log.since(checkpoint)? {
            let (position, record) = record?;
            shared.replay(position, &record)?;
        }
        tracing::info!(from = checkpoint.0, to = end, "replayed the log");
    }
    Ok(shared)
}

/// Opens or creates the data file and repairs a superblock whose twin is whole.
fn open_data(disk: &Arc<dyn Disk>) -> Result<(Arc<dyn DiskFile>, Superblock), StorageError> {
    let file = match disk.open(DATA) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if has_log(disk)? {
                return Err(StorageError::corrupt(DATA, 0, "the file is missing, but there is a log"));
            }
            return create_data(disk);
        }
        Err(error) => return Err(StorageError::io(DATA, "open", error)),
    };
    let found = match Superblock::find(&*file) {
        Ok(found) => found,
        // The first start was cut short before there was anything to lose.
        Err(StorageError::Corrupt { .. }) if !has_log(disk)? && length(&*file)? <= FRESH_BYTES => {
            return create_data(disk);
        }
        Err(error) => return Err(error),
    };
    for (copy, is_current) in found.is_current.into_iter().enumerate() {
        if !is_current {
            tracing::warn!(copy, "a superblock is not whole or not current; restoring it from its twin");
            found.superblock.write(&*file, copy)?;
            file.sync().map_err(|error| StorageError::io(DATA, "sync", error))?;
        }
    }
    Ok((file, found.superblock))
}

fn create_data(disk: &Arc<dyn Disk>) -> Result<(Arc<dyn DiskFile>, Superblock), StorageError> {
    let file = disk.create(DATA).map_err(|error| StorageError::io(DATA, "create", error))?;
    let superblock = Superblock::default();
    for copy in 0..2 {
        superblock.write(&*file, copy)?;
    }
    file.sync().map_err(|error| StorageError::io(DATA, "sync", error))?;
    disk.sync_directory().map_err(|error| StorageError::io("directory", "sync", error))?;
    Ok((file, superblock))
}

fn length(file: &dyn DiskFile) -> Result<u64, StorageError> {
    file.length().map_err(|error| StorageError::io(DATA, "measure", error))
}

/// Whether there is a log segment that was ever in use.
fn has_log(disk: &Arc<dyn Disk>) -> Result<bool, StorageError> {
    let names = disk.list().map_err(|error| StorageError::io("directory", "list", error))?;
    for name in names {
        if segment_first(&name).is_some() {
            let io = |error| StorageError::io(&name, "open", error);
            if disk.open(&name).map_err(io)?.length().map_err(io)? > SEGMENT_HEADER_BYTES as u64 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Salts for log segments: not to be guessed by who writes documents, or counted when runs must
/// be equal.
fn salts(random: bool) -> Box<dyn Fn() -> u32 + Send + Sync> {
    let count = AtomicU32::new(1);
    if random {
        let state = RandomState::new();
        return Box::new(move || state.hash_one(count.fetch_add(1, Ordering::Relaxed)) as u32);
    }
    Box::new(move || count.fetch_add(0x9e37_79b9, Ordering::Relaxed))
}
