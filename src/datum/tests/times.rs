//! Times: what the reference server answered, and every form of ISO 8601.

use photondb_datum::pseudo::{self, CivilDate};
use photondb_datum::{Datum, Object};

fn iso(text: &str) -> Result<Object, String> {
    match pseudo::parse_iso8601(text, None) {
        Ok(Datum::Object(time)) => Ok(time),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn iso_8601_round_trips() {
    let cases = [
        ("2013-07-29T18:21:36.680000-07:00", "2013-07-29T18:21:36.680-07:00", 1375147296.68),
        ("2013-07-30T01:21:36.680000+00:00", "2013-07-30T01:21:36.680+00:00", 1375147296.68),
        ("2013-07-30T20:56:05-07:00", "2013-07-30T20:56:05-07:00", 1375242965.0),
        ("2013Z", "", f64::NAN),
        ("2013-01-01T00:00:00Z", "2013-01-01T00:00:00+00:00", 1356998400.0),
        ("20130101T000000+0100", "2013-01-01T00:00:00+01:00", 1356994800.0),
        ("2013-002T12Z", "2013-01-02T12:00:00+00:00", 1357128000.0),
        ("2012366T1230Z", "2012-12-31T12:30:00+00:00", 1356957000.0),
        ("2013-05T06:07Z", "2013-05-01T06:07:00+00:00", 1367388420.0),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500+00:00", -0.5),
        ("2013-07-30T20:56:05.12345-07", "2013-07-30T20:56:05.123-07:00", 1375242965.123),
    ];
    for (text, printed, seconds) in cases {
        let Ok(time) = iso(text) else {
            assert!(seconds.is_nan(), "{text}");
            continue;
        };
        assert_eq!(pseudo::print_iso8601(&time).unwrap(), printed, "{text}");
        assert_eq!(pseudo::epoch_time(&time), seconds, "{text}");
    }
    let local = pseudo::parse_iso8601("2013-01-01", Some("-08:00")).unwrap();
    assert_eq!(pseudo::print_iso8601(local.as_object().unwrap()).unwrap(), "2013-01-01T00:00:00-08:00");
}

#[test]
fn wrong_text_is_said_as_rethinkdb_does() {
    let cases = [
        ("2013-07-30T20:56:05", "ISO 8601 string has no time zone, and no default time zone was provided."),
        ("2013", "ISO 8601 string has no time zone, and no default time zone was provided."),
        ("201", "Truncated date string `201`."),
        ("20x3", "Invalid date string `20x3` (got `x` but expected a digit)."),
        ("2013-0101T00Z", "Date string `2013-0101` must have 0 or 2 hyphens."),
        ("201301-01T00Z", "Date string `201301-01` must have 0 or 2 hyphens."),
        ("2013-01-011T00Z", "Garbage characters `1` at end of date string `2013-01-011`."),
        ("2013-01-01T00:0000Z", "Time string `00:0000` must have 0 or 2 colons."),
        ("2013-01-01T00:00:000Z", "Garbage characters `0` at end of time string `00:00:000`."),
        ("2013-01-01T00+25:00", "Hours out of range in `+25:00`."),
        ("2013-01-01T00+25", "Hours out of range in `+25`."),
        ("2013-01-01T00+00:60", "Minutes out of range in `+00:60`."),
        ("2013-01-01T00-0000", "`-0000` is not a valid time offset."),
        ("2013-01-01T00-00:00", "`-00:00` is not a valid time offset."),
        ("2013-01-01T00+01:000", "Garbage characters `0` at end of timezone string `+01:000`."),
        (
            "2013-W01-1T00Z",
            "Due to limitations in the boost time library we use for parsing, we cannot support ISO week dates \
             right now.  Sorry about that!  Please use years, calendar dates, or ordinal dates instead.",
        ),
        ("2013-13-01T00Z", "Error in time logic: Month number is out of range 1..12."),
        ("2013-01-32T00Z", "Error in time logic: Day of month value is out of range 1..31."),
        ("2013-02-29T00Z", "Error in time logic: Day of month is not valid for year."),
        ("1023-01-01T00Z", "Error in time logic: Year is out of valid range: 1400..10000."),
    ];
    for (text, message) in cases {
        assert_eq!(iso(text).map(|time| pseudo::print_iso8601(&time)), Err(message.to_owned()), "{text}");
    }
    assert_eq!(
        pseudo::parse_time_zone("UTC+00").unwrap_err().to_string(),
        "Timezone `UTC+00` does not start with `-` or `+`."
    );
}

#[test]
fn parts_are_those_of_the_time_zone() {
    let time = pseudo::time(1375147296.6812, "-07:00");
    let time = time.as_object().unwrap();
    let parts = pseudo::time_parts(time).unwrap();
    assert_eq!(parts.date, CivilDate { year: 2013, month: 7, day: 29 });
    assert_eq!((parts.hours, parts.minutes, parts.seconds), (18, 21, 36.681));
    assert_eq!((parts.day_of_week(), parts.day_of_year()), (1, 210));
    assert_eq!(pseudo::time_of_day(time).unwrap(), 66096.681);
    let midnight = pseudo::date(time).unwrap();
    assert_eq!(pseudo::print_iso8601(midnight.as_object().unwrap()).unwrap(), "2013-07-29T00:00:00-07:00");
    let moved = pseudo::in_time_zone(time, "Z").unwrap();
    assert_eq!(pseudo::print_iso8601(moved.as_object().unwrap()).unwrap(), "2013-07-30T01:21:36.681+00:00");
    assert_eq!(moved, Datum::Object(time.clone()));
}

#[test]
fn times_are_made_of_parts() {
    let date = CivilDate { year: 2013, month: 7, day: 29 };
    let time = pseudo::civil_time(date, 18, 21, 36.68, "-07:00").unwrap();
    assert_eq!(pseudo::epoch_time(time.as_object().unwrap()), 1375147296.68);
    let leap = CivilDate { year: 2013, month: 2, day: 29 };
    assert!(pseudo::civil_time(leap, 0, 0, 0.0, "Z").is_err());
    assert!(pseudo::civil_time(date, 0, 0, 0.0, "").is_err());
}

#[test]
fn times_beyond_the_calendar_exist_but_have_no_parts() {
    for seconds in [1e15, -1e15, 1e300, f64::MAX, f64::MIN, 253_402_300_800.0 * 2.0] {
        let time = pseudo::time(seconds, "+00:00");
        let time = time.as_object().unwrap();
        assert_eq!(pseudo::epoch_time(time), seconds);
        assert!(pseudo::time_parts(time).is_err());
        assert!(pseudo::print_iso8601(time).is_err());
    }
    let last = pseudo::time(253_402_300_800.0, "+00:00");
    assert_eq!(
        pseudo::print_iso8601(last.as_object().unwrap()).unwrap_err().to_string(),
        "Year `10000` out of valid ISO 8601 range [0, 9999]."
    );
}
