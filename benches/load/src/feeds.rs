//! Many changefeeds on one table and one writer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use photondb_client::{Connection, Options, Term};
use photondb_workload::DATABASE;

use crate::error::LoadError;
use crate::process::Process;
use crate::report::{Report, Watch, latencies};

/// The table that is written to.
const TABLE: &str = "feed";
/// Feeds of one connection.
const FEEDS_PER_CONNECTION: usize = 50;
/// Between two writes.
const WRITE_INTERVAL: Duration = Duration::from_micros(500);
/// How long the last events may take.
const SETTLING: Duration = Duration::from_secs(1);
/// How often a reader looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(500);
/// The field with the time of the write.
const STAMP: &[u8] = b"\"at\":";

/// An operation is an event that has arrived; its latency counts from before the write.
pub fn run(
    options: &Options,
    feeds: usize,
    duration: Duration,
    process: Option<Process>,
) -> Result<Report, LoadError> {
    let mut writer = Connection::open(options)?;
    let database = Term::db(DATABASE);
    // The table need not be there.
    drop(writer.run(&database.table_drop(TABLE).start()));
    writer.run(&database.table_create(TABLE).start())?;
    let table = database.table_of(TABLE);
    let (origin, stop) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let mut readers = Vec::new();
    for first in (0..feeds).step_by(FEEDS_PER_CONNECTION) {
        let (ready, is_ready) = mpsc::channel();
        let reader = Reader { origin, stop: Arc::clone(&stop), ready };
        let (options, query) = (options.clone().with_read_timeout(PATIENCE), table.changes().start());
        let count = FEEDS_PER_CONNECTION.min(feeds - first);
        readers.push(thread::spawn(move || reader.listen(&options, &query, count)));
        // A reader that failed says why when it is joined.
        let Ok(()) = is_ready.recv() else { break };
    }
    let (watch, started) = (Watch::start(process), Instant::now());
    let mut written = 0u32;
    while started.elapsed() < duration {
        let row = [("id", written.into()), ("at", (origin.elapsed().as_micros() as f64).into())];
        let insert = table.insert(Term::object(&row)).option("durability", "soft");
        writer.run(&insert.start())?;
        written += 1;
        thread::sleep(WRITE_INTERVAL);
    }
    let elapsed = started.elapsed();
    thread::sleep(SETTLING);
    let (cpu_time, resident_bytes) = watch.stop();
    stop.store(true, Ordering::Relaxed);
    let (mut all, mut bytes) = (latencies(), 0);
    for reader in readers {
        let (latencies, read) = reader.join().map_err(|_| LoadError::Thread)??;
        all += &latencies;
        bytes += read;
    }
    let expected = u64::from(written) * feeds as u64;
    if all.len() != expected {
        return Err(LoadError::Answer(format!("{} events of {expected}", all.len())));
    }
    Ok(Report {
        name: format!("feeds_{feeds}"),
        operations: all.len(),
        elapsed,
        bytes,
        latencies: all,
        cpu_time,
        resident_bytes,
    })
}

/// One connection that listens.
struct Reader {
    origin: Instant,
    stop: Arc<AtomicBool>,
    ready: mpsc::Sender<()>,
}

impl Reader {
    fn listen(
        self,
        options: &Options,
        query: &[u8],
        count: usize,
    ) -> Result<(Histogram<u32>, u64), LoadError> {
        let mut connection = Connection::open(options)?;
        for _ in 0..count {
            connection.send(query)?;
        }
        // The server answers in order: with the last feed's query, this one is done.
        let probe = connection.send(b"[5]")?;
        let (mut latencies, mut bytes) = (latencies(), 0);
        connection.receive_bytes(probe)?;
        // A feed that is opened by another thread of the server may take a moment longer.
        thread::sleep(Duration::from_millis(200));
        if self.ready.send(()).is_err() {
            // The writer has failed, and says why.
            return Ok((latencies, bytes));
        }
        while !self.stop.load(Ordering::Relaxed) {
            let (token, body) = match connection.receive_any() {
                Ok(answer) => answer,
                Err(error) if error.is_timeout() => continue,
                Err(error) => return Err(error.into()),
            };
            let now = self.origin.elapsed().as_micros() as u64;
            bytes += body.len() as u64;
            for at in stamps(&body) {
                latencies.saturating_record(now.saturating_sub(at));
            }
            connection.continue_query(token)?;
        }
        Ok((latencies, bytes))
    }
}

/// The times of the writes that an answer tells of.
fn stamps(body: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let places = body.windows(STAMP.len()).enumerate().filter(|(_, window)| *window == STAMP);
    places.map(|(place, _)| {
        let digits = body[place + STAMP.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    })
}
