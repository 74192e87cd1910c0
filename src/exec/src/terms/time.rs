//! Times.

use photondb_datum::pseudo::{self, CivilDate, TimeError, TimeParts};
use photondb_datum::{Datum, DatumError, Object, PseudoType};

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::terms::array::is_open;
use crate::value::{Value, text};

impl From<TimeError> for EvalError {
    fn from(error: TimeError) -> Self {
        Self::from(DatumError::Time(error))
    }
}

/// An argument that must be a time; the complaint is the argument's.
fn time_argument(call: &Invocation<'_>, position: usize) -> Result<Object> {
    let value = call.value(position)?;
    let site = value.site;
    match value.into_datum()? {
        Datum::Object(object) if object.pseudo_type() == Some(PseudoType::Time) => Ok(object),
        other => {
            let message = format!("Not a TIME pseudotype: `{}`.", other.print_truncated());
            Err(EvalError::logic(message).at(site))
        }
    }
}

pub(crate) fn iso8601(call: &Invocation<'_>) -> Result<Value> {
    let value = call.value(0)?;
    let site = value.site;
    let zone = call.option_text("default_timezone")?;
    let text = value.into_text()?;
    let time = pseudo::parse_iso8601(&text, zone.as_ref().map(|zone| zone.as_str()))
        .map_err(|error| EvalError::from(error).at(site))?;
    call.answer(time)
}

pub(crate) fn to_iso8601(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::from(pseudo::print_iso8601(&time_argument(call, 0)?)?))
}

pub(crate) fn epoch_time(call: &Invocation<'_>) -> Result<Value> {
    let seconds = call.value(0)?.into_number()?;
    call.answer(pseudo::time(seconds, pseudo::TIME_ZONE_UTC))
}

pub(crate) fn to_epoch_time(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(pseudo::epoch_time(&time_argument(call, 0)?)))
}

pub(crate) fn now(call: &Invocation<'_>) -> Result<Value> {
    call.answer(call.env.now())
}

/// `r.time` of a date, or of a date and a time of day, and a time zone.
pub(crate) fn time(call: &Invocation<'_>) -> Result<Value> {
    let count = call.count();
    if count != 4 && count != 7 {
        return Err(EvalError::logic(format!("Got {count} arguments to TIME (expected 4 or 7).")));
    }
    let integer = |position| call.value(position)?.into_integer();
    let date = CivilDate { year: integer(0)?, month: part(integer(1)?), day: part(integer(2)?) };
    let (hours, minutes, seconds) = match count {
        7 => (integer(3)?, integer(4)?, call.value(5)?.into_number()?),
        _ => (0, 0, 0.0),
    };
    let zone = call.value(count - 1)?.into_text()?;
    call.answer(pseudo::civil_time(date, hours, minutes, seconds, &zone)?)
}

/// A month or a day; what cannot be one is zero, which is none either.
fn part(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

pub(crate) fn in_timezone(call: &Invocation<'_>) -> Result<Value> {
    let time = time_argument(call, 0)?;
    let zone = text(&call.datum(1)?)?;
    call.answer(pseudo::in_time_zone(&time, &zone)?)
}

pub(crate) fn timezone(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::String(pseudo::time_zone(&time_argument(call, 0)?)))
}

/// Whether a time lies between two others.
pub(crate) fn during(call: &Invocation<'_>) -> Result<Value> {
    let time = pseudo::epoch_time(&time_argument(call, 0)?);
    let start = pseudo::epoch_time(&time_argument(call, 1)?);
    let end = pseudo::epoch_time(&time_argument(call, 2)?);
    let after_start = if is_open(call, "left_bound", false)? { start < time } else { start <= time };
    let before_end = if is_open(call, "right_bound", true)? { time < end } else { time <= end };
    call.answer(Datum::Bool(after_start && before_end))
}

pub(crate) fn date(call: &Invocation<'_>) -> Result<Value> {
    call.answer(pseudo::date(&time_argument(call, 0)?)?)
}

pub(crate) fn time_of_day(call: &Invocation<'_>) -> Result<Value> {
    call.answer(Datum::Number(pseudo::time_of_day(&time_argument(call, 0)?)?))
}

/// One part of a time in its own time zone.
fn portion(call: &Invocation<'_>, of: impl Fn(&TimeParts) -> f64) -> Result<Value> {
    let parts = pseudo::time_parts(&time_argument(call, 0)?)?;
    call.answer(Datum::Number(of(&parts)))
}

pub(crate) fn year(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| parts.date.year as f64)
}

pub(crate) fn month(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.date.month))
}

pub(crate) fn day(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.date.day))
}

pub(crate) fn day_of_week(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.day_of_week()))
}

pub(crate) fn day_of_year(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.day_of_year()))
}

pub(crate) fn hours(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.hours))
}

pub(crate) fn minutes(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| f64::from(parts.minutes))
}

pub(crate) fn seconds(call: &Invocation<'_>) -> Result<Value> {
    portion(call, |parts| parts.seconds)
}

/// `r.monday` is 1.
pub(crate) fn weekday(call: &Invocation<'_>, number: u32) -> Result<Value> {
    call.answer(Datum::from(number))
}

/// `r.january` is 1.
pub(crate) fn month_number(call: &Invocation<'_>, number: u32) -> Result<Value> {
    call.answer(Datum::from(number))
}
