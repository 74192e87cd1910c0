//! `orderBy(..).limit(n)` without an index gives what sorting everything would.

mod support;

use photondb_exec::{Executor, Parallelism};

use support::spilling::{Files, LIMIT, executor_within, rows};

fn executors() -> [Executor; 2] {
    let sequential = Parallelism { threads: 1, rows_min: u64::MAX };
    let parallel = Parallelism { threads: 3, rows_min: 100 };
    [sequential, parallel].map(|how| {
        let executor = executor_within(64 * LIMIT, Files::at_most(0)).with_parallelism(how);
        rows(&executor, "r.tableCreate('t')", "{}").unwrap();
        let fill = "r.table('t').insert(r.range(2000).coerceTo('array').map(x => r.branch( \
             x.mod(11).eq(0), {id: x, n: x.mod(7)}, \
             x.mod(13).eq(0), {id: x, k: 'text', n: null}, \
             {id: x, k: x.mul(7919).mod(211), n: x.mod(5), deep: {k: x.mod(3), l: [x]}})))";
        rows(&executor, fill, "{}").unwrap();
        executor
    })
}

#[test]
fn rows_are_those_that_a_sort_puts_first() {
    let keys = [
        "'k'",
        "r.desc('k')",
        "'n', r.desc('k')",
        "r.desc('n'), 'id'",
        "x => x('k').default(0)",
        "x => x('deep')('k')",
        "'nowhere'",
        "'deep'",
        "x => x('n'), x => x('id').mul(-1)",
    ];
    let inputs = [
        "r.table('t').orderBy({index: 'id'})",
        "r.table('t').orderBy({index: r.desc('id')}).filter(x => x('id').mod(3).ne(1))",
        "r.table('t').orderBy({index: 'id'}).pluck('id', 'k')",
        "r.table('t').orderBy({index: 'id'}).pluck('id', 'k', {deep: 'k'}, 'n')",
        "r.table('t').orderBy({index: 'id'}).without('n')",
        "r.table('t').orderBy({index: 'id'}).without({deep: 'k'})",
        "r.table('t').orderBy({index: 'id'}).filter(x => x('n').eq(2)).without('k').pluck('id', 'n', 'deep')",
        "r.table('t').orderBy({index: 'id'}).map(x => x.merge({n: 1}))",
        "r.table('t').orderBy({index: 'id'}).withFields('k', 'n')",
        "r.table('t').orderBy({index: 'id'}).coerceTo('array')",
        "r.range(300).map(x => ({id: x, k: x.mod(17), n: 3}))",
    ];
    for executor in executors() {
        for input in inputs {
            for key in keys {
                // The array in between is sorted as a whole.
                let all = format!("{input}.orderBy({key}).coerceTo('array')");
                let all = rows(&executor, &all, "{}");
                for limit in [0, 1, 2, 100, 5000] {
                    let query = format!("{input}.orderBy({key}).limit({limit})");
                    let found = rows(&executor, &query, "{}");
                    let expected = all.clone().map(|all| all.into_iter().take(limit).collect::<Vec<_>>());
                    assert_eq!(found, expected, "{query}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_ordered_or_plucked_is_an_error_as_ever() {
    for executor in executors() {
        for query in [
            "r.table('t').orderBy(x => x('k').add(1)).limit(3)",
            "r.table('t').orderBy('n', x => x('k').add(1)).limit(3)",
            "r.table('t').pluck(1).orderBy('n').limit(3)",
            "r.expr([{a: 1}, 2, {a: 3}]).orderBy('a').limit(1)",
            "r.expr([{a: 1}, 2, {a: 3}]).pluck('a').orderBy('a').limit(1)",
            "r.table('t').orderBy('n').limit(-1)",
        ] {
            let limited = rows(&executor, query, "{}").unwrap_err();
            if !query.contains("-1") {
                let (sorted, _) = query.rsplit_once(".limit").unwrap();
                assert_eq!(limited, rows(&executor, sorted, "{}").unwrap_err(), "{query}");
            }
        }
        let limited = rows(&executor, "r.table('t').orderBy('n').limit(11)", r#"{"array_limit":10}"#);
        assert!(limited.unwrap_err().starts_with("Array over size limit `10`."));
    }
}

#[test]
fn more_rows_than_fit_into_memory_pass() {
    let executor = executor_within(LIMIT, Files::at_most(0));
    let query = "r.range(200000).map(x => ({n: x, text: x.coerceTo('string').add(' and more text')})) \
                 .orderBy(r.desc('n')).limit(2)('n')";
    let found = rows(&executor, query, "{}").unwrap();
    assert_eq!(found, [199_999.into(), 199_998.into()]);
}
