//! How much memory queries take.

use std::str::FromStr;

use photondb_exec::{MemoryLimits, QUERY_MEMORY_BYTES_MIN};
use thiserror::Error;

use crate::cache_size::{memory_bytes, parse_bytes};

const MEBIBYTE: usize = 1024 * 1024;
/// A query that asks for nothing else, unless the machine is small.
const QUERY_BYTES_DEFAULT: usize = 512 * MEBIBYTE;
/// Taken when the machine does not tell how much memory it has.
const MACHINE_BYTES_FALLBACK: u64 = 1024 * 1024 * 1024;
/// All queries together may take this part of the machine's memory. The cache has half.
const TOTAL_SHARE: usize = 4;
/// The least for all queries together that is derived.
const TOTAL_BYTES_MIN: usize = 128 * MEBIBYTE;

/// An amount of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemorySize {
    /// As the machine allows.
    #[default]
    Automatic,
    /// So many bytes.
    Bytes(usize),
}

/// An amount that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MemorySizeError {
    /// Not a size.
    #[error("`{0}` is no size; use megabytes (512), a unit (512MB, 2GB) or `auto`")]
    Unreadable(String),
    /// Too small to work with.
    #[error("a query needs at least {} kB", QUERY_MEMORY_BYTES_MIN / 1024)]
    TooSmall,
}

impl FromStr for MemorySize {
    type Err = MemorySizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Automatic);
        }
        let bytes = parse_bytes(text).ok_or_else(|| MemorySizeError::Unreadable(text.to_owned()))?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        if bytes < QUERY_MEMORY_BYTES_MIN { Err(MemorySizeError::TooSmall) } else { Ok(Self::Bytes(bytes)) }
    }
}

/// How much memory queries may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryMemory {
    /// One query. Automatically it is 512 MiB, and half of `total` for those that ask for it.
    pub query_max: MemorySize,
    /// All of them together; automatically a quarter of the memory.
    pub total_max: MemorySize,
}

impl QueryMemory {
    /// The limits on this machine.
    pub fn limits(self) -> MemoryLimits {
        self.limits_of(memory_bytes().unwrap_or(MACHINE_BYTES_FALLBACK))
    }

    fn limits_of(self, machine_bytes: u64) -> MemoryLimits {
        let machine_bytes = usize::try_from(machine_bytes).unwrap_or(usize::MAX);
        let total_bytes_max = match (self.total_max, self.query_max) {
            (MemorySize::Bytes(bytes), _) => bytes,
            (MemorySize::Automatic, query) => {
                let asked = if let MemorySize::Bytes(bytes) = query { bytes } else { 0 };
                (machine_bytes / TOTAL_SHARE).max(TOTAL_BYTES_MIN).max(asked)
            }
        };
        let (query_bytes, query_bytes_max) = match self.query_max {
            MemorySize::Bytes(bytes) => (bytes, bytes),
            MemorySize::Automatic => (QUERY_BYTES_DEFAULT, total_bytes_max / 2),
        };
        let query_bytes_max = query_bytes_max.min(total_bytes_max).max(QUERY_MEMORY_BYTES_MIN);
        MemoryLimits { query_bytes: query_bytes.min(query_bytes_max), query_bytes_max, total_bytes_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIBIBYTE: usize = 1024 * MEBIBYTE;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let size = |text: &str| text.parse::<MemorySize>();
        assert_eq!(size("auto"), Ok(MemorySize::Automatic));
        assert_eq!(size("256"), Ok(MemorySize::Bytes(256 * MEBIBYTE)));
        assert_eq!(size("2GB"), Ok(MemorySize::Bytes(2 * GIBIBYTE)));
        assert_eq!(size("1kB"), Err(MemorySizeError::TooSmall));
        assert_eq!(size("lots"), Err(MemorySizeError::Unreadable("lots".to_owned())));
    }

    #[test]
    fn limits_follow_the_machine_and_what_was_asked_for() {
        let limits = |query_max, total_max, machine: usize| {
            let memory = QueryMemory { query_max, total_max };
            let limits = memory.limits_of(machine as u64);
            (limits.query_bytes, limits.query_bytes_max, limits.total_bytes_max)
        };
        let (auto, bytes) = (MemorySize::Automatic, MemorySize::Bytes);
        assert_eq!(limits(auto, auto, 16 * GIBIBYTE), (512 * MEBIBYTE, 2 * GIBIBYTE, 4 * GIBIBYTE));
        assert_eq!(limits(auto, auto, GIBIBYTE), (128 * MEBIBYTE, 128 * MEBIBYTE, 256 * MEBIBYTE));
        assert_eq!(limits(bytes(GIBIBYTE), auto, GIBIBYTE), (GIBIBYTE, GIBIBYTE, GIBIBYTE));
        let small = bytes(MEBIBYTE);
        assert_eq!(limits(small, auto, 16 * GIBIBYTE), (MEBIBYTE, MEBIBYTE, 4 * GIBIBYTE));
        assert_eq!(limits(auto, small, 16 * GIBIBYTE), (MEBIBYTE / 2, MEBIBYTE / 2, MEBIBYTE));
        assert_eq!(limits(bytes(GIBIBYTE), small, 16 * GIBIBYTE), (MEBIBYTE, MEBIBYTE, MEBIBYTE));
    }
}
