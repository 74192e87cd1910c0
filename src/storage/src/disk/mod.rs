//! The disk as the engine sees it: named files in one flat directory.
//!
//! What a disk promises: a write is seen by later reads at once, survives the process once the
//! call returned, and survives a power cut once `sync` of that file returned. Creating,
//! renaming or removing a file survives a power cut once `sync_directory` returned.

mod real;
mod simulated;

use std::io;
use std::sync::Arc;

pub use real::RealDisk;
pub use simulated::{Cut, SimulatedDisk, SimulatedEvent};

/// A directory of files.
pub trait Disk: Send + Sync {
    /// Opens a file that exists; `NotFound` otherwise.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates a file, or empties the one that exists.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Gives a file another name, which no file has. It has one of them at any time.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Makes creations, removals and new names durable.
    fn sync_directory(&self) -> io::Result<()>;
}

/// One open file.
pub trait DiskFile: Send + Sync {
    /// Fills `buffer` from `offset`; `UnexpectedEof` when the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`, growing the file as needed.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes everything written so far durable, the length included.
    fn sync(&self) -> io::Result<()>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
    /// Cuts or grows (with zeros) the file.
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// Gives the room of a piece inside the file back; it reads as zeros or as before.
    /// Only a help for the file system: a disk may ignore it.
    fn punch_hole(&self, offset: u64, length: u64) -> io::Result<()>;
}
