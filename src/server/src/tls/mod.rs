//! TLS in front of any door.
//!
//! A door that has a [`TlsDoor`] speaks with nobody in the clear: who tries is told so in words
//! of the door's own protocol and sent away. The files can be read again while the door is open;
//! connections keep the certificate with which they began.

mod door;
mod files;
mod socket;

pub use door::{DoorProtocol, TlsDoor};
pub use files::{TlsError, TlsFiles};
pub(crate) use socket::DriverSocket;
