//! What is counted while queries run. Counting is one or two additions to atomics, so that the
//! fastest query hardly notices; names and units are given where the counts are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the classes of latencies, in microseconds; one more class is above them.
pub const LATENCY_BOUNDS_US: [u64; 15] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000,
    10_000_000,
];

/// What all doors count.
#[derive(Debug, Default)]
pub struct Metrics {
    /// The drivers' door.
    pub driver: Arc<DoorMetrics>,
    /// The HTTP door.
    pub http: Arc<DoorMetrics>,
}

/// What one door counts.
#[derive(Debug, Default)]
pub struct DoorMetrics {
    latencies: [Latencies; QueryKind::ALL.len()],
    /// Rows that were sent, those of feeds included.
    pub rows: Count,
    /// Queries that run or can be continued, feeds not counted.
    pub queries: Arc<Gauge>,
    /// Feeds that are open.
    pub feeds: Arc<Gauge>,
    /// Connections that are open, and all since the start.
    pub connections: Arc<Gauge>,
}

/// What a query came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryKind {
    /// One value.
    Value,
    /// Rows.
    Sequence,
    /// A feed.
    Feed,
    /// An error.
    Error,
}

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

/// How many there are, and how many there were.
#[derive(Debug, Default)]
pub struct Gauge {
    now: AtomicU64,
    total: AtomicU64,
}

/// One of those that a gauge counts, until it is dropped.
#[derive(Debug)]
pub struct Counted(Arc<Gauge>);

/// How long queries took to their first answer, in classes.
#[derive(Debug, Default)]
pub struct Latencies {
    classes: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    total_us: AtomicU64,
}

impl QueryKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Value, Self::Sequence, Self::Feed, Self::Error];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Sequence => "sequence",
            Self::Feed => "feed",
            Self::Error => "error",
        }
    }
}

impl DoorMetrics {
    /// Counts a query that was answered.
    pub fn record(&self, kind: QueryKind, elapsed: Duration) {
        self.latencies(kind).record(elapsed);
    }

    /// How long queries of a kind took.
    pub fn latencies(&self, kind: QueryKind) -> &Latencies {
        // One for each kind, in the order of their declaration.
        &self.latencies[kind as usize]
    }
}

impl Count {
    /// Adds to it.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Counts one more, until what is given back is dropped.
    pub fn enter(self: &Arc<Self>) -> Counted {
        self.now.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self))
    }

    /// How many there are.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// How many there were since the start.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Latencies {
    fn record(&self, elapsed: Duration) {
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let class = LATENCY_BOUNDS_US.partition_point(|bound| *bound < elapsed_us);
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(elapsed_us, Ordering::Relaxed);
    }

    /// How many queries are in each class.
    pub fn classes(&self) -> [u64; LATENCY_BOUNDS_US.len() + 1] {
        std::array::from_fn(|class| self.classes[class].load(Ordering::Relaxed))
    }

    /// The sum of all latencies, in seconds.
    pub fn total_seconds(&self) -> f64 {
        self.total_us.load(Ordering::Relaxed) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_in_the_class_of_its_bound() {
        let metrics = DoorMetrics::default();
        for elapsed_us in [0, 25, 26, 10_000_000, 10_000_001] {
            metrics.record(QueryKind::Value, Duration::from_micros(elapsed_us));
        }
        let classes = metrics.latencies(QueryKind::Value).classes();
        assert_eq!((classes[0], classes[1], classes[14], classes[15]), (2, 1, 1, 1));
        assert_eq!(metrics.latencies(QueryKind::Value).total_seconds(), 20.000_052);
        assert_eq!(metrics.latencies(QueryKind::Error).classes(), [0; 16]);
    }

    #[test]
    fn a_gauge_counts_what_is_there() {
        let gauge = Arc::new(Gauge::default());
        let one = gauge.enter();
        drop(gauge.enter());
        assert_eq!((gauge.now(), gauge.total()), (1, 2));
        drop(one);
        assert_eq!((gauge.now(), gauge.total()), (0, 2));
    }
}
