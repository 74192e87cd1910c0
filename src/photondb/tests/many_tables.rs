//! A server with many tables, stopped and started again in every way.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use photondb::{Database, DatabaseOptions};
use photondb_base::TreeId;
use photondb_storage::{DiskEngine, Engine, OpenOptions, RealDisk};

const TABLES: usize = 300;

fn open(path: &Path) -> Database {
    Database::open(&DatabaseOptions::directory(path)).expect("opens")
}

fn run(database: &Database, term: &str) -> String {
    let rows = database.run(term).unwrap_or_else(|error| panic!("{term}: {error}"));
    rows.iter().map(|row| photondb_datum::json::to_string(row).expect("writes")).collect()
}

fn names(database: &Database) -> Vec<String> {
    let rows = database.run("[62,[]]").expect("lists").remove(0);
    let names = rows.as_array().expect("an array").to_vec();
    names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

/// Whether a stop has left a directory of tables.
fn is_listed(path: &Path) -> bool {
    let disk = Arc::new(RealDisk::open(path).expect("opens"));
    let engine = DiskEngine::open(OpenOptions::new(disk)).expect("opens");
    engine.snapshot().get(TreeId(0), &[0, 1]).expect("reads").is_some()
}

fn check(path: &Path) {
    let check = Command::new(env!("CARGO_BIN_EXE_photondb")).arg("check").arg(path).output().expect("runs");
    let said = String::from_utf8(check.stdout).expect("a text");
    assert!(check.status.success() && said.contains("No problems found."), "{said}");
}

#[test]
fn tables_are_the_same_after_clean_stops_and_without() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let database = open(path);
    let mut expected: Vec<String> = (0..TABLES).map(|n| format!("t{n}")).collect();
    for name in &expected {
        run(&database, &format!(r#"[60,["{name}"]]"#));
    }
    run(&database, r#"[56,[[15,["t7"]],{"id":1,"a":2}]]"#);
    expected.sort();
    database.close().expect("closes");
    assert!(is_listed(path));
    check(path);

    let database = open(path);
    assert_eq!(names(&database), expected);
    assert_eq!(run(&database, r#"[16,[[15,["t7"]],1]]"#), r#"{"a":2,"id":1}"#);
    assert!(database.run(r#"[15,["t300"]]"#).is_err());
    let config = r#"[15,[[14,["rethinkdb"]],"table_config"]]"#;
    run(&database, &format!(r#"[53,[[39,[{config},{{"name":"t7"}}]],{{"name":"renamed"}}]]"#));
    run(&database, r#"[61,["t8"]]"#);
    run(&database, r#"[60,["made"]]"#);
    expected.retain(|name| name != "t7" && name != "t8");
    expected.extend(["made".to_owned(), "renamed".to_owned()]);
    expected.sort();
    // As a process that is killed.
    drop(database);

    for _ in 0..2 {
        let database = open(path);
        assert_eq!(names(&database), expected);
        assert_eq!(run(&database, r#"[16,[[15,["renamed"]],1]]"#), r#"{"a":2,"id":1}"#);
        assert!(database.run(r#"[15,["t8"]]"#).is_err());
        database.close().expect("closes");
        check(path);
    }

    let database = open(path);
    for name in expected.drain(10..) {
        run(&database, &format!(r#"[61,["{name}"]]"#));
    }
    database.close().expect("closes");
    assert!(!is_listed(path), "few tables need none");
    assert_eq!(names(&open(path)), expected);
    check(path);
}
