//! Random concurrent writes: indexes must equal what their functions give, and changes
//! applied to a snapshot must give the table.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use photondb_base::{Random, SeededRandom};
use photondb_datum::{Datum, key};
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{
    CloseReason, Conflict, DatumRange, IndexLayout, IndexObserver, ReadOp, Shards, Source, Subscription,
    TableError, Tables, Verb, WriteOp,
};

use support::{Fixture, Recorder, TABLE, index, insert, layout, replace, row};

const KEYS: u64 = 200;

fn indexes() -> Vec<IndexLayout> {
    vec![index(1, "a", false), index(2, "m", true), index(3, "long", false), index(4, "longs", true)]
}

/// A row with few distinct values, some of them too long for an index key.
fn random_row(random: &SeededRandom, id: i32) -> Datum {
    let long = |random: &SeededRandom| {
        let tail = ["", "a", "b", "bb", "c"][random.below(5) as usize];
        Datum::from(format!("{}{tail}", "x".repeat([3, 253, 300][random.below(3) as usize])))
    };
    let number = |random: &SeededRandom| Datum::from(random.below(6) as i32);
    let mut fields = vec![("n", Datum::from(random.below(1000) as i32))];
    if random.below(4) > 0 {
        fields.push(("a", if random.below(9) == 0 { Datum::Null } else { number(random) }));
    }
    if random.below(3) > 0 {
        fields.push(("m", Datum::array((0..random.below(5)).map(|_| number(random)))));
    }
    if random.below(3) > 0 {
        fields.push(("long", long(random)));
    }
    if random.below(3) > 0 {
        fields.push(("longs", Datum::array((0..random.below(4)).map(|_| long(random)))));
    }
    row(id, &fields)
}

fn random_write(random: &SeededRandom) -> WriteOp {
    let id = |random: &SeededRandom| random.below(KEYS) as i32;
    let count = 1 + random.below(12);
    match random.below(4) {
        0 => insert((0..count).map(|_| random_row(random, id(random))).collect(), Conflict::Replace),
        1 => insert((0..count).map(|_| random_row(random, id(random))).collect(), Conflict::Error),
        2 => {
            let keys = (0..count).map(|_| Datum::from(id(random))).collect();
            replace(keys, Verb::Delete, |_| Ok(Datum::Null))
        }
        _ => {
            let keys = (0..count).map(|_| Datum::from(id(random))).collect();
            let seed = random.next_u64();
            replace(keys, Verb::Replace, move |old| {
                let Some(id) = old.get("id").and_then(|id| id.as_number()) else { return Ok(Datum::Null) };
                Ok(random_row(&SeededRandom::new(seed ^ id as u64), id as i32))
            })
        }
    }
}

fn write_for_a_while(fixture: &Fixture, seed: u64, writes: usize) {
    let random = SeededRandom::new(seed);
    for _ in 0..writes {
        fixture.shards.write(random_write(&random)).unwrap();
    }
}

fn keyed(rows: Vec<Datum>) -> BTreeMap<Bytes, Datum> {
    let key = |row: &Datum| key::encode_primary(&row.get("id").unwrap()).unwrap();
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// What a listener has to know: the state at its start and every change since.
fn replayed(
    fixture: &Fixture,
    recorder: &Recorder,
    subscription: &mut Subscription,
) -> BTreeMap<Bytes, Datum> {
    let snapshot = subscription.take_snapshot();
    let mut table = keyed(fixture.read(ReadOp { snapshot, ..ReadOp::all(TABLE) }));
    let mut position = subscription.position();
    for change in recorder.changes.lock().iter() {
        assert!(change.position >= position && change.position > subscription.position());
        position = change.position;
        assert_eq!(table.get(&change.key), change.old.as_ref(), "a change must follow the one before");
        match &change.new {
            Some(new) => table.insert(change.key.clone(), new.clone()),
            None => table.remove(&change.key),
        };
    }
    table
}

#[test]
fn indexes_equal_their_functions_after_concurrent_writes() {
    for seed in 0..3 {
        let fixture = Fixture::new();
        // Half of the indexes are there from the start, half are built while writes go on.
        let indexes = indexes();
        let (early, late) = indexes.split_at(2);
        for index in early {
            fixture.add_index(index.clone());
        }
        write_for_a_while(&fixture, seed, 100);
        let recorder = Arc::new(Recorder::default());
        let mut subscription = None;
        thread::scope(|scope| {
            for writer in 0..4 {
                let fixture = &fixture;
                scope.spawn(move || write_for_a_while(fixture, seed * 100 + writer, 300));
            }
            for index in late {
                fixture.shards.add_index(TABLE, index.clone()).unwrap();
            }
            subscription = Some(fixture.shards.subscribe(TABLE, recorder.clone()).unwrap());
        });
        for index in &indexes {
            fixture.wait_ready(index.id);
            fixture.check_index(index);
        }
        let mut subscription = subscription.unwrap();
        assert_eq!(replayed(&fixture, &recorder, &mut subscription), keyed(fixture.all()));
        check_ranges_of_long_values(&fixture, &indexes[2]);
    }
}

fn check_ranges_of_long_values(fixture: &Fixture, index: &IndexLayout) {
    let long = |length: usize, tail: &str| Datum::from(format!("{}{tail}", "x".repeat(length)));
    let bounds =
        [long(3, "a"), long(253, "b"), long(300, ""), long(300, "a"), long(300, "bb"), long(301, "")];
    for left in &bounds {
        for right in &bounds {
            use std::ops::Bound::{Excluded, Included};
            for range in [
                DatumRange::all(),
                DatumRange::new(Included(left.clone()), Excluded(right.clone())),
                DatumRange::new(Excluded(left.clone()), Included(right.clone())),
            ] {
                let source = Source::Index { index: index.id, ranges: vec![range.clone()] };
                let op = ReadOp::new(TABLE, source);
                let found = fixture.read(op.clone());
                let expected = fixture
                    .all()
                    .iter()
                    .filter_map(|row| row.get("long"))
                    .filter(|v| range.contains(v))
                    .count();
                assert_eq!(found.len(), expected);
                assert_eq!(fixture.shards.count(&op).unwrap(), expected as u64);
                assert!(found.windows(2).all(|pair| pair[0].get("long") <= pair[1].get("long")));
                for skipped in (0..=expected as u64).step_by(3) {
                    let mut stream = fixture.shards.read(op.clone()).unwrap();
                    assert_eq!(stream.skip(skipped).unwrap(), skipped);
                    assert!(support::drain(stream.as_mut()) == found[skipped as usize..], "{skipped}");
                }
                let parts = fixture.shards.read_split(op, 4).unwrap();
                let joined: Vec<Datum> =
                    parts.into_iter().flat_map(|mut part| support::drain(part.as_mut())).collect();
                assert!(joined == found);
            }
        }
    }
}

#[test]
fn a_subscription_ends_when_dropped_and_when_the_table_does() {
    let fixture = Fixture::new();
    let (dropped, kept) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
    let subscription = fixture.shards.subscribe(TABLE, dropped.clone()).unwrap();
    let _kept = fixture.shards.subscribe(TABLE, kept.clone()).unwrap();
    assert_eq!(fixture.shards.statistics(TABLE).unwrap().subscribers, 2);
    drop(subscription);
    fixture.insert(vec![row(1, &[])]);
    assert!(dropped.changes.lock().is_empty());
    assert_eq!(kept.changes.lock().len(), 1);
    fixture.shards.close_tables(&[TABLE], &mut || Ok(())).unwrap();
    assert_eq!(*kept.closed.lock(), Some(CloseReason::TableDropped));
    assert_eq!(*dropped.closed.lock(), None);
    assert!(matches!(fixture.shards.subscribe(TABLE, kept), Err(TableError::NoTable(_))));
}

#[test]
fn an_unfinished_index_is_built_from_scratch() {
    let engine = Arc::new(MemoryEngine::new());
    let mut with_index = layout();
    with_index.indexes.push(index(1, "a", false));
    {
        let fixture = Fixture::over(engine.clone());
        fixture.shards.open_table(layout()).unwrap();
        fixture.insert((0..600).map(|id| row(id, &[("a", id.into())])).collect());
    }
    // What a build that was cut off may leave: entries of documents that changed since.
    let mut batch = photondb_storage::Batch::new();
    batch.put(with_index.indexes[0].tree, b"leftover", b"");
    engine.commit(batch).unwrap();
    let fixture = Fixture::over(engine);
    fixture.shards.open_table(with_index.clone()).unwrap();
    fixture.wait_ready(with_index.indexes[0].id);
    fixture.check_index(&with_index.indexes[0]);
    let progress = fixture.shards.index_progress(TABLE, with_index.indexes[0].id).unwrap();
    assert_eq!((progress.rows_processed, progress.fraction()), (600, 1.0));
}

#[test]
fn an_index_of_a_small_table_is_ready_at_once() {
    let told = Arc::new(Told::default());
    let fixture = Fixture::new();
    fixture.shards.observe_indexes(told.clone());
    fixture.insert((0..100).map(|id| row(id, &[("a", id.into())])).collect());
    let by_a = index(1, "a", false);
    fixture.shards.add_index(TABLE, by_a.clone()).unwrap();
    assert!(fixture.shards.index_progress(TABLE, by_a.id).unwrap().ready);
    fixture.check_index(&by_a);
    while !told.ready.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    // Nor does one wait that cannot be.
    let by_b = IndexLayout { unique: true, ..index(2, "b", false) };
    fixture.insert((200..202).map(|id| row(id, &[("b", 1.into())])).collect());
    fixture.shards.add_index(TABLE, by_b.clone()).unwrap();
    assert!(fixture.shards.index_progress(TABLE, by_b.id).unwrap().error.is_some());
}

#[test]
fn an_unfinished_index_of_a_small_table_is_ready_once_it_is_open() {
    let engine = Arc::new(MemoryEngine::new());
    {
        let fixture = Fixture::over(engine.clone());
        fixture.shards.open_table(layout()).unwrap();
        fixture.insert((0..100).map(|id| row(id, &[("a", id.into())])).collect());
    }
    let mut with_index = layout();
    with_index.indexes.push(index(1, "a", false));
    let fixture = Fixture::over(engine);
    fixture.shards.open_table(with_index.clone()).unwrap();
    assert!(fixture.shards.index_progress(TABLE, with_index.indexes[0].id).unwrap().ready);
    fixture.check_index(&with_index.indexes[0]);
}

#[test]
fn removing_an_index_ends_its_build() {
    let fixture = Fixture::new();
    fixture.insert((0..5000).map(|id| row(id, &[("a", id.into())])).collect());
    let by_a = index(1, "a", false);
    fixture.shards.add_index(TABLE, by_a.clone()).unwrap();
    fixture.shards.remove_index(TABLE, by_a.id, &mut || Ok(())).unwrap();
    let entries = || fixture.engine.snapshot().count(by_a.tree, &photondb_table::KeyRange::all()).unwrap();
    let left = entries();
    fixture.insert(vec![row(9999, &[("a", 1.into())])]);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(entries(), left, "nothing is put into the tree after the removal");
    let source = Source::Index { index: by_a.id, ranges: vec![DatumRange::all()] };
    assert!(matches!(fixture.shards.read(ReadOp::new(TABLE, source)), Err(TableError::NoIndex(_))));
}

#[derive(Default)]
struct Told {
    ready: AtomicBool,
    stale: AtomicBool,
}

impl IndexObserver for Told {
    fn index_ready(&self, _table: photondb_base::TableId, _index: photondb_base::IndexId) {
        self.ready.store(true, Ordering::SeqCst);
    }

    fn index_stale(&self, _table: photondb_base::TableId, _index: photondb_base::IndexId) {
        self.stale.store(true, Ordering::SeqCst);
    }
}

#[test]
fn nothing_is_written_after_a_table_is_closed() {
    for seed in 0..5 {
        let fixture = Fixture::new();
        let indexes = indexes();
        for index in &indexes {
            fixture.shards.add_index(TABLE, index.clone()).unwrap();
        }
        thread::scope(|scope| {
            for writer in 0..3 {
                let shards = &fixture.shards;
                scope.spawn(move || {
                    let random = SeededRandom::new(seed * 10 + writer);
                    loop {
                        match shards.write(random_write(&random)) {
                            Ok(_) => {}
                            Err(TableError::NoTable(_)) => return,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            thread::sleep(Duration::from_millis(10));
            let mut refuse =
                || Err(photondb_storage::StorageError::Full { file: "log".to_owned(), operation: "write" });
            assert!(fixture.shards.close_tables(&[TABLE], &mut refuse).is_err());
            thread::sleep(Duration::from_millis(10));
            let drop_trees = &mut || {
                let mut batch = photondb_storage::Batch::new();
                batch.drop_tree(support::TREE);
                indexes.iter().for_each(|index| batch.drop_tree(index.tree));
                fixture.engine.commit(batch).map(drop)
            };
            fixture.shards.close_tables(&[TABLE], drop_trees).unwrap();
        });
        thread::sleep(Duration::from_millis(10));
        assert_eq!(fixture.engine.snapshot().trees().unwrap(), []);
    }
}

#[test]
fn a_function_that_cannot_be_loaded_is_reported() {
    let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
    let told = Arc::new(Told::default());
    fixture.shards.observe_indexes(told.clone());
    let mut table = layout();
    table.indexes.push(IndexLayout { ready: true, ..index(1, "broken", false) });
    fixture.shards.open_table(table).unwrap();
    assert_eq!(fixture.insert(vec![row(1, &[])]).inserted, 1);
    let source = Source::Index { index: photondb_base::IndexId(1), ranges: vec![DatumRange::all()] };
    assert!(matches!(fixture.shards.read(ReadOp::new(TABLE, source)), Err(TableError::IndexBroken { .. })));
    for _ in 0..1000 {
        if told.stale.load(Ordering::SeqCst) {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("nobody was told");
}
