//! What the system knows about the server's process.

use std::time::Duration;

/// A process of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    id: u32,
}

/// Linux counts CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);
/// Fields of `/proc/<id>/stat` after the name in parentheses.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;

impl Process {
    pub fn new(id: u32) -> Self {
        Self { id }
    }

    /// CPU time taken so far, in the program and on its behalf.
    pub fn cpu_time(self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?;
        let (_, fields) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(TICK * (ticks(USER_TIME)? + ticks(SYSTEM_TIME)?))
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes * 1024)
    }
}
