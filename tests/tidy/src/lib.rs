//! The rules of the house, as tests (see `tests/`) over the manifests and the sources.
//!
//! Invariants: nothing but Cargo itself is needed to check them; a failure names the file
//! and says what to do.
//!
//! Does not know about: what any crate does.

mod house;
mod packages;

pub use house::{Source, dependencies, manifests, root, sources};
pub use packages::{Package, Packages};
