//! Ranges of keys.

use photondb_client::Term;
use photondb_reql::TermType;

use crate::Dice;

/// Bounds of a range, and the predicate that a value lies within.
pub(crate) struct Range {
    lower: Term,
    upper: Term,
    options: Vec<(&'static str, Term)>,
}

impl Range {
    pub(crate) fn draw(dice: &Dice, mut bound: impl FnMut() -> Term) -> Self {
        let lower = if dice.chance(15) { Term::minval() } else { bound() };
        let upper = if dice.chance(15) { Term::maxval() } else { bound() };
        let mut options = Vec::new();
        for name in ["left_bound", "right_bound"] {
            if dice.chance(50) {
                options.push((name, dice.pick(&["open", "closed"]).into()));
            }
        }
        Self { lower, upper, options }
    }

    /// The rows of a table within the range.
    pub(crate) fn read(&self, table: &Term, index: Option<&str>) -> Term {
        let mut options = self.options.clone();
        options.extend(index.map(|index| ("index", index.into())));
        Term::call(TermType::Between, &[table.clone(), self.lower.clone(), self.upper.clone()], &options)
    }

    /// Whether a value lies within the range.
    pub(crate) fn holds(&self, value: &Term) -> Term {
        let closed = |name, default| {
            let given = self.options.iter().find(|(option, _)| *option == name);
            given.map_or(default, |(_, bound)| *bound == Term::from("closed"))
        };
        let lower = if closed("left_bound", true) { value.ge(&self.lower) } else { value.gt(&self.lower) };
        let upper = if closed("right_bound", false) { value.le(&self.upper) } else { value.lt(&self.upper) };
        lower.and(upper)
    }
}
