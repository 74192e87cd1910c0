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
mod judge;
mod rows;
mod source;
mod stage;
mod terminal;
mod world;

pub use dice::Dice;
pub use draft::{Draft, Order, Shape};
pub use judge::{Disagreement, compare, judge};
pub use world::{World, WorldError};

/// A random query in its two forms.
pub fn query(seed: u64) -> Draft {
    let dice = Dice::new(seed);
    let mut draft = source::draw(&dice);
    for _ in 0..dice.below(4) {
        stage::draw(&dice, &mut draft);
    }
    terminal::draw(&dice, &mut draft);
    draft
}
