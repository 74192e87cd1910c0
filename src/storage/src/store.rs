//! Reading from the data file: every byte is checked once on its way into the page cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use photondb_base::prompt;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::counter::Counter;
use crate::disk::DiskFile;
use crate::error::StorageError;
use crate::link::Link;
use crate::page::Page;
use crate::pointer::Pointer;

/// Name of the data file.
pub(crate) const DATA: &str = "data";
/// Values above this are read past the cache: one of them is worth hundreds of pages.
const CACHED_VALUE_BYTES_MAX: usize = 256 * 1024;
/// What an entry of the cache costs besides its bytes.
const CACHE_ENTRY_BYTES: u64 = 128;

#[derive(Clone)]
enum Cached {
    Page(Page),
    Value(Bytes),
}

#[derive(Clone)]
struct CachedBytes;

impl Weighter<u64, Cached> for CachedBytes {
    fn weight(&self, _offset: &u64, cached: &Cached) -> u64 {
        let bytes = match cached {
            Cached::Page(page) => page.memory_bytes(),
            Cached::Value(bytes) => allocated_bytes(bytes.len()),
        };
        bytes as u64 + CACHE_ENTRY_BYTES
    }
}

/// The data file behind its cache.
pub(crate) struct Store {
    file: Arc<dyn DiskFile>,
    cache: Cache<u64, Cached, CachedBytes>,
    cache_bytes_max: AtomicU64,
    /// Whether the cache is nearly full and has to know what is used.
    is_crowded: AtomicBool,
    hits: Counter,
    misses: Counter,
}

impl Store {
    pub(crate) fn new(file: Arc<dyn DiskFile>, cache_bytes_max: u64) -> Self {
        let items = usize::try_from(cache_bytes_max / 8192).unwrap_or(usize::MAX).clamp(16, 1 << 20);
        let cache = Cache::with_weighter(items, cache_bytes_max, CachedBytes);
        let cache_bytes_max = AtomicU64::new(cache_bytes_max);
        Self {
            file,
            cache,
            cache_bytes_max,
            is_crowded: AtomicBool::new(false),
            hits: Counter::default(),
            misses: Counter::default(),
        }
    }

    pub(crate) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// Reads a node.
    pub(crate) fn page(&self, pointer: &Pointer) -> Result<Page, StorageError> {
        if let Some(Cached::Page(page)) = self.cache.get(&pointer.offset) {
            self.hits.increment();
            return Ok(page);
        }
        self.misses.increment();
        let page = self.read_page(pointer)?;
        self.cache.insert(pointer.offset, Cached::Page(page.clone()));
        self.look_for_crowd();
        Ok(page)
    }

    /// Reads a node that somebody else may have a link to.
    pub(crate) fn linked_page(&self, link: &Link, pointer: &Pointer) -> Result<Page, StorageError> {
        // What is found by a link looks unused to the cache: where something has to go, that would be
        // what is used most.
        if self.is_crowded.load(Ordering::Relaxed) {
            return self.page(pointer);
        }
        if let Some(page) = link.page() {
            self.hits.increment();
            return Ok(page);
        }
        let page = self.page(pointer)?;
        link.set(&page);
        Ok(page)
    }

    /// Reads child `index` of an internal node; `None` when it has none.
    pub(crate) fn child(&self, node: &Page, index: usize) -> Result<Option<Page>, StorageError> {
        match (node.child(index), node.link(index)) {
            (Some((pointer, _)), Some(link)) => self.linked_page(link, &pointer).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads a value that stands in a slot.
    pub(crate) fn value(&self, pointer: &Pointer) -> Result<Bytes, StorageError> {
        if pointer.length as usize > CACHED_VALUE_BYTES_MAX {
            return self.read(pointer);
        }
        if let Some(Cached::Value(value)) = self.cache.get(&pointer.offset) {
            self.hits.increment();
            return Ok(value);
        }
        self.misses.increment();
        let value = self.read(pointer)?;
        self.cache.insert(pointer.offset, Cached::Value(value.clone()));
        self.look_for_crowd();
        Ok(value)
    }

    /// Reads a node from the disk, whatever the cache has.
    pub(crate) fn read_page(&self, pointer: &Pointer) -> Result<Page, StorageError> {
        Page::parse(self.read(pointer)?)
            .ok_or_else(|| StorageError::corrupt(DATA, pointer.offset, "a node is malformed"))
    }

    /// Reads and checks the bytes of a pointer from the disk, whatever the cache has.
    pub(crate) fn read(&self, pointer: &Pointer) -> Result<Bytes, StorageError> {
        prompt::before_waiting()?;
        read_checked(&*self.file, pointer)
    }

    /// Takes a page that was just written.
    pub(crate) fn remember_page(&self, pointer: &Pointer, bytes: Bytes) {
        if let Some(page) = Page::parse(bytes) {
            self.cache.insert(pointer.offset, Cached::Page(page));
            self.look_for_crowd();
        }
    }

    /// Finds out how full the cache is, behind something that came into it.
    fn look_for_crowd(&self) {
        let bytes_max = self.cache_bytes_max.load(Ordering::Relaxed);
        self.is_crowded.store(self.cache.weight() > bytes_max - bytes_max / 8, Ordering::Relaxed);
    }

    /// Forgets what stood at an offset, before something else is written there.
    pub(crate) fn forget(&self, offset: u64) {
        self.cache.remove(&offset);
    }

    pub(crate) fn cache_bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Lets the cache take so much from now on; what is too much goes at once.
    pub(crate) fn set_cache_bytes_max(&self, bytes: u64) {
        if self.cache_bytes_max.swap(bytes, Ordering::Relaxed) != bytes {
            self.cache.set_capacity(bytes);
            self.look_for_crowd();
        }
    }

    pub(crate) fn hits(&self) -> u64 {
        self.hits.get()
    }

    pub(crate) fn misses(&self) -> u64 {
        self.misses.get()
    }
}

/// What is taken from memory for so many bytes. Allocators know four sizes between a power of two
/// and the next, and give the next larger one.
pub(crate) fn allocated_bytes(bytes: usize) -> usize {
    bytes + bytes / 8
}

/// Reads what a pointer points to and checks it.
pub(crate) fn read_checked(file: &dyn DiskFile, pointer: &Pointer) -> Result<Bytes, StorageError> {
    let mut buffer = vec![0; pointer.length as usize];
    file.read_exact_at(&mut buffer, pointer.offset).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => {
            StorageError::corrupt(DATA, pointer.offset, "the file ends before what it should hold")
        }
        _ => StorageError::io(DATA, "read", error),
    })?;
    if crc32c::crc32c(&buffer) != pointer.checksum {
        return Err(StorageError::corrupt(DATA, pointer.offset, "the checksum does not match"));
    }
    Ok(buffer.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, SimulatedDisk};
    use crate::leaf::Leaf;
    use crate::node::Value;

    /// A file of leaves that take some 2 kB each, and where they are.
    fn leaves(count: u64) -> (Arc<dyn DiskFile>, Vec<Pointer>) {
        let file = SimulatedDisk::default().create(DATA).unwrap();
        let write = |number: u64| {
            let leaf = Leaf::of_one(&number.to_be_bytes(), Value::Inline(vec![7; 2000].into()));
            let (bytes, _) = leaf.pack::<()>(|_| Err(())).unwrap();
            let pointer = Pointer {
                offset: (number + 1) * 4096,
                length: bytes.len() as u32,
                checksum: crc32c::crc32c(&bytes),
                slots_below: false,
            };
            file.write_all_at(&bytes, pointer.offset).unwrap();
            pointer
        };
        let pointers = (0..count).map(write).collect();
        (file, pointers)
    }

    #[test]
    fn a_page_is_found_by_its_link_as_long_as_somebody_has_it() {
        let (file, pointers) = leaves(1);
        let store = Store::new(file, 1 << 20);
        let link = Link::default();
        store.linked_page(&link, &pointers[0]).unwrap();
        assert_eq!((store.hits(), store.misses()), (0, 1));
        let page = store.linked_page(&link, &pointers[0]).unwrap();
        assert_eq!((store.hits(), store.misses()), (1, 1));
        store.forget(pointers[0].offset);
        assert!(link.page().is_some(), "who reads it keeps it");
        drop(page);
        assert!(link.page().is_none(), "a link does not");
        store.linked_page(&link, &pointers[0]).unwrap();
        assert_eq!((store.hits(), store.misses()), (1, 2));
    }

    #[test]
    fn a_crowded_cache_is_asked_for_each_page() {
        let (file, pointers) = leaves(400);
        let store = Store::new(file, 256 << 10);
        let first = Link::default();
        store.linked_page(&first, &pointers[0]).unwrap();
        assert!(first.page().is_some(), "there is room");
        for pointer in &pointers {
            store.linked_page(&Link::default(), pointer).unwrap();
        }
        assert!(store.cache_bytes() <= 256 << 10);
        let last = Link::default();
        for _ in 0..3 {
            store.linked_page(&last, &pointers[399]).unwrap();
            assert!(last.page().is_none(), "what is used most would go first");
        }
        // Room that comes back is used again.
        store.set_cache_bytes_max(4 << 20);
        store.linked_page(&last, &pointers[399]).unwrap();
        assert!(last.page().is_some());
    }
}
