//! Changefeeds: subscriptions to tables, turned into the rows that `changes()` delivers.
//!
//! All feeds of a table share one listener, the hub, which finds the feeds that a change
//! concerns by key. Feeds of the same query share a channel: a writer appends a change to it
//! once, the first reader who comes evaluates it, and all others are told the rows that came
//! of it, by reference. A reader joins at a log position, reads its initial values from the
//! state of that position and then takes every later change.
//!
//! Invariants: between the initial values and the changes nothing is missing and nothing
//! comes twice; a slow reader costs at most its queue limit and is told what it missed;
//! a writer is never blocked by a feed.
//!
//! Does not know about: sockets, sessions, how a filter or mapping is evaluated, the clock
//! of the machine (the reader is told when to come back).

mod channel;
mod documents;
mod error;
mod event;
mod expression;
mod ground;
mod hub;
mod initial;
mod interest;
pub mod limits;
mod member;
mod opener;
mod order_limit;
mod queue;
mod ranges;
mod ranking;
mod readers;
mod reading;
mod routes;
mod row;
mod rows;
mod stream;
mod top;

pub use opener::Feeds;
pub use photondb_plan::feed::Wake;
pub use rows::{RowTable, RowTables};

#[cfg(test)]
mod tests;
