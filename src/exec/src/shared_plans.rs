//! Plans that changefeeds share.
//!
//! A feed keeps what its functions are made of for as long as it is open, and there may be many
//! thousands of them. Most differ from others in a few values only: those have one plan and one
//! syntax tree together, and each has its own values.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use photondb_plan::{Plan, lower_with_placeholders};
use photondb_reql::{Ast, Bindings, ReqlError, TermType, encode_canonical_shape};

use crate::feed_identity::is_feed;

/// Texts from which on those are looked for that nobody uses any more.
const SWEEP_TEXTS_MIN: usize = 64;

/// The plan of feeds that differ in values only.
pub(crate) struct SharedPlan {
    /// The query without the values, the same for all ways to say it.
    pub(crate) text: Arc<[u8]>,
    /// Its tree is that of the first feed, without the values; the ways to all terms are the same
    /// in those of the others.
    pub(crate) plan: Plan,
}

/// The plans of the feeds that are open.
#[derive(Default)]
pub(crate) struct SharedPlans {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// A text is kept alive by the feeds that have it, even if none of them needs the plan.
    plans: HashMap<Arc<[u8]>, Weak<SharedPlan>>,
    sweep_at: usize,
}

impl SharedPlans {
    /// The plan of a query with `changes` and the values that it has in it; `None`, and nothing is
    /// taken out of the tree, when it has to have a plan of its own.
    pub(crate) fn of(&self, ast: &mut Ast) -> Result<Option<(Arc<SharedPlan>, Bindings)>, ReqlError> {
        // What describes a function prints it with its values.
        if ast.has(TermType::Info) || !is_feed(ast, ast.root()) {
            return Ok(None);
        }
        let Some((text, blanks)) = encode_canonical_shape(ast, ast.root()) else { return Ok(None) };
        let bindings = blanks.iter().map(|blank| ast.take_constant(*blank)).collect();
        if let Some(known) = self.find(&text) {
            return Ok(Some((known, bindings)));
        }
        let mut tree = std::mem::take(ast);
        tree.shrink_to_fit();
        let plan = lower_with_placeholders(Arc::new(tree), &blanks)?;
        Ok(Some((self.keep(text, plan), bindings)))
    }

    fn find(&self, text: &[u8]) -> Option<Arc<SharedPlan>> {
        self.known.lock().plans.get(text)?.upgrade()
    }

    fn keep(&self, text: Vec<u8>, plan: Plan) -> Arc<SharedPlan> {
        let mut known = self.known.lock();
        let found = known.plans.get_key_value(text.as_slice());
        if let Some(plan) = found.and_then(|(_, plan)| plan.upgrade()) {
            // Somebody else was faster.
            return plan;
        }
        let text = found.map_or_else(|| text.into(), |(text, _)| Arc::clone(text));
        let plan = Arc::new(SharedPlan { text: Arc::clone(&text), plan });
        known.plans.insert(text, Arc::downgrade(&plan));
        known.sweep();
        plan
    }
}

impl Known {
    /// Forgets the texts that nobody has any more, when that may be half of them.
    fn sweep(&mut self) {
        if self.plans.len() < self.sweep_at.max(SWEEP_TEXTS_MIN) {
            return;
        }
        self.plans.retain(|text, _| Arc::strong_count(text) > 1);
        self.sweep_at = self.plans.len() * 2;
        self.plans.shrink_to(self.sweep_at);
    }
}

#[cfg(test)]
mod tests {
    use photondb_datum::Datum;
    use photondb_reql::{Query, decode_query};

    use super::*;

    fn shared(plans: &SharedPlans, term: &str) -> Option<(Arc<SharedPlan>, Bindings)> {
        let text = format!("[1,{},{{}}]", term.replace('T', r#"[15,["t"]]"#));
        let Ok(Query::Start(mut query)) = decode_query(text.as_bytes()) else { panic!("{text}") };
        plans.of(&mut query.ast).expect("a plan can be made")
    }

    fn filter(variable: usize, field: &str, value: usize) -> String {
        format!(
            r#"[152,[[39,[T,[69,[[2,[{variable}]],[21,[[170,[[10,[{variable}]],"{field}"]],{value}]]]]]]]]"#
        )
    }

    #[test]
    fn feeds_that_differ_in_values_share_a_plan_while_one_of_them_is_open() {
        let plans = SharedPlans::default();
        let (first, values) = shared(&plans, &filter(1, "k", 5)).expect("it is shared");
        assert_eq!(values.as_slice(), &[Datum::from(5)]);
        let (second, values) = shared(&plans, &filter(2, "k", 6)).expect("it is shared");
        assert_eq!(values.as_slice(), &[Datum::from(6)]);
        assert!(Arc::ptr_eq(&first, &second));
        let (other, _) = shared(&plans, &filter(1, "n", 5)).expect("it is shared");
        assert!(!Arc::ptr_eq(&first, &other));
        let alive = Arc::downgrade(&first);
        drop((first, second));
        assert!(alive.upgrade().is_none(), "nobody keeps it");
        assert!(shared(&plans, &filter(1, "k", 5)).is_some());
    }

    #[test]
    fn what_is_told_by_the_clock_or_shows_its_text_is_not_shared() {
        let plans = SharedPlans::default();
        for term in [
            "[152,[[39,[T,[69,[[2,[1]],[21,[[103,[]],5]]]]]]]]",
            "[152,[[39,[T,[69,[[2,[1]],[17,[[16,[T,5]],5]]]]]]]]",
            "[152,[[38,[T,[69,[[2,[1]],[79,[5]]]]]]]]",
        ] {
            assert!(shared(&plans, term).is_none(), "{term}");
        }
    }

    #[test]
    fn texts_that_nobody_uses_are_forgotten() {
        let plans = SharedPlans::default();
        let kept = shared(&plans, &filter(1, "kept", 5));
        for number in 0..SWEEP_TEXTS_MIN * 4 {
            shared(&plans, &filter(1, &format!("f{number}"), 5));
            assert!(plans.known.lock().plans.len() <= SWEEP_TEXTS_MIN);
        }
        let found = shared(&plans, &filter(1, "kept", 6));
        assert!(found.zip(kept).is_some_and(|(found, kept)| Arc::ptr_eq(&found.0, &kept.0)));
    }
}
