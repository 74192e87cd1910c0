//! What RethinkDB does not have, as queries see it: unique indexes, documents that expire, and
//! sorts of any size.

use std::process::Command;
use std::time::{Duration, Instant};

use photondb::{Database, DatabaseOptions};
use photondb_datum::{Datum, json};

const TABLE: &str = r#"[15,["t"]]"#;

fn run(database: &Database, term: &str) -> Datum {
    let mut rows = database.run(term).unwrap_or_else(|error| panic!("{term}: {error}"));
    assert_eq!(rows.len(), 1, "{term}");
    rows.remove(0)
}

fn refused(database: &Database, term: &str) -> String {
    database.run(term).expect_err(term).to_string()
}

fn text(datum: &Datum) -> String {
    json::to_string(datum).expect("writes")
}

fn field(datum: &Datum, name: &str) -> Datum {
    datum.get(name).unwrap_or_else(|| panic!("no `{name}` in {}", text(datum)))
}

#[test]
fn unique_indexes() {
    let database = Database::open(&DatabaseOptions::in_memory()).expect("opens");
    run(&database, r#"[60,["t"]]"#);
    run(&database, &format!(r#"[75,[{TABLE},"plain"]]"#));
    run(&database, &format!(r#"[75,[{TABLE},"mail"],{{"unique":true}}]"#));
    // Compound, by a function.
    let function = r#"[69,[[2,[1]],[2,[[170,[[10,[1]],"a"]],[170,[[10,[1]],"b"]]]]]]"#;
    run(&database, &format!(r#"[75,[{TABLE},"pair",{function}],{{"unique":true}}]"#));
    let status = run(&database, &format!("[140,[{TABLE}]]"));
    let rows = status.as_array().expect("an array").to_vec();
    assert_eq!(
        rows.iter().map(|row| row.get("unique")).collect::<Vec<_>>(),
        [Some(Datum::Bool(true)), Some(Datum::Bool(true)), None]
    );
    let query = field(&rows[0], "query");
    assert!(query.as_str().expect("a text").ends_with(", {unique: true})"), "{}", text(&query));

    let documents = r#"[2,[{"id":1,"mail":"x","a":1,"b":1},{"id":2,"mail":"x"},{"id":3,"a":1,"b":1}]]"#;
    let summary = run(&database, &format!("[56,[{TABLE},{documents}]]"));
    assert_eq!((field(&summary, "inserted"), field(&summary, "errors")), (1.into(), 2.into()));
    assert_eq!(
        field(&summary, "first_error").as_str(),
        Some(
            "Duplicate value `\"x\"` of unique index `mail`: the document with the primary key `1` has it already."
        )
    );
    // The stored function makes an index that is unique, too.
    let blob = text(&{
        let function = field(&rows[0], "function");
        Datum::array([function])
    });
    let blob = &blob[1..blob.len() - 1];
    run(&database, &format!(r#"[75,[{TABLE},"copy",{blob}]]"#));
    let status = run(&database, &format!(r#"[140,[{TABLE},"copy"]]"#));
    assert_eq!(field(&status.as_array().expect("an array").to_vec()[0], "unique"), Datum::Bool(true));
    let info = run(&database, &format!("[79,[{TABLE}]]"));
    assert_eq!(text(&field(&info, "indexes")), r#"["copy","mail","pair","plain"]"#);
    assert_eq!(text(&field(&info, "unique_indexes")), r#"["copy","mail","pair"]"#);
    let geo = refused(&database, &format!(r#"[75,[{TABLE},"g"],{{"unique":true,"geo":true}}]"#));
    assert!(geo.contains("A geospatial index can't be unique."), "{geo}");
}

#[test]
fn a_unique_index_over_duplicates_says_so() {
    let database = Database::open(&DatabaseOptions::in_memory()).expect("opens");
    run(&database, r#"[60,["t"]]"#);
    run(&database, &format!(r#"[56,[{TABLE},[2,[{{"id":1,"n":5}},{{"id":2,"n":5}}]]]]"#));
    run(&database, &format!(r#"[75,[{TABLE},"n"],{{"unique":true}}]"#));
    let why =
        "Duplicate value `5` of unique index `n`: the documents with the primary keys `1` and `2` have it.";
    let text = refused(&database, &format!(r#"[140,[{TABLE},"n"]]"#));
    assert!(text.contains(&format!("Index `n` on table `test.t` can't be used: {why}")), "{text}");
    let status = run(&database, &format!(r#"[139,[{TABLE},"n"]]"#)).as_array().expect("an array").to_vec();
    assert_eq!(
        (field(&status[0], "error").as_str(), field(&status[0], "ready")),
        (Some(why), Datum::Bool(false))
    );
    let text = refused(&database, &format!(r#"[78,[{TABLE},5],{{"index":"n"}}]"#));
    assert!(text.contains(why), "{text}");
    run(&database, &format!(r#"[76,[{TABLE},"n"]]"#));
}

#[test]
fn expiry_is_part_of_the_config() {
    let database = Database::open(&DatabaseOptions::in_memory()).expect("opens");
    let created = run(&database, r#"[60,["t"],{"ttl":{"field":"at","seconds":3600}}]"#);
    assert!(text(&created).contains(r#""ttl":{"field":"at","seconds":3600}"#), "{}", text(&created));
    let info = format!("[79,[{TABLE}]]");
    assert_eq!(text(&field(&run(&database, &info), "ttl")), r#"{"field":"at","seconds":3600}"#);
    let config = format!("[174,[{TABLE}]]");
    assert_eq!(text(&field(&run(&database, &config), "ttl")), r#"{"field":"at","seconds":3600}"#);
    // A document of the past, one of now, one without a time.
    let old = "[101,[1000]]";
    let documents = format!(r#"[2,[{{"id":1,"at":{old}}},{{"id":2,"at":[103,[]]}},{{"id":3}}]]"#);
    run(&database, &format!("[56,[{TABLE},{documents}]]"));
    let count = format!("[43,[{TABLE}]]");
    let start = Instant::now();
    while run(&database, &count) != Datum::from(2) {
        assert!(start.elapsed() < Duration::from_secs(10), "nothing expires");
        std::thread::sleep(Duration::from_millis(20));
    }
    // At the time of the field alone; then never.
    let literal = r#"[137,[{"field":"at"}]]"#;
    run(&database, &format!(r#"[53,[{config},{{"ttl":{literal}}}]]"#));
    let start = Instant::now();
    while run(&database, &count) != Datum::from(1) {
        assert!(start.elapsed() < Duration::from_secs(10), "nothing expires");
        std::thread::sleep(Duration::from_millis(20));
    }
    run(&database, &format!(r#"[53,[{config},{{"ttl":null}}]]"#));
    assert_eq!(run(&database, &config).get("ttl"), None);
    let wrong = refused(&database, r#"[60,["u"],{"ttl":{"seconds":1}}]"#);
    assert!(wrong.contains("`field` in `ttl` must be the name of a field"), "{wrong}");
}

#[test]
fn a_check_compares_documents_and_indexes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("data");
    let database = Database::open(&DatabaseOptions::directory(&path)).expect("opens");
    run(&database, r#"[60,["t"],{"ttl":{"field":"at"}}]"#);
    run(&database, &format!(r#"[75,[{TABLE},"n"],{{"unique":true}}]"#));
    run(&database, &format!("[140,[{TABLE}]]"));
    let documents = (0..50).map(|n| format!(r#"{{"id":{n},"n":{n}}}"#)).collect::<Vec<_>>().join(",");
    run(&database, &format!("[56,[{TABLE},[2,[{documents}]]]]"));
    database.close().expect("closes");
    let check =
        || Command::new(env!("CARGO_BIN_EXE_photondb")).arg("check").arg(&path).output().expect("runs");
    let output = check();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 table with 50 documents and 50 index entries"), "{said}");
    assert!(said.contains("No problems found."), "{said}");
}

#[test]
fn an_index_that_is_ready_is_so_after_a_restart_however_soon_that_comes() {
    let directory = tempfile::tempdir().expect("a directory");
    for round in 0..30 {
        let path = directory.path().join(round.to_string());
        let database = Database::open(&DatabaseOptions::directory(&path)).expect("opens");
        run(&database, r#"[60,["t"]]"#);
        run(&database, &format!(r#"[75,[{TABLE},"n"]]"#));
        run(&database, &format!("[140,[{TABLE}]]"));
        database.close().expect("closes");
        let output =
            Command::new(env!("CARGO_BIN_EXE_photondb")).arg("check").arg(&path).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains("No problems found.") && !said.contains("not finished"),
            "round {round}: {said}"
        );
    }
}

#[test]
fn sorts_go_to_disk_and_leave_nothing_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let database = Database::open(&DatabaseOptions::directory(directory.path())).expect("opens");
    let files = || {
        let entries = std::fs::read_dir(directory.path()).expect("lists");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    };
    let before = files();
    // r.range(120000).orderBy(x => x.mul(-1))
    let sorted = r#"[41,[[173,[120000]],[69,[[2,[1]],[26,[[10,[1]],-1]]]]]]"#;
    let query = format!(r#"[1,{sorted},{{"memory_limit":1048576}}]"#);
    let rows = database.query(query.as_bytes()).expect("sorts").map(|row| row.expect("merges"));
    assert!(rows.eq((0..120_000).rev().map(Datum::from)));
    assert_eq!(files(), before);
}
