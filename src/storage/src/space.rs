//! Space in the data file: slabs of one size class each, cut into slots.
//!
//! A slot is *live* when the newest trees use it, and *busy* when it must not be given out:
//! live, or still reachable from a snapshot or from the durable superblock.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::pointer::Pointer;

/// Bytes of a slab.
pub(crate) const SLAB_BYTES: u64 = 65_536;
/// Where slab 0 starts: behind the superblock pair.
pub(crate) const SLABS_START: u64 = 8192;

/// Slot sizes of classes 1 to 15.
const SLOT_BYTES: [u32; 15] =
    [512, 1024, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192, 10752, 12800, 16384, 21504, 32768];

pub(crate) const CLASS_FREE: u8 = 0;
pub(crate) const CLASS_EXTENT: u8 = 254;
pub(crate) const CLASS_EXTENT_BODY: u8 = 255;

/// What is known of one slab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slab {
    pub class: u8,
    pub live: u128,
    pub busy: u128,
    /// For the first slab of an extent: how many slabs it has.
    pub extent_slabs: u32,
}

/// Gives slots out and takes them back.
#[derive(Default)]
pub(crate) struct Space {
    slabs: Vec<Slab>,
    /// Per class, slabs with a slot to give out. Low ones first, so that the end empties.
    partial: [BTreeSet<u32>; 15],
    free: BTreeSet<u32>,
    /// Slabs that became free and may be given back to the file system.
    emptied: BTreeSet<u32>,
    live_bytes: u64,
    busy_bytes: u64,
}

/// Per class, the slab from which on everything live would fit into free slots in front of it.
pub(crate) struct Borders([u32; 15]);

impl Borders {
    /// Whether a slot stands behind the border of its class. Extents never do.
    pub(crate) fn is_behind(&self, pointer: &Pointer) -> bool {
        let class = class_for(u64::from(pointer.length)).map(|class| usize::from(class) - 1);
        let border = class.and_then(|class| self.0.get(class));
        border.zip(locate(pointer.offset)).is_some_and(|(border, (slab, _))| slab >= *border)
    }
}

/// The class for a length; `None` when it needs an extent.
pub(crate) fn class_for(length: u64) -> Option<u8> {
    let index = SLOT_BYTES.partition_point(|bytes| u64::from(*bytes) < length);
    (index < SLOT_BYTES.len()).then_some(index as u8 + 1)
}

/// Slot size of class 1 to 15, in bytes.
pub(crate) fn slot_bytes(class: u8) -> Option<u64> {
    SLOT_BYTES.get(usize::from(class).checked_sub(1)?).map(|bytes| u64::from(*bytes))
}

/// Bits of all slots of a class.
fn all_slots(class: u8) -> u128 {
    let slots = slot_bytes(class).map_or(0, |bytes| SLAB_BYTES / bytes);
    if slots >= 128 { u128::MAX } else { (1 << slots) - 1 }
}

/// Slabs of an extent for a length.
pub(crate) fn extent_slabs(length: u64) -> u32 {
    length.div_ceil(SLAB_BYTES) as u32
}

/// Where a slab starts in the file.
pub(crate) fn slab_offset(slab: u32) -> u64 {
    SLABS_START + u64::from(slab) * SLAB_BYTES
}

/// Slab and slot of an offset; `None` when no slot of the class starts there.
pub(crate) fn locate(offset: u64) -> Option<(u32, u64)> {
    let inside = offset.checked_sub(SLABS_START)?;
    Some((u32::try_from(inside / SLAB_BYTES).ok()?, inside % SLAB_BYTES))
}

impl Space {
    /// The space as a slab map describes it.
    pub(crate) fn from_slabs(slabs: Vec<Slab>) -> Self {
        let mut space = Self { slabs, ..Self::default() };
        for index in 0..space.slabs.len() as u32 {
            let slab = space.slab(index);
            let bytes = used_bytes(&slab, slab.live);
            space.live_bytes += bytes;
            space.busy_bytes += bytes;
            match slab.class {
                CLASS_FREE => {
                    space.free.insert(index);
                }
                CLASS_EXTENT | CLASS_EXTENT_BODY => {}
                class if slab.busy != all_slots(class) => space.partial_of(class, |set| set.insert(index)),
                _ => {}
            }
        }
        space
    }

    pub(crate) fn slab_count(&self) -> u32 {
        self.slabs.len() as u32
    }

    pub(crate) fn free_slabs(&self) -> u32 {
        self.free.len() as u32
    }

    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    pub(crate) fn busy_bytes(&self) -> u64 {
        self.busy_bytes
    }

    pub(crate) fn slab(&self, index: u32) -> Slab {
        self.slabs.get(index as usize).copied().unwrap_or_default()
    }

    /// Bytes of the file that are needed.
    pub(crate) fn file_bytes(&self) -> u64 {
        slab_offset(self.slab_count())
    }

    /// Gives out room for `length` bytes. Returns its offset.
    pub(crate) fn allocate(&mut self, length: u64) -> u64 {
        match class_for(length) {
            Some(class) => self.allocate_slot(class),
            None => self.allocate_extent(extent_slabs(length)),
        }
    }

    fn allocate_slot(&mut self, class: u8) -> u64 {
        let mut partial = None;
        self.partial_of(class, |set| partial = set.first().copied());
        // With plenty of free slabs, moving to a lower one lets the end of the file empty.
        let is_roomy = self.free.len() > self.slabs.len() / 2;
        let lower = self.free.first().copied().filter(|_| is_roomy);
        let partial = partial.filter(|partial| lower.is_none_or(|lower| *partial < lower));
        let index = partial.unwrap_or_else(|| {
            let index = self.take_free(1);
            self.set(index, Slab { class, ..Slab::default() });
            self.partial_of(class, |set| set.insert(index));
            index
        });
        let mut slab = self.slab(index);
        let slot = (!slab.busy).trailing_zeros();
        slab.busy |= 1 << slot;
        slab.live |= 1 << slot;
        self.set(index, slab);
        if slab.busy == all_slots(class) {
            self.partial_of(class, |set| set.remove(&index));
        }
        let bytes = slot_bytes(class).unwrap_or(0);
        self.live_bytes += bytes;
        self.busy_bytes += bytes;
        slab_offset(index) + u64::from(slot) * bytes
    }

    fn allocate_extent(&mut self, slabs: u32) -> u64 {
        let index = self.take_free(slabs);
        self.set(index, Slab { class: CLASS_EXTENT, live: 1, busy: 1, extent_slabs: slabs });
        for body in index + 1..index + slabs {
            self.set(body, Slab { class: CLASS_EXTENT_BODY, live: 1, busy: 1, extent_slabs: 0 });
        }
        self.live_bytes += u64::from(slabs) * SLAB_BYTES;
        self.busy_bytes += u64::from(slabs) * SLAB_BYTES;
        slab_offset(index)
    }

    /// Takes neighbouring free slabs, growing the file when there are none.
    fn take_free(&mut self, slabs: u32) -> u32 {
        let mut run: Range<u32> = 0..0;
        for index in &self.free {
            run = if *index == run.end && run.end > run.start {
                run.start..index + 1
            } else {
                *index..index + 1
            };
            if run.end - run.start == slabs {
                break;
            }
        }
        // A free run at the end of the file can be grown.
        let count = self.slab_count();
        let found = run.end - run.start == slabs;
        let start = match (found, run.end == count && run.end > run.start) {
            (true, _) | (false, true) => run.start,
            (false, false) => count,
        };
        for index in start..start + slabs {
            self.free.remove(&index);
            self.emptied.remove(&index);
            if index >= self.slab_count() {
                self.slabs.push(Slab::default());
            }
        }
        start
    }

    /// The newest trees no longer use a slot. It stays busy.
    pub(crate) fn retire(&mut self, pointer: &Pointer) {
        let Some((index, bit, bytes, slabs)) = self.slot_of(pointer) else { return };
        if self.slab(index).live & bit == 0 {
            return;
        }
        for body in index..index + slabs {
            let mut slab = self.slab(body);
            slab.live &= !bit;
            self.set(body, slab);
        }
        self.live_bytes -= bytes;
    }

    /// Nobody can reach a slot any more.
    pub(crate) fn release(&mut self, pointer: &Pointer) {
        let Some((index, bit, bytes, slabs)) = self.slot_of(pointer) else { return };
        debug_assert!(self.slab(index).busy & bit != 0 && self.slab(index).live & bit == 0);
        self.busy_bytes -= bytes;
        for body in index..index + slabs {
            let mut slab = self.slab(body);
            slab.busy &= !bit;
            if slab.busy != 0 {
                self.partial_of(slab.class, |set| set.insert(body));
            } else {
                self.partial_of(slab.class, |set| set.remove(&body));
                slab = Slab::default();
                self.free.insert(body);
                self.emptied.insert(body);
            }
            self.set(body, slab);
        }
    }

    /// First slab, bit, bytes and number of slabs of what a pointer names.
    fn slot_of(&self, pointer: &Pointer) -> Option<(u32, u128, u64, u32)> {
        let (index, inside) = locate(pointer.offset)?;
        let slab = self.slab(index);
        match slab.class {
            CLASS_EXTENT => Some((index, 1, u64::from(slab.extent_slabs) * SLAB_BYTES, slab.extent_slabs)),
            class => {
                let bytes = slot_bytes(class)?;
                Some((index, 1u128.checked_shl((inside / bytes) as u32)?, bytes, 1))
            }
        }
    }

    /// Where the slot or extent of a pointer ends.
    pub(crate) fn slot_end(&self, pointer: &Pointer) -> Option<u64> {
        self.slot_of(pointer).map(|(_, _, bytes, _)| pointer.offset + bytes)
    }

    /// Where slots would end if each class had only full slabs, the first ones it has.
    pub(crate) fn borders(&self) -> Borders {
        let mut live = [0u64; 15];
        for slab in &self.slabs {
            if let Some(live) = class_index(slab.class).and_then(|class| live.get_mut(class)) {
                *live += u64::from(slab.live.count_ones());
            }
        }
        let mut borders = Borders([u32::MAX; 15]);
        for (index, slab) in self.slabs.iter().enumerate() {
            let Some(class) = class_index(slab.class) else { continue };
            let (Some(left), Some(border)) = (live.get_mut(class), borders.0.get_mut(class)) else {
                continue;
            };
            if *left == 0 {
                *border = (*border).min(index as u32);
            }
            *left = left.saturating_sub(u64::from(all_slots(slab.class).count_ones()));
        }
        borders
    }

    /// Drops free slabs from the end. Gives whether there were any.
    pub(crate) fn truncate(&mut self) -> bool {
        let before = self.slabs.len();
        while self.slabs.last().is_some_and(|slab| slab.class == CLASS_FREE) {
            self.slabs.pop();
            let index = self.slab_count();
            self.free.remove(&index);
            self.emptied.remove(&index);
        }
        self.slabs.len() < before
    }

    /// Free slabs inside the file that were not yet given back, as runs.
    pub(crate) fn take_emptied(&mut self) -> Vec<Range<u32>> {
        let mut runs: Vec<Range<u32>> = Vec::new();
        for index in std::mem::take(&mut self.emptied) {
            match runs.last_mut() {
                Some(run) if run.end == index => run.end += 1,
                _ => runs.push(index..index + 1),
            }
        }
        runs
    }

    fn set(&mut self, index: u32, slab: Slab) {
        if let Some(place) = self.slabs.get_mut(index as usize) {
            *place = slab;
        }
    }

    fn partial_of<T>(&mut self, class: u8, change: impl FnOnce(&mut BTreeSet<u32>) -> T) {
        if let Some(set) = usize::from(class).checked_sub(1).and_then(|class| self.partial.get_mut(class)) {
            change(set);
        }
    }
}

/// The number of a size class, from 0; `None` for slabs that are not cut into slots.
fn class_index(class: u8) -> Option<usize> {
    slot_bytes(class).map(|_| usize::from(class) - 1)
}

fn used_bytes(slab: &Slab, bits: u128) -> u64 {
    match slab.class {
        CLASS_FREE => 0,
        CLASS_EXTENT | CLASS_EXTENT_BODY => SLAB_BYTES,
        class => u64::from(bits.count_ones()) * slot_bytes(class).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use photondb_base::{Random, SeededRandom};

    fn pointer(offset: u64, length: u64) -> Pointer {
        Pointer { offset, length: length as u32, checksum: 0, slots_below: false }
    }

    #[test]
    fn classes_cover_every_length() {
        assert_eq!(class_for(1), Some(1));
        assert_eq!(class_for(512), Some(1));
        assert_eq!(class_for(513), Some(2));
        assert_eq!(class_for(32_768), Some(15));
        assert_eq!(class_for(32_769), None);
        assert_eq!(all_slots(1).count_ones(), 128);
        assert_eq!(all_slots(15).count_ones(), 2);
    }

    #[test]
    fn nothing_overlaps_and_everything_comes_back() {
        let random = SeededRandom::new(7);
        let mut space = Space::default();
        let mut live: Vec<(u64, u64)> = Vec::new();
        for _ in 0..20_000 {
            if random.below(5) < 3 || live.is_empty() {
                let length =
                    if random.below(20) == 0 { random.below(400_000) } else { random.below(20_000) } + 1;
                live.push((space.allocate(length), length));
            } else {
                let (offset, length) = live.swap_remove(random.below(live.len() as u64) as usize);
                space.retire(&pointer(offset, length));
                space.release(&pointer(offset, length));
            }
        }
        live.sort_unstable();
        for pair in live.windows(2) {
            assert!(pair[0].0 + pair[0].1 <= pair[1].0);
        }
        for (offset, length) in live {
            assert!(offset.is_multiple_of(512) && offset + length <= space.file_bytes());
            space.retire(&pointer(offset, length));
            space.release(&pointer(offset, length));
        }
        assert_eq!((space.live_bytes(), space.busy_bytes()), (0, 0));
        assert!(space.truncate());
        assert_eq!(space.slab_count(), 0);
    }

    #[test]
    fn a_retired_slot_is_not_given_out() {
        let mut space = Space::default();
        let first = space.allocate(100);
        space.retire(&pointer(first, 100));
        assert_ne!(space.allocate(100), first);
        space.release(&pointer(first, 100));
        assert_eq!(space.allocate(100), first);
    }
}
