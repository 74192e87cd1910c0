//! The server as its users meet it: official drivers, killed processes, hostile peers.
//! The tests lie in `tests/`, the programs of the drivers' languages in `scripts/`.
//!
//! Invariants: every expected answer is computed apart from the server; every test starts
//! servers of its own on directories of its own.
//!
//! Does not know about: the server's crates.
