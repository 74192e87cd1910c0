//! Files for segments to come, ready before they are needed.
//!
//! A file is made into a segment by giving it the segment's name, and it has a durable header
//! by then. Files of segments that are no longer needed are used again: their blocks are
//! written already, so that syncing what is written over them changes nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};
use crate::error::StorageError;
use crate::log_format::SegmentHeader;
use crate::log_writer::Segment;

/// What the names of spare files begin with.
const PREFIX: &str = "spare-";

/// A file that waits to become a segment.
pub(crate) struct Spare {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub header: SegmentHeader,
    /// Bytes that are written over without growing the file.
    pub length: u64,
}

/// The spare files of a log.
pub(crate) struct Spares {
    disk: Arc<dyn Disk>,
    salt: Box<dyn Fn() -> u32 + Send + Sync>,
    ready: Mutex<Vec<Spare>>,
    ready_max: usize,
    next_number: AtomicU64,
}

impl Spares {
    /// None yet; what an earlier process has left is removed.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        salt: Box<dyn Fn() -> u32 + Send + Sync>,
        ready_max: usize,
    ) -> Result<Self, StorageError> {
        let names = disk.list().map_err(|error| StorageError::io("directory", "list", error))?;
        for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
            disk.remove(name).map_err(|error| StorageError::io(name, "remove", error))?;
        }
        Ok(Self { disk, salt, ready: Mutex::default(), ready_max, next_number: AtomicU64::new(0) })
    }

    /// A file for the next segment.
    pub(crate) fn take(&self) -> Result<Spare, StorageError> {
        let ready = self.ready.lock().pop();
        ready.map_or_else(|| self.make(), Ok)
    }

    /// Sees to it that the next segment finds a file.
    pub(crate) fn prepare(&self) -> Result<(), StorageError> {
        if self.ready.lock().is_empty() {
            let spare = self.make()?;
            self.ready.lock().push(spare);
        }
        Ok(())
    }

    /// Takes the files of segments that are no longer needed; removes those that are too many.
    /// The order is that of their positions, and a power cut leaves the later ones.
    pub(crate) fn take_back(&self, segments: Vec<Segment>) {
        let mut renamed = Vec::new();
        for Segment { name, file, end, .. } in segments {
            let is_wanted = self.ready.lock().len() + renamed.len() < self.ready_max;
            // Somebody who still reads the file must find in it what was there.
            let is_free = Arc::strong_count(&file) == 1;
            let spare_name = self.next_name();
            let result = if is_wanted && is_free {
                self.disk.rename(&name, &spare_name).map(|()| renamed.push((spare_name, file, end)))
            } else {
                self.disk.remove(&name)
            };
            // What could not be removed now is removed after the next start.
            if let Err(error) = result {
                tracing::warn!(file = name, %error, "could not remove a log segment");
            }
        }
        if renamed.is_empty() {
            return;
        }
        // Under its old name the file must never be found with a new header.
        let result = self.disk.sync_directory();
        for (name, file, length) in renamed {
            let ready = result.as_ref().is_ok_and(|()| self.reuse(&name, &file, length).is_ok());
            if !ready && let Err(error) = self.disk.remove(&name) {
                tracing::warn!(file = name, %error, "could not remove a spare file of the log");
            }
        }
    }

    /// Removes spare files but for so many.
    pub(crate) fn keep(&self, count: usize) {
        let surplus = {
            let mut ready = self.ready.lock();
            let count = count.min(ready.len());
            ready.split_off(count)
        };
        for spare in surplus {
            if let Err(error) = self.disk.remove(&spare.name) {
                tracing::warn!(file = spare.name, %error, "could not remove a spare file of the log");
            }
        }
    }

    /// Whether the next segment would have to wait for its file.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.lock().is_empty()
    }

    fn next_name(&self) -> String {
        format!("{PREFIX}{}", self.next_number.fetch_add(1, Ordering::Relaxed))
    }

    fn make(&self) -> Result<Spare, StorageError> {
        let name = self.next_name();
        let file = self.disk.create(&name).map_err(|error| StorageError::io(&name, "create", error))?;
        let header = self.write_header(&name, &file)?;
        Ok(Spare { name, file, header, length: header.encode().len() as u64 })
    }

    fn reuse(&self, name: &str, file: &Arc<dyn DiskFile>, length: u64) -> Result<(), StorageError> {
        let header = self.write_header(name, file)?;
        self.ready.lock().push(Spare { name: name.to_owned(), file: file.clone(), header, length });
        Ok(())
    }

    fn write_header(&self, name: &str, file: &Arc<dyn DiskFile>) -> Result<SegmentHeader, StorageError> {
        let header = SegmentHeader::new((self.salt)());
        file.write_all_at(&header.encode(), 0).map_err(|error| StorageError::io(name, "write", error))?;
        file.sync().map_err(|error| StorageError::io(name, "sync", error))?;
        Ok(header)
    }
}
