//! Numbers as RethinkDB prints them.

use std::io::Write as _;

/// Whole numbers up to this are printed without a point or an exponent.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
/// From here on whole numbers have an exponent.
const POINT_MAX: f64 = 1e21;
/// Below this there is an exponent.
const POINT_MIN: f64 = 1e-6;

/// Appends a finite number: whole numbers that all doubles around them can be told from as
/// integers, everything else with the fewest digits that read back as the same double.
pub fn write_number(number: f64, out: &mut Vec<u8>) {
    if number.fract() == 0.0 && number.abs() <= INTEGER_MAX && !(number == 0.0 && number.is_sign_negative()) {
        write_integer(number as i64, out);
    } else {
        write_double(number, out);
    }
}

/// Two digits at a time.
const DIGIT_PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

fn write_integer(integer: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = integer.unsigned_abs();
    while rest >= 100 {
        let pair = (rest % 100) as usize * 2;
        rest /= 100;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&DIGIT_PAIRS[pair..pair + 2]);
    }
    if rest >= 10 {
        let pair = rest as usize * 2;
        at -= 2;
        digits[at..at + 2].copy_from_slice(&DIGIT_PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        digits[at] = b'0' + rest as u8;
    }
    if integer < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_double(number: f64, out: &mut Vec<u8>) {
    let size = number.abs();
    if size != 0.0 && !(POINT_MIN..POINT_MAX).contains(&size) {
        // `1.5e30`, `1e-7`: a sign only on negative exponents.
        let written = write!(out, "{number:e}");
        debug_assert!(written.is_ok());
        return;
    }
    let start = out.len();
    // serde_json brings a fast shortest printer; its exponents differ.
    if (1e-5..1e16).contains(&size) && serde_json::to_writer(&mut *out, &number).is_ok() {
        return;
    }
    out.truncate(start);
    let written = write!(out, "{number:?}");
    debug_assert!(written.is_ok());
    if out[start..].contains(&b'e') {
        out.truncate(start);
        let written = write!(out, "{number}");
        debug_assert!(written.is_ok());
        if !out[start..].contains(&b'.') {
            out.extend_from_slice(b".0");
        }
    }
}

/// How C prints what is not finite.
pub(crate) fn non_finite_name(number: f64) -> &'static str {
    if number.is_nan() {
        "nan"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    }
}
