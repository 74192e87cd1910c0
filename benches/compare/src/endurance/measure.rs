//! What the operating system knows of this process and of a folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Failure;

/// Megabytes of memory this process had at most since [`forget_peak`].
pub fn peak_megabytes() -> Result<u64, Failure> {
    status("VmHWM:")
}

/// Megabytes of memory this process has.
pub fn resident_megabytes() -> Result<u64, Failure> {
    status("VmRSS:")
}

/// Lets the peak of the memory begin anew.
pub fn forget_peak() -> Result<(), Failure> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

fn status(field: &str) -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field")?;
    let kilobytes: u64 = line.split_whitespace().next().ok_or("no number")?.parse()?;
    Ok(kilobytes / 1024)
}

/// Bytes that the files of a folder take on the disk, holes left out.
pub fn folder_bytes(folder: &Path) -> Result<u64, Failure> {
    let mut total = 0;
    for entry in std::fs::read_dir(folder)? {
        total += entry?.metadata()?.blocks() * 512;
    }
    Ok(total)
}

/// Microseconds of CPU time, of all threads of this process, that each of `count` steps takes:
/// on a machine that does other things, too, time means little.
pub fn timed(count: u64, mut step: impl FnMut(u64) -> Result<(), Failure>) -> Result<f64, Failure> {
    let before = cpu_nanoseconds()?;
    for number in 0..count {
        step(number)?;
    }
    Ok((cpu_nanoseconds()? - before) as f64 / 1e3 / count as f64)
}

fn cpu_nanoseconds() -> Result<u64, Failure> {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        total += text.split_whitespace().next().ok_or("no number")?.parse::<u64>()?;
    }
    Ok(total)
}
