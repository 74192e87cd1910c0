//! Queries that were met before with other values.
//!
//! Each thread keeps the plans of the last cheap queries that it has run, and recognizes the
//! next one by its text: most of it is compared, only the values are read. Nothing in a plan
//! depends on who asks, or on what is in the database.

use std::cell::RefCell;
use std::sync::Arc;

use photondb_exec::PreparedQuery;
use photondb_reql::{Bindings, Shape, StartQuery};

use crate::batch::BatchLimits;
use crate::limits::{INLINE_QUERY_BYTES_MAX, KNOWN_QUERIES_MAX, QUERIES_PER_LESSON};

/// What every query begins with that may be known.
const START: &[u8] = b"[1,";

/// A query of which everything but the values is known.
pub(super) struct KnownQuery {
    shape: Shape,
    pub(super) plan: PreparedQuery,
    pub(super) noreply: bool,
    pub(super) limits: BatchLimits,
}

thread_local! {
    static KNOWN: RefCell<KnownQueries> = const { RefCell::new(KnownQueries { queries: Vec::new(), missed: 0 }) };
}

#[derive(Default)]
struct KnownQueries {
    /// The last one that was met comes first.
    queries: Vec<Arc<KnownQuery>>,
    /// Queries that were not known since one of them was learned.
    missed: usize,
}

/// The known query that a text is, and its values.
pub(super) fn recognize(text: &[u8]) -> Option<(Arc<KnownQuery>, Bindings)> {
    if text.len() > INLINE_QUERY_BYTES_MAX || !text.starts_with(START) {
        return None;
    }
    KNOWN.with_borrow_mut(|known| known.recognize(text))
}

/// Plans a cheap query so that it is recognized from now on; `None` when it has to be planned anew
/// each time.
pub(super) fn learn(query: &StartQuery, text: &[u8]) -> Option<(Arc<KnownQuery>, Bindings)> {
    KNOWN.with_borrow_mut(|known| known.learn(query, text))
}

impl KnownQueries {
    fn recognize(&mut self, text: &[u8]) -> Option<(Arc<KnownQuery>, Bindings)> {
        let mut found = self.queries.iter().enumerate();
        let (position, bindings) =
            found.find_map(|(position, query)| Some((position, query.shape.read(text)?)))?;
        self.queries[..=position].rotate_right(1);
        Some((Arc::clone(&self.queries[0]), bindings))
    }

    fn learn(&mut self, query: &StartQuery, text: &[u8]) -> Option<(Arc<KnownQuery>, Bindings)> {
        if !text.starts_with(START) {
            return None;
        }
        // Who asks something else each time is not to pay for plans that nobody uses again.
        self.missed += 1;
        if self.queries.len() == KNOWN_QUERIES_MAX && self.missed < QUERIES_PER_LESSON {
            return None;
        }
        let (shape, placeholders) = Shape::of(text, query)?;
        if self.queries.iter().any(|known| known.shape == shape) {
            // Its values are none that are read from blanks.
            return None;
        }
        let (plan, bindings) = PreparedQuery::new(query, &placeholders)?;
        let (noreply, limits) = (query.flag("noreply", false), BatchLimits::of(query));
        let known = Arc::new(KnownQuery { shape, plan, noreply, limits });
        self.missed = 0;
        self.queries.truncate(KNOWN_QUERIES_MAX - 1);
        self.queries.insert(0, Arc::clone(&known));
        Some((known, bindings))
    }
}

#[cfg(test)]
mod tests {
    use photondb_datum::Datum;
    use photondb_reql::{Query, decode_query};

    use super::*;

    fn learn(known: &mut KnownQueries, text: &str) -> bool {
        let Ok(Query::Start(query)) = decode_query(text.as_bytes()) else { panic!("{text}") };
        known.learn(&query, text.as_bytes()).is_some()
    }

    fn get(table: &str, key: usize) -> String {
        format!(r#"[1,[16,[[15,["{table}"]],{key}]],{{"noreply":true}}]"#)
    }

    #[test]
    fn queries_are_recognized_by_everything_but_their_values() {
        let mut known = KnownQueries::default();
        assert!(known.recognize(get("t", 1).as_bytes()).is_none());
        assert!(learn(&mut known, &get("t", 1)));
        let (query, bindings) = known.recognize(get("t", 2).as_bytes()).expect("known");
        assert_eq!((query.noreply, bindings.as_slice()), (true, &[Datum::from(2)][..]));
        assert!(known.recognize(get("u", 2).as_bytes()).is_none());
        assert!(!learn(&mut known, &get("t", 3)), "it is known already");
    }

    #[test]
    fn some_queries_are_planned_each_time() {
        for text in [
            r#"[1,[152,[[16,[[15,["t"]],1]]]],{}]"#,
            r#"[100,[16,[[15,["t"]],1]],{}]"#,
            r#"[1,[16,[[15,["t"]],1]],{"array_limit":5}]"#,
            r#"[1,[16,[[15,["t"]],1]],{"profile":true}]"#,
            r#"[1,[16,[[15,["t"]],1]],{"noreply":[10,[1]]}]"#,
            r#"[1,[16,[[15,["t"]],[10,[1]]]],{}]"#,
            r#" [1,[16,[[15,["t"]],1]],{}]"#,
        ] {
            assert!(!learn(&mut KnownQueries::default(), text), "{text}");
        }
    }

    #[test]
    fn those_met_last_are_kept() {
        let mut known = KnownQueries::default();
        for table in 0..KNOWN_QUERIES_MAX {
            assert!(learn(&mut known, &get(&format!("t{table}"), 1)));
        }
        assert!(known.recognize(get("t0", 1).as_bytes()).is_some());
        let learned: Vec<usize> = (0..QUERIES_PER_LESSON * 2)
            .filter(|table| learn(&mut known, &get(&format!("u{table}"), 1)))
            .collect();
        assert_eq!(learned, [QUERIES_PER_LESSON - 1, QUERIES_PER_LESSON * 2 - 1]);
        let is_known =
            |known: &mut KnownQueries, table: &str| known.recognize(get(table, 1).as_bytes()).is_some();
        assert!(is_known(&mut known, "t0") && is_known(&mut known, "t3"));
        assert!(!is_known(&mut known, "t1") && !is_known(&mut known, "t2"));
        assert_eq!(known.queries.len(), KNOWN_QUERIES_MAX);
    }
}
