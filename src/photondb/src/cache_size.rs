//! How much memory the page cache takes.

use std::fs;
use std::str::FromStr;

use thiserror::Error;

const MEGABYTE: u64 = 1024 * 1024;
/// The least that makes sense.
const CACHE_BYTES_MIN: u64 = 16 * MEGABYTE;
/// Taken when the machine does not tell how much memory it has.
const CACHE_BYTES_FALLBACK: u64 = 256 * MEGABYTE;

/// The size of the page cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheSize {
    /// Half of the memory that the machine or its container has.
    #[default]
    Automatic,
    /// So many bytes.
    Bytes(u64),
}

/// A size that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CacheSizeError {
    /// Not a size.
    #[error("`{0}` is no size; use megabytes (512), a unit (512MB, 2GB) or `auto`")]
    Unreadable(String),
    /// Too small to work with.
    #[error("the cache needs at least {} MB", CACHE_BYTES_MIN / MEGABYTE)]
    TooSmall,
}

impl CacheSize {
    /// The size in bytes on this machine.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Automatic => {
                memory_bytes().map_or(CACHE_BYTES_FALLBACK, |memory| (memory / 2).max(CACHE_BYTES_MIN))
            }
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl FromStr for CacheSize {
    type Err = CacheSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Automatic);
        }
        let bytes = parse_bytes(text).ok_or_else(|| CacheSizeError::Unreadable(text.to_owned()))?;
        if bytes < CACHE_BYTES_MIN {
            return Err(CacheSizeError::TooSmall);
        }
        Ok(Self::Bytes(bytes))
    }
}

/// A size as people write it, in bytes; megabytes when it has no unit.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().ok()?;
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "m" | "mb" | "mib" => MEGABYTE,
        "b" => 1,
        "k" | "kb" | "kib" => 1024,
        "g" | "gb" | "gib" => 1024 * MEGABYTE,
        "t" | "tb" | "tib" => 1024 * 1024 * MEGABYTE,
        _ => return None,
    };
    Some((number * unit as f64) as u64)
}

/// The memory of the machine, or of the container if that has less.
pub fn memory_bytes() -> Option<u64> {
    [machine_bytes(), container_bytes()].into_iter().flatten().min()
}

fn machine_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The limits of the control groups that this process is in, from its own up to the root.
fn container_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut files = vec![
        "/sys/fs/cgroup/memory.max".to_owned(),
        "/sys/fs/cgroup/memory/memory.limit_in_bytes".to_owned(),
    ];
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        while !path.is_empty() {
            files.push(format!("{root}{path}/{file}"));
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    // "max" is no number, and so no limit.
    files.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let bytes = |text: &str| text.parse::<CacheSize>();
        assert_eq!(bytes("auto"), Ok(CacheSize::Automatic));
        assert_eq!(bytes("512"), Ok(CacheSize::Bytes(512 * MEGABYTE)));
        assert_eq!(bytes("512MB"), bytes("512"));
        assert_eq!(bytes("1.5 GB"), bytes("1536m"));
        assert_eq!(bytes("3"), Err(CacheSizeError::TooSmall));
        assert_eq!(bytes("much"), Err(CacheSizeError::Unreadable("much".to_owned())));
        assert!(CacheSize::Automatic.bytes() >= CACHE_BYTES_MIN);
    }
}
