//! What a query is made of: seeds of its parts, some of which may be left out.

use crate::Dice;
use crate::dice::DEPTH_MAX;
use crate::draft::Draft;
use crate::{source, stage, terminal};

/// Stages between a source and a terminal.
const STAGES_MAX: u64 = 4;

/// The parts of a query. Each has a seed of its own, so that it stays what it is when
/// another one is dropped.
#[derive(Clone, Debug)]
pub struct Recipe {
    source: u64,
    stages: Vec<u64>,
    terminal: Option<u64>,
    depth_max: u64,
}

impl Recipe {
    /// The recipe of a seed.
    pub fn new(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let source = dice.seed();
        let stages = (0..dice.below(STAGES_MAX)).map(|_| dice.seed()).collect();
        let terminal = dice.chance(65).then(|| dice.seed());
        Self { source, stages, terminal, depth_max: DEPTH_MAX }
    }

    /// The query.
    pub fn draft(&self) -> Draft {
        let dice = |seed: u64| Dice::with_depth(seed, self.depth_max);
        let mut draft = source::draw(&dice(self.source));
        for seed in &self.stages {
            if draft.is_sequence {
                stage::draw(&dice(*seed), &mut draft);
            }
        }
        if draft.is_sequence
            && let Some(seed) = self.terminal
        {
            terminal::draw(&dice(seed), &mut draft);
        }
        draft
    }

    /// Recipes with one thing less.
    pub fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        if self.terminal.is_some() {
            smaller.push(Self { terminal: None, ..self.clone() });
        }
        for position in 0..self.stages.len() {
            let mut stages = self.stages.clone();
            stages.remove(position);
            smaller.push(Self { stages, ..self.clone() });
        }
        if self.depth_max > 0 {
            smaller.push(Self { depth_max: self.depth_max - 1, ..self.clone() });
        }
        smaller
    }
}
