//! Where the rows go for which there is no memory.

use std::io::{self, Read, Seek, Write};

/// Gives out files for what does not fit into memory; injected, since the evaluator has no disk.
pub trait SpillSpace: Send + Sync {
    /// A new, empty file. An error of the kind `Unsupported` says that there are none.
    fn file(&self) -> io::Result<Box<dyn SpillFile>>;

    /// Whether there are any.
    fn is_available(&self) -> bool {
        true
    }
}

/// A file that is gone once it is dropped, or once the process is.
pub trait SpillFile: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> SpillFile for T {}

/// No place at all: queries have their memory and nothing else.
#[derive(Debug)]
pub struct NoSpill;

impl SpillSpace for NoSpill {
    fn file(&self) -> io::Result<Box<dyn SpillFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_available(&self) -> bool {
        false
    }
}
