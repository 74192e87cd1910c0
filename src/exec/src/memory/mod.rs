//! The memory of queries: how much each may take, and all of them together.
//!
//! Memory is counted where it can grow with the data: rows that are collected, sorted or
//! grouped ([`Reservation`]), and arrays, objects and texts that terms make, for as long as
//! they live ([`MemoryBudget::charge`]). What is small is left out, and growth is counted
//! in steps, so that a row costs an addition.

mod budget;
mod pool;
mod reservation;

pub(crate) use budget::{MemoryBudget, Purpose};
pub use pool::{MemoryLimits, MemoryPool, MemoryUse, QUERY_MEMORY_BYTES_MIN};
pub(crate) use reservation::Reservation;
