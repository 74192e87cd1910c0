//! Queries in a closed loop: the next one is sent when an answer has come.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hdrhistogram::Histogram;
use photondb_client::{Connection, Options, Response};
use photondb_wire::{ResponseType, Token};
use photondb_workload::{Kind, QueryMaker, Workload, Zipf};

use crate::error::LoadError;
use crate::process::Process;
use crate::report::{Report, Watch, latencies};

/// Connections of a workload that scans.
const SCAN_CONNECTIONS: usize = 2;

/// How a workload is run.
pub struct Plan {
    pub options: Options,
    pub process: Option<Process>,
    pub documents: u64,
    pub connections: usize,
    /// Queries in flight on each connection.
    pub depth: usize,
    pub duration: Duration,
}

/// What the connections have in common.
pub struct Shared {
    zipf: Arc<Zipf>,
    fresh: Arc<AtomicU64>,
}

impl Shared {
    pub fn new(documents: u64) -> Self {
        // Numbers of new documents differ from those of earlier runs.
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let first = 1_000_000_000 + seconds % 100_000 * 10_000_000;
        Self { zipf: Arc::new(Zipf::new(documents)), fresh: Arc::new(AtomicU64::new(first)) }
    }
}

/// What one connection has seen.
struct Seen {
    operations: u64,
    bytes: u64,
    latencies: Histogram<u32>,
}

/// Runs a workload on all connections.
pub fn run(plan: &Plan, shared: &Shared, workload: &'static Workload) -> Result<Report, LoadError> {
    let scans = workload.kind == Kind::Scan;
    let connections = if scans { plan.connections.min(SCAN_CONNECTIONS) } else { plan.connections };
    let depth = if scans { 1 } else { plan.depth };
    let (watch, started) = (Watch::start(plan.process), Instant::now());
    let end = started + plan.duration;
    let seen = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|number| {
                let (zipf, fresh) = (Arc::clone(&shared.zipf), Arc::clone(&shared.fresh));
                let maker = QueryMaker::new(number as u64 + 1, plan.documents, zipf, fresh);
                scope.spawn(move || converse(&plan.options, workload, maker, depth, end))
            })
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().map_err(|_| LoadError::Thread)?;
        threads.into_iter().map(join).collect::<Result<Vec<Seen>, LoadError>>()
    })?;
    let elapsed = started.elapsed();
    let (cpu_time, resident_bytes) = watch.stop();
    let mut all = latencies();
    for one in &seen {
        all += &one.latencies;
    }
    Ok(Report {
        name: workload.name.to_owned(),
        operations: seen.iter().map(|one| one.operations).sum(),
        elapsed,
        bytes: seen.iter().map(|one| one.bytes).sum(),
        latencies: all,
        cpu_time,
        resident_bytes,
    })
}

/// One connection until its time is over and its last answers have come.
fn converse(
    options: &Options,
    workload: &Workload,
    mut maker: QueryMaker,
    depth: usize,
    end: Instant,
) -> Result<Seen, LoadError> {
    let mut connection = Connection::open(options)?;
    let mut seen = Seen { operations: 0, bytes: 0, latencies: latencies() };
    let mut sent: HashMap<Token, Instant> = HashMap::new();
    for _ in 0..depth {
        let token = connection.send(maker.next(workload).as_bytes())?;
        sent.insert(token, Instant::now());
    }
    while !sent.is_empty() {
        let (token, body) = connection.receive_any()?;
        seen.bytes += body.len() as u64;
        if is_partial(&body)? {
            connection.continue_query(token)?;
            continue;
        }
        let Some(since) = sent.remove(&token) else { continue };
        seen.operations += 1;
        seen.latencies.saturating_record(since.elapsed().as_micros() as u64);
        if Instant::now() < end {
            let token = connection.send(maker.next(workload).as_bytes())?;
            sent.insert(token, Instant::now());
        }
    }
    Ok(seen)
}

/// Whether more batches follow; an answer with an error is one here, too. The rows are not
/// looked at: reading them would measure this program.
fn is_partial(body: &Bytes) -> Result<bool, LoadError> {
    const KEY: &[u8] = b"{\"t\":";
    let digits = body.strip_prefix(KEY).map(|rest| rest.iter().take_while(|byte| byte.is_ascii_digit()));
    let number =
        digits.map(|digits| digits.fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0')));
    match number.and_then(|number| u8::try_from(number).ok()).and_then(ResponseType::from_number) {
        Some(kind) if !kind.is_error() => Ok(kind == ResponseType::SuccessPartial),
        // Another server may write its answers in another order.
        _ => Ok(Response::parse(body)?.is_partial()),
    }
}
