//! What single feeds deliver, row by row.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use photondb_datum::Datum;
use photondb_plan::feed::{FeedKind, FeedOpener, FeedOptions, FeedScope, Squash};
use photondb_table::{Budget, DatumRange, Direction};

use super::support::{AtLeast, Fixture, INDEX, document, drain, plan, printed, whole_table};

fn with(edit: impl FnOnce(&mut FeedOptions)) -> FeedOptions {
    let mut options = FeedOptions::default();
    edit(&mut options);
    options
}

#[test]
fn a_point_feed_tells_absence_too() {
    let fixture = Fixture::new(false);
    let options = with(|options| {
        options.include_initial = true;
        options.include_states = true;
        options.include_types = true;
    });
    let mut feed = fixture.open(FeedScope::Point { key: 1.into() }, options);
    assert_eq!(feed.kind(), FeedKind::Atom);
    assert!(feed.includes_states());
    fixture.put(document(1, 1));
    fixture.put(document(2, 1));
    fixture.remove(1);
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [
            r#"{"state":"initializing","type":"state"}"#,
            r#"{"new_val":null,"type":"initial"}"#,
            r#"{"state":"ready","type":"state"}"#,
            r#"{"new_val":{"a":1,"id":1},"old_val":null,"type":"add"}"#,
            r#"{"new_val":null,"old_val":{"a":1,"id":1},"type":"remove"}"#,
        ]
    );
}

#[test]
fn a_range_feed_sees_its_range_only() {
    let fixture = Fixture::new(false);
    let range =
        DatumRange::new(std::ops::Bound::Included(Datum::from(2)), std::ops::Bound::Excluded(Datum::from(4)));
    let mut feed = fixture.open(FeedScope::Primary { range }, FeedOptions::default());
    for id in 1..=4 {
        fixture.put(document(id, 0));
    }
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [r#"{"new_val":{"a":0,"id":2},"old_val":null}"#, r#"{"new_val":{"a":0,"id":3},"old_val":null}"#]
    );
}

#[test]
fn a_key_given_twice_is_told_twice() {
    let fixture = Fixture::new(false);
    let keys = vec![Datum::from(1), Datum::from(1), Datum::from(2)];
    let mut feed = fixture.open(FeedScope::PrimaryKeys { keys }, FeedOptions::default());
    fixture.put(document(1, 0));
    fixture.put(document(2, 0));
    fixture.put(document(3, 0));
    assert_eq!(drain(feed.as_mut()).len(), 3);
}

#[test]
fn filters_decide_on_both_sides() {
    let fixture = Fixture::new(false);
    let transform = Some(Arc::new(AtLeast(5.0)) as _);
    let plans = vec![plan(whole_table(), FeedOptions::default(), transform)];
    let mut feed = fixture.feeds.open(plans).expect("opens");
    for a in [1, 6, 7, 2, 3] {
        fixture.put(document(1, a));
    }
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [
            r#"{"new_val":{"a":6,"id":1},"old_val":null}"#,
            r#"{"new_val":{"a":7,"id":1},"old_val":{"a":6,"id":1}}"#,
            r#"{"new_val":null,"old_val":{"a":7,"id":1}}"#,
        ]
    );
}

#[test]
fn a_slow_reader_is_told_what_it_missed() {
    let fixture = Fixture::new(false);
    let mut feed = fixture.open(whole_table(), with(|options| options.queue_rows_max = 100));
    for id in 0..200 {
        fixture.put(document(id, 0));
    }
    let rows = drain(feed.as_mut());
    assert_eq!(
        rows[0],
        Datum::object([(
            "error",
            Datum::from("Changefeed cache over array size limit, skipped 101 elements.")
        )])
    );
    assert_eq!(rows.len(), 100);
}

#[test]
fn squashing_joins_what_waits() {
    let fixture = Fixture::new(false);
    let mut feed = fixture.open(whole_table(), with(|options| options.squash = Squash::Ready));
    // The first change is what a waiting reader is woken for, and stays as it was.
    fixture.put(document(1, 0));
    for a in 1..5 {
        fixture.put(document(1, a));
    }
    fixture.put(document(2, 0));
    fixture.remove(2);
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [
            r#"{"new_val":{"a":0,"id":1},"old_val":null}"#,
            r#"{"new_val":{"a":4,"id":1},"old_val":{"a":0,"id":1}}"#,
        ]
    );
}

#[test]
fn squashing_by_time_holds_back() {
    let fixture = Fixture::new(false);
    let mut feed = fixture.open(whole_table(), with(|options| options.squash = Squash::Seconds(0.5)));
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    assert_eq!(drain(feed.as_mut()), []);
    feed.on_ready(Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    assert_eq!((woken.load(Ordering::SeqCst), feed.due_in()), (0, None));
    fixture.put(document(1, 0));
    fixture.put(document(1, 1));
    assert_eq!(woken.load(Ordering::SeqCst), 1, "the reader learns when to come back");
    assert_eq!(drain(feed.as_mut()), []);
    assert_eq!(feed.due_in(), Some(std::time::Duration::from_millis(500)));
    fixture.clock.advance_us(500_000);
    assert_eq!(printed(&drain(feed.as_mut())), [r#"{"new_val":{"a":1,"id":1},"old_val":null}"#]);
    assert_eq!(feed.due_in(), None);
}

#[test]
fn entries_of_a_multi_index_count_one_by_one() {
    let fixture = Fixture::new(true);
    let ranges = vec![DatumRange::point(1.into()), DatumRange::point(2.into())];
    let mut feed = fixture.open(FeedScope::Index { index: INDEX, ranges }, FeedOptions::default());
    let list = |items: &[i32]| Datum::array(items.iter().copied().map(Datum::from));
    fixture.put(document(1, list(&[1, 2, 3])));
    assert_eq!(drain(feed.as_mut()).len(), 2);
    fixture.put(document(1, list(&[2])));
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [
            r#"{"new_val":{"a":[2],"id":1},"old_val":{"a":[1,2,3],"id":1}}"#,
            r#"{"new_val":null,"old_val":{"a":[1,2,3],"id":1}}"#,
        ]
    );
    fixture.put(document(1, list(&[3])));
    assert_eq!(printed(&drain(feed.as_mut())), [r#"{"new_val":null,"old_val":{"a":[2],"id":1}}"#]);
    fixture.put(document(1, list(&[])));
    assert_eq!(drain(feed.as_mut()), []);
}

#[test]
fn an_order_limit_feed_pairs_who_left_with_who_came() {
    let fixture = Fixture::new(false);
    for id in 1..=4 {
        fixture.put(document(id, id * 10));
    }
    let options = with(|options| {
        options.include_initial = true;
        options.include_offsets = true;
    });
    let scope = FeedScope::OrderLimit {
        index: Some(INDEX),
        range: DatumRange::all(),
        direction: Direction::Backward,
        limit: 2,
    };
    let mut feed = fixture.open(scope, options);
    assert_eq!(feed.kind(), FeedKind::OrderByLimit);
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [r#"{"new_offset":0,"new_val":{"a":40,"id":4}}"#, r#"{"new_offset":1,"new_val":{"a":30,"id":3}}"#]
    );
    fixture.put(document(1, 35));
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [r#"{"new_offset":1,"new_val":{"a":35,"id":1},"old_offset":1,"old_val":{"a":30,"id":3}}"#]
    );
    // The successor is not known to the feed: it reads it.
    fixture.remove(4);
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [r#"{"new_offset":1,"new_val":{"a":30,"id":3},"old_offset":0,"old_val":{"a":40,"id":4}}"#]
    );
    fixture.put(document(9, 1));
    assert_eq!(drain(feed.as_mut()), []);
}

#[test]
fn the_end_is_told_after_the_last_rows() {
    let fixture = Fixture::new(false);
    let mut feed = fixture.open(whole_table(), FeedOptions::default());
    fixture.put(document(1, 0));
    fixture.shards.shut_down();
    let mut rows = Vec::new();
    assert!(feed.next_batch(&Budget::default(), &mut rows).expect("the row"));
    assert_eq!(rows.len(), 1);
    let error = feed.next_batch(&Budget::default(), &mut rows).expect_err("closed");
    assert!(error.message.starts_with("Changefeed aborted"), "{}", error.message);
}

#[test]
fn a_union_is_ready_when_all_are() {
    let fixture = Fixture::new(false);
    fixture.put(document(1, 0));
    let options = with(|options| {
        options.include_initial = true;
        options.include_states = true;
    });
    let plans = vec![
        plan(FeedScope::Point { key: 1.into() }, options.clone(), None),
        plan(whole_table(), options, None),
    ];
    let mut feed = fixture.feeds.open(plans).expect("opens");
    assert_eq!(feed.kind(), FeedKind::Unioned);
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [
            r#"{"state":"initializing"}"#,
            r#"{"new_val":{"a":0,"id":1}}"#,
            r#"{"new_val":{"a":0,"id":1}}"#,
            r#"{"state":"ready"}"#,
        ]
    );
    fixture.put(document(1, 1));
    assert_eq!(drain(feed.as_mut()).len(), 2);
}
