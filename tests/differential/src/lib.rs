//! Random queries over small tables, answered in several ways that must agree: by an index
//! or by a filter, beside the documents or over an array, by one thread or by many, in
//! large batches or in tiny ones, as built or decoded from its own printed form.
//!
//! Invariants: a seed alone decides the rows and the query; a query is well typed as far
//! as its rows are, so that most have an answer, and those that fail must fail alike.
//!
//! Does not know about: what the right answer is, only that all ways give the same.

mod dice;
mod draft;
mod expression;
mod index;
mod judge;
mod recipe;
mod rows;
mod source;
mod stage;
mod terminal;
mod world;

pub use dice::Dice;
pub use draft::{Draft, Order, Shape};
pub use judge::{Disagreement, compare, judge, judge_seed};
pub use recipe::Recipe;
pub use world::{World, WorldError};

/// A random query in its two forms.
pub fn query(seed: u64) -> Draft {
    Recipe::new(seed).draft()
}
