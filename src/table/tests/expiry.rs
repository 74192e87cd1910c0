//! Documents that expire.

mod support;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use photondb_base::{IndexId, TreeId};
use photondb_datum::{Datum, Text, pseudo};
use photondb_storage::{Engine, MemoryEngine};
use photondb_table::{Conflict, ExpiryLayout, KeyRange, Shards, TableError, TableLayout, Tables, Verb};

use support::{Fixture, Recorder, TABLE, index, insert, layout, replace, row};

fn expiry(number: u64, field: &str, after_seconds: f64, ready: bool) -> ExpiryLayout {
    ExpiryLayout {
        id: IndexId(1000 + u128::from(number)),
        tree: TreeId(1000 + number),
        field: Text::from(field),
        after_seconds,
        ready,
    }
}

fn at(id: i32, seconds: f64) -> Datum {
    row(id, &[("at", pseudo::time(seconds, "+02:00")), ("a", id.into())])
}

fn table(expiry: ExpiryLayout) -> TableLayout {
    TableLayout { expiry: Some(expiry), write_hook: Some("drop".into()), ..layout() }
}

fn unhooked(documents: Vec<Datum>) -> photondb_table::WriteOp {
    photondb_table::WriteOp { ignore_write_hook: true, ..insert(documents, Conflict::Replace) }
}

fn ids(fixture: &Fixture) -> Vec<i32> {
    fixture.all().iter().map(|row| row.get("id").unwrap().as_number().unwrap() as i32).collect()
}

fn entries(fixture: &Fixture, tree: TreeId) -> u64 {
    fixture.engine.snapshot().count(tree, &KeyRange::all()).unwrap()
}

#[test]
fn documents_go_when_their_time_has_come() {
    let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
    let rule = expiry(1, "at", 10.0, true);
    fixture.shards.open_table(table(rule.clone())).unwrap();
    let by_a = index(1, "a", false);
    fixture.add_index(by_a.clone());
    let recorder = Arc::new(Recorder::default());
    let mut rows: Vec<Datum> = (0..1000).map(|id| at(id, f64::from(id))).collect();
    rows.push(row(5000, &[]));
    rows.push(row(5001, &[("at", 3.into())]));
    fixture.shards.write(unhooked(rows)).unwrap();
    let _subscription = fixture.shards.subscribe(TABLE, recorder.clone()).unwrap();
    fixture.clock.advance_us(9_999_000);
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture).len(), 1002);
    fixture.clock.advance_us(1_000);
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture)[..2], [1, 2]);
    // A document may be given more time, or less.
    fixture.shards.write(unhooked(vec![at(1, 2000.0), at(999, 0.0)])).unwrap();
    fixture.clock.advance_us(490_000_000);
    fixture.shards.delete_expired();
    let left: Vec<i32> = [1].into_iter().chain(491..999).chain([5000, 5001]).collect();
    assert_eq!(ids(&fixture), left);
    assert_eq!(entries(&fixture, rule.tree), left.len() as u64 - 2);
    fixture.check_index(&by_a);
    let deletions = recorder.changes.lock().iter().filter(|change| change.new.is_none()).count();
    assert_eq!(deletions, 1002 - left.len());
}

#[test]
fn a_thread_does_it_by_itself() {
    let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
    fixture.shards.open_table(table(expiry(1, "at", 0.0, true))).unwrap();
    fixture.shards.write(unhooked(vec![at(1, 5.0), at(2, 7.0)])).unwrap();
    fixture.clock.advance_us(6_000_000);
    let start = Instant::now();
    while ids(&fixture) != [2] {
        assert!(start.elapsed() < Duration::from_secs(10), "nothing happens");
        thread::sleep(Duration::from_millis(10));
    }
    fixture.shards.shut_down();
}

#[test]
fn rules_come_and_go() {
    let fixture = Fixture::new();
    fixture.insert((0..700).map(|id| at(id, f64::from(id))).collect());
    let first = expiry(1, "at", 0.0, false);
    fixture.shards.set_expiry(TABLE, Some(first.clone()), &mut || Ok(())).unwrap();
    fixture.wait_ready(first.id);
    fixture.clock.advance_us(99_500_000);
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture), (100..700).collect::<Vec<_>>());
    // Another rule with its own tree.
    let second = expiry(2, "at", 300.0, false);
    let drop_first = &mut || {
        let mut batch = photondb_storage::Batch::new();
        batch.drop_tree(first.tree);
        fixture.engine.commit(batch).map(drop)
    };
    fixture.shards.set_expiry(TABLE, Some(second.clone()), drop_first).unwrap();
    fixture.wait_ready(second.id);
    fixture.clock.advance_us(400_000_000);
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture), (200..700).collect::<Vec<_>>());
    assert_eq!((entries(&fixture, first.tree), entries(&fixture, second.tree)), (0, 500));
    fixture.shards.set_expiry(TABLE, None, &mut || Ok(())).unwrap();
    fixture.clock.advance_us(400_000_000);
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture).len(), 500);
    let refused = fixture.shards.set_expiry(TABLE, Some(first), &mut || {
        Err(photondb_storage::StorageError::Full { file: "log".to_owned(), operation: "write" })
    });
    assert!(matches!(refused, Err(TableError::Storage(_))));
}

/// Documents that are given more time again and again never go, whatever else happens.
#[test]
fn renewed_documents_stay() {
    let fixture = Fixture::over(Arc::new(MemoryEngine::new()));
    fixture.shards.open_table(TableLayout { write_hook: None, ..table(expiry(1, "at", 0.0, true)) }).unwrap();
    fixture.insert((0..50).map(|id| at(id, 1e9)).collect());
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..2 {
            let (fixture, stop) = (&fixture, &stop);
            scope.spawn(move || {
                for round in 0..300 {
                    let keys = (0..50).filter(|id| id % 2 == writer).map(Datum::from).collect();
                    let renew = replace(keys, Verb::Update, move |old| {
                        let id = old.get("id").unwrap().as_number().unwrap() as i32;
                        Ok(at(id, 1e9 + f64::from(round)))
                    });
                    let summary = fixture.shards.write(renew).unwrap();
                    assert_eq!(summary.skipped, 0);
                    fixture.insert(vec![at(1000 + round * 2 + writer, -1.0)]);
                }
                stop.store(true, std::sync::atomic::Ordering::SeqCst);
            });
        }
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            fixture.shards.delete_expired();
        }
    });
    fixture.shards.delete_expired();
    assert_eq!(ids(&fixture), (0..50).collect::<Vec<_>>());
}
