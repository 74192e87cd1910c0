//! Values as messages print them: a line per item, tabs, a tab behind colons.

use crate::view::DatumRef;

use super::number::write_number;
use super::write;

/// Longest value in messages that may be about large values.
const TRUNCATED_BYTES_MAX: usize = 300;

pub(crate) fn print(value: DatumRef<'_>) -> String {
    let mut out = Vec::new();
    indented(value, 0, &mut out);
    into_string(out)
}

pub(crate) fn print_truncated(value: DatumRef<'_>) -> String {
    let mut printed = print(value);
    if printed.len() > TRUNCATED_BYTES_MAX {
        let mut end = TRUNCATED_BYTES_MAX - 3;
        while !printed.is_char_boundary(end) {
            end -= 1;
        }
        printed.truncate(end);
        printed.push_str("...");
    }
    printed
}

/// Compact JSON with `r.minval` and `r.maxval` as such; for debugging.
pub(crate) fn compact_lossy(value: DatumRef<'_>) -> String {
    let mut out = Vec::new();
    if write::value(value, &mut out).is_err() {
        out.clear();
        indented(value, 0, &mut out);
    }
    into_string(out)
}

fn into_string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn indented(value: DatumRef<'_>, depth: usize, out: &mut Vec<u8>) {
    match value {
        DatumRef::MinVal => out.extend_from_slice(b"r.minval"),
        DatumRef::MaxVal => out.extend_from_slice(b"r.maxval"),
        DatumRef::Number(number) => write_number(number, out),
        DatumRef::Array(array) => {
            out.push(b'[');
            for (position, item) in array.iter().enumerate() {
                begin_line(position, depth + 1, out);
                indented(item, depth + 1, out);
            }
            end_lines(array.is_empty(), depth, out);
            out.push(b']');
        }
        DatumRef::Object(object) => {
            out.push(b'{');
            for (position, (key, field)) in object.iter().enumerate() {
                begin_line(position, depth + 1, out);
                write::string(key, out);
                out.extend_from_slice(b":\t");
                indented(field, depth + 1, out);
            }
            end_lines(object.is_empty(), depth, out);
            out.push(b'}');
        }
        DatumRef::Binary(bytes) => {
            out.push(b'{');
            begin_line(0, depth + 1, out);
            out.extend_from_slice(b"\"$reql_type$\":\t\"BINARY\"");
            begin_line(1, depth + 1, out);
            out.extend_from_slice(b"\"data\":\t\"");
            crate::pseudo::encode_base64(bytes, out, br"\r\n");
            out.push(b'"');
            end_lines(false, depth, out);
            out.push(b'}');
        }
        DatumRef::Null | DatumRef::Bool(_) | DatumRef::String(_) => {
            // Only extremes cannot be written.
            let written = write::value(value, out);
            debug_assert!(written.is_ok());
        }
    }
}

fn begin_line(position: usize, depth: usize, out: &mut Vec<u8>) {
    if position > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    out.resize(out.len() + depth, b'\t');
}

fn end_lines(empty: bool, depth: usize, out: &mut Vec<u8>) {
    if !empty {
        out.push(b'\n');
        out.resize(out.len() + depth, b'\t');
    }
}
