//! How much of the log stays on the disk.

use std::str::FromStr;

use thiserror::Error;

use crate::cache_size::parse_bytes;

const LOG_KEEP_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;

/// How much of the log stays behind the last checkpoint, in bytes, once a backup was taken.
/// Backups that go on from earlier ones read there what was written since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogKeep(pub u64);

impl Default for LogKeep {
    fn default() -> Self {
        Self(LOG_KEEP_BYTES_DEFAULT)
    }
}

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no size; use megabytes (512) or a unit (512MB, 2GB)")]
pub struct LogKeepError(String);

impl FromStr for LogKeep {
    type Err = LogKeepError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_bytes(text.trim()).map(Self).ok_or_else(|| LogKeepError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!("256".parse(), Ok(LogKeep::default()));
        assert_eq!("2GB".parse(), Ok(LogKeep(2 << 30)));
        assert_eq!("0".parse(), Ok(LogKeep(0)));
        assert_eq!("a lot".parse::<LogKeep>(), Err(LogKeepError("a lot".to_owned())));
    }
}
