//! Sorts of more rows than fit into memory, or into an array.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use photondb_datum::Datum;
use photondb_exec::NoSpill;

use support::spilling::{Files, LIMIT, executor, executor_within, rows};

/// Whether numbers are in an order and, where it leaves them equal, in that of their input.
fn is_sorted(rows: &[Datum], key: impl Fn(f64) -> f64) -> bool {
    rows.iter().filter_map(Datum::as_number).map(|n| (key(n), n)).is_sorted()
}

#[test]
fn rows_come_in_order_from_disk() {
    let files = Files::at_most(usize::MAX);
    let executor = executor(files.clone());
    // Several times the memory of the query, in few runs.
    let sorted = rows(&executor, "r.range(120000).orderBy(x => x.mod(1000))", "{}").unwrap();
    assert_eq!(sorted.len(), 120_000);
    assert!(is_sorted(&sorted, |n| n % 1000.0));
    assert!(files.made.load(Ordering::Relaxed) > 4);
    let sorted = rows(&executor, "r.range(120000).orderBy(r.desc(x => x.mod(1000)))", "{}").unwrap();
    assert_eq!(sorted.len(), 120_000);
    assert!(is_sorted(&sorted, |n| -(n % 1000.0)));
}

#[test]
fn many_runs_are_merged_in_steps() {
    let files = Files::at_most(usize::MAX);
    let executor = executor(files.clone());
    let long = "r.range(12).fold('0123456789', (a, x) => a.add(a))";
    let query = format!(
        "{long}.do(s => r.range(1500).map(x => ({{n: x, s: s.add('')}})).orderBy(x => x('n').mod(7))('n'))"
    );
    let sorted = rows(&executor, &query, "{}").unwrap();
    assert_eq!(sorted.len(), 1500);
    assert!(is_sorted(&sorted, |n| n % 7.0));
    assert!(files.made.load(Ordering::Relaxed) > 64);
}

#[test]
fn rows_without_a_key_come_first() {
    let executor = executor(Files::at_most(usize::MAX));
    let query =
        "r.range(110000).map(x => r.branch(x.mod(2).eq(0), {n: x}, {n: x, k: x.mul(-1)})).orderBy('k')('n')";
    let sorted = rows(&executor, query, "{}").unwrap();
    assert!(is_sorted(&sorted, |n| if n % 2.0 == 0.0 { f64::MIN } else { -n }));
    assert_eq!(sorted.len(), 110_000);
}

#[test]
fn more_rows_than_an_array_holds_are_a_stream() {
    let executor = executor_within(32 * LIMIT, Files::at_most(0));
    let type_of = |count: usize| rows(&executor, &format!("r.range({count}).orderBy(x => x).typeOf()"), "{}");
    assert_eq!(type_of(100_000).unwrap(), [Datum::from("ARRAY")]);
    assert_eq!(type_of(100_001).unwrap(), [Datum::from("STREAM")]);
    let limited = rows(&executor, "r.range(100).orderBy(x => x)", r#"{"array_limit":99}"#);
    assert!(limited.unwrap_err().starts_with("Array over size limit `99`."));
}

#[test]
fn a_full_disk_is_told() {
    let error = rows(&executor(Files::at_most(2)), "r.range(120000).orderBy(x => x)", "{}").unwrap_err();
    assert!(error.contains("putting them on disk failed"), "{error}");
    // Without any disk the memory of the query is the limit.
    let error = rows(&executor(Arc::new(NoSpill)), "r.range(120000).orderBy(x => x)", "{}").unwrap_err();
    assert!(error.contains("rows being sorted"), "{error}");
}

#[test]
fn rows_that_fit_into_memory_are_counted_once() {
    // More than half of what the query may take, with nowhere else to go.
    let executor = executor(Arc::new(NoSpill));
    let sorted = rows(&executor, "r.range(32000).orderBy(x => x)", "{}").unwrap();
    assert_eq!(sorted.len(), 32_000);
}
