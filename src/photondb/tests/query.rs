//! `photondb query`, `db` and `table` against a server in this process.

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use support::Fixture;

/// Runs the binary; gives its exit code and what it printed.
fn query(fixture: &Fixture, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    run(fixture, &[&["query"], arguments].concat(), input)
}

fn run(fixture: &Fixture, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_photondb"));
    command
        .args(arguments)
        .env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", fixture.port))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("starts");
    child.stdin.take().expect("is piped").write_all(input.as_bytes()).expect("takes its input");
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ends");
    (status.code(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

#[test]
fn answers_are_json() {
    let fixture = Fixture::start();
    for (arguments, output) in [
        (vec!["r.dbCreate('shop')('dbs_created')"], "1\n"),
        (vec!["r.db('shop').tableCreate('t')('tables_created')"], "1\n"),
        (vec!["r.table('t').insert([{id: 1, a: 'ä'}, {id: 2}])('inserted')", "-d", "shop"], "2\n"),
        (
            vec!["r.table('t').orderBy({index: 'id'})", "-d", "shop", "--output", "json"],
            "[\n{\"a\":\"ä\",\"id\":1},\n{\"id\":2}\n]\n",
        ),
        (
            vec!["r.table('t').orderBy({index: 'id'})", "-d", "shop", "-o", "ndjson"],
            "{\"a\":\"ä\",\"id\":1}\n{\"id\":2}\n",
        ),
        (vec!["r.table('t').filter({id: 9})", "-d", "shop"], "[]\n"),
        (vec!["r.expr([1, [2], null])"], "[1,[2],null]\n"),
        (vec!["r.expr([1, [2], null])", "-o", "ndjson"], "1\n[2]\nnull\n"),
        (vec!["r.range(3).map(x => x.add(1))", "-o", "ndjson"], "1\n2\n3\n"),
        (vec!["r.binary('a')"], "{\"$reql_type$\":\"BINARY\",\"data\":\"YQ==\"}\n"),
    ] {
        let (code, found, errors) = query(&fixture, &arguments, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments:?}");
        assert_eq!(found, output, "{arguments:?}");
    }
    let (code, found, _) = query(&fixture, &["-"], "r.expr(1)\n  .add(2)\n");
    assert_eq!((code, found.as_str()), (Some(0), "3\n"));
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let fixture = Fixture::start();
    for (text, place) in [
        ("r.tabel('x')", "^^^^^"),
        ("r.expr({a: 1})('b').add(1)", "^^^"),
        ("r.expr(1)\n  .add('x')", "^^^"),
        ("r.table('missing')", "^^^^^^^^"),
    ] {
        let (code, output, errors) = query(&fixture, &[text], "");
        assert_eq!((code, output.as_str()), (Some(1), ""), "{text}: {errors}");
        assert!(errors.contains(place), "{text}: {errors}");
    }
    let (code, _, errors) = query(&fixture, &["1", "-c", "127.0.0.1:1"], "");
    assert_eq!(code, Some(3), "{errors}");
}

#[test]
fn databases_and_tables_are_made_listed_and_dropped() {
    let fixture = Fixture::start();
    for (arguments, output) in [
        ("db create shop", "Created database shop\n"),
        ("db list", "rethinkdb\nshop\ntest\n"),
        ("table create shop.people --primary-key mail", "Created table shop.people\n"),
        ("table list shop", "people\n"),
        ("query r.db('shop').table('people').indexCreate('age')('created')", "1\n"),
        ("query r.db('shop').table('people').indexWait()('ready')", "[true]\n"),
        // The form of the index's function is the server's affair.
        (
            "table info shop.people",
            "table        shop.people\ndocuments    0\nprimary key  mail\nindex        age  indexCreate('age', ",
        ),
        ("table drop shop.people", "Dropped table shop.people\n"),
        ("table list shop", ""),
        ("db drop shop", "Dropped database shop\n"),
    ] {
        let (code, found, errors) = run(&fixture, &arguments.split(' ').collect::<Vec<_>>(), "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{arguments}");
        let is_info = arguments.starts_with("table info");
        assert!(found == output || is_info && found.starts_with(output), "{arguments}: {found}");
    }
    for (arguments, code) in [("db drop shop", 1), ("table create shop", 2), ("db list -c 127.0.0.1:1", 3)] {
        let (found, _, errors) = run(&fixture, &arguments.split(' ').collect::<Vec<_>>(), "");
        assert_eq!(found, Some(code), "{arguments}: {errors}");
    }
}
