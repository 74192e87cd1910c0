//! Random choices of one seed.

use photondb_base::{Random, SeededRandom};

/// How deep expressions are nested when nothing makes them simpler.
pub(crate) const DEPTH_MAX: u64 = 2;

/// The choices that make one part of a query.
#[derive(Debug)]
pub struct Dice {
    random: SeededRandom,
    /// How deep expressions may be nested.
    depth_max: u64,
}

impl Dice {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self::with_depth(seed, DEPTH_MAX)
    }

    /// The choices of a seed, expressions being nested so deep at most.
    pub fn with_depth(seed: u64, depth_max: u64) -> Self {
        Self { random: SeededRandom::new(seed), depth_max }
    }

    /// A seed for other choices.
    pub fn seed(&self) -> u64 {
        self.random.next_u64()
    }

    /// How deep an expression is nested.
    pub fn depth(&self) -> u64 {
        self.below(DEPTH_MAX + 1).min(self.depth_max)
    }

    /// An integer in `[0, bound)`.
    pub fn below(&self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    /// True in so many of a hundred cases.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the items; there must be one.
    pub fn pick<T: Copy>(&self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}
