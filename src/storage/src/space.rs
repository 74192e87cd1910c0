//! Space in the data file: which slabs have room, and where in them something new goes.
//!
//! Room is *live* when the newest trees use it, and *busy* when it must not be given out: live,
//! or still reachable from a snapshot or from the durable superblock.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::pointer::Pointer;
use crate::slab::{
    CLASS_EXTENT, CLASS_EXTENT_BODY, CLASS_FREE, Room, SLAB_BYTES, SLAB_UNITS, Slab, UNIT_BYTES, locate,
    slab_offset, unit_bits, units,
};

/// Gives room out and takes it back.
pub(crate) struct Space {
    slabs: Vec<Slab>,
    /// By the longest run of units that they have to give out: slabs with room. Low ones come
    /// first, so that the end empties.
    partial: Vec<BTreeSet<u32>>,
    free: BTreeSet<u32>,
    /// Slabs that became free and may be given back to the file system.
    emptied: BTreeSet<u32>,
    /// Slabs that are to be emptied: nothing is put into them.
    closed: BTreeSet<u32>,
    live_bytes: u64,
    busy_bytes: u64,
}

impl Default for Space {
    fn default() -> Self {
        Self::from_slabs(Vec::new())
    }
}

impl Space {
    /// The space as a slab map describes it.
    pub(crate) fn from_slabs(slabs: Vec<Slab>) -> Self {
        let mut space = Self {
            slabs,
            partial: vec![BTreeSet::new(); SLAB_UNITS as usize + 1],
            free: BTreeSet::new(),
            emptied: BTreeSet::new(),
            closed: BTreeSet::new(),
            live_bytes: 0,
            busy_bytes: 0,
        };
        for index in 0..space.slab_count() {
            let slab = space.slab(index);
            let bytes = slab.bytes(slab.live);
            space.live_bytes += bytes;
            space.busy_bytes += bytes;
            if slab.class == CLASS_FREE {
                space.free.insert(index);
            }
            space.offer(index, &slab);
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

    /// Whether most of the file is not in use. Something new then goes as far to the front as it
    /// can, which lets the end of the file empty.
    pub(crate) fn is_roomy(&self) -> bool {
        self.live_bytes < u64::from(self.slab_count()) * SLAB_BYTES / 2
    }

    /// Bytes of the file that are needed.
    pub(crate) fn file_bytes(&self) -> u64 {
        slab_offset(self.slab_count())
    }

    /// Gives out room for `length` bytes. Returns its offset.
    pub(crate) fn allocate(&mut self, length: u64) -> u64 {
        match units(length) {
            Some(units) => self.allocate_units(units),
            None => self.allocate_extent(length),
        }
    }

    fn allocate_units(&mut self, units: u32) -> u64 {
        let index = self.slab_with(units).unwrap_or_else(|| {
            let index = self.take_free(1);
            self.set(index, Slab::of_units());
            index
        });
        let first = self.slab(index).fitting_run(units).unwrap_or(0);
        self.occupy(index, unit_bits(first, units));
        slab_offset(index) + u64::from(first) * UNIT_BYTES
    }

    /// A slab that is in use and has a run of so many units. The one with the least to spare,
    /// so that long runs stay long.
    fn slab_with(&self, units: u32) -> Option<u32> {
        let fitting = self.partial.get(units as usize..)?;
        let mut firsts = fitting.iter().filter_map(BTreeSet::first).copied();
        if self.is_roomy() {
            let lowest = firsts.min();
            return lowest.filter(|lowest| self.free.first().is_none_or(|free| lowest < free));
        }
        firsts.next()
    }

    /// Whole slabs, and units at the start of the one behind them.
    fn allocate_extent(&mut self, length: u64) -> u64 {
        let (whole, rest) = ((length / SLAB_BYTES) as u32, length % SLAB_BYTES);
        let rest = if rest == 0 { 0 } else { units(rest).unwrap_or(0) };
        let index = self.take_free(whole + u32::from(rest > 0));
        for body in index..index + whole {
            let (class, extent_slabs) =
                if body == index { (CLASS_EXTENT, whole) } else { (CLASS_EXTENT_BODY, 0) };
            self.set(body, Slab { class, extent_slabs, ..Slab::default() });
            self.occupy(body, 1);
        }
        if rest > 0 {
            self.set(index + whole, Slab::of_units());
            self.occupy(index + whole, unit_bits(0, rest));
        }
        slab_offset(index)
    }

    /// Makes bits of a slab live.
    fn occupy(&mut self, index: u32, bits: u128) {
        let mut slab = self.slab(index);
        self.withdraw(index, &slab);
        slab.busy |= bits;
        slab.live |= bits;
        self.offer(index, &slab);
        self.set(index, slab);
        let bytes = slab.bytes(bits);
        self.live_bytes += bytes;
        self.busy_bytes += bytes;
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

    /// The newest trees no longer use what a pointer names. It stays busy.
    pub(crate) fn retire(&mut self, pointer: &Pointer) {
        let Some(room) = self.room(pointer) else { return };
        for (index, bits) in room.parts() {
            let mut slab = self.slab(index);
            if slab.live & bits == 0 {
                return;
            }
            slab.live &= !bits;
            self.set(index, slab);
            self.live_bytes -= slab.bytes(bits);
        }
    }

    /// Nobody can reach what a pointer names any more.
    pub(crate) fn release(&mut self, pointer: &Pointer) {
        let Some(room) = self.room(pointer) else { return };
        for (index, bits) in room.parts() {
            let mut slab = self.slab(index);
            debug_assert!(slab.busy & bits == bits && slab.live & bits == 0);
            self.withdraw(index, &slab);
            self.busy_bytes -= slab.bytes(bits);
            slab.busy &= !bits;
            if slab.busy == 0 {
                slab = Slab::default();
                self.free.insert(index);
                self.emptied.insert(index);
                self.closed.remove(&index);
            }
            self.offer(index, &slab);
            self.set(index, slab);
        }
    }

    fn room(&self, pointer: &Pointer) -> Option<Room> {
        let (index, _) = locate(pointer.offset)?;
        self.slab(index).room(index, pointer)
    }

    /// Where the room of a pointer ends.
    pub(crate) fn room_end(&self, pointer: &Pointer) -> Option<u64> {
        self.room(pointer).map(|room| pointer.offset + room.bytes)
    }

    /// Puts nothing into some slabs until they are free, or [`Space::reopen`] is called.
    pub(crate) fn close(&mut self, slabs: impl Iterator<Item = u32>) {
        for index in slabs {
            self.withdraw(index, &self.slab(index));
            self.closed.insert(index);
        }
    }

    /// Lets slabs that were closed be used again.
    pub(crate) fn reopen(&mut self) {
        for index in std::mem::take(&mut self.closed) {
            self.offer(index, &self.slab(index));
        }
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

    /// Lets a slab be found by the room that it has.
    fn offer(&mut self, index: u32, slab: &Slab) {
        let run = slab.longest_run();
        if run > 0
            && !self.closed.contains(&index)
            && let Some(set) = self.partial.get_mut(run as usize)
        {
            set.insert(index);
        }
    }

    fn withdraw(&mut self, index: u32, slab: &Slab) {
        if let Some(set) = self.partial.get_mut(slab.longest_run() as usize) {
            set.remove(&index);
        }
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

    #[test]
    fn gaps_are_filled_before_another_slab_is_begun() {
        let mut space = Space::default();
        let slots: Vec<u64> = (0..32).map(|_| space.allocate(4096)).collect();
        assert_eq!(space.slab_count(), 2);
        for freed in [slots[3], slots[4], slots[20]] {
            space.retire(&pointer(freed, 4096));
            space.release(&pointer(freed, 4096));
        }
        // The shortest gap that is long enough.
        assert_eq!(space.allocate(2000), slots[20]);
        assert_eq!(space.allocate(8192), slots[3]);
        assert_eq!(space.allocate(2048), slots[20] + 2048);
        assert_eq!(space.allocate(512), slab_offset(2));
    }

    #[test]
    fn nothing_is_put_into_closed_slabs() {
        let mut space = Space::default();
        let slots: Vec<u64> = (0..32).map(|_| space.allocate(4096)).collect();
        space.retire(&pointer(slots[0], 4096));
        space.close([0].into_iter());
        space.release(&pointer(slots[0], 4096));
        assert_eq!(space.allocate(4096), slab_offset(2));
        space.reopen();
        assert_eq!(space.allocate(4096), slots[0]);
    }

    #[test]
    fn a_long_value_leaves_the_rest_of_its_last_slab_to_others() {
        let mut space = Space::default();
        let long = space.allocate(100_000);
        let other = space.allocate(20_000);
        assert_eq!((space.slab_count(), other), (2, long + 100_000u64.next_multiple_of(512)));
        space.retire(&pointer(long, 100_000));
        space.release(&pointer(long, 100_000));
        assert_eq!((space.free_slabs(), space.busy_bytes()), (1, 20_480));
    }
}
