//! Unique indexes: what is refused, what is not, and that no two writers get the same value.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use photondb_base::{Random, SeededRandom};
use photondb_datum::Datum;
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{
    Conflict, DatumRange, IndexLayout, KeyRange, ReadOp, ReturnChanges, Shards, Source, TableError, Tables,
    Verb, WriteOp,
};

use support::{Fixture, TABLE, index, insert, layout, replace, row};

fn unique(number: u64, field: &str, multi: bool) -> IndexLayout {
    IndexLayout { unique: true, ..index(number, field, multi) }
}

fn with(index: &IndexLayout) -> Fixture {
    let fixture = Fixture::new();
    fixture.add_index(index.clone());
    fixture
}

fn set(field: &'static str, id: i32, value: impl Into<Datum>) -> WriteOp {
    let value = value.into();
    replace(vec![Datum::from(id)], Verb::Update, move |_| Ok(row(id, &[(field, value.clone())])))
}

#[test]
fn a_value_belongs_to_one_document() {
    let by_mail = unique(1, "mail", false);
    let fixture = with(&by_mail);
    let mail = |id: i32, mail: &str| row(id, &[("mail", mail.into())]);
    let summary = fixture.insert(vec![mail(1, "a"), mail(2, "b"), mail(3, "a"), row(4, &[]), row(5, &[])]);
    assert_eq!((summary.inserted, summary.errors), (4, 1));
    let text = "Duplicate value `\"a\"` of unique index `mail`: the document with the primary key `1` has it already.";
    assert_eq!(summary.first_error.as_deref(), Some(text));
    // Values that cannot be keys are not compared.
    let summary = fixture.insert(vec![row(6, &[("mail", Datum::Null)]), row(7, &[("mail", Datum::Null)])]);
    assert_eq!(summary.inserted, 2);
    // Updates and replacements are refused alike, and leave things as they were.
    let mut update = set("mail", 2, "a");
    update.return_changes = ReturnChanges::Always;
    let summary = fixture.shards.write(update).unwrap();
    assert_eq!((summary.replaced, summary.errors), (0, 1));
    assert_eq!(summary.changes[0].old, summary.changes[0].new);
    assert_eq!(summary.changes[0].error.as_deref(), Some(text));
    let summary = fixture.shards.write(insert(vec![mail(2, "a")], Conflict::Replace)).unwrap();
    assert_eq!(summary.errors, 1);
    // One's own value is no duplicate, and a freed value can be had.
    let keep = row(1, &[("mail", "a".into()), ("more", 1.into())]);
    assert_eq!(fixture.shards.write(insert(vec![keep], Conflict::Replace)).unwrap().replaced, 1);
    assert_eq!(fixture.shards.write(set("mail", 1, "c")).unwrap().replaced, 1);
    assert_eq!(fixture.shards.write(set("mail", 2, "a")).unwrap().replaced, 1);
    let delete = replace(vec![Datum::from(2)], Verb::Delete, |_| Ok(Datum::Null));
    assert_eq!(fixture.shards.write(delete).unwrap().deleted, 1);
    assert_eq!(fixture.insert(vec![mail(9, "a")]).inserted, 1);
    fixture.check_index(&by_mail);
}

#[test]
fn values_move_within_one_write() {
    let by_n = unique(1, "n", false);
    let fixture = with(&by_n);
    fixture.insert((0..600).map(|id| row(id, &[("n", id.into())])).collect());
    // Each takes the value that the one before has just let go of.
    let keys = (0..600).map(Datum::from).collect();
    let shift = replace(keys, Verb::Update, |old| {
        let id = old.get("id").unwrap().as_number().unwrap() as i32;
        Ok(row(id, &[("n", (id - 1).into())]))
    });
    let summary = fixture.shards.write(shift).unwrap();
    assert_eq!((summary.replaced, summary.errors), (600, 0));
    fixture.check_index(&by_n);
    // The other way around every value is still taken.
    let keys = (0..600).map(Datum::from).collect();
    let shift = replace(keys, Verb::Update, |old| {
        let id = old.get("id").unwrap().as_number().unwrap() as i32;
        Ok(row(id, &[("n", id.into())]))
    });
    let summary = fixture.shards.write(shift).unwrap();
    assert_eq!((summary.replaced, summary.errors), (1, 599));
    fixture.check_index(&by_n);
}

#[test]
fn elements_of_multi_indexes_and_long_values() {
    let by_tags = unique(1, "tags", true);
    let fixture = with(&by_tags);
    let tags =
        |id: i32, tags: &[i32]| row(id, &[("tags", Datum::array(tags.iter().map(|tag| Datum::from(*tag))))]);
    let summary = fixture.insert(vec![tags(1, &[1, 2, 2]), tags(2, &[3]), tags(3, &[4, 2]), tags(4, &[4])]);
    assert_eq!((summary.inserted, summary.errors), (3, 1));
    fixture.check_index(&by_tags);

    let by_long = unique(2, "long", false);
    fixture.add_index(by_long.clone());
    let long = |id: i32, tail: &str| row(id, &[("long", format!("{}{tail}", "x".repeat(300)).into())]);
    let summary = fixture.insert(vec![long(11, "a"), long(12, "b"), long(13, "a")]);
    assert_eq!((summary.inserted, summary.errors), (2, 1));
    // The entry stays the same, the value does not.
    let to = |id: i32, tail: &str| insert(vec![long(id, tail)], Conflict::Replace);
    assert_eq!(fixture.shards.write(to(12, "a")).unwrap().errors, 1);
    assert_eq!(fixture.shards.write(to(12, "c")).unwrap().replaced, 1);
    assert_eq!(fixture.shards.write(to(13, "b")).unwrap().inserted, 1);
    fixture.check_index(&by_long);
}

#[test]
fn an_index_over_duplicates_cannot_be_built() {
    let by_n = unique(1, "n", false);
    let fixture = Fixture::new();
    fixture.insert((0..1000).map(|id| row(id, &[("n", (id % 990).into())])).collect());
    fixture.shards.add_index(TABLE, by_n.clone()).unwrap();
    let progress = loop {
        let progress = fixture.shards.index_progress(TABLE, by_n.id).unwrap();
        if progress.error.is_some() {
            break progress;
        }
        thread::yield_now();
    };
    assert!(!progress.ready);
    let error = progress.error.unwrap();
    assert!(error.starts_with("Duplicate value `"), "{error}");
    assert!(error.contains("` of unique index `n`: the documents with the primary keys `"), "{error}");
    let read = ReadOp::new(TABLE, Source::Index { index: by_n.id, ranges: vec![DatumRange::all()] });
    assert!(matches!(fixture.shards.read(read), Err(TableError::IndexBroken { .. })));
    // Writes pass it by.
    let taken = Datum::from(5);
    assert_eq!(
        fixture.insert(vec![row(5000, &[("n", taken.clone())]), row(5001, &[("n", taken)])]).inserted,
        2
    );
    let entries = |fixture: &Fixture| fixture.engine.snapshot().count(by_n.tree, &KeyRange::all()).unwrap();
    assert_eq!(entries(&fixture), 0);
    fixture.shards.remove_index(TABLE, by_n.id, &mut || Ok(())).unwrap();
    // Opened again it is built again, and now there is nothing in its way.
    let twice = (990..1000).chain([5000, 5001]).map(Datum::from).collect();
    fixture.shards.write(replace(twice, Verb::Delete, |_| Ok(Datum::Null))).unwrap();
    let again = Fixture::over(fixture.engine.clone());
    let mut table = layout();
    table.indexes.push(by_n.clone());
    again.shards.open_table(table).unwrap();
    again.wait_ready(by_n.id);
    again.check_index(&by_n);
}

#[test]
fn of_many_writers_of_a_value_one_wins() {
    for seed in 0..4 {
        let (by_n, by_m) = (unique(1, "n", false), unique(2, "m", true));
        let fixture = with(&by_n);
        fixture.add_index(by_m.clone());
        let (inserted, errors) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for writer in 0..8 {
                let (fixture, inserted, errors) = (&fixture, &inserted, &errors);
                scope.spawn(move || {
                    let random = SeededRandom::new(seed * 100 + writer);
                    // All writers bring all values, each in an order and in batches of its own.
                    let mut values: Vec<i32> = (0..300).collect();
                    for i in (1..values.len()).rev() {
                        values.swap(i, random.below(i as u64 + 1) as usize);
                    }
                    let mut rest = values.as_slice();
                    while !rest.is_empty() {
                        let (batch, after) = rest.split_at(rest.len().min(1 + random.below(40) as usize));
                        rest = after;
                        let document = |n: &i32| {
                            let m = Datum::array([Datum::from(*n), Datum::from(n + 1000)]);
                            row(writer as i32 * 1000 + n, &[("n", (*n).into()), ("m", m)])
                        };
                        let summary = fixture.insert(batch.iter().map(document).collect());
                        inserted.fetch_add(summary.inserted, Ordering::Relaxed);
                        errors.fetch_add(summary.errors, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!((inserted.into_inner(), errors.into_inner()), (300, 7 * 300));
        fixture.check_index(&by_n);
        fixture.check_index(&by_m);
        assert_eq!(fixture.engine.snapshot().count(by_n.tree, &KeyRange::all()).unwrap(), 300);
    }
}

/// Random writes of few values, also while the index is built: at every end either the index
/// is unique, or its build has failed and the documents say why.
#[test]
fn random_writes_leave_no_duplicates() {
    let (mut built, mut failed) = (0, 0);
    for seed in 0..12 {
        let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
        fixture.shards.open_table(layout()).unwrap();
        let by_n = unique(1, "n", seed % 2 == 0);
        fixture.insert((0..800).map(|id| row(id, &[("n", (id * 3).into())])).collect());
        thread::scope(|scope| {
            for writer in 0..4 {
                let fixture = &fixture;
                scope.spawn(move || {
                    let random = SeededRandom::new(seed * 100 + writer);
                    // In some runs values of others are rarely asked for.
                    let span = if seed < 6 { 2400 } else { 500_000 };
                    for _ in 0..150 {
                        let keys = (0..1 + random.below(8)).map(|_| Datum::from(random.below(800) as i32));
                        let seed = random.next_u64();
                        let write = replace(keys.collect(), Verb::Replace, move |old| {
                            let Some(id) = old.get("id") else { return Ok(Datum::Null) };
                            let id = id.as_number().unwrap() as i32;
                            let random = SeededRandom::new(seed ^ id as u64);
                            let value = |random: &SeededRandom| Datum::from(2400 + random.below(span) as i32);
                            let pair = Datum::array([value(&random), value(&random)]);
                            Ok(row(id, &[("n", pair)]))
                        });
                        fixture.shards.write(write).unwrap();
                    }
                });
            }
            fixture.shards.add_index(TABLE, by_n.clone()).unwrap();
        });
        loop {
            let progress = fixture.shards.index_progress(TABLE, by_n.id).unwrap();
            if progress.ready {
                built += 1;
                fixture.check_index(&by_n);
                assert_no_duplicates(&fixture, &by_n);
                break;
            }
            if progress.error.is_some() {
                failed += 1;
                break;
            }
            thread::yield_now();
        }
    }
    assert!(built > 0, "{built} built, {failed} failed");
}

fn assert_no_duplicates(fixture: &Fixture, index: &IndexLayout) {
    let mut values = std::collections::BTreeMap::new();
    for document in fixture.all() {
        let mut own = fixture.shards.index_values(TABLE, index.id, &document).unwrap();
        own.sort();
        own.dedup();
        for value in own {
            let other = values.insert(value.clone(), document.get("id"));
            assert_eq!(other, None, "{value:?}");
        }
    }
}
