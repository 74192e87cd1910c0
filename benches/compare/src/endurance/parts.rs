//! The parts, each with a data set of its own.

use std::time::{Duration, Instant};

use photondb_base::Random;
use photondb_storage::{Batch, Engine, TreeId};

use crate::latency::latency;
use crate::measure::{folder_bytes, forget_peak, peak_megabytes, resident_megabytes, timed};
use crate::store::{Closed, DOCUMENT_BYTES, DOCUMENTS, Options, Store, key, value};
use crate::{Arguments, Failure};

const MEGABYTE: u64 = 1 << 20;
/// A cache that everything fits into.
const LARGE_CACHE_BYTES: u64 = 4096 * MEGABYTE;
const OPERATIONS: u64 = 50_000;
const LARGE_VALUE_BYTES: usize = 64 * 1024;

type Part = fn(&Arguments) -> Result<(), Failure>;

pub const PARTS: &[(&str, Part)] = &[
    ("growth", growth),
    ("memory", memory),
    ("rot", rot),
    ("latency", latency),
    ("trees", trees),
    ("start", start),
    ("recovery", recovery),
];

/// Ten times as many documents.
fn growth(arguments: &Arguments) -> Result<(), Failure> {
    let mut before: Option<[f64; 3]> = None;
    println!("CPU time:\n| documents | get | get through the index | put |\n|---|---|---|---|");
    for documents in [arguments.documents, 10 * arguments.documents] {
        let store = Store::new(&arguments.directory, LARGE_CACHE_BYTES)?;
        store.load(0, documents)?;
        store.engine.checkpoint()?;
        store.scan()?;
        let any = || store.random.below(documents);
        let times = [
            timed(OPERATIONS, |_| store.get(any()))?,
            timed(OPERATIONS, |_| store.get_indexed(any()))?,
            timed(OPERATIONS, |_| store.put(any()))?,
        ];
        print!("| {documents} |");
        for (index, time) in times.iter().enumerate() {
            let ratio = before.map_or(1.0, |before| time / before[index]);
            print!(" {time:.2} µs ({ratio:.2}x) |");
        }
        println!();
        before = Some(times);
    }
    Ok(())
}

/// Much more data than cache, under every load.
fn memory(arguments: &Arguments) -> Result<(), Failure> {
    let cache_bytes = arguments.cache * MEGABYTE;
    let store = Store::new(&arguments.directory, cache_bytes)?;
    let documents = 8 * cache_bytes / DOCUMENT_BYTES as u64;
    let any = || store.random.below(documents);
    println!("cache {} MB, {documents} documents", arguments.cache);
    println!("| load | time | peak memory | memory | accounted |\n|---|---|---|---|---|");
    let large = value(&store.random, LARGE_VALUE_BYTES);
    let report = |what: &str, run: &dyn Fn() -> Result<(), Failure>| -> Result<(), Failure> {
        forget_peak()?;
        let started = Instant::now();
        run()?;
        let seconds = started.elapsed().as_secs_f64();
        let now = store.engine.statistics();
        let accounted = (now.cache_bytes + now.dirty_bytes) / MEGABYTE;
        let (peak, resident) = (peak_megabytes()?, resident_megabytes()?);
        println!("| {what} | {seconds:.1} s | {peak} MB | {resident} MB | {accounted} MB |");
        Ok(())
    };
    report("load", &|| store.load(0, documents))?;
    report("random gets", &|| timed(4 * OPERATIONS, |_| store.get(any())).map(|_| ()))?;
    report("random puts", &|| timed(4 * OPERATIONS, |_| store.put(any())).map(|_| ()))?;
    report("scans", &|| timed(3, |_| store.scan().map(|_| ())).map(|_| ()))?;
    report("gets and puts, four threads", &|| four_threads(&store, documents))?;
    report("puts of 64 kB", &|| {
        let puts = |number| {
            let mut batch = Batch::new();
            batch.put(TreeId(20), key(number % 1000), &large);
            store.engine.commit(batch)?;
            Ok(())
        };
        timed(8 * cache_bytes / LARGE_VALUE_BYTES as u64, puts).map(|_| ())
    })?;
    report("puts under a snapshot that is held", &|| {
        let held = store.engine.snapshot();
        timed(2 * OPERATIONS, |_| store.put(any()))?;
        held.get(DOCUMENTS, &key(0))?;
        Ok(())
    })?;
    report("nothing for three seconds", &|| {
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    })
}

fn four_threads(store: &Store, documents: u64) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let run = |_| {
            scope.spawn(|| {
                for _ in 0..OPERATIONS / 2 {
                    store.get(store.random.below(documents))?;
                    store.put(store.random.below(documents))?;
                }
                Ok::<(), Failure>(())
            })
        };
        let threads: Vec<_> = (0..4).map(run).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
}

/// The data set rewritten again and again, then deleted.
fn rot(arguments: &Arguments) -> Result<(), Failure> {
    let documents = 2 * arguments.documents;
    let store = Store::new(&arguments.directory, 4 * arguments.cache * MEGABYTE)?;
    println!("| after | CPU time of a put | on disk, of the documents' bytes | in slots | log |");
    println!("|---|---|---|---|---|");
    let report = |what: &str, time: Option<f64>| -> Result<(), Failure> {
        let at_once = store.disk_ratio(documents)?;
        std::thread::sleep(Duration::from_secs(arguments.settle));
        let time = time.map_or_else(String::new, |time| format!("{time:.1} µs"));
        let (settled, now) = (store.disk_ratio(documents)?, store.engine.statistics());
        let (slots, log) = (now.slot_bytes_used / MEGABYTE, now.log_bytes / MEGABYTE);
        println!("| {what} | {time} | {at_once:.2}x, settled {settled:.2}x | {slots} MB | {log} MB |");
        Ok(())
    };
    let load = timed(1, |_| store.load(0, documents))? / documents as f64;
    report("load", Some(load))?;
    for round in 1..=5 {
        let time = timed(documents, |_| store.put(store.random.below(documents)))?;
        report(&format!("{round} times as many puts"), Some(time))?;
    }
    store.delete(0, documents / 2)?;
    report("half of it deleted", None)?;
    store.delete(documents / 2, documents - documents / 100)?;
    report("all but a hundredth deleted", None)
}

/// Many trees.
fn trees(arguments: &Arguments) -> Result<(), Failure> {
    let store = Store::new(&arguments.directory, 256 * MEGABYTE)?;
    let (disk, memory) = (folder_bytes(store.path())?, resident_megabytes()?);
    let put = |tree: u64| {
        let mut batch = Batch::new();
        batch.put(TreeId(100 + tree), key(tree), value(&store.random, DOCUMENT_BYTES));
        store.engine.commit(batch)?;
        Ok(())
    };
    let get = |tree: u64| {
        let found = store.engine.snapshot().get(TreeId(100 + tree), &key(tree))?;
        found.map(|_| ()).ok_or_else(|| "a document is missing".into())
    };
    let tenth = arguments.trees / 10;
    let (first, first_get) = (timed(tenth, put)?, timed(OPERATIONS, |number| get(number % tenth))?);
    timed(arguments.trees - 2 * tenth, |number| put(tenth + number))?;
    let last = timed(tenth, |number| put(arguments.trees - tenth + number))?;
    let last_get = timed(OPERATIONS, |_| get(store.random.below(arguments.trees)))?;
    println!("| | first tenth | last tenth |\n|---|---|---|");
    println!("| a new tree of one document | {first:.1} µs | {last:.1} µs |");
    println!("| get | {first_get:.2} µs | {last_get:.2} µs |");
    store.engine.checkpoint()?;
    let each = (folder_bytes(store.path())? - disk) / arguments.trees;
    let memory = resident_megabytes()?.saturating_sub(memory) * 1024 / arguments.trees;
    println!("a tree of one document: {each} bytes on disk, {memory} kB of memory");
    // The same documents in one tree, to tell what is due to the trees.
    let documents = TreeId(99);
    let get_document = |number: u64| {
        let found = store.engine.snapshot().get(documents, &key(number))?;
        found.map(|_| ()).ok_or_else(|| "a document is missing".into())
    };
    for number in 0..arguments.trees {
        let mut batch = Batch::new();
        batch.put(documents, key(number), value(&store.random, DOCUMENT_BYTES));
        store.engine.commit(batch)?;
    }
    let few = timed(OPERATIONS, |number| get_document(number % tenth))?;
    let many = timed(OPERATIONS, |_| get_document(store.random.below(arguments.trees)))?;
    println!("get, all documents in one tree: {few:.2} µs of a tenth of them, {many:.2} µs of all");
    let closed = store.close()?;
    let started = Instant::now();
    let store = closed.open()?;
    println!("opened in {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    store.close()?;
    Ok(())
}

/// What a start takes.
fn start(arguments: &Arguments) -> Result<(), Failure> {
    let milliseconds = |started: Instant| started.elapsed().as_secs_f64() * 1e3;
    let started = Instant::now();
    let store = Store::new(&arguments.directory, 64 * MEGABYTE)?;
    println!("a new folder: {:.1} ms", milliseconds(started));
    let closed = store.close()?;
    let started = Instant::now();
    let store = closed.open()?;
    println!("an empty one: {:.1} ms", milliseconds(started));
    let documents = 1024 * MEGABYTE / DOCUMENT_BYTES as u64;
    store.load(0, documents)?;
    let started = Instant::now();
    let closed = store.close()?;
    println!("closing 1 GB, written until now: {:.1} ms", milliseconds(started));
    let started = Instant::now();
    let closed = closed.open()?.close()?;
    println!("1 GB after a clean stop, opened and closed: {:.1} ms", milliseconds(started));
    drop(closed);
    Ok(())
}

/// The folder is copied while the engine runs, as a killed process leaves it.
fn recovery(arguments: &Arguments) -> Result<(), Failure> {
    let options = Options { cache_bytes: LARGE_CACHE_BYTES, checkpoints: false };
    let store = Store::with(&arguments.directory, options)?;
    store.load(0, 2 * arguments.documents)?;
    let log_bytes = store.engine.statistics().log_bytes_since_checkpoint;
    let copy = store.copy()?;
    let started = Instant::now();
    let (mut copy, mut recovered) = (Some(copy), None);
    let cpu_seconds = timed(1, |_| {
        recovered = copy.take().map(Closed::open).transpose()?;
        Ok(())
    })? / 1e6;
    let seconds = started.elapsed().as_secs_f64();
    recovered.ok_or("nothing was opened")?.get(0)?;
    let megabytes = log_bytes as f64 / 1e6;
    println!(
        "recovery of {megabytes:.0} MB of log: {:.0} ms, {:.0} ms of CPU time",
        seconds * 1e3,
        cpu_seconds * 1e3
    );
    println!("{:.0} MB/s, {:.0} MB for a second of CPU time", megabytes / seconds, megabytes / cpu_seconds);
    Ok(())
}
