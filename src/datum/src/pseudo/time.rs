//! Times: an instant in seconds since 1970 and the time zone it is shown in.

use super::civil::{CivilDate, days_from_civil, days_in_month};
use super::{REQL_TYPE, number_field, print_object};
use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::{Object, ObjectBuilder};
use crate::text::Text;
use crate::view::ObjectRef;

/// Seconds since 1970.
const EPOCH_TIME: &str = "epoch_time";
/// `+hh:mm` or `-hh:mm`.
const TIMEZONE: &str = "timezone";
/// The offset of universal time.
pub const TIME_ZONE_UTC: &str = "+00:00";

/// The years that dates can have.
const YEAR_MIN: i64 = 1400;
const YEAR_MAX: i64 = 10_000;
const DAY_SECONDS: i64 = 86_400;

/// Why text or numbers make no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// A year outside of what dates can have.
    #[error("Error in time logic: Year is out of valid range: 1400..10000.")]
    Year,
    /// A month that is none.
    #[error("Error in time logic: Month number is out of range 1..12.")]
    Month,
    /// A day that no month has.
    #[error("Error in time logic: Day of month value is out of range 1..31.")]
    DayOfMonth,
    /// A day that this month does not have.
    #[error("Error in time logic: Day of month is not valid for year.")]
    DayOfMonthForYear,
    /// A day that this year does not have.
    #[error("Error in time logic: Day of year value is out of range 1..366.")]
    DayOfYear,
    /// A year that ISO 8601 cannot print.
    #[error("Year `{0}` out of valid ISO 8601 range [0, 9999].")]
    YearNotPrintable(i64),
    /// Too few characters.
    #[error("Truncated date string `{0}`.")]
    Truncated(String),
    /// Something else where a digit belongs.
    #[error("Invalid date string `{text}` (got `{found}` but expected a digit).")]
    NoDigit {
        /// The date, time or time zone.
        text: String,
        /// The character.
        found: char,
    },
    /// One hyphen.
    #[error("Date string `{0}` must have 0 or 2 hyphens.")]
    Hyphens(String),
    /// One colon.
    #[error("Time string `{0}` must have 0 or 2 colons.")]
    Colons(String),
    /// More than the date, time or time zone.
    #[error("Garbage characters `{garbage}` at end of {what} string `{text}`.")]
    Garbage {
        /// What follows.
        garbage: String,
        /// `date`, `time` or `timezone`.
        what: &'static str,
        /// The whole.
        text: String,
    },
    /// `2013-W27`.
    #[error(
        "Due to limitations in the boost time library we use for parsing, we cannot support ISO week dates \
         right now.  Sorry about that!  Please use years, calendar dates, or ordinal dates instead."
    )]
    WeekDate,
    /// Hours, minutes or seconds that a day does not have.
    #[error("Failed to parse `{text}` (`{normalised}`) as ISO 8601 time.")]
    Unparseable {
        /// What was given.
        text: String,
        /// What was understood.
        normalised: String,
    },
    /// No time zone in the text and none given beside it.
    #[error("ISO 8601 string has no time zone, and no default time zone was provided.")]
    NoTimeZone,
    /// A negative offset of zero.
    #[error("`{0}` is not a valid time offset.")]
    NegativeZeroOffset(String),
    /// An offset without a sign.
    #[error("Timezone `{0}` does not start with `-` or `+`.")]
    NoSign(String),
    /// An offset of more than a day.
    #[error("Hours out of range in `{0}`.")]
    OffsetHours(String),
    /// An offset of more than an hour's minutes.
    #[error("Minutes out of range in `{0}`.")]
    OffsetMinutes(String),
}

/// A checked time zone offset, printed as `+hh:mm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone {
    negative: bool,
    hours: u8,
    minutes: u8,
}

impl TimeZone {
    /// Universal time.
    pub const UTC: Self = Self { negative: false, hours: 0, minutes: 0 };

    /// Seconds to add to universal time.
    pub fn offset_seconds(self) -> i64 {
        let seconds = i64::from(self.hours) * 3600 + i64::from(self.minutes) * 60;
        if self.negative { -seconds } else { seconds }
    }
}

impl std::fmt::Display for TimeZone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", self.hours, self.minutes)
    }
}

/// Reads `Z`, `+hh`, `+hhmm` or `+hh:mm`.
pub fn parse_time_zone(text: &str) -> Result<TimeZone, TimeError> {
    if text == "Z" {
        return Ok(TimeZone::UTC);
    }
    let mut digits = super::iso8601::Digits::new(text);
    let negative = digits.skip('-');
    if !negative && !digits.skip('+') {
        return Err(TimeError::NoSign(text.to_owned()));
    }
    let hours = digits.number(2)? as u8;
    let mut minutes = 0;
    if !digits.at_end() {
        digits.skip(':');
        minutes = digits.number(2)? as u8;
        digits.end("timezone")?;
    }
    if hours > 24 {
        return Err(TimeError::OffsetHours(text.to_owned()));
    }
    if minutes > 59 {
        return Err(TimeError::OffsetMinutes(text.to_owned()));
    }
    if negative && hours == 0 && minutes == 0 {
        return Err(TimeError::NegativeZeroOffset(text.to_owned()));
    }
    Ok(TimeZone { negative, hours, minutes })
}

/// Times have milliseconds.
pub fn round_to_milliseconds(seconds: f64) -> f64 {
    let rounded = (seconds * 1000.0).round() / 1000.0;
    if rounded.is_finite() { rounded } else { seconds }
}

/// A time from seconds since 1970 and a checked time zone.
pub fn time(epoch_seconds: f64, time_zone: &str) -> Datum {
    let zone = match time_zone {
        TIME_ZONE_UTC => Text::from_static(TIME_ZONE_UTC),
        other => Text::from(other),
    };
    time_from(epoch_seconds, zone)
}

/// The instant as it is, in universal time.
pub(crate) fn exact_time(epoch_seconds: f64) -> Datum {
    build(epoch_seconds, Text::from_static(TIME_ZONE_UTC))
}

fn time_from(epoch_seconds: f64, time_zone: Text) -> Datum {
    build(round_to_milliseconds(epoch_seconds), time_zone)
}

fn build(epoch_seconds: f64, time_zone: Text) -> Datum {
    let mut builder = ObjectBuilder::with_capacity(3);
    builder.insert(Text::from_static(REQL_TYPE), Datum::String(Text::from_static("TIME")));
    builder.insert(Text::from_static(EPOCH_TIME), Datum::Number(epoch_seconds));
    builder.insert(Text::from_static(TIMEZONE), Datum::String(time_zone));
    Datum::Object(builder.build())
}

/// A time from a date and a time of day in a time zone.
pub fn civil_time(
    date: CivilDate,
    hours: i64,
    minutes: i64,
    seconds: f64,
    time_zone: &str,
) -> Result<Datum, TimeError> {
    check_date(date)?;
    let zone = parse_time_zone(time_zone)?;
    let days = days_from_civil(date.year, date.month, date.day);
    let whole = days * DAY_SECONDS + hours * 3600 + minutes * 60 - zone.offset_seconds();
    Ok(time(whole as f64 + seconds, &zone.to_string()))
}

/// Fails for dates that do not exist.
pub(super) fn check_date(date: CivilDate) -> Result<(), TimeError> {
    if !(YEAR_MIN..=YEAR_MAX).contains(&date.year) {
        return Err(TimeError::Year);
    }
    if !(1..=12).contains(&date.month) {
        return Err(TimeError::Month);
    }
    if !(1..=31).contains(&date.day) {
        return Err(TimeError::DayOfMonth);
    }
    if date.day > days_in_month(date.year, date.month) {
        return Err(TimeError::DayOfMonthForYear);
    }
    Ok(())
}

/// Seconds since 1970 of a time.
pub fn epoch_time(time: &Object) -> f64 {
    epoch_time_of(time.view())
}

pub(crate) fn epoch_time_of(time: ObjectRef<'_>) -> f64 {
    number_field(time, EPOCH_TIME).unwrap_or(0.0)
}

/// The time zone of a time, as text.
pub fn time_zone(time: &Object) -> Text {
    match time.get(TIMEZONE) {
        Some(Datum::String(zone)) => zone,
        _ => Text::from_static(TIME_ZONE_UTC),
    }
}

/// The same instant in another time zone.
pub fn in_time_zone(time: &Object, time_zone: &str) -> Result<Datum, TimeError> {
    let zone = parse_time_zone(time_zone)?;
    Ok(time_from(epoch_time(time), Text::from(zone.to_string())))
}

/// A time taken apart in its own time zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeParts {
    /// The date.
    pub date: CivilDate,
    /// 0 to 23.
    pub hours: u32,
    /// 0 to 59.
    pub minutes: u32,
    /// 0 to below 60, with milliseconds.
    pub seconds: f64,
    /// Microseconds of the second.
    pub(super) microseconds: i64,
    /// Its offset from universal time.
    pub time_zone: TimeZone,
    /// Days since 1970.
    days: i64,
}

impl TimeParts {
    /// 1 for Monday to 7 for Sunday.
    pub fn day_of_week(&self) -> u32 {
        ((self.days + 3).rem_euclid(7) + 1) as u32
    }

    /// 1 for the first of January.
    pub fn day_of_year(&self) -> u32 {
        self.date.day_of_year()
    }

    /// Whole seconds of the minute.
    pub(super) fn whole_seconds(&self) -> u32 {
        self.seconds.floor() as u32
    }
}

/// Takes a time apart in its own time zone.
pub fn time_parts(time: &Object) -> Result<TimeParts, TimeError> {
    let zone = parse_time_zone(&time_zone(time))?;
    let epoch = epoch_time(time);
    // Anything outside of the years allowed is refused below, long before this saturates.
    let microseconds = ((epoch * 1_000_000.0) as i64)
        .checked_add(zone.offset_seconds() * 1_000_000)
        .ok_or(TimeError::Year)?;
    let whole = microseconds.div_euclid(1_000_000);
    let days = whole.div_euclid(DAY_SECONDS);
    let of_day = whole.rem_euclid(DAY_SECONDS);
    let date = CivilDate::from_days(days);
    if !(YEAR_MIN..=YEAR_MAX).contains(&date.year) {
        return Err(TimeError::Year);
    }
    let microseconds = microseconds.rem_euclid(1_000_000);
    let fraction = (microseconds as f64 / 1000.0).round() / 1000.0;
    Ok(TimeParts {
        date,
        hours: (of_day / 3600) as u32,
        minutes: (of_day / 60 % 60) as u32,
        seconds: (of_day % 60) as f64 + fraction,
        microseconds,
        time_zone: zone,
        days,
    })
}

/// The midnight before a time, in its own time zone.
pub fn date(time: &Object) -> Result<Datum, TimeError> {
    let parts = time_parts(time)?;
    let seconds = parts.days * DAY_SECONDS - parts.time_zone.offset_seconds();
    Ok(time_from(seconds as f64, time_zone(time)))
}

/// Seconds since the midnight before a time, in its own time zone.
pub fn time_of_day(time: &Object) -> Result<f64, TimeError> {
    let parts = time_parts(time)?;
    let seconds = f64::from(parts.hours * 3600 + parts.minutes * 60) + parts.seconds;
    Ok(round_to_milliseconds(seconds))
}

/// Checks the object form of a time; returns the time if it changes.
pub(super) fn sanitize(object: &Object) -> Result<Option<Datum>, DatumError> {
    let invalid = |reason: String| DatumError::InvalidTime { reason, printed: print_object(object) };
    let (mut seconds, mut zone, mut changed) = (None, None, false);
    for (key, value) in object {
        match (key.as_str(), &value) {
            (REQL_TYPE, _) => {}
            (EPOCH_TIME, Datum::Number(number)) => {
                let rounded = round_to_milliseconds(*number);
                changed |= rounded != *number;
                seconds = Some(rounded);
            }
            (TIMEZONE, Datum::String(text)) => match parse_time_zone(text) {
                Ok(parsed) => {
                    let normalised = parsed.to_string();
                    changed |= *text != *normalised;
                    zone = Some(normalised);
                }
                Err(_) => {
                    return Err(invalid(format!("invalid timezone string `{}`", value.print_truncated())));
                }
            },
            (EPOCH_TIME | TIMEZONE, _) => {
                let expected = if key.as_str() == EPOCH_TIME { "number" } else { "string" };
                return Err(invalid(format!(
                    "field `{key}` must be a {expected} (got `{}` of type {})",
                    value.print_truncated(),
                    value.type_name()
                )));
            }
            _ => return Err(invalid(format!("unrecognized field `{key}`"))),
        }
    }
    let seconds = seconds.ok_or_else(|| invalid(format!("no field `{EPOCH_TIME}`")))?;
    let zone = zone.ok_or_else(|| invalid(format!("no field `{TIMEZONE}`")))?;
    Ok(changed.then(|| time(seconds, &zone)))
}
