//! One value on little space.

use photondb_datum::Datum;
use photondb_datum::pseudo::print_iso8601;

/// A value for people: strings as they are, times as ISO 8601, binary data by its length, the
/// rest as JSON. Characters that would move the cursor of a terminal are written as escapes.
pub fn plain_text(value: &Datum) -> String {
    match value {
        Datum::String(text) => printable(text.as_str()),
        Datum::Binary(bytes) => format!("<{} bytes>", bytes.len()),
        Datum::Object(time) if value.is_time() => print_iso8601(time).unwrap_or_else(|_| json_text(value)),
        _ => printable(&json_text(value)),
    }
}

/// A value for a field of CSV, as RethinkDB's tools write it: strings as they are, nothing for
/// null, the rest as JSON.
pub fn csv_text(value: &Datum) -> String {
    match value {
        Datum::String(text) => text.as_str().to_owned(),
        Datum::Null => String::new(),
        _ => json_text(value),
    }
}

fn json_text(value: &Datum) -> String {
    // Extremes alone have no JSON.
    photondb_datum::json::to_string(value).unwrap_or_else(|_| value.print())
}

fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' | '\r' => out.extend(character.escape_default()),
            control if control.is_control() => out.extend(control.escape_unicode()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use photondb_datum::pseudo::time;

    use super::*;

    #[test]
    fn values_are_short_and_harmless() {
        let moment = time(0.5, "+00:00");
        for (value, shown, field) in [
            (Datum::from("a\nb\x1b[2J"), "a\\nb\\u{1b}[2J", "a\nb\x1b[2J"),
            (Datum::Null, "null", ""),
            (Datum::Number(1.5), "1.5", "1.5"),
            (Datum::array([Datum::from("x")]), "[\"x\"]", "[\"x\"]"),
            (
                moment,
                "1970-01-01T00:00:00.500+00:00",
                "{\"$reql_type$\":\"TIME\",\"epoch_time\":0.5,\"timezone\":\"+00:00\"}",
            ),
        ] {
            assert_eq!(plain_text(&value), shown);
            assert_eq!(csv_text(&value), field);
        }
        assert_eq!(plain_text(&Datum::Binary(b"ab".as_slice().into())), "<2 bytes>");
    }
}
