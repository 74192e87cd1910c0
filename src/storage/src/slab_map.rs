//! The slab map on disk: which slots the trees of a superblock use.
//!
//! Pages of the map are slots and so describe themselves: writing one page changes the map,
//! which may make another page dirty. Rooms are found first, until nothing new gets dirty, and
//! only then are the pages written.

use bytes::Bytes;

use crate::disk::DiskFile;
use crate::error::StorageError;
use crate::pointer::read::array_at;
use crate::pointer::{POINTER_BYTES, Pointer};
use crate::slab::{
    CLASS_EXTENT, CLASS_EXTENT_BODY, CLASS_FREE, CLASS_UNITS, Slab, UNIT_BYTES, old_slot_bytes,
};
use crate::space::Space;
use crate::store::{DATA, read_checked};

/// Slabs that one page of the map describes.
pub(crate) const PAGE_SLABS: u32 = 128;
const SLAB_ENTRY_BYTES: usize = 17;
const PAGE_BYTES: usize = PAGE_SLABS as usize * SLAB_ENTRY_BYTES;

/// Where the map stands on disk, and what it said.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlabMap {
    pub directory: Option<Pointer>,
    pub pages: Vec<Option<Pointer>>,
    /// What each page last written said.
    written: Vec<Vec<u8>>,
}

/// The map about to be written: rooms are taken, nothing refers to them yet.
pub(crate) struct Planned {
    pub map: SlabMap,
    /// Bytes to write, with their offsets.
    pub writes: Vec<(u64, Vec<u8>)>,
    /// Rooms taken for the new map; freed again if the checkpoint fails.
    pub taken: Vec<Pointer>,
    /// Rooms of the old map.
    pub retired: Vec<Pointer>,
}

impl SlabMap {
    /// Reads the map of a superblock.
    pub(crate) fn read(
        file: &dyn DiskFile,
        directory: Option<Pointer>,
        slabs: u64,
    ) -> Result<(Self, Vec<Slab>), StorageError> {
        let Some(pointer) = directory else { return Ok((Self::default(), Vec::new())) };
        let bytes = read_checked(file, &pointer)?;
        let malformed = |offset| StorageError::corrupt(DATA, offset, "the slab map is malformed");
        let (mut pages, mut written, mut table) = (Vec::new(), Vec::new(), Vec::new());
        for at in (0..bytes.len()).step_by(POINTER_BYTES) {
            let page = Pointer::decode(array_at(&bytes, at).ok_or_else(|| malformed(pointer.offset))?);
            let content = match &page {
                Some(page) => read_checked(file, page)?,
                None => Bytes::new(),
            };
            let remaining = slabs.saturating_sub(table.len() as u64).min(u64::from(PAGE_SLABS));
            decode_page(&content, remaining as usize, &mut table)
                .ok_or_else(|| malformed(page.map_or(pointer.offset, |page| page.offset)))?;
            pages.push(page);
            written.push(content.to_vec());
        }
        if table.len() as u64 != slabs {
            return Err(malformed(pointer.offset));
        }
        Ok((Self { directory, pages, written }, table))
    }

    /// Every slot the map itself takes.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Pointer> {
        self.directory.into_iter().chain(self.pages.iter().flatten().copied())
    }

    /// Finds rooms for every page that has changed and for the directory.
    pub(crate) fn plan(&self, space: &mut Space) -> Planned {
        // Pages behind the end of a file that was cut go first.
        let mut base = self.clone();
        let kept = space.slab_count().div_ceil(PAGE_SLABS) as usize;
        let cut = base.pages.split_off(kept.min(base.pages.len()));
        base.written.truncate(kept);
        let cut: Vec<Pointer> = cut.into_iter().flatten().collect();
        for pointer in &cut {
            space.retire(pointer);
        }
        let mut planned = base.plan_pages(space);
        planned.retired.extend(cut);
        planned
    }

    fn plan_pages(&self, space: &mut Space) -> Planned {
        let mut planned = Planned {
            map: self.clone(),
            writes: Vec::new(),
            taken: Vec::new(),
            retired: self.directory.into_iter().collect(),
        };
        for pointer in &planned.retired {
            space.retire(pointer);
        }
        let mut moved: Vec<bool> = Vec::new();
        let mut directory = None;
        loop {
            let pages = space.slab_count().div_ceil(PAGE_SLABS) as usize;
            let directory_bytes = (pages * POINTER_BYTES) as u64;
            let mut is_stable = self.move_dirty_pages(space, &mut planned, &mut moved, pages);
            // The directory's length depends on the number of pages: take a room that fits.
            let fits = directory.is_some_and(|(_, room): (u64, u64)| room >= directory_bytes);
            if !fits && pages > 0 {
                if let Some((offset, room)) = directory.take() {
                    let old = room_pointer(offset, room);
                    space.retire(&old);
                    space.release(&old);
                    planned.taken.retain(|taken| taken.offset != offset);
                }
                let offset = space.allocate(directory_bytes);
                let room = room_bytes(directory_bytes);
                directory = Some((offset, room));
                planned.taken.push(room_pointer(offset, room));
                is_stable = false;
            }
            if is_stable {
                break;
            }
        }
        self.fill(space, &mut planned, &moved, directory.map(|(offset, _)| offset));
        planned
    }

    /// Takes new rooms for pages whose content differs from what was written. Gives whether
    /// there were none.
    fn move_dirty_pages(
        &self,
        space: &mut Space,
        planned: &mut Planned,
        moved: &mut Vec<bool>,
        pages: usize,
    ) -> bool {
        let mut is_stable = true;
        moved.resize(pages.max(moved.len()), false);
        for page in 0..moved.len() {
            if moved.get(page).copied().unwrap_or(true) {
                continue;
            }
            let content = encode_page(space, page as u32);
            let same = self.written.get(page).map_or(content.is_empty(), |written| *written == content);
            if same {
                continue;
            }
            is_stable = false;
            if let Some(moved) = moved.get_mut(page) {
                *moved = true;
            }
            if let Some(Some(old)) = self.pages.get(page) {
                space.retire(old);
                planned.retired.push(*old);
            }
            // The content can still change, its length cannot.
            let offset = space.allocate(PAGE_BYTES as u64);
            let room = room_pointer(offset, PAGE_BYTES as u64);
            planned.taken.push(room);
            planned.map.pages.resize(planned.map.pages.len().max(page + 1), None);
            if let Some(place) = planned.map.pages.get_mut(page) {
                *place = Some(room);
            }
        }
        is_stable
    }

    /// Encodes what was planned, now that the space no longer changes.
    fn fill(&self, space: &Space, planned: &mut Planned, moved: &[bool], directory: Option<u64>) {
        let pages = space.slab_count().div_ceil(PAGE_SLABS) as usize;
        planned.map.pages.resize(pages, None);
        planned.map.written.resize(pages, Vec::new());
        for (page, pointer) in planned.map.pages.iter_mut().enumerate() {
            if !moved.get(page).copied().unwrap_or(false) {
                continue;
            }
            let content = encode_page(space, page as u32);
            if let Some(place) = pointer {
                *place = pointer_to(place.offset, &content);
                planned.writes.push((place.offset, content.clone()));
            }
            if let Some(written) = planned.map.written.get_mut(page) {
                *written = content;
            }
        }
        let mut content = Vec::with_capacity(pages * POINTER_BYTES);
        for pointer in &planned.map.pages {
            content.extend_from_slice(&Pointer::encode_optional(pointer.as_ref()));
        }
        planned.map.directory = directory.map(|offset| pointer_to(offset, &content));
        if let Some(offset) = directory {
            planned.writes.push((offset, content));
        }
    }
}

/// The pointer to bytes that are about to stand at an offset.
pub(crate) fn pointer_to(offset: u64, bytes: &[u8]) -> Pointer {
    Pointer { offset, length: bytes.len() as u32, checksum: crc32c::crc32c(bytes), slots_below: false }
}

fn room_pointer(offset: u64, room: u64) -> Pointer {
    Pointer { offset, length: room as u32, checksum: 0, slots_below: false }
}

/// How much fits where `length` bytes were given room.
fn room_bytes(length: u64) -> u64 {
    length.next_multiple_of(UNIT_BYTES)
}

/// A page of the map. Slabs with nothing live are free in it, whoever may still read them, and
/// so are those behind the end of the file.
fn encode_page(space: &Space, page: u32) -> Vec<u8> {
    let first = page * PAGE_SLABS;
    let mut out = Vec::with_capacity(PAGE_BYTES);
    for index in first..first + PAGE_SLABS {
        let slab = space.slab(index);
        let (class, bits) = match slab.class {
            _ if slab.live == 0 => (CLASS_FREE, 0),
            CLASS_EXTENT => (CLASS_EXTENT, u128::from(slab.extent_slabs)),
            CLASS_EXTENT_BODY => (CLASS_EXTENT_BODY, 0),
            class => (class, slab.live),
        };
        out.push(class);
        out.extend_from_slice(&bits.to_le_bytes());
    }
    out
}

/// Reads what a page says of so many slabs.
fn decode_page(bytes: &[u8], slabs: usize, table: &mut Vec<Slab>) -> Option<()> {
    if bytes.is_empty() {
        table.resize(table.len() + slabs, Slab::default());
        return Some(());
    }
    // Up to version 3 the last page ends with the file.
    if bytes.len() != PAGE_BYTES && bytes.len() != slabs * SLAB_ENTRY_BYTES {
        return None;
    }
    for entry in bytes.chunks_exact(SLAB_ENTRY_BYTES).take(slabs) {
        let class = *entry.first()?;
        let bits = u128::from_le_bytes(array_at(entry, 1)?);
        table.push(match class {
            CLASS_FREE => Slab::default(),
            CLASS_EXTENT => Slab { class, live: 1, busy: 1, extent_slabs: u32::try_from(bits).ok()? },
            CLASS_EXTENT_BODY => Slab { class, live: 1, busy: 1, extent_slabs: 0 },
            _ if class == CLASS_UNITS || old_slot_bytes(class).is_some() => {
                Slab { class, live: bits, busy: bits, extent_slabs: 0 }
            }
            _ => return None,
        });
    }
    Some(())
}
