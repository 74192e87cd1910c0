//! Names of files after the moment of their making.

use std::time::{SystemTime, UNIX_EPOCH};

use photondb_backup::time_name;

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// A name that begins with a word and ends with a moment, in UTC.
pub fn moment_name(word: &str, time_ms: u64) -> String {
    format!("{word}_{}", time_name(time_ms))
}
