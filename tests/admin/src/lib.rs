//! The admin interface under test: its packages, its sources beside them, and a browser.
//!
//! Invariants: nothing is written into the sources' folder; what is downloaded lands in the
//! build folder, complete or not at all.
//!
//! Does not know about: what the pages show.

mod browser;
mod specs;
mod workshop;

pub use browser::{Browser, BrowserError};
pub use specs::Specs;
pub use workshop::{Difference, Workshop, compare};
