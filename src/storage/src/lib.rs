//! The storage engine: bytes in trees, safe on disk.
