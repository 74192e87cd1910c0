//! Moments as people write them.

use photondb_datum::pseudo::CivilDate;

const DAY_MS: u64 = 86_400_000;

/// A moment in milliseconds since 1970 as ISO 8601 writes it, in UTC.
pub fn time_text(time_ms: u64) -> String {
    let date = CivilDate::from_days((time_ms / DAY_MS) as i64);
    let of_day = time_ms % DAY_MS;
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year,
        date.month,
        date.day,
        of_day / 3_600_000,
        of_day / 60_000 % 60,
        of_day / 1000 % 60,
        of_day % 1000
    )
}

/// The same to the second, for names of files: `2026-01-31T12-02-03`.
pub fn time_name(time_ms: u64) -> String {
    let text = time_text(time_ms);
    // Not every file system takes a colon.
    text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds).replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time_text(1_769_860_923_987), "2026-01-31T12:02:03.987Z");
        assert_eq!(time_name(1_769_860_923_987), "2026-01-31T12-02-03");
    }
}
