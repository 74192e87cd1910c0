//! The process, under the names that Prometheus gives these numbers everywhere.

use std::time::UNIX_EPOCH;

use photondb_server::Context;

use super::families::Families;

/// Ticks of a second in what Linux tells programs about time, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;
/// Where times stand behind the name in `/proc/self/stat`, which may itself hold spaces.
const USER_TIME_FIELD: usize = 11;

/// Time, memory and files of the process; what the system does not tell is left out.
pub(super) fn collect(context: &Context, families: &mut Families) {
    let started = context.activity.started_at().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut gauge = |name, help, value: Option<f64>| {
        if let Some(value) = value {
            families.gauge(name, help, &[], value);
        }
    };
    gauge(
        "process_start_time_seconds",
        "When the server started, in seconds since 1970.",
        Some(started.as_secs_f64()),
    );
    gauge("process_resident_memory_bytes", "Memory that is in use.", status_bytes("VmRSS:"));
    gauge("process_virtual_memory_bytes", "Memory that is reserved.", status_bytes("VmSize:"));
    gauge("process_open_fds", "Files and sockets that are open.", open_files());
    if let Some(seconds) = cpu_seconds() {
        families.counter("process_cpu_seconds_total", "Time of processors that was used.", &[], seconds);
    }
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    families.gauge("photondb_build_info", "The version of the server.", &version, 1.0);
}

fn status_bytes(field: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn open_files() -> Option<f64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(USER_TIME_FIELD)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    Some(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
