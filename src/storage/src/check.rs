//! Offline verification of a data directory: checksums, the shape of all trees, their counts,
//! and that every slot has exactly one owner.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::StorageError;
use crate::page::{PackedValue, Page};
use crate::pointer::Pointer;
use crate::recovery::verify;
use crate::slab::{CLASS_EXTENT, CLASS_EXTENT_BODY, CLASS_FREE, Slab, locate, slab_offset};
use crate::slab_map::SlabMap;
use crate::space::Space;
use crate::store::{DATA, read_checked};
use crate::superblock::Superblock;
use crate::view::tree_of_key;

/// Problems listed before the rest is only counted.
const PROBLEMS_MAX: usize = 1000;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// What is wrong, each with file and offset; at most the first thousand.
    pub problems: Vec<String>,
    /// Problems in all.
    pub problem_count: u64,
    /// Trees.
    pub trees: u64,
    /// Entries of all trees.
    pub entries: u64,
    /// B-tree nodes.
    pub nodes: u64,
    /// Values in slots.
    pub values: u64,
    /// Position of the last checkpoint.
    pub checkpoint_position: u64,
    /// Position of the last log record.
    pub log_position: u64,
    /// Bytes of the slots in use.
    pub slot_bytes_used: u64,
}

/// Checks the data directory at a path. It must not be open in another process.
pub fn check(directory: impl AsRef<Path>) -> Result<CheckReport, StorageError> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open_existing(directory)?);
    check_disk(&disk)
}

/// Checks a disk. Changes nothing on it. An error means that it could not be checked at all.
pub fn check_disk(disk: &Arc<dyn Disk>) -> Result<CheckReport, StorageError> {
    let file = disk.open(DATA).map_err(|error| StorageError::io(DATA, "open", error))?;
    let mut check = Check { file: &*file, report: CheckReport::default(), used: Vec::new() };
    let found = Superblock::find(&*file)?;
    for (copy, is_current) in (0..).zip(found.is_current) {
        if !is_current {
            check.problem(copy * 4096, "a superblock is not whole or not current; its twin is");
        }
    }
    let superblock = found.superblock;
    check.report.checkpoint_position = superblock.position.0;
    match verify(disk, superblock.position.0) {
        Ok(tail) => check.report.log_position = tail.position,
        Err(error @ StorageError::NewerFormat { .. }) => return Err(error),
        Err(error) => check.failure(&error),
    }
    match SlabMap::read(&*file, superblock.directory, superblock.slabs) {
        Ok((map, slabs)) => {
            check.used.clone_from(&slabs);
            for slab in &mut check.used {
                slab.busy = 0;
            }
            for pointer in map.slots() {
                check.take(&pointer);
            }
            check.catalog(superblock.catalog.as_ref(), superblock.catalog_count);
            check.report.slot_bytes_used = Space::from_slabs(slabs).live_bytes();
            check.unowned();
        }
        Err(error) => {
            check.failure(&error);
            check.catalog(superblock.catalog.as_ref(), superblock.catalog_count);
        }
    }
    Ok(check.report)
}

struct Check<'a> {
    file: &'a dyn DiskFile,
    report: CheckReport,
    /// The slab map; `busy` collects the slots that somebody owns.
    used: Vec<Slab>,
}

/// What a node may hold.
#[derive(Clone)]
struct Limits {
    low: Option<Bytes>,
    high: Option<Bytes>,
    level: Option<u8>,
}

/// What was found below a node.
#[derive(Default)]
struct Below {
    entries: u64,
    slots: bool,
}

impl Check<'_> {
    fn problem(&mut self, offset: u64, detail: &str) {
        self.note(format!("{DATA} at offset {offset}: {detail}"));
    }

    fn failure(&mut self, error: &StorageError) {
        self.note(error.to_string());
    }

    fn note(&mut self, problem: String) {
        self.report.problem_count += 1;
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(problem);
        }
    }

    /// Notes the owner of a slot.
    fn take(&mut self, pointer: &Pointer) {
        let Some((index, _)) = locate(pointer.offset) else {
            return self.problem(pointer.offset, "a pointer leads into the superblocks");
        };
        if self.used.is_empty() {
            return;
        }
        let Some(slab) = self.used.get(index as usize) else {
            return self.problem(pointer.offset, "a pointer leads behind the last slab");
        };
        let Some(room) = slab.room(index, pointer) else {
            return self.problem(pointer.offset, "a pointer does not lead to the start of a slot");
        };
        for (index, bits) in room.parts() {
            let detail = match self.used.get_mut(index as usize) {
                Some(slab) if slab.busy & bits != 0 => "a slot has two owners",
                Some(slab) if slab.live & bits != bits => "a slot is in use but free in the slab map",
                Some(slab) => {
                    slab.busy |= bits;
                    continue;
                }
                None => "a slot ends behind the last slab",
            };
            return self.problem(pointer.offset, detail);
        }
    }

    /// Reports slots that the map has as used but nobody owns.
    fn unowned(&mut self) {
        let mut extent_left = 0;
        for index in 0..self.used.len() {
            let Some(slab) = self.used.get(index).copied() else { break };
            let offset = slab_offset(index as u32);
            match slab.class {
                CLASS_EXTENT_BODY if extent_left > 0 => extent_left -= 1,
                CLASS_EXTENT_BODY => self.problem(offset, "a piece of an extent without its start"),
                _ if extent_left > 0 => self.problem(offset, "an extent is cut short"),
                CLASS_FREE => {}
                class => {
                    if class == CLASS_EXTENT {
                        extent_left = slab.extent_slabs.saturating_sub(1);
                    }
                    if slab.live & !slab.busy != 0 {
                        self.problem(offset, "a slab has slots that are in use but nobody owns");
                    }
                }
            }
        }
    }

    fn catalog(&mut self, root: Option<&Pointer>, count: u64) {
        let Some(root) = root else { return };
        let mut roots = Vec::new();
        let limits = Limits { low: None, high: None, level: None };
        let below = self.node(root, &limits, &mut Some(&mut roots));
        if below.entries != count {
            self.problem(root.offset, "the catalog's count is wrong");
        }
        for (key, value) in roots {
            let entry = (Pointer::decode_slice(&value), crate::pointer::read::u64_at(&value, 16));
            let (Some(pointer), Some(count)) = entry else {
                self.problem(root.offset, "the catalog holds something that is not a tree");
                continue;
            };
            self.report.trees += u64::from(tree_of_key(&key).is_some());
            let below = self.node(&pointer, &limits, &mut None);
            self.report.entries += below.entries;
            if below.entries != count {
                self.problem(pointer.offset, "the count of a tree is wrong");
            }
        }
    }

    fn node(
        &mut self,
        pointer: &Pointer,
        limits: &Limits,
        roots: &mut Option<&mut Vec<(Bytes, Bytes)>>,
    ) -> Below {
        self.take(pointer);
        let malformed = || StorageError::corrupt(DATA, pointer.offset, "a node is malformed");
        let page = match read_checked(self.file, pointer).and_then(|b| Page::parse(b).ok_or_else(malformed)) {
            Ok(page) => page,
            Err(error) => {
                self.failure(&error);
                return Below::default();
            }
        };
        self.report.nodes += 1;
        if limits.level.is_some_and(|level| level != page.level()) {
            self.problem(pointer.offset, "a node has the wrong level");
        }
        self.keys(pointer, &page, limits);
        let below = if page.is_leaf() {
            self.leaf(&page, roots)
        } else {
            self.internal(pointer, &page, limits, roots)
        };
        if below.slots != pointer.slots_below {
            self.problem(pointer.offset, "a pointer is wrong about slots below it");
        }
        below
    }

    fn keys(&mut self, pointer: &Pointer, page: &Page, limits: &Limits) {
        let keys: Vec<Bytes> = (0..page.count()).map(|index| page.key(index)).collect();
        if keys.is_empty() {
            self.problem(pointer.offset, "a node is empty");
        }
        if keys.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            self.problem(pointer.offset, "the keys of a node are not in order");
        }
        // The first key of an internal node is never compared.
        let first = keys.get(usize::from(!page.is_leaf()));
        let below = first.zip(limits.low.as_ref()).is_some_and(|(key, low)| key < low);
        let above = keys.last().zip(limits.high.as_ref()).is_some_and(|(key, high)| key >= high);
        if below || above {
            self.problem(pointer.offset, "a node has a key that belongs elsewhere");
        }
    }

    fn leaf(&mut self, page: &Page, roots: &mut Option<&mut Vec<(Bytes, Bytes)>>) -> Below {
        let mut slots = false;
        for index in 0..page.count() {
            match page.value(index) {
                PackedValue::Inline(bytes) => {
                    if let Some(roots) = roots {
                        roots.push((page.key(index), bytes));
                    }
                }
                PackedValue::Slot(pointer) => {
                    slots = true;
                    self.take(&pointer);
                    self.report.values += 1;
                    if let Err(error) = read_checked(self.file, &pointer) {
                        self.failure(&error);
                    }
                }
            }
        }
        Below { entries: page.count() as u64, slots }
    }

    fn internal(
        &mut self,
        pointer: &Pointer,
        page: &Page,
        limits: &Limits,
        roots: &mut Option<&mut Vec<(Bytes, Bytes)>>,
    ) -> Below {
        let mut sum = Below::default();
        for index in 0..page.count() {
            let Some((child, count)) = page.child(index) else {
                self.problem(pointer.offset, "a node has a child without a pointer");
                continue;
            };
            let inside = Limits {
                low: if index == 0 { limits.low.clone() } else { Some(page.key(index)) },
                high: if index + 1 < page.count() { Some(page.key(index + 1)) } else { limits.high.clone() },
                level: page.level().checked_sub(1),
            };
            let below = self.node(&child, &inside, roots);
            if below.entries != count {
                self.problem(child.offset, "the count of a node is wrong");
            }
            sum.entries += below.entries;
            sum.slots |= below.slots;
        }
        sum
    }
}
