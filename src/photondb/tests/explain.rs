//! Plans and profiles over the wire.

mod support;

use photondb::{DatabaseOptions, Parallelism};
use photondb_client::{Connection, Options, Term};
use photondb_datum::{Datum, json};
use photondb_reql::TermType;

use support::Fixture;

fn connect(fixture: &Fixture) -> Connection {
    Connection::open(&Options::new("127.0.0.1", fixture.port)).expect("admin may connect")
}

fn run(connection: &mut Connection, term: &Term) -> Vec<Datum> {
    connection.run(&term.start()).unwrap_or_else(|error| panic!("{}: {error}", term.wire()))
}

fn datum(text: &str) -> Datum {
    json::parse(text.as_bytes(), json::ParseLimits::default())
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn items(datum: &Datum, name: &str) -> Vec<Datum> {
    datum.get(name).and_then(|items| items.as_array().map(|items| items.to_vec())).unwrap_or_default()
}

fn text(datum: &Datum, name: &str) -> String {
    datum.get(name).and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
}

#[test]
fn plans_are_told_and_not_run() {
    let fixture = Fixture::start();
    let mut connection = connect(&fixture);
    let table = Term::db("test").table_of("t");
    run(&mut connection, &Term::db("test").table_create("t"));

    let old = Term::function(|person| person.field("age").gt(40));
    let plan = connection.explain(&table.filter(old).count()).expect("a plan");
    assert_eq!(
        text(&plan, "query"),
        r#"r.db("test").table("t").filter(function(var1) { return r.gt(var1.getField("age"), 40); }).count()"#
    );
    assert_eq!(plan.get("writes"), Some(Datum::Bool(false)));
    let stages: Vec<String> = items(&plan, "stages").iter().map(|stage| text(stage, "term")).collect();
    assert_eq!(stages, ["DB", "TABLE", "FILTER", "COUNT"]);
    assert!(items(&plan, "stages").iter().all(|stage| !text(stage, "does").is_empty()));
    assert_eq!(plan.get("plan").and_then(|plan| plan.get("term")), Some(Datum::from("COUNT")));

    // A write stays undone, whichever way its plan is asked for.
    let insert = table.insert(Term::from(datum(r#"{"id":1}"#)));
    let plan = connection.explain(&insert).expect("a plan");
    assert_eq!(plan.get("writes"), Some(Datum::Bool(true)));
    let by_option = connection.run(&insert.start_with(&[("explain", true.into())])).expect("a plan");
    assert_eq!(by_option.as_slice(), std::slice::from_ref(&plan));
    assert_eq!(fixture.database.explain(insert.wire()).expect("a plan"), plan);
    assert_eq!(run(&mut connection, &table.count()), [Datum::from(0)]);
    // A plan needs no table, but a query that can be one.
    connection.explain(&Term::table("absent")).expect("a plan");
    let error = connection.explain(&Term::row()).expect_err("no function around it");
    assert!(error.to_string().contains("r.row is not defined in this context."), "{error}");
}

/// A task of a profile, or of its parts, by its description.
fn find(tasks: &[Datum], description: &str) -> Option<Datum> {
    tasks.iter().find_map(|task| match task.as_array() {
        Some(parallel) => find(&parallel.to_vec(), description),
        None if text(task, "description") == description => Some(task.clone()),
        None => find(&items(task, "sub_tasks"), description)
            .or_else(|| find(&items(task, "parallel_tasks"), description)),
    })
}

fn count(task: &Datum, name: &str) -> f64 {
    match task.get(name) {
        Some(Datum::Number(number)) => number,
        other => panic!("{name} is {other:?} in {}", task.print()),
    }
}

/// That every task is of one of RethinkDB's three kinds.
fn check_shape(tasks: &[Datum]) {
    for task in tasks {
        if let Some(parallel) = task.as_array() {
            check_shape(&parallel.to_vec());
        } else if task.get("parallel_tasks").is_some() {
            check_shape(&items(task, "parallel_tasks"));
        } else {
            assert!(!text(task, "description").is_empty(), "{}", task.print());
            if task.get("n_samples").is_some() {
                count(task, "mean_duration(ms)");
            } else {
                count(task, "duration(ms)");
                assert!(task.get("sub_tasks").is_some(), "{}", task.print());
            }
            check_shape(&items(task, "sub_tasks"));
        }
    }
}

/// Runs a query for its rows and its profile.
fn profile(connection: &mut Connection, term: &Term) -> (Vec<Datum>, Vec<Datum>) {
    let mut cursor = connection.cursor(&term.start_with(&[("profile", true.into())])).expect("runs");
    let rows = cursor.by_ref().collect::<Result<Vec<_>, _>>().expect("rows");
    let profile = cursor.profile().and_then(|tasks| tasks.as_array()).expect("a profile").to_vec();
    check_shape(&profile);
    (rows, profile)
}

#[test]
fn profiles_tell_parts_side_by_side() {
    let parallelism = Parallelism { rows_min: 1, threads: 3 };
    let fixture = Fixture::start_with(&DatabaseOptions { parallelism, ..DatabaseOptions::in_memory() });
    let mut connection = connect(&fixture);
    let table = Term::db("test").table_of("t");
    run(&mut connection, &Term::db("test").table_create("t"));
    let documents: Vec<Term> = (0..2000).map(|id| Term::from(datum(&format!(r#"{{"id":{id}}}"#)))).collect();
    run(&mut connection, &table.insert(Term::array(&documents)));
    let even = table.filter(Term::function(|row| row.field("id").lt(500))).count();
    let (rows, tasks) = profile(&mut connection, &even);
    assert_eq!(rows, [Datum::from(500)]);
    let read = find(&tasks, "Reading table `test.t`.").expect("a read");
    let split = items(&read, "sub_tasks").into_iter().find(|task| task.get("parallel_tasks").is_some());
    let parts = items(&split.expect("parts"), "parallel_tasks");
    assert!(parts.len() > 1, "{}", read.print());
    for part in &parts {
        let part = part.as_array().expect("the tasks of a part").to_vec();
        assert!(find(&part, "Perform read on shard.").is_some());
    }
    let filter = find(&tasks, "Evaluating filter on each row.").expect("a stage");
    assert_eq!((count(&filter, "rows_in"), count(&filter, "rows_out")), (2000.0, 500.0));
}

#[test]
fn profiles_tell_stages() {
    let fixture = Fixture::start();
    let mut connection = connect(&fixture);
    let table = Term::db("test").table_of("t");
    run(&mut connection, &Term::db("test").table_create("t"));
    let documents: Vec<Term> =
        (0..100).map(|id| Term::from(datum(&format!(r#"{{"id":{id},"age":{id}}}"#)))).collect();
    let (_, tasks) = profile(&mut connection, &table.insert(Term::array(&documents)));
    assert!(find(&tasks, "Perform write.").is_some());

    let young = table.filter(Term::function(|person| person.field("age").lt(30)));
    let names = young.map(Term::function(|person| person.field("id")));
    let (rows, tasks) = profile(&mut connection, &names);
    assert_eq!(rows.len(), 30);
    assert!(find(&tasks, "Evaluating map.").is_some());
    let read = find(&tasks, "Reading table `test.t`.").expect("a read");
    let shard = find(&items(&read, "sub_tasks"), "Perform read on shard.").expect("a shard");
    assert_eq!(count(&shard, "rows"), 30.0);
    assert!(count(&shard, "batches") >= 1.0);
    let filter = find(&tasks, "Evaluating filter on each row.").expect("a stage");
    assert_eq!((count(&filter, "rows_in"), count(&filter, "rows_out")), (100.0, 30.0));
    let map = find(&tasks, "Evaluating map on each row.").expect("a stage");
    assert_eq!((count(&map, "n_samples"), count(&map, "rows_out")), (30.0, 30.0));

    // What is read again for each row is told once.
    let inner = table.get_all(Term::from(3)).count();
    let all = table.filter(Term::object(&[])).count();
    let sums = table.map(Term::function(|_| inner.add(all)));
    let (rows, tasks) = profile(&mut connection, &Term::call(TermType::Sum, &[sums], &[]));
    assert_eq!(rows, [Datum::from(10_100)]);
    let outer = find(&tasks, "Evaluating map on each row.").expect("a stage");
    assert_eq!(count(&outer, "rows_in"), 100.0);
    let sum = find(&tasks, "Evaluating sum on each row.").expect("a stage");
    assert_eq!(count(&sum, "rows_in"), 100.0);
    let inner = find(&tasks, "Evaluating filter on each row.").expect("a stage");
    assert_eq!(count(&inner, "rows_in"), 10_000.0);

    // So are the writes of a loop.
    let write =
        Term::function(|person| table.get(person.field("id")).update(Term::from(datum(r#"{"seen":true}"#))));
    let (_, tasks) = profile(&mut connection, &Term::call(TermType::ForEach, &[table.clone(), write], &[]));
    let writes = find(&tasks, "Perform write.").expect("writes");
    assert_eq!(count(&writes, "n_samples"), 100.0);

    let (_, tasks) = profile(&mut connection, &table.get(Term::from(5)));
    assert!(find(&tasks, "Perform read on shard.").is_some());
    // Nobody gets one who did not ask.
    let mut cursor = connection.cursor(&table.start()).expect("runs");
    assert_eq!(cursor.by_ref().count(), 100);
    assert!(cursor.profile().is_none());
}
