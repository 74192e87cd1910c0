//! Whole queries, evaluated in this process by one thread.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use photondb::{Database, DatabaseOptions, Parallelism};
use photondb_workload::{DATABASE, Documents, QueryMaker, TABLE, TABLE_SMALL, Zipf, workload};

use crate::{KeyPath, Step};

const DOCUMENTS: u64 = 1000;

pub(crate) const PATHS: &[KeyPath] = &[
    KeyPath { name: "run/read_pk", prepare: || run("read_pk") },
    KeyPath { name: "run/insert", prepare: || run("insert_soft") },
    KeyPath { name: "run/batch_insert_200", prepare: || run("batch_insert_200") },
    KeyPath { name: "run/update", prepare: || run("update_soft") },
    KeyPath { name: "run/increment", prepare: || run("incr_soft") },
    KeyPath { name: "run/get_all", prepare: || run("get_all_idx") },
    KeyPath { name: "run/range_100", prepare: || run("range_100") },
    KeyPath { name: "run/order_by_limit", prepare: || run("order_by_idx_limit_10") },
    KeyPath { name: "run/filter_count_1000", prepare: || run("filter_count") },
    KeyPath { name: "run/group_sum_1000", prepare: || run("group_sum") },
    KeyPath { name: "run/map_reduce_1000", prepare: || run("map_reduce") },
    KeyPath { name: "run/pluck_1000", prepare: || run("pluck_scan") },
    KeyPath { name: "run/order_by_1000", prepare: || run("order_by_mem") },
    KeyPath { name: "run/eq_join_1000", prepare: || run("eq_join_1000") },
];

/// A step of a workload over a thousand documents.
fn run(name: &'static str) -> Step {
    let workload = workload(name).expect("the name of a workload");
    let folder = tempfile::tempdir().expect("a folder");
    let options = DatabaseOptions {
        parallelism: Parallelism { threads: 1, ..Parallelism::default() },
        ..DatabaseOptions::directory(folder.path().join("data"))
    };
    let database = Database::open(&options).expect("an empty folder");
    load(&database);
    let fresh = Arc::new(AtomicU64::new(DOCUMENTS));
    let mut maker = QueryMaker::new(1, DOCUMENTS, Arc::new(Zipf::new(DOCUMENTS)), fresh);
    Box::new(move || {
        let query = maker.next(workload);
        let term = query.strip_prefix("[1,").and_then(|rest| rest.strip_suffix(",{}]"));
        black_box(database.run(term.expect("a query of a workload")).expect("an answer"));
        // The folder has to live as long as the database.
        black_box(&folder);
    })
}

fn load(database: &Database) {
    let run = |term: &str| drop(database.run(term).expect("an answer"));
    let table = |name: &str| format!(r#"[15,[[14,["{DATABASE}"]],"{name}"]]"#);
    run(&format!(r#"[57,["{DATABASE}"]]"#));
    for name in [TABLE, TABLE_SMALL] {
        run(&format!(r#"[60,[[14,["{DATABASE}"]],"{name}"]]"#));
    }
    let documents = Documents::new(1);
    let rows: Vec<String> = (0..DOCUMENTS).map(|number| documents.large(number)).collect();
    run(&format!("[56,[{},[2,[{}]]]]", table(TABLE), rows.join(",")));
    for field in ["n", "score"] {
        run(&format!(r#"[75,[{},"{field}"]]"#, table(TABLE)));
    }
    run(&format!("[140,[{}]]", table(TABLE)));
}
