//! The crash suite: random work on a simulated disk that is cut at every change and every sync.
//! After each cut, recovery must give exactly the state after some record, and every
//! acknowledged record must be in it.
//!
//! Invariants: one seed decides a whole round: the work, the cuts, and what survives each of
//! them.
//!
//! Does not know about: what the engine does to get there.

mod judge;
mod work;

pub use judge::Violation;
pub use work::{Round, run_round};
