//! Plans over the wire.

mod support;

use photondb_client::{Connection, Options, Term};
use photondb_datum::{Datum, json};

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
    assert_eq!(by_option, [plan]);
    assert_eq!(run(&mut connection, &table.count()), [Datum::from(0)]);
    // A plan needs no table, but a query that can be one.
    connection.explain(&Term::table("absent")).expect("a plan");
    let error = connection.explain(&Term::row()).expect_err("no function around it");
    assert!(error.to_string().contains("r.row is not defined in this context."), "{error}");
}
