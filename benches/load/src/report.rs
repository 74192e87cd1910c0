//! What one workload has come to.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::process::Process;

/// Latencies in microseconds up to ten minutes, with three digits.
pub fn latencies() -> Histogram<u32> {
    const LATENCY_US_MAX: u64 = 600_000_000;
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("these bounds are valid")
}

/// What one workload has come to.
pub struct Report {
    pub name: String,
    pub operations: u64,
    pub elapsed: Duration,
    /// Bytes of all answers.
    pub bytes: u64,
    pub latencies: Histogram<u32>,
    /// CPU time of the server, if it could be told.
    pub cpu_time: Option<Duration>,
    pub resident_bytes: Option<u64>,
}

/// Looks at the server before and after.
pub struct Watch {
    process: Option<Process>,
    cpu_time: Option<Duration>,
}

impl Watch {
    pub fn start(process: Option<Process>) -> Self {
        Self { process, cpu_time: process.and_then(Process::cpu_time) }
    }

    /// CPU time since the start, and resident memory now.
    pub fn stop(&self) -> (Option<Duration>, Option<u64>) {
        let now = self.process.and_then(Process::cpu_time);
        let spent = now.zip(self.cpu_time).map(|(now, before)| now.saturating_sub(before));
        (spent, self.process.and_then(Process::resident_bytes))
    }
}

impl Report {
    /// The names of the columns.
    pub fn heading() -> String {
        format!(
            "{:<24}{:>12}{:>10}{:>10}{:>10}{:>10}{:>14}{:>10}{:>10}",
            "workload",
            "operations/s",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "CPU µs/op",
            "MB/s",
            "RSS MB"
        )
    }

    /// One line of the table.
    pub fn line(&self) -> String {
        let quantile = |quantile: f64| self.latencies.value_at_quantile(quantile);
        let shown = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
        };
        format!(
            "{:<24}{:>12.0}{:>10}{:>10}{:>10}{:>10}{:>14}{:>10.1}{:>10}",
            self.name,
            self.per_second(),
            quantile(0.5),
            quantile(0.99),
            quantile(0.999),
            self.latencies.max(),
            shown(self.cpu_us(), 1),
            self.bytes as f64 / self.elapsed.as_secs_f64() / 1e6,
            shown(self.resident_bytes.map(|bytes| bytes as f64 / 1e6), 0),
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "workload": self.name,
            "operations": self.operations,
            "seconds": self.elapsed.as_secs_f64(),
            "operations_per_second": self.per_second(),
            "latency_us": {
                "p50": self.latencies.value_at_quantile(0.5),
                "p90": self.latencies.value_at_quantile(0.9),
                "p99": self.latencies.value_at_quantile(0.99),
                "p999": self.latencies.value_at_quantile(0.999),
                "max": self.latencies.max(),
            },
            "cpu_us_per_operation": self.cpu_us(),
            "answer_bytes": self.bytes,
            "resident_bytes": self.resident_bytes,
        })
    }

    fn per_second(&self) -> f64 {
        self.operations as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    fn cpu_us(&self) -> Option<f64> {
        Some(self.cpu_time?.as_secs_f64() * 1e6 / self.operations.max(1) as f64)
    }
}
