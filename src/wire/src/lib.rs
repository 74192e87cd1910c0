//! The driver protocol without I/O.
