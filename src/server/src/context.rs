//! What all sessions of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use photondb_base::{Clock, Random};
use photondb_catalog::Catalog;
use photondb_exec::Executor;
use photondb_feed::Feeds;
use photondb_storage::Engine;

use crate::admission::Admission;
use crate::door::Logins;
use crate::jobs::Jobs;
use crate::limits::WORKERS_MAX;
use crate::metrics::Metrics;
use crate::system::Sources;
use crate::workers::Workers;

/// What all sessions of a server share.
pub struct Context {
    /// Runs queries.
    pub executor: Arc<Executor>,
    /// Databases, tables, users.
    pub catalog: Arc<Catalog>,
    /// Where the log is.
    pub engine: Arc<dyn Engine>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What runs at the moment.
    pub jobs: Arc<Jobs>,
    /// Counts for status tables.
    pub activity: Arc<Activity>,
    /// Counts for metrics.
    pub metrics: Metrics,
    /// What tells how the server is.
    pub sources: Arc<Sources>,
    /// All changefeeds.
    pub feeds: Arc<Feeds>,
    /// How much long queries take at the same time.
    pub(crate) admission: Admission,
    /// Where queries that may block run.
    pub workers: Workers,
    /// Who clients are that send passwords openly.
    pub logins: Logins,
}

impl Context {
    /// Puts the parts together.
    pub fn new(
        executor: Arc<Executor>,
        sources: Arc<Sources>,
        feeds: Arc<Feeds>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (catalog, engine) = (Arc::clone(&sources.catalog), Arc::clone(&sources.engine));
        let (jobs, activity) = (Arc::clone(&sources.jobs), Arc::clone(&sources.activity));
        let admission = Admission::new(engine.statistics().cache_bytes_max);
        let metrics = Metrics::default();
        let workers = Workers::new(WORKERS_MAX);
        let logins = Logins::new(Arc::clone(&catalog), workers.clone());
        Self {
            executor,
            catalog,
            engine,
            clock,
            random,
            jobs,
            activity,
            metrics,
            sources,
            feeds,
            admission,
            workers,
            logins,
        }
    }
}

/// What drivers are told they talk to; they look for RethinkDB's version number.
pub const SERVER_VERSION: &str = "2.4.4";

/// Counts of what the server does.
#[derive(Debug)]
pub struct Activity {
    started: Instant,
    started_at: SystemTime,
    connections: AtomicU64,
    connections_total: AtomicU64,
    queries_total: AtomicU64,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            started_at: SystemTime::now(),
            connections: AtomicU64::new(0),
            connections_total: AtomicU64::new(0),
            queries_total: AtomicU64::new(0),
        }
    }
}

impl Activity {
    /// When the server started.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// Seconds since the server started.
    pub fn uptime_seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Client connections at the moment.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Queries since the start.
    pub fn queries_total(&self) -> u64 {
        self.queries_total.load(Ordering::Relaxed)
    }

    /// Client connections since the start.
    pub fn connections_total(&self) -> u64 {
        self.connections_total.load(Ordering::Relaxed)
    }

    pub(crate) fn count_query(&self) {
        self.queries_total.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn count_connection(self: &Arc<Self>) -> ConnectionCount {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        ConnectionCount(Arc::clone(self))
    }
}

/// A connection that is open.
#[derive(Debug)]
pub(crate) struct ConnectionCount(Arc<Activity>);

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
