//! Names of files after the moment of their making.

use photondb_datum::pseudo::CivilDate;

const SECONDS_PER_DAY: u64 = 86_400;

/// A name that begins with a word and ends with a moment, in UTC.
pub fn moment_name(word: &str, seconds: u64) -> String {
    let date = CivilDate::from_days((seconds / SECONDS_PER_DAY) as i64);
    let of_day = seconds % SECONDS_PER_DAY;
    format!(
        "{word}_{:04}-{:02}-{:02}T{:02}-{:02}-{:02}",
        date.year,
        date.month,
        date.day,
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_called_after_its_moment() {
        assert_eq!(moment_name("photondb_dump", 0), "photondb_dump_1970-01-01T00-00-00");
        assert_eq!(moment_name("x", 1_769_860_923), "x_2026-01-31T12-02-03");
    }
}
