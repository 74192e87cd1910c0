//! The Rust client of the driver protocol.
