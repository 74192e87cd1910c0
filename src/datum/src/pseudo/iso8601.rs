//! ISO 8601: text to time and back.

use super::civil::{CivilDate, is_leap_year};
use super::time::{TimeError, check_date, civil_time, time_parts};
use crate::datum::Datum;
use crate::object::Object;

/// Reads the digits and separators of a date, time or time zone.
pub(super) struct Digits<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Digits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn left(&self) -> usize {
        self.text.len() - self.at
    }

    /// Steps over a character if it is next.
    pub(super) fn skip(&mut self, expected: char) -> bool {
        let found = self.text[self.at..].starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// The number that exactly `count` digits make.
    pub(super) fn number(&mut self, count: usize) -> Result<u32, TimeError> {
        let mut number = 0;
        for _ in 0..count {
            match self.text[self.at..].chars().next() {
                None => return Err(TimeError::Truncated(self.text.to_owned())),
                Some(digit) if digit.is_ascii_digit() => number = number * 10 + (digit as u32 - '0' as u32),
                Some(found) => return Err(TimeError::NoDigit { text: self.text.to_owned(), found }),
            }
            self.at += 1;
        }
        Ok(number)
    }

    /// Fails when something is left.
    pub(super) fn end(&self, what: &'static str) -> Result<(), TimeError> {
        if self.at_end() {
            return Ok(());
        }
        let garbage = self.text[self.at..].to_owned();
        Err(TimeError::Garbage { garbage, what, text: self.text.to_owned() })
    }
}

/// A date as it is written; whether it exists is checked later.
enum WrittenDate {
    Calendar(CivilDate),
    Ordinal { year: i64, day_of_year: u32 },
    Week,
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-DDD`, `YYYYDDD` and week dates.
fn parse_date(text: &str) -> Result<WrittenDate, TimeError> {
    let mut digits = Digits::new(text);
    let year = i64::from(digits.number(4)?);
    let calendar = |month, day| Ok(WrittenDate::Calendar(CivilDate { year, month, day }));
    if digits.at_end() {
        return calendar(1, 1);
    }
    let first_hyphen = digits.skip('-');
    if digits.skip('W') {
        digits.number(2)?;
        if !digits.at_end() {
            digits.skip('-');
            digits.number(1)?;
        }
        digits.end("date")?;
        return Ok(WrittenDate::Week);
    }
    if digits.left() == 3 {
        let day_of_year = digits.number(3)?;
        return Ok(WrittenDate::Ordinal { year, day_of_year });
    }
    let month = digits.number(2)?;
    if first_hyphen && digits.at_end() {
        return calendar(month, 1);
    }
    let second_hyphen = digits.skip('-');
    if first_hyphen != second_hyphen {
        return Err(TimeError::Hyphens(text.to_owned()));
    }
    let day = digits.number(2)?;
    digits.end("date")?;
    calendar(month, day)
}

/// A time of day.
#[derive(Default)]
struct WrittenTime {
    hours: u32,
    minutes: u32,
    seconds: u32,
    milliseconds: u32,
}

/// `hh`, `hh:mm`, `hhmm`, `hh:mm:ss`, `hhmmss`, with any fraction of a second.
fn parse_time(text: &str) -> Result<WrittenTime, TimeError> {
    let mut digits = Digits::new(text);
    let mut time = WrittenTime { hours: digits.number(2)?, ..WrittenTime::default() };
    if digits.at_end() {
        return Ok(time);
    }
    let first_colon = digits.skip(':');
    time.minutes = digits.number(2)?;
    if digits.at_end() {
        return Ok(time);
    }
    let second_colon = digits.skip(':');
    if first_colon != second_colon {
        return Err(TimeError::Colons(text.to_owned()));
    }
    time.seconds = digits.number(2)?;
    if digits.skip('.') {
        let mut weight = 100;
        while !digits.at_end() {
            time.milliseconds += digits.number(1)? * weight;
            weight /= 10;
        }
    }
    digits.end("time")?;
    Ok(time)
}

/// Reads an ISO 8601 time. `default_time_zone` counts when the text names none.
pub fn parse_iso8601(text: &str, default_time_zone: Option<&str>) -> Result<Datum, TimeError> {
    let (date_text, rest) = match text.split_once('T') {
        Some((date, rest)) => (date, Some(rest)),
        None => (text, None),
    };
    let date = parse_date(date_text)?;
    let (time, zone) = match rest {
        None => (WrittenTime::default(), None),
        Some(rest) => {
            let sign = rest.find('-').or_else(|| rest.find('+')).or_else(|| rest.find('Z'));
            let (time, zone) = sign.map_or((rest, None), |at| (&rest[..at], Some(&rest[at..])));
            (parse_time(time)?, zone)
        }
    };
    // A wrong time zone is found before a wrong date.
    if let Some(zone) = zone {
        super::time::parse_time_zone(zone)?;
    }
    let date = existing_date(date)?;
    if time.hours > 24 || time.minutes > 59 || time.seconds > 60 {
        return Err(TimeError::Unparseable {
            text: text.to_owned(),
            normalised: normalise(date, &time, zone),
        });
    }
    let zone = zone.or(default_time_zone.filter(|zone| !zone.is_empty())).ok_or(TimeError::NoTimeZone)?;
    let seconds = f64::from(time.seconds) + f64::from(time.milliseconds) / 1000.0;
    civil_time(date, time.hours.into(), time.minutes.into(), seconds, zone)
}

fn normalise(date: CivilDate, time: &WrittenTime, zone: Option<&str>) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}",
        date.year,
        date.month,
        date.day,
        time.hours,
        time.minutes,
        time.seconds,
        time.milliseconds,
        zone.unwrap_or_default()
    )
}

fn existing_date(date: WrittenDate) -> Result<CivilDate, TimeError> {
    match date {
        WrittenDate::Calendar(date) => check_date(date).map(|()| date),
        WrittenDate::Week => Err(TimeError::WeekDate),
        WrittenDate::Ordinal { year, day_of_year } => {
            check_date(CivilDate { year, month: 1, day: 1 })?;
            if day_of_year == 0 || day_of_year > 365 + u32::from(is_leap_year(year)) {
                return Err(TimeError::DayOfYear);
            }
            let first = super::civil::days_from_civil(year, 1, 1);
            Ok(CivilDate::from_days(first + i64::from(day_of_year) - 1))
        }
    }
}

/// Prints a time as ISO 8601 in its own time zone, with milliseconds if there are any.
pub fn print_iso8601(time: &Object) -> Result<String, TimeError> {
    use std::fmt::Write as _;

    let parts = time_parts(time)?;
    let date = parts.date;
    if !(0..=9999).contains(&date.year) {
        return Err(TimeError::YearNotPrintable(date.year));
    }
    let mut out = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year,
        date.month,
        date.day,
        parts.hours,
        parts.minutes,
        parts.whole_seconds()
    );
    if parts.microseconds != 0 {
        // Writing to a string does not fail.
        let written = write!(out, ".{:03}", parts.microseconds / 1000);
        debug_assert!(written.is_ok());
    }
    let written = write!(out, "{}", parts.time_zone);
    debug_assert!(written.is_ok());
    Ok(out)
}
