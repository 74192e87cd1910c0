//! Random writes, read back from feeds: what a feed tells must add up to what a query says.

use std::collections::BTreeMap;
use std::ops::Bound;

use photondb_base::{Random, SeededRandom};
use photondb_datum::Datum;
use photondb_plan::feed::{FeedOptions, FeedScope, FeedStream, Squash};
use photondb_table::{DatumRange, Direction, Source};

use super::support::{Fixture, INDEX, document, drain, whole_table};

/// Documents as a listener knows them; a multi index may tell one several times.
#[derive(Default)]
struct Listener {
    documents: BTreeMap<Datum, usize>,
}

impl Listener {
    fn hear(&mut self, feed: &mut dyn FeedStream) {
        for row in drain(feed) {
            assert_eq!(row.get("error"), None);
            if let Some(old) = row.get("old_val").filter(|old| !old.is_null()) {
                let count = self.documents.get_mut(&old).unwrap_or_else(|| panic!("{old:?} was never told"));
                *count -= 1;
                if *count == 0 {
                    self.documents.remove(&old);
                }
            }
            if let Some(new) = row.get("new_val").filter(|new| !new.is_null()) {
                *self.documents.entry(new).or_default() += 1;
            }
        }
    }

    fn expect(&self, rows: Vec<Datum>, seed: u64) {
        let mut expected: BTreeMap<Datum, usize> = BTreeMap::new();
        for row in rows {
            *expected.entry(row).or_default() += 1;
        }
        assert_eq!(self.documents, expected, "seed {seed}");
    }
}

fn random_write(fixture: &Fixture, random: &SeededRandom, multi: bool) {
    let id = random.below(30) as i32;
    if random.below(3) == 0 {
        return fixture.remove(id);
    }
    let value = |random: &SeededRandom| Datum::from(random.below(20) as i32);
    let a = if multi {
        Datum::array((0..random.below(4)).map(|_| value(random)).collect::<Vec<_>>())
    } else {
        value(random)
    };
    fixture.put(document(id, a));
}

fn options(random: &SeededRandom) -> FeedOptions {
    let squash = if random.below(2) == 0 { Squash::Off } else { Squash::Ready };
    FeedOptions { include_initial: true, squash, ..FeedOptions::default() }
}

fn half_range() -> DatumRange {
    DatumRange::new(Bound::Included(Datum::from(5)), Bound::Excluded(Datum::from(15)))
}

/// Runs random writes with a feed opened in their midst and looks at it now and then.
fn check(multi: bool, scope: &FeedScope, source: &Source, direction: Direction, limit: Option<usize>) {
    for seed in 0..20 {
        let random = SeededRandom::new(seed);
        let fixture = Fixture::new(multi);
        for _ in 0..random.below(60) {
            random_write(&fixture, &random, multi);
        }
        let mut feed = fixture.open(scope.clone(), options(&random));
        let mut listener = Listener::default();
        for _ in 0..60 {
            for _ in 0..random.below(8) {
                random_write(&fixture, &random, multi);
            }
            listener.hear(feed.as_mut());
            let mut rows = fixture.read(source.clone(), direction);
            rows.truncate(limit.unwrap_or(usize::MAX));
            listener.expect(rows, seed);
        }
    }
}

#[test]
fn a_table_feed_adds_up() {
    check(false, &whole_table(), &Source::Primary(DatumRange::all()), Direction::Forward, None);
}

#[test]
fn a_range_feed_adds_up() {
    let scope = FeedScope::Primary { range: half_range() };
    check(false, &scope, &Source::Primary(half_range()), Direction::Forward, None);
}

#[test]
fn an_index_feed_adds_up() {
    for multi in [false, true] {
        let scope = FeedScope::Index { index: INDEX, ranges: vec![half_range()] };
        let source = Source::Index { index: INDEX, ranges: vec![half_range()] };
        check(multi, &scope, &source, Direction::Forward, None);
    }
}

#[test]
fn an_order_limit_feed_adds_up() {
    for (multi, direction, limit) in
        [(false, Direction::Forward, 5), (false, Direction::Backward, 3), (true, Direction::Forward, 4)]
    {
        let scope = FeedScope::OrderLimit { index: Some(INDEX), range: half_range(), direction, limit };
        let source = Source::Index { index: INDEX, ranges: vec![half_range()] };
        check(multi, &scope, &source, direction, Some(limit));
        let scope = FeedScope::OrderLimit { index: None, range: half_range(), direction, limit };
        check(false, &scope, &Source::Primary(half_range()), direction, Some(limit));
    }
}

#[test]
fn an_overrun_order_limit_feed_finds_its_way_back() {
    let fixture = Fixture::new(false);
    let scope = FeedScope::OrderLimit {
        index: Some(INDEX),
        range: DatumRange::all(),
        direction: Direction::Forward,
        limit: 4,
    };
    let options = FeedOptions { include_initial: true, queue_rows_max: 10, ..FeedOptions::default() };
    let mut feed = fixture.open(scope, options);
    let mut listener = Listener::default();
    let random = SeededRandom::new(7);
    for _ in 0..20 {
        for _ in 0..50 {
            random_write(&fixture, &random, false);
        }
        listener.hear(feed.as_mut());
        let mut rows =
            fixture.read(Source::Index { index: INDEX, ranges: vec![DatumRange::all()] }, Direction::Forward);
        rows.truncate(4);
        listener.expect(rows, 7);
    }
}
