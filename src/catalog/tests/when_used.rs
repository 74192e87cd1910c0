//! Tables that were stored are read and opened when they are first used.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;
use photondb_catalog::{CatalogError, CatalogOptions, State, TableEdit, TableOptions, check};
use photondb_datum::{Datum, Text, packed};
use photondb_storage::{Batch, Direction, Engine, KeyRange, MemoryEngine};
use photondb_table::{Evaluator, Shards};

use support::{Functions, new_server, open};

const METADATA: TreeId = TreeId(0);

/// The key and the record of a table with this name.
fn stored(engine: &dyn Engine, name: &str) -> (Bytes, Datum) {
    let snapshot = engine.snapshot();
    let mut cursor = snapshot.range(METADATA, KeyRange::all(), Direction::Forward);
    while let Some((key, record)) = cursor.next().unwrap() {
        let record = packed::decode(record).unwrap();
        if key[0] == 2 && record.get("name") == Some(Datum::from(name)) {
            return (key, record);
        }
    }
    panic!("no record of a table {name}");
}

#[test]
fn the_first_command_about_a_table_finds_it_as_it_was_stored() {
    let server = new_server();
    let ids: Vec<_> = (0..6).map(|n| server.create_table(&format!("t{n}"))).collect();
    for id in &ids {
        server.insert(*id, 0..20);
        server.create_index(*id, "a").unwrap();
        server.wait_recorded_ready(*id, "a");
    }
    let server = server.reopened(2);
    server.create_index(ids[0], "b").unwrap();
    server.wait_recorded_ready(ids[0], "b");
    drop(server.catalog.drop_index(ids[1], "a").unwrap());
    drop(server.catalog.rename_index(ids[2], "a", "c", false).unwrap());
    let edit = TableEdit { name: Some(Text::from("renamed")), ..TableEdit::default() };
    drop(server.catalog.configure_table(ids[3], edit).unwrap());
    drop(server.catalog.drop_table("test", "t4").unwrap());
    for id in [0, 1, 2, 3, 5] {
        server.insert(ids[id], 20..30);
        assert_eq!(server.shards.statistics(ids[id]).unwrap().rows, 30);
    }
    assert!(server.shards.statistics(ids[4]).is_err(), "it was dropped before anybody used it");
    server.check_trees();
    let names: Vec<String> = {
        let state = server.catalog.state();
        let test = state.database("test").unwrap();
        state.table_names(test.id).map(|name| name.to_string()).collect()
    };
    assert_eq!(names, ["renamed", "t0", "t1", "t2", "t5"]);
    server.reopened(3).check_trees();
}

#[test]
fn many_tables_are_found_by_name_and_by_id() {
    let server = new_server();
    drop(server.catalog.create_database("other").unwrap());
    for n in 0..1500 {
        let (database, name) = (["test", "other"][n % 2], format!("t{}", n * 7919 % 1500));
        drop(server.catalog.create_table(database, &name, TableOptions::default()).unwrap());
    }
    let names = |state: &State, database: &str| -> Vec<Text> {
        state.table_names(state.database(database).unwrap().id).collect()
    };
    let before = server.catalog.state();
    let server = server.reopened(2);
    let state = server.catalog.state();
    assert_eq!(state.table_count(), 1500);
    for database in ["test", "other"] {
        assert!(names(&state, database).is_sorted());
        assert_eq!(names(&state, database), names(&before, database));
        for name in names(&state, database) {
            let table = state.table(database, &name).unwrap();
            assert_eq!(table, before.table(database, &name).unwrap());
            assert_eq!(state.table_by_id(table.id), Some(table));
        }
    }
    assert!(state.tables().eq(before.tables()));
    let same = server.catalog.drop_table("test", "t0").unwrap().outcome.old.unwrap();
    let newer = server.catalog.state();
    assert_eq!(state.changed_tables(&newer), [(Some(&same), None)]);
}

#[test]
fn threads_that_use_a_table_first_use_the_same_one() {
    let server = new_server();
    let table = server.create_table("t");
    let server = server.reopened(2);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let server = &server;
            scope.spawn(move || server.insert(table, thread * 50..thread * 50 + 50));
        }
    });
    assert_eq!(server.shards.statistics(table).unwrap().rows_written, 400);
}

#[test]
fn a_damaged_record_costs_its_own_table_only() {
    let server = new_server();
    let (broken, whole) = (server.create_table("broken"), server.create_table("whole"));
    server.insert(whole, 0..3);
    let (key, record) = stored(server.engine.as_ref(), "broken");
    let fields = record.as_object().unwrap().iter().filter(|(name, _)| name.as_str() != "tree");
    let damaged = Datum::object(fields.collect::<Vec<_>>());
    let mut batch = Batch::new();
    batch.put(METADATA, key, packed::encode(&damaged));
    server.engine.commit(batch).unwrap();
    let server = server.reopened(2);
    let state = server.catalog.state();
    assert!(matches!(state.table("test", "broken"), Err(CatalogError::Damaged(_))));
    assert!(server.shards.statistics(broken).is_err());
    assert_eq!(server.shards.statistics(whole).unwrap().rows, 3);
    assert_eq!((state.table_count(), state.tables().count()), (2, 1));
    let again = server.catalog.create_table("test", "broken", TableOptions::default());
    assert!(matches!(again, Err(CatalogError::Damaged(_))), "its name is taken");
    let functions: Arc<dyn Evaluator> = Arc::new(Functions);
    let found = check(&server.engine.snapshot(), &functions, &mut |_| {});
    assert!(matches!(found, Err(CatalogError::Damaged(_))));
}

#[test]
fn a_record_without_a_name_is_refused() {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let server = open(engine.clone(), 1, CatalogOptions::default());
    server.create_table("t");
    let (key, _) = stored(engine.as_ref(), "t");
    for record in [packed::encode(&Datum::object([("id", Datum::from(1))])), Bytes::from_static(b"\xffx")] {
        let mut batch = Batch::new();
        batch.put(METADATA, key.clone(), record);
        engine.commit(batch).unwrap();
        let functions: Arc<dyn Evaluator> = Arc::new(Functions);
        let found = check(&engine.snapshot(), &functions, &mut |_| {});
        assert!(matches!(found, Err(CatalogError::Damaged(_))));
    }
}
