//! Unique indexes and expiry in the metadata, and checks of a whole directory.

// In memory everything is durable at once.
#![allow(unused_must_use)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use photondb_base::IdentifierFormat;
use photondb_catalog::{CatalogError, IndexOptions, TableEdit, TableOptions, TimeToLive, check};
use photondb_datum::{Datum, Text};
use photondb_storage::Batch;
use photondb_table::{Evaluator, Shards};

use support::{Functions, Server, new_server};

fn unique(name: &str) -> IndexOptions {
    IndexOptions {
        name: Text::from(name),
        multi: false,
        geo: false,
        unique: true,
        function: Bytes::copy_from_slice(name.as_bytes()),
        query: Text::from("indexCreate"),
    }
}

fn ttl(field: &str, seconds: Option<f64>) -> TimeToLive {
    TimeToLive { field: Text::from(field), seconds }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn uniqueness_survives_reopening() {
    let server = new_server();
    let table = server.create_table("t");
    server.catalog.create_index(table, unique("id2")).unwrap();
    let geo = IndexOptions { geo: true, ..unique("g") };
    assert!(matches!(server.catalog.create_index(table, geo), Err(CatalogError::UniqueGeo)));
    server.wait_recorded_ready(table, "id2");
    let server = server.reopened(2);
    let state = server.catalog.state();
    assert!(state.table("test", "t").unwrap().indexes["id2"].unique);
    assert!(state.table("test", "t").unwrap().layout().indexes[0].unique);
}

#[test]
fn a_build_over_duplicates_fails_again_until_they_are_gone() {
    let server = new_server();
    let table = server.create_table("t");
    server.insert(table, 0..20);
    server.catalog.create_index(table, unique("a")).unwrap();
    let error = |server: &Server| {
        let index = server.catalog.state().table_by_id(table).unwrap().indexes["a"].id;
        server.shards.index_progress(table, index).unwrap().error
    };
    wait("the build fails", || error(&server).is_some());
    let server = server.reopened(2);
    wait("the build fails", || error(&server).is_some());
    assert!(!server.catalog.state().table_by_id(table).unwrap().indexes["a"].ready);
    server.catalog.drop_index(table, "a").unwrap();
    server.check_trees();
}

#[test]
fn expiry_survives_reopening_and_changes() {
    let server = new_server();
    let options = TableOptions { ttl: Some(ttl("at", Some(60.0))), ..TableOptions::default() };
    server.catalog.create_table("test", "t", options).unwrap();
    let table = server.table("t");
    let described = |server: &Server| {
        let state = server.catalog.state();
        state.describe_table(state.table_by_id(table).unwrap(), IdentifierFormat::Name).get("ttl")
    };
    let first = server.catalog.state().table_by_id(table).unwrap().expiry.clone().unwrap();
    assert!(first.ready, "a new table has nothing to build");
    let server = server.reopened(2);
    assert_eq!(server.catalog.state().table_by_id(table).unwrap().expiry, Some(first.clone()));
    assert_eq!(described(&server), Some(ttl("at", Some(60.0)).describe()));
    // The same once more changes nothing; another one has a tree of its own.
    let edit = |ttl: Option<TimeToLive>| TableEdit { ttl: Some(ttl), ..TableEdit::default() };
    server.catalog.configure_table(table, edit(Some(ttl("at", Some(60.0))))).unwrap();
    assert_eq!(server.catalog.state().table_by_id(table).unwrap().expiry, Some(first.clone()));
    server.insert(table, 0..300);
    server.catalog.configure_table(table, edit(Some(ttl("at", None)))).unwrap();
    let expiry = |server: &Server| server.catalog.state().table_by_id(table).unwrap().expiry.clone();
    wait("the order of expiry is built", || expiry(&server).is_some_and(|expiry| expiry.ready));
    let second = expiry(&server).unwrap();
    assert!(second.id != first.id && second.tree != first.tree);
    server.catalog.configure_table(table, TableEdit::default()).unwrap();
    assert_eq!(expiry(&server), Some(second));
    server.catalog.configure_table(table, edit(None)).unwrap();
    assert_eq!((expiry(&server), described(&server)), (None, None));
    let server = server.reopened(3);
    assert_eq!(expiry(&server), None);
    server.check_trees();
}

#[test]
fn a_check_of_everything() {
    let server = new_server();
    let evaluator: Arc<dyn Evaluator> = Arc::new(Functions);
    for name in ["s", "t"] {
        let table = server.create_table(name);
        server.create_index(table, "a").unwrap();
        server.insert(table, 0..5000);
        server.wait_recorded_ready(table, "a");
    }
    let mut told = Vec::new();
    let report = check(&server.engine.snapshot(), &evaluator, &mut |progress| {
        told.push((progress.table.to_owned(), progress.documents));
    });
    let report = report.unwrap();
    assert_eq!(report.problem_count(), 0);
    let tables: Vec<_> = report.tables.iter().map(|(name, table)| (name.as_str(), table.documents)).collect();
    assert_eq!(tables, [("test.s", 5000), ("test.t", 5000)]);
    assert_eq!(told, [("test.s".to_owned(), 4096), ("test.t".to_owned(), 4096)]);
    // A tree of nobody, and a document that was changed behind the index's back.
    let mut batch = Batch::new();
    let tree = server.catalog.state().table("test", "t").unwrap().tree;
    batch.put(photondb_base::TreeId(9999), b"x", b"y");
    let key = photondb_datum::key::encode_primary(&Datum::from(7)).unwrap();
    batch.delete(tree, key);
    server.engine.commit(batch).unwrap();
    let report = check(&server.engine.snapshot(), &evaluator, &mut |_| {}).unwrap();
    assert_eq!(report.trees_unowned, [photondb_base::TreeId(9999)]);
    assert_eq!((report.tables[0].1.problem_count, report.tables[1].1.problem_count), (0, 1));
}
