//! The memory of a server: its cache and what queries may take, and little besides, whatever it
//! is asked.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use photondb_test_support::{Connection, Server, ServerOptions};
use serde_json::json;

const MEGABYTE: u64 = 1024 * 1024;
const CACHE_MEGABYTES: u64 = 16;
const QUERY_MEGABYTES: u64 = 16;
/// Everything else: threads, buffers of connections, what the allocator keeps.
const REST_MEGABYTES: u64 = 40;
/// More than twice the cache.
const DOCUMENTS: u64 = 24_000;
const DOCUMENT_BYTES: usize = 1500;
const BATCH: u64 = 200;
const CONNECTIONS: u64 = 24;
const TIMEOUT: Duration = Duration::from_secs(120);
const LOOK_PAUSE: Duration = Duration::from_millis(20);
const TABLE: &str = r#"[15,["t"]]"#;

/// Bytes that the server has for itself, the program's file left out; `None` where nobody tells.
fn own_bytes(server: &Server) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

/// A number that looks random.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
}

fn text(number: u64) -> String {
    format!("{:016x}", number.wrapping_mul(0xc2b2_ae3d_27d4_eb4f)).repeat(DOCUMENT_BYTES / 16)
}

fn ask(connection: &mut Connection, term: &str) {
    connection.value(term).unwrap_or_else(|error| panic!("{error:?}: {}", &term[..term.len().min(200)]));
}

/// Reads a stream to its end. Gives the number of rows.
fn drain(connection: &mut Connection, term: &str) -> usize {
    let answer = connection.run(&format!("[1,{term},{{}}]"), TIMEOUT).expect("an answer");
    answer.response.rows.len()
}

fn insert_batch(connection: &mut Connection, first: u64) {
    let document = |id: u64| json!({"id": id, "n": scattered(id), "text": text(id)}).to_string();
    let documents: Vec<String> = (first..first + BATCH).map(document).collect();
    let documents = documents.join(",");
    ask(connection, &format!(r#"[56,[{TABLE},[2,[{documents}]]],{{"durability":"soft"}}]"#));
}

fn update(connection: &mut Connection, number: u64) {
    let id = scattered(number) % DOCUMENTS;
    let change = json!({"text": text(number)});
    ask(connection, &format!(r#"[53,[[16,[{TABLE},{id}]],{change}],{{"durability":"soft"}}]"#));
}

/// Looks at the memory of a server.
struct Watch<'a> {
    server: &'a Server,
}

impl Watch<'_> {
    /// Lets connections do something side by side, and looks at the memory meanwhile.
    fn during(&self, what: &str, connections: u64, work: impl Fn(&mut Connection, u64) + Sync) {
        let (is_over, peak) = (AtomicBool::new(false), AtomicU64::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    peak.fetch_max(own_bytes(self.server).unwrap_or(0), Ordering::Relaxed);
                    thread::sleep(LOOK_PAUSE);
                }
            });
            let workers: Vec<_> = (0..connections)
                .map(|number| {
                    let mut connection = self.server.connect().expect("a connection");
                    let work = &work;
                    scope.spawn(move || work(&mut connection, number))
                })
                .collect();
            let ended: Vec<_> = workers.into_iter().map(|worker| worker.join().is_ok()).collect();
            is_over.store(true, Ordering::Relaxed);
            assert!(ended.into_iter().all(|is_ok| is_ok), "{what} failed");
        });
        let peak_megabytes = peak.into_inner() / MEGABYTE;
        println!("{what}: {peak_megabytes} MB");
        let bound = CACHE_MEGABYTES + QUERY_MEGABYTES + REST_MEGABYTES;
        assert!(peak_megabytes <= bound, "{what} took {peak_megabytes} MB, {bound} are allowed");
    }
}

#[test]
fn a_server_takes_its_cache_and_little_more_whatever_it_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cache, query) = (CACHE_MEGABYTES.to_string(), QUERY_MEGABYTES.to_string());
    let arguments = ["--cache-size", &cache, "--total-query-memory-max", &query].map(String::from).to_vec();
    let options = ServerOptions { arguments, ..ServerOptions::default() };
    let server = Server::start_with(&folder.path().join("data"), &options).expect("the server starts");
    let mut first = server.connect().expect("a connection");
    ask(&mut first, r#"[60,["t"]]"#);
    ask(&mut first, &format!(r#"[75,[{TABLE},"n"]]"#));
    let watch = Watch { server: &server };
    watch.during("batches", 4, |connection, number| {
        let part = DOCUMENTS / 4;
        (number * part..(number + 1) * part)
            .step_by(BATCH as usize)
            .for_each(|first| insert_batch(connection, first));
    });
    watch.during("scans", 4, |connection, _| {
        assert_eq!(drain(connection, TABLE), DOCUMENTS as usize);
    });
    watch.during("ranges", CONNECTIONS, |connection, number| {
        for turn in 0..12 {
            let start = scattered(number * 100 + turn) % (DOCUMENTS - 100);
            let rows = drain(connection, &format!("[182,[{TABLE},{start},{}]]", start + 100));
            assert_eq!(rows, 100);
        }
    });
    watch.during("updates", CONNECTIONS, |connection, number| {
        (0..150).for_each(|turn| update(connection, number * 1000 + turn));
    });
    watch.during("sorts", 2, |connection, _| {
        let sorted = format!(r#"[43,[[33,[[41,[{TABLE},"text"]],"id"]]]]"#);
        let answer = connection.run(&format!("[1,{sorted},{{}}]"), TIMEOUT).expect("an answer");
        assert_eq!(answer.response.rows, [json!(DOCUMENTS)]);
    });
}
