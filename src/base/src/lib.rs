//! The ground everything stands on: typed ids, time and randomness as traits,
//! named limits, cancellation, work that must be prompt.
//!
//! Invariants: nothing here allocates unboundedly or blocks; ids of different
//! things cannot be mixed up.
//!
//! Does not know about: values, disks, networks, the language.

mod cancel;
mod clock;
mod id;
pub mod limits;
pub mod prompt;
mod random;

pub use cancel::Cancel;
pub use clock::{Clock, ManualClock, SystemClock};
pub use id::{DatabaseId, IdentifierFormat, IndexId, LogPosition, TableId, TreeId};
pub use random::{Random, SeededRandom, SystemRandom};
