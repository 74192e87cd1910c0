//! Feeds of the same query: what they share, and that each still gets everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use photondb_base::{Random, SeededRandom};
use photondb_datum::Datum;
use photondb_plan::feed::{
    FeedDelivery, FeedIdentity, FeedOpener, FeedOptions, FeedPlan, FeedRow, FeedScope, FeedStream,
    FeedTransform, Squash, Wake,
};
use photondb_reql::ReqlError;
use photondb_table::{Budget, DatumRange, Direction};

use super::support::{Fixture, INDEX, document, drain, plan, printed, whole_table};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Lets documents with an odd `a` through, and counts how often it is asked.
#[derive(Default)]
struct Odd {
    asked: AtomicUsize,
}

impl FeedTransform for Odd {
    fn apply(&self, document: &Datum) -> Result<Option<Datum>, ReqlError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let a = document.get("a").and_then(|a| a.as_number()).ok_or_else(|| ReqlError::logic("no number"))?;
        Ok((a % 2.0 == 1.0).then(|| document.clone()))
    }
}

/// Delivers the `a` of what is new, and counts how often it is asked.
#[derive(Default)]
struct NewA {
    asked: AtomicUsize,
}

impl FeedDelivery for NewA {
    fn deliver(&self, row: Datum, out: &mut Vec<Datum>) -> Result<(), ReqlError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        out.extend(row.get("new_val").and_then(|new| new.get("a")));
        Ok(())
    }
}

/// Plans with the same name are the same feed.
fn named(name: &str, plan: FeedPlan) -> FeedPlan {
    let index = plan.scope.index();
    let identity = FeedIdentity { text: name.as_bytes().into(), values: Arc::default(), part: (0, 0), index };
    FeedPlan { identity: Some(identity), ..plan }
}

fn odd(odd: &Arc<Odd>, options: FeedOptions) -> FeedPlan {
    let transform = Arc::clone(odd) as Arc<dyn FeedTransform>;
    named("odd", plan(whole_table(), options, Some(transform)))
}

fn count_calls(woken: &Arc<AtomicUsize>) -> Wake {
    let woken = Arc::clone(woken);
    Arc::new(move || {
        woken.fetch_add(1, Ordering::SeqCst);
    })
}

fn top_three() -> FeedScope {
    let (range, direction) = (DatumRange::all(), Direction::Forward);
    FeedScope::OrderLimit { index: Some(INDEX), range, direction, limit: 3 }
}

fn open(fixture: &Fixture, plan: FeedPlan) -> Box<dyn FeedStream> {
    fixture.feeds.open(vec![plan]).expect("opens")
}

#[test]
fn one_change_is_evaluated_once_for_a_thousand_readers() {
    let fixture = Fixture::new(false);
    let (transform, delivery) = (Arc::new(Odd::default()), Arc::new(NewA::default()));
    let plan = || FeedPlan {
        delivery: Some(Arc::clone(&delivery) as Arc<dyn FeedDelivery>),
        ..odd(&transform, FeedOptions::default())
    };
    let mut feeds: Vec<_> = (0..1000).map(|_| open(&fixture, plan())).collect();
    fixture.put(document(1, 7));
    for feed in &mut feeds {
        let mut rows = Vec::new();
        assert!(feed.next_batch(&Budget::default(), &mut rows).expect("feeds"));
        let [FeedRow::Shared(row)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(row.datum(), &Datum::from(7));
    }
    assert_eq!(transform.asked.load(Ordering::SeqCst), 1);
    assert_eq!(delivery.asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_change_without_rows_wakes_one_reader_and_one_with_rows_all() {
    let fixture = Fixture::new(false);
    let transform = Arc::new(Odd::default());
    let woken = Arc::new(Mutex::new(Vec::new()));
    let mut feeds = Vec::new();
    for number in 0..100 {
        let mut feed = open(&fixture, odd(&transform, FeedOptions::default()));
        let woken = Arc::clone(&woken);
        feed.on_ready(Arc::new(move || woken.lock().push(number)));
        assert_eq!(drain(feed.as_mut()), []);
        feeds.push(feed);
    }
    fixture.put(document(1, 2));
    let first = std::mem::take(&mut *woken.lock());
    assert_eq!(first.len(), 1, "the change has to be evaluated by somebody");
    assert_eq!(drain(feeds[first[0]].as_mut()), []);
    assert_eq!(*woken.lock(), [], "nobody is woken for nothing");

    fixture.put(document(2, 3));
    let first = std::mem::take(&mut *woken.lock());
    assert_eq!(first.len(), 1);
    // It has no room for rows, and leaves them; the others must not wait for it.
    feeds[first[0]].prepare();
    assert_eq!(woken.lock().len(), 99);
    for feed in &mut feeds {
        assert_eq!(drain(feed.as_mut()).len(), 1);
    }
    assert_eq!(transform.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn who_leaves_when_called_is_replaced() {
    let fixture = Fixture::new(false);
    let transform = Arc::new(Odd::default());
    let woken = Arc::new(Mutex::new(Vec::new()));
    let mut feeds = BTreeMap::new();
    for number in 0..10 {
        let mut feed = open(&fixture, odd(&transform, FeedOptions::default()));
        let woken = Arc::clone(&woken);
        feed.on_ready(Arc::new(move || woken.lock().push(number)));
        assert_eq!(drain(feed.as_mut()), []);
        feeds.insert(number, feed);
    }
    fixture.put(document(1, 1));
    while feeds.len() > 1 {
        let called = woken.lock().pop().expect("somebody is called");
        assert_eq!(*woken.lock(), []);
        feeds.remove(&called);
    }
    let (_, feed) = feeds.iter_mut().next().expect("one is left");
    assert_eq!(drain(feed.as_mut()).len(), 1);
}

#[test]
fn a_feed_may_end_when_it_is_called() {
    let fixture = Fixture::new(false);
    for (scope, a) in [(whole_table(), 1), (top_three(), 2)] {
        let feed = Arc::new(Mutex::new(Some(open(&fixture, plan(scope, FeedOptions::default(), None)))));
        if let Some(open) = feed.lock().as_mut() {
            assert_eq!(drain(open.as_mut()), []);
            let feed = Arc::clone(&feed);
            open.on_ready(Arc::new(move || drop(feed.lock().take())));
        }
        fixture.put(document(1, a));
        assert!(feed.lock().is_none());
    }
}

#[test]
fn much_that_makes_no_rows_does_not_keep_a_reader_from_waiting() {
    let fixture = Fixture::new(false);
    let mut feed = open(&fixture, odd(&Arc::default(), FeedOptions::default()));
    let woken = Arc::new(AtomicUsize::new(0));
    feed.on_ready(count_calls(&woken));
    let text = "x".repeat(1000);
    for a in 0..100 {
        fixture.put(Datum::object([("id", 1.into()), ("a", (2 * a).into()), ("text", text.as_str().into())]));
    }
    let budget = Budget { bytes_max: text.len(), ..Budget::default() };
    let mut rows = Vec::new();
    assert!(feed.next_batch(&budget, &mut rows).expect("feeds"));
    assert!(rows.is_empty());
    let before = woken.load(Ordering::SeqCst);
    fixture.put(document(2, 1));
    assert_eq!(woken.load(Ordering::SeqCst), before + 1);
    assert_eq!(drain(feed.as_mut()).len(), 1);
}

#[test]
fn who_holds_back_does_not_depend_on_others() {
    let fixture = Fixture::new(false);
    for scope in [whole_table(), top_three()] {
        let options = || FeedOptions { squash: Squash::Seconds(0.5), ..FeedOptions::default() };
        let mut feeds = Vec::new();
        let woken = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let mut feed = open(&fixture, named("held back", plan(scope.clone(), options(), None)));
            feed.on_ready(count_calls(&woken));
            assert_eq!(drain(feed.as_mut()), []);
            feeds.push(feed);
        }
        fixture.put(document(1, 1));
        assert_eq!(woken.load(Ordering::SeqCst), 3, "each has to learn when to come back");
        for feed in &mut feeds {
            assert_eq!(drain(feed.as_mut()), []);
            assert_eq!(feed.due_in(), Some(Duration::from_millis(500)));
        }
        fixture.clock.advance_us(500_000);
        feeds.truncate(1);
        assert_eq!(drain(feeds[0].as_mut()).len(), 1);
        fixture.remove(1);
    }
}

#[test]
fn a_document_that_fails_the_filter_is_not_in_the_feed() {
    let fixture = Fixture::new(false);
    let mut feed = open(&fixture, odd(&Arc::default(), FeedOptions::default()));
    fixture.put(document(1, 1));
    fixture.put(document(1, "text"));
    assert_eq!(
        printed(&drain(feed.as_mut())),
        [r#"{"new_val":{"a":1,"id":1},"old_val":null}"#, r#"{"new_val":null,"old_val":{"a":1,"id":1}}"#]
    );
}

#[test]
fn a_sleeping_reader_is_bounded_by_bytes() {
    let fixture = Fixture::new(false);
    let shared = || named("all", plan(whole_table(), FeedOptions::default(), None));
    let (mut sleeping, mut awake) = (open(&fixture, shared()), open(&fixture, shared()));
    let megabyte = "x".repeat(1024 * 1024);
    // A full queue is emptied as a whole; some more come after that happened last.
    let count = 2 * crate::limits::QUEUE_BYTES_MAX / megabyte.len() + 10;
    for id in 0..count {
        fixture.put(document(id as i32, megabyte.as_str()));
        assert_eq!(drain(awake.as_mut()).len(), 1, "who reads misses nothing");
    }
    let rows = drain(sleeping.as_mut());
    let error = rows[0].get("error").expect("it is told");
    let error = error.as_str().expect("text");
    let skipped = count - (rows.len() - 1);
    assert_eq!(error, format!("Changefeed cache over array size limit, skipped {skipped} elements."));
    assert!(skipped >= count / 3, "{skipped}");
    let last = rows.last().and_then(|row| row.get("new_val")).and_then(|new| new.get("id"));
    assert_eq!(last, Some(Datum::from(count as i32 - 1)));
}

#[test]
fn points_and_values_of_an_index_are_found_without_asking_all() {
    let fixture = Fixture::new(false);
    let point = |id: i32| FeedScope::Point { key: id.into() };
    let value = |a: i32| FeedScope::Index { index: INDEX, ranges: vec![DatumRange::point(a.into())] };
    let mut counted = Vec::new();
    for number in 0..200 {
        for scope in [point(number), value(number)] {
            let transform = Arc::new(Odd::default());
            let feed = plan(scope, FeedOptions::default(), Some(Arc::clone(&transform) as _));
            counted.push((open(&fixture, feed), transform));
        }
    }
    fixture.put(document(3, 77));
    let mut told = 0;
    for (feed, _) in &mut counted {
        told += drain(feed.as_mut()).len();
    }
    assert_eq!(told, 2);
    let asked: usize = counted.iter().map(|(_, transform)| transform.asked.load(Ordering::SeqCst)).sum();
    assert_eq!(asked, 2);
}

#[test]
fn rankings_of_the_same_order_share_their_work() {
    let fixture = Fixture::new(false);
    let transform = Arc::new(Odd::default());
    let ranking = || {
        let options = FeedOptions { include_initial: true, ..FeedOptions::default() };
        named("top", plan(top_three(), options, Some(Arc::clone(&transform) as _)))
    };
    for id in 0..3 {
        fixture.put(document(id, 2 * id + 1));
    }
    let mut feeds: Vec<_> = (0..50).map(|_| open(&fixture, ranking())).collect();
    assert_eq!(transform.asked.load(Ordering::SeqCst), 3, "the top is read once");
    fixture.put(document(9, 1));
    // Who joins now begins with what the others are about to be told.
    feeds.push(open(&fixture, ranking()));
    for (number, feed) in feeds.iter_mut().enumerate() {
        let rows = drain(feed.as_mut());
        assert_eq!(rows.len(), if number < 50 { 4 } else { 3 }, "{rows:?}");
    }
    assert_eq!(transform.asked.load(Ordering::SeqCst), 4);
}

/// A reader as a driver is one: knows documents by what it was told, and believes nothing that
/// does not fit.
#[derive(Default)]
struct Follower {
    documents: BTreeMap<Datum, Datum>,
    initialized: bool,
}

impl Follower {
    fn hear(&mut self, row: &Datum) {
        assert_eq!(row.get("error"), None);
        if let Some(state) = row.get("state") {
            self.initialized = state == Datum::from("ready");
            return;
        }
        let side = |name: &str| row.get(name).filter(|document| !document.is_null());
        let (old, new) = (side("old_val"), side("new_val"));
        let id = old.as_ref().or(new.as_ref()).and_then(|document| document.get("id")).expect("an id");
        if self.initialized {
            assert_eq!(self.documents.get(&id), old.as_ref(), "a gap or a double before {row:?}");
        } else {
            assert!(!self.documents.contains_key(&id), "twice among the initial values: {row:?}");
        }
        match new {
            Some(new) => drop(self.documents.insert(id, new)),
            None => drop(self.documents.remove(&id)),
        }
    }
}

fn follow(squash: Squash) -> FeedPlan {
    let options =
        FeedOptions { include_initial: true, include_states: true, squash, ..FeedOptions::default() };
    named("all", plan(whole_table(), options, None))
}

fn random_write(fixture: &Fixture, random: &SeededRandom, count: &mut i32) {
    let id = random.below(20) as i32;
    if random.below(4) == 0 {
        return fixture.remove(id);
    }
    // No two documents are the same, so that each change is visible.
    *count += 1;
    fixture.put(document(id, *count));
}

#[test]
fn readers_that_join_and_leave_see_exactly_what_happens() {
    for seed in 0..30 {
        let random = SeededRandom::new(seed);
        let squash = if seed % 3 == 0 { Squash::Ready } else { Squash::Off };
        let fixture = Fixture::new(false);
        let mut readers: Vec<(Box<dyn FeedStream>, Follower)> = Vec::new();
        let mut count = 0;
        for _ in 0..400 {
            match random.below(10) {
                0 => readers.push((open(&fixture, follow(squash)), Follower::default())),
                1 if !readers.is_empty() => {
                    drop(readers.swap_remove(random.below(readers.len() as u64) as usize));
                }
                2..5 if !readers.is_empty() => {
                    let at = random.below(readers.len() as u64) as usize;
                    let (feed, follower) = &mut readers[at];
                    let rows_max = 1 + random.below(5) as usize;
                    let mut rows = Vec::new();
                    let budget = Budget { rows_max, ..Budget::default() };
                    assert!(feed.next_batch(&budget, &mut rows).expect("feeds"));
                    rows.iter().for_each(|row| follower.hear(row.datum()));
                }
                _ => random_write(&fixture, &random, &mut count),
            }
        }
        let table = fixture.documents();
        for (feed, follower) in &mut readers {
            drain(feed.as_mut()).iter().for_each(|row| follower.hear(row));
            assert_eq!(follower.documents, table, "seed {seed}");
        }
    }
}

/// Somebody who sleeps until woken.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<bool>,
    bell: Condvar,
}

impl Sleeper {
    fn wake(&self) {
        *self.woken.lock() = true;
        self.bell.notify_one();
    }

    /// `false` when nobody came in time.
    fn sleep(&self, end: Instant) -> bool {
        let mut woken = self.woken.lock();
        while !std::mem::take(&mut *woken) {
            if self.bell.wait_until(&mut woken, end).timed_out() {
                return false;
            }
        }
        true
    }
}

/// Reads as a session does: comes when woken only, and stays away sometimes.
fn read_until_the_end(fixture: &Fixture, random: &SeededRandom, stop: &AtomicBool) -> usize {
    let end = Instant::now() + PATIENCE;
    let mut lives = 0;
    while !stop.load(Ordering::SeqCst) {
        lives += 1;
        let mut feed = open(fixture, follow(Squash::Off));
        let sleeper = Arc::new(Sleeper::default());
        let alarm = Arc::clone(&sleeper);
        feed.on_ready(Arc::new(move || alarm.wake()));
        let mut follower = Follower::default();
        let mut batches = random.below(40);
        while batches > 0 || stop.load(Ordering::SeqCst) {
            let mut rows = Vec::new();
            assert!(feed.next_batch(&Budget { rows_max: 7, ..Budget::default() }, &mut rows).expect("feeds"));
            rows.iter().for_each(|row| follower.hear(row.datum()));
            batches = batches.saturating_sub(1);
            if follower.initialized && follower.documents.contains_key(&Datum::from(-1)) {
                assert_eq!(follower.documents, fixture.documents());
                return lives;
            }
            if rows.is_empty() {
                assert!(sleeper.sleep(end), "a change was there and nobody was woken");
            }
        }
    }
    lives
}

#[test]
fn readers_on_many_threads_are_woken_for_everything() {
    let fixture = Arc::new(Fixture::new(false));
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..8)
        .map(|seed| {
            let (fixture, stop) = (Arc::clone(&fixture), Arc::clone(&stop));
            std::thread::spawn(move || read_until_the_end(&fixture, &SeededRandom::new(seed), &stop))
        })
        .collect();
    let random = SeededRandom::new(100);
    let mut count = 0;
    for _ in 0..4000 {
        random_write(&fixture, &random, &mut count);
    }
    stop.store(true, Ordering::SeqCst);
    // The last write, by which each reader knows that it has seen all of them.
    fixture.put(document(-1, 0));
    for reader in readers {
        assert!(reader.join().expect("a reader") > 0);
    }
}
