//! A slab of the data file: what it is cut into, and which of that is used.

use crate::pointer::Pointer;

/// Bytes of a slab.
pub(crate) const SLAB_BYTES: u64 = 65_536;
/// Where slab 0 starts: behind the superblock pair.
pub(crate) const SLABS_START: u64 = 8192;
/// Slots are made of units.
pub(crate) const UNIT_BYTES: u64 = 512;
/// Units of a slab: each is a bit of its maps.
pub(crate) const SLAB_UNITS: u32 = (SLAB_BYTES / UNIT_BYTES) as u32;

/// Slot sizes of classes 1 to 15: slabs of these were written up to version 3. They are read, and
/// nothing new is put into them.
const SLOT_BYTES: [u32; 15] =
    [512, 1024, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192, 10752, 12800, 16384, 21504, 32768];

pub(crate) const CLASS_FREE: u8 = 0;
pub(crate) const CLASS_UNITS: u8 = 16;
pub(crate) const CLASS_EXTENT: u8 = 254;
pub(crate) const CLASS_EXTENT_BODY: u8 = 255;

/// What is known of one slab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slab {
    pub class: u8,
    /// What the newest trees use, a bit for each unit or, in old slabs, each slot.
    pub live: u128,
    /// What must not be given out.
    pub busy: u128,
    /// For the first slab of an extent: how many slabs it has.
    pub extent_slabs: u32,
}

/// Which part of which slabs belongs to a pointer: whole slabs, and bits of the one behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub first: u32,
    pub whole: u32,
    /// None where whole slabs are all.
    pub bits: u128,
    pub bytes: u64,
}

impl Room {
    /// Slabs and their bits.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u32, u128)> + use<> {
        let end = self.first + self.whole;
        let rest = (self.bits != 0).then_some((end, self.bits));
        (self.first..end).map(|slab| (slab, 1)).chain(rest)
    }
}

impl Slab {
    /// A slab to be cut into units.
    pub(crate) fn of_units() -> Self {
        Self { class: CLASS_UNITS, ..Self::default() }
    }

    /// Bytes that some of its bits stand for.
    pub(crate) fn bytes(&self, bits: u128) -> u64 {
        match self.class {
            CLASS_FREE => 0,
            CLASS_UNITS => u64::from(bits.count_ones()) * UNIT_BYTES,
            CLASS_EXTENT | CLASS_EXTENT_BODY => SLAB_BYTES,
            class => u64::from(bits.count_ones()) * old_slot_bytes(class).unwrap_or(0),
        }
    }

    /// The longest run of units to give out.
    pub(crate) fn longest_run(&self) -> u32 {
        if self.class != CLASS_UNITS {
            return 0;
        }
        runs(!self.busy).map(|(_, units)| units).max().unwrap_or(0)
    }

    /// The first unit of the shortest run of so many units, or more.
    pub(crate) fn fitting_run(&self, units: u32) -> Option<u32> {
        let fitting = runs(!self.busy).filter(|(_, length)| *length >= units);
        fitting.min_by_key(|(_, length)| *length).map(|(start, _)| start)
    }

    /// What belongs to a pointer that leads into this slab, whose number is given; `None` when
    /// nothing of the kind can start there.
    pub(crate) fn room(&self, index: u32, pointer: &Pointer) -> Option<Room> {
        let (inside, length) = (locate(pointer.offset)?.1, u64::from(pointer.length));
        let aligned = |bytes: u64| inside.is_multiple_of(bytes).then_some(inside / bytes);
        match self.class {
            CLASS_FREE | CLASS_EXTENT_BODY => None,
            CLASS_UNITS => {
                let (first, units) = (aligned(UNIT_BYTES)? as u32, units(length)?);
                let fits = first + units <= SLAB_UNITS;
                let bytes = u64::from(units) * UNIT_BYTES;
                fits.then(|| Room { first: index, whole: 0, bits: unit_bits(first, units), bytes })
            }
            CLASS_EXTENT => {
                aligned(SLAB_BYTES)?;
                let whole = self.extent_slabs;
                // Up to version 3 an extent had whole slabs only.
                let rest = length.saturating_sub(u64::from(whole) * SLAB_BYTES);
                let units = if rest == 0 { 0 } else { units(rest)? };
                let bytes = u64::from(whole) * SLAB_BYTES + u64::from(units) * UNIT_BYTES;
                Some(Room { first: index, whole, bits: unit_bits(0, units), bytes })
            }
            class => {
                let bytes = old_slot_bytes(class)?;
                let slot = aligned(bytes)?;
                Some(Room { first: index, whole: 0, bits: 1u128.checked_shl(slot as u32)?, bytes })
            }
        }
    }
}

/// Runs of set bits: where each starts, and how long it is.
fn runs(mut bits: u128) -> impl Iterator<Item = (u32, u32)> {
    let mut passed = 0;
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let zeros = bits.trailing_zeros();
        bits >>= zeros;
        let ones = bits.trailing_ones();
        bits = bits.checked_shr(ones).unwrap_or(0);
        let start = passed + zeros;
        passed = start + ones;
        Some((start, ones))
    })
}

/// Units that a length takes, if one slab has as many.
pub(crate) fn units(length: u64) -> Option<u32> {
    (length <= SLAB_BYTES).then(|| length.div_ceil(UNIT_BYTES).max(1) as u32)
}

/// The bits of neighbouring units.
pub(crate) fn unit_bits(first: u32, units: u32) -> u128 {
    u128::MAX.checked_shr(SLAB_UNITS - units).unwrap_or(0) << first
}

/// Slot size of an old class, in bytes.
pub(crate) fn old_slot_bytes(class: u8) -> Option<u64> {
    SLOT_BYTES.get(usize::from(class).checked_sub(1)?).map(|bytes| u64::from(*bytes))
}

/// Where a slab starts in the file.
pub(crate) fn slab_offset(slab: u32) -> u64 {
    SLABS_START + u64::from(slab) * SLAB_BYTES
}

/// Slab of an offset, and bytes from the slab's start.
pub(crate) fn locate(offset: u64) -> Option<(u32, u64)> {
    let inside = offset.checked_sub(SLABS_START)?;
    Some((u32::try_from(inside / SLAB_BYTES).ok()?, inside % SLAB_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slab(busy: u128) -> Slab {
        Slab { busy, ..Slab::of_units() }
    }

    fn pointer(unit: u64, length: u32) -> Pointer {
        Pointer { offset: SLABS_START + unit * UNIT_BYTES, length, checksum: 0, slots_below: false }
    }

    #[test]
    fn the_shortest_run_that_fits_is_found() {
        assert_eq!((slab(0).longest_run(), slab(u128::MAX).longest_run()), (128, 0));
        // Free are units 0 to 2, 10 to 14 and 127.
        let some = slab(!(unit_bits(0, 3) | unit_bits(10, 5) | unit_bits(127, 1)));
        assert_eq!(some.longest_run(), 5);
        let found: Vec<_> = [1, 2, 3, 4, 5, 6].map(|units| some.fitting_run(units)).into();
        assert_eq!(found, [Some(127), Some(0), Some(0), Some(10), Some(10), None]);
        assert_eq!(slab(0).fitting_run(128), Some(0));
    }

    #[test]
    fn lengths_are_rooms() {
        assert_eq!(
            [0, 1, 512, 513, 65_536, 65_537].map(units),
            [Some(1), Some(1), Some(1), Some(2), Some(128), None]
        );
        assert_eq!((unit_bits(0, 128), unit_bits(127, 1), unit_bits(0, 0)), (u128::MAX, 1 << 127, 0));
        let room = slab(0).room(0, &pointer(3, 1500)).unwrap();
        assert_eq!((room.bits, room.bytes), (0b11_1000, 1536));
        assert_eq!(slab(0).room(0, &pointer(127, 513)), None, "it would end behind the slab");
        let extent = Slab { class: CLASS_EXTENT, extent_slabs: 2, ..Slab::default() };
        let room = extent.room(0, &pointer(0, 2 * 65_536 + 700)).unwrap();
        assert_eq!(room.parts().collect::<Vec<_>>(), [(0, 1), (1, 1), (2, 0b11)]);
        assert_eq!(room.bytes, 2 * 65_536 + 1024);
        let old = Slab { class: 9, ..Slab::default() };
        let room = old.room(0, &pointer(12, 5500)).unwrap();
        assert_eq!((room.bits, room.bytes), (0b10, 6144));
        assert_eq!(old.room(0, &pointer(11, 5500)), None);
    }
}
