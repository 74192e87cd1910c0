//! The driver protocol without I/O: handshakes, authentication, frames, answers, for both
//! sides of a connection.
//!
//! Invariants: no byte from the network can make it panic; memory grows with the bytes
//! that arrived, never with the bytes that were announced; how bytes are cut into pieces
//! on their way changes nothing; passwords and keys are never printed, and proofs are
//! compared in constant time.
//!
//! Does not know about: sockets, time, threads, what a query means.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod client;
mod frame;
mod handshake;
pub mod magic;
mod response;
mod scram;
mod server;

pub use client::{ClientHandshake, ClientHandshakeError};
pub use frame::{
    Frame, FrameTooLarge, HEADER_BYTES, Token, begin_frame, end_frame, split_header, take_frame, write_frame,
};
pub use handshake::{Credentials, Handshake, HandshakeError, KEY_USER, MESSAGE_BYTES_MAX, Progress, Version};
pub use response::{
    ResponseNote, ResponseType, ResponseWriter, write_atom, write_error, write_server_info,
    write_wait_complete,
};
pub use scram::{
    ClientExchange, ClientFirst, DIGEST_BYTES, ITERATIONS_DEFAULT, NONCE_BYTES, ScramCredentials, ScramError,
    ServerExchange,
};
pub use server::{Event, ServerProtocol};
