//! Queries that would take all memory end with an error before they do.

mod support;

use std::fs;
use std::sync::Arc;

use photondb_base::Cancel;
use photondb_exec::{Executor, MemoryLimits, MemoryPool, MemoryUse, Outcome, Request};
use photondb_reql::text::TextQuery;
use photondb_reql::{ErrorKind, Query, ReqlError, decode_query, encode};
use photondb_table::Budget;

use support::{Absent, executor_with};

const MEBIBYTE: usize = 1024 * 1024;
/// What each query may take.
const LIMIT: usize = 16 * MEBIBYTE;
/// What this process may take beyond what it takes at the start: every query at its limit,
/// the batch it works on, and what the allocator keeps.
const RESIDENT_GROWTH_MAX: usize = 256 * MEBIBYTE;

/// Queries that have no end in memory, each of another kind.
const HOSTILE: &[&str] = &[
    // Rows that are collected.
    "r.range(1000000000).coerceTo('array')",
    "r.range(1000000000).map(x => ({a: x, b: [x]})).coerceTo('array')",
    "r.range(1000000).map(x => r.range(100000).coerceTo('array')).coerceTo('array')",
    "r.range(1000000000).sample(1000000000)",
    "r.range(1000000000).nth(-1000000000)",
    "r.range(1000000000).offsetsOf(x => true)",
    "r.expr([1]).difference(r.range(1000000000))",
    "r.expr([1]).innerJoin(r.range(1000000000), (a, b) => true)",
    "r.range(100000).concatMap(x => r.range(100000).map(y => [x, y])).coerceTo('array')",
    "r.expr([1]).concatMap(x => r.range(1000000000)).coerceTo('array')",
    "r.range(1000000000).orderBy(x => x).limit(1000000000)",
    "r.range(1000000000).map(x => r.expr('x').add(x.coerceTo('string'))).distinct()",
    // Groups.
    "r.range(1000000000).group(x => x).count()",
    "r.range(1000000000).group(x => x.mod(10))",
    "r.range(1000000000).group(x => x.mod(10)).distinct()",
    // Values that double.
    "r.range(100).fold([1], (a, x) => a.add(a))",
    "r.range(100).map(x => [x]).reduce((a, b) => a.add(b).add(a).add(b))",
    "r.range(100).fold([1], (a, x) => [a, a])",
    "r.range(100).fold({a: 1}, (a, x) => a.merge(r.object(x.coerceTo('string'), a)))",
    "r.range(100).fold('abcdefgh', (a, x) => a.add(a))",
    "r.expr([1, 2, 3]).mul(100000000)",
    "r.range(100).fold('abcdefgh', (a, x) => r.format('{a}{a}', {a: a}))",
    "r.range(100).fold('[1]', (a, x) => r.expr([a, a]).toJsonString())",
    "r.range(100).fold([1], (a, x) => a.setUnion(a.map(y => y.add(a.count()))))",
    "r.range(1000000000).fold([], (a, x) => a, {emit: (a, x, b) => r.range(1000).coerceTo('array')})\
     .coerceTo('array')",
    // Many large values at once.
    "r.range(17).fold('abcdefgh', (a, x) => a.add(a)).do(s => r.range(1000000).map(x => s.upcase())\
     .coerceTo('array'))",
    "r.range(17).fold('abcdefgh', (a, x) => a.add(a)).do(s => [[s.upcase(), s.downcase(), s.upcase(), \
     s.downcase()], [s.upcase(), s.downcase(), s.upcase(), s.downcase()], [s.upcase(), s.downcase(), \
     s.upcase(), s.downcase()], [s.upcase(), s.downcase(), s.upcase(), s.downcase()]])",
    "r.range(17).fold('abcdefgh', (a, x) => a.add(a)).do(s => r.range(1000).map(x => s.split('')).coerceTo('array'))",
];

/// Queries of the same shape that need little memory at any time.
const HARMLESS: &[&str] = &[
    "r.range(200000).map(x => ({a: x})).count()",
    "r.range(1).concatMap(x => r.range(200000))",
    "r.range(300).concatMap(x => r.range(300).map(y => [x, y]))",
    "r.range(14).fold('abcdefgh', (a, x) => a.add(a)).do(s => r.range(400).map(x => s.upcase()))",
    "r.range(200000).map(x => [x]).reduce((a, b) => b)",
    "r.range(200000).group(x => x.mod(10)).sum()",
    "r.range(400).innerJoin(r.range(400), (a, b) => true)",
    "r.range(200000).orderBy(x => x).limit(10)",
    "r.range(200000).map(x => x.mod(10)).distinct()",
    "r.range(2000).fold([], (a, x) => a.append(x))",
];

fn executor(total_bytes_max: usize) -> (Executor, Arc<MemoryPool>) {
    let limits = MemoryLimits { query_bytes: LIMIT, query_bytes_max: 4 * LIMIT, total_bytes_max };
    let pool = Arc::new(MemoryPool::new(limits));
    (executor_with(Arc::new(Absent), Arc::clone(&pool)), pool)
}

/// Runs a query to its end; the number of rows.
fn run(executor: &Executor, text: &str, options: &str, memory: &Arc<MemoryUse>) -> Result<usize, ReqlError> {
    let query = TextQuery::parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
    let term = String::from_utf8(encode(&query.ast, query.ast.root())).expect("text");
    let Ok(Query::Start(query)) = decode_query(format!("[1,{term},{options}]").as_bytes()) else {
        panic!("{text}")
    };
    let memory = Arc::clone(memory);
    let request = Request { query, user: "admin".into(), cancel: Cancel::default(), memory };
    let mut count = 0;
    match executor.run(request).map_err(|failure| failure.error)?.outcome {
        Outcome::Atom(_) => count = 1,
        Outcome::Stream(mut stream) => {
            let mut rows = Vec::new();
            let mut more = true;
            while more {
                more = stream.next_batch(&Budget::default(), &mut rows)?;
                count += rows.len();
                rows.clear();
            }
        }
        Outcome::Feed(_) => panic!("{text}"),
    }
    Ok(count)
}

/// A figure from the kernel's account of this process, in bytes.
fn process_bytes(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect(name);
    let kilobytes: usize = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect(name);
    kilobytes * 1024
}

#[test]
fn hostile_queries_end_with_an_error_in_bounded_memory() {
    let (executor, pool) = executor(usize::MAX);
    let before = process_bytes("VmRSS:");
    for text in HOSTILE {
        let memory = Arc::<MemoryUse>::default();
        let error = run(&executor, text, r#"{"array_limit":1000000000000}"#, &memory).expect_err(text);
        assert_eq!(error.kind, ErrorKind::ResourceLimit, "{text}: {}", error.message);
        assert!(error.message.starts_with("Query over its memory limit of 16 MiB: "), "{}", error.message);
        assert!(memory.peak_bytes() <= LIMIT, "{text}");
        assert_eq!((memory.used_bytes(), pool.used_bytes()), (0, 0), "{text}");
        let grown = process_bytes("VmHWM:").saturating_sub(before);
        assert!(grown < RESIDENT_GROWTH_MAX, "{text}: {} MiB", grown / MEBIBYTE);
    }
}

#[test]
fn what_streams_needs_little_memory() {
    let (executor, pool) = executor(usize::MAX);
    for text in HARMLESS {
        let memory = Arc::<MemoryUse>::default();
        let count =
            run(&executor, text, "{}", &memory).unwrap_or_else(|error| panic!("{text}: {}", error.message));
        assert!(count > 0, "{text}");
        assert_eq!((memory.used_bytes(), pool.used_bytes()), (0, 0), "{text}");
    }
}

#[test]
fn a_query_asks_for_its_limit_up_to_that_of_the_server() {
    let (executor, _) = executor(usize::MAX);
    let collect = "r.range(400000).coerceTo('array').count()";
    let with = |limit: &str| {
        let options = format!(r#"{{"array_limit":1000000,"memory_limit":{limit}}}"#);
        run(&executor, collect, &options, &Arc::default()).map_err(|error| error.message)
    };
    let error = with("1048576").expect_err("too little");
    assert!(error.starts_with("Query over its memory limit of 1 MiB: "), "{error}");
    assert!(error.contains("`memory_limit` option to `.run` (up to 64 MiB on this server)"), "{error}");
    assert_eq!(with("67108864"), Ok(1));
    for illegal in ["67108865", "65535", "-1"] {
        assert_eq!(
            with(illegal).expect_err("illegal"),
            format!(
                "Illegal memory limit `{illegal}`.  (Must be a number of bytes from 65536 to 67108864, the most that \
                 this server allows.)"
            )
        );
    }
    assert_eq!(with("\"much\"").expect_err("illegal"), "Expected type NUMBER but found STRING.");
}

#[test]
fn all_queries_share_the_memory_of_the_server() {
    let (executor, pool) = executor(4 * MEBIBYTE);
    let error = run(&executor, "r.range(90000).map(x => [x]).coerceTo('array')", "{}", &Arc::default())
        .expect_err("too much");
    assert_eq!(error.kind, ErrorKind::ResourceLimit);
    assert!(
        error.message.starts_with("Server over its memory limit of 4 MiB for all queries: "),
        "{}",
        error.message
    );
    assert_eq!(pool.used_bytes(), 0);
    run(&executor, "r.range(9000).coerceTo('array')", "{}", &Arc::default()).expect("fits");
}
