//! How long single gets and puts take while the engine works in the background.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use photondb_base::Random;
use photondb_storage::Engine;

use crate::store::{Options, Store};
use crate::{Arguments, Failure};

/// How long each state is looked at.
const TIME: Duration = Duration::from_secs(10);

/// Gets and puts by turns, from one thread, with and without checkpoints and compaction beside.
pub fn latency(arguments: &Arguments) -> Result<(), Failure> {
    println!("| beside | operations | | median | p99 | p99.9 | max |\n|---|---|---|---|---|---|---|");
    let cache_bytes = 1 << 30;
    let store = Store::with(&arguments.directory, Options { cache_bytes, checkpoints: false })?;
    store.load(0, 2 * arguments.documents)?;
    let pause = || std::thread::sleep(Duration::from_millis(500));
    let nothing = || {
        pause();
        Ok(())
    };
    report("nothing", measure(&store, arguments, nothing)?);
    let checkpoints = || {
        pause();
        Ok(store.engine.checkpoint()?)
    };
    report("a checkpoint every 0.5 s", measure(&store, arguments, checkpoints)?);
    store.delete(0, arguments.documents)?;
    let compaction = || {
        pause();
        Ok(store.engine.compact(&|| true)?)
    };
    report("compaction", measure(&store, arguments, compaction)?);
    Ok(())
}

/// Microseconds of each get and each put.
struct Times {
    gets: Vec<f64>,
    puts: Vec<f64>,
}

fn measure(
    store: &Store,
    arguments: &Arguments,
    beside: impl Fn() -> Result<(), Failure> + Sync,
) -> Result<Times, Failure> {
    let over = AtomicBool::new(false);
    let documents = arguments.documents..2 * arguments.documents;
    std::thread::scope(|scope| {
        let background = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                beside()?;
            }
            Ok::<(), Failure>(())
        });
        let mut times = Times { gets: Vec::new(), puts: Vec::new() };
        let end = Instant::now() + TIME;
        while Instant::now() < end {
            let any = documents.start + store.random.below(documents.end - documents.start);
            times.gets.push(timed(|| store.get(any))?);
            times.puts.push(timed(|| store.put(any))?);
        }
        over.store(true, Ordering::Relaxed);
        background.join().map_err(|_| "a thread panicked")??;
        Ok(times)
    })
}

fn timed(step: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let started = Instant::now();
    step()?;
    Ok(started.elapsed().as_secs_f64() * 1e6)
}

fn report(beside: &str, times: Times) {
    for (what, mut times) in [("get", times.gets), ("put", times.puts)] {
        times.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        let (median, p99, p999, max) = (at(0.5), at(0.99), at(0.999), at(1.0));
        let count = times.len();
        println!(
            "| {beside} | {count} | {what} | {median:.1} µs | {p99:.0} µs | {p999:.0} µs | {max:.0} µs |"
        );
    }
}
