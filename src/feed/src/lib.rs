//! Changefeeds: subscriptions to tables, turned into the rows that `changes()` delivers.
//!
//! A feed registers at a log position, reads its initial values from the state of that
//! position and then takes every later change. Writers only ever put a shared reference
//! into a bounded mailbox; filters, mappings and ordering run when the reader comes.
//!
//! Invariants: between the initial values and the changes nothing is missing and nothing
//! comes twice; a slow reader costs at most its queue limit and is told what it missed;
//! a writer is never blocked by a feed.
//!
//! Does not know about: sockets, sessions, how a filter or mapping is evaluated, the clock
//! of the machine (the reader is told when to come back).

mod error;
mod index_range;
mod interest;
mod mailbox;
mod member;
mod opener;
mod order_limit;
mod point;
mod range;
mod row;
mod rows;
mod stream;
mod watch;

pub use mailbox::Wake;
pub use opener::Feeds;
pub use rows::{RowTable, RowTables};

#[cfg(test)]
mod tests;
