//! Groups that do not fit into the memory of their query.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use photondb_datum::Datum;
use photondb_exec::{Executor, NoSpill, Parallelism};

use support::spilling::{Files, LIMIT, executor, executor_within, rows};

/// Memory that holds everything.
fn roomy() -> Executor {
    executor_within(256 * LIMIT, Files::at_most(0))
}

/// A table with groups of several sizes, and rows without the field that they are grouped by.
fn fill(executor: &Executor, count: usize) {
    rows(executor, "r.tableCreate('t')", "{}").unwrap();
    for from in (0..count).step_by(2_000) {
        let insert = format!(
            "r.table('t').insert(r.range({from}, {}).coerceTo('array').map(x => \
             r.branch(x.mod(1000).eq(0), {{id: x, n: x}}, \
             {{id: x, n: x, g: r.expr('group ').add(x.mul(7919).mod(5003).coerceTo('string')), \
             tags: [x.mod(3), x.mul(31).mod(5003)]}})))",
            (from + 2_000).min(count)
        );
        rows(executor, &insert, "{}").unwrap();
    }
}

#[test]
fn values_are_those_of_groups_in_memory() {
    let files = Files::at_most(usize::MAX);
    let sequential = Parallelism { threads: 1, ..Parallelism::default() };
    let parallel = Parallelism { threads: 3, rows_min: 1000 };
    let spilling = [sequential, parallel].map(|how| executor(files.clone()).with_parallelism(how));
    let plain = roomy();
    for executor in spilling.iter().chain([&plain]) {
        fill(executor, 12_000);
    }
    for aggregation in [
        "count()",
        "sum('n')",
        "avg('n')",
        "min('n')",
        "max(x => x('n').mod(100))",
        // Whoever merges must keep the order of the rows.
        "map(x => [x('n')]).reduce((a, b) => [a.nth(0), b.nth(-1)])",
        "getField('n')",
        "filter(x => x('n').mod(4).eq(1)).count()",
    ] {
        for group in ["group('g')", "group('tags', {multi: true})", "group(x => x('n').mod(17))"] {
            let query = format!("r.table('t').orderBy({{index: 'id'}}).{group}.{aggregation}.ungroup()");
            let expected = rows(&plain, &query, "{}").unwrap();
            for executor in &spilling {
                let found = rows(executor, &query, "{}").unwrap_or_else(|error| panic!("{query}: {error}"));
                assert_eq!(found.len(), expected.len(), "{query}");
                assert!(found == expected, "{query}");
            }
        }
    }
    assert!(files.made.load(Ordering::Relaxed) > 5);
}

#[test]
fn rows_of_many_groups_are_worked_on_as_a_stream() {
    let files = Files::at_most(usize::MAX);
    let executor = executor(files.clone());
    let groups = "r.range(150000).group(x => x.mod(130000)).count().ungroup()";
    let most = format!("{groups}.filter(x => x('reduction').eq(2)).count()");
    assert_eq!(rows(&executor, &most, "{}").unwrap(), [Datum::from(20_000)]);
    let first = format!("{groups}.orderBy(r.desc('reduction'), r.desc('group')).limit(2)('group')");
    let found = rows(&executor, &first, "{}").unwrap();
    assert_eq!(found, [Datum::from(19_999), Datum::from(19_998)]);
    let all = rows(&executor, &format!("{groups}('group')"), "{}").unwrap();
    assert!(all.len() == 130_000 && all.is_sorted());
    assert!(files.made.load(Ordering::Relaxed) > 3);
}

#[test]
fn more_groups_than_an_array_holds_are_a_stream_in_memory_too() {
    let executor = roomy();
    let type_of = |count: usize| {
        let query = format!("r.range({count}).group(x => x).count().ungroup().typeOf()");
        rows(&executor, &query, "{}")
    };
    assert_eq!(type_of(100_000).unwrap(), [Datum::from("ARRAY")]);
    assert_eq!(type_of(100_001).unwrap(), [Datum::from("STREAM")]);
    let limited = rows(&executor, "r.range(100).group(x => x).count().ungroup()", r#"{"array_limit":99}"#);
    assert!(limited.unwrap_err().starts_with("Grouped data over size limit `99`."));
}

#[test]
fn what_has_to_be_in_memory_is_refused_with_words() {
    let over = |error: String| {
        assert!(error.contains("over its memory limit") && error.contains("groups"), "{error}");
    };
    // As one value, the groups are more than the query may hold.
    let spilling = executor(Files::at_most(usize::MAX));
    over(rows(&spilling, "r.range(150000).group(x => x).count()", "{}").unwrap_err());
    // Terms that want each group as a whole want all of them.
    over(rows(&spilling, "r.range(150000).group(x => x).count().do(x => x)", "{}").unwrap_err());
    // Without any disk there is the memory of the query.
    over(
        rows(&executor(Arc::new(NoSpill)), "r.range(150000).group(x => x).count().ungroup()", "{}")
            .unwrap_err(),
    );
    let full = executor(Files::at_most(1));
    let error = rows(&full, "r.range(150000).group(x => x).count().ungroup()", "{}").unwrap_err();
    assert!(error.contains("putting them on disk failed"), "{error}");
}
