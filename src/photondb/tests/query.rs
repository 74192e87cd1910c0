//! `photondb query` against a server in this process.

mod support;

use std::path::Path;

use support::{Fixture, Ran};

/// Runs the binary; gives its exit code and what it printed.
fn query(fixture: &Fixture, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let Ran { code, output, errors } =
        fixture.command_with(Path::new("."), &[&["query"], arguments].concat(), input);
    (code, output, errors)
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
fn answers_are_tables_and_values_separated_by_commas() {
    let fixture = Fixture::start();
    let rows = "r.expr([{id: 2, b: [1], t: r.epochTime(0.5)}, {id: 1, a: 'x,y'}])";
    for (text, output, expected) in [
        (
            rows,
            "csv",
            "id,b,t,a\n2,[1],\"{\"\"$reql_type$\"\":\"\"TIME\"\",\"\"epoch_time\"\":0.5,\"\"timezone\"\":\"\"+00:00\"\"}\",\n1,,,\"x,y\"\n",
        ),
        (
            rows,
            "table",
            "┌────┬─────┬───────────────────────────────┬─────┐\n\
             │ id ┆ b   ┆ t                             ┆ a   │\n\
             ╞════╪═════╪═══════════════════════════════╪═════╡\n\
             │  2 ┆ [1] ┆ 1970-01-01T00:00:00.500+00:00 ┆     │\n\
             │  1 ┆     ┆                               ┆ x,y │\n\
             └────┴─────┴───────────────────────────────┴─────┘\n",
        ),
        ("r.range(2)", "csv", "value\n0\n1\n"),
        ("r.expr({a: {b: 1}})", "table", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"),
        ("r.expr(5)", "csv", "value\n5\n"),
        ("r.table('none').filter(false)", "table", ""),
    ] {
        if text.contains("none") {
            fixture.did("table create test.none");
        }
        let (code, found, errors) = query(&fixture, &[text, "-o", output], "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{text}");
        assert_eq!(found, expected, "{text} as {output}");
    }
}
