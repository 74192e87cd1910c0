//! Numbers as RethinkDB prints them.

use super::digits::Digits;

/// Whole numbers up to this are printed without a point or an exponent.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;
/// From here on whole numbers have an exponent.
const POINT_MAX: f64 = 1e21;
/// Below this there is an exponent.
const POINT_MIN: f64 = 1e-6;

/// Appends a finite number: whole numbers that all doubles around them can be told from as
/// integers, everything else with digits that read back as the same double.
pub fn write_number(number: f64, out: &mut Vec<u8>) {
    let integer = number as i64;
    // Bits tell the negative zero, which no integer is.
    if (integer as f64).to_bits() == number.to_bits() && number.abs() <= INTEGER_MAX {
        write_integer(integer, out);
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

pub(super) fn write_integer(integer: i64, out: &mut Vec<u8>) {
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

pub(super) fn write_double(number: f64, out: &mut Vec<u8>) {
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number == 0.0 {
        out.extend_from_slice(b"0.0");
        return;
    }
    let size = number.abs();
    let digits = Digits::of(size);
    let characters = digits.characters();
    // Where the point is, counted from the first digit.
    let point = characters.len() as i32 + digits.exponent;
    if !(POINT_MIN..POINT_MAX).contains(&size) {
        // `1.5e30`, `1e-7`: a sign only on negative exponents.
        let (first, rest) = characters.split_at(1);
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.push(b'e');
        write_integer(i64::from(point - 1), out);
    } else if digits.exponent >= 0 {
        out.extend_from_slice(characters);
        out.resize(out.len() + digits.exponent as usize, b'0');
        out.extend_from_slice(b".0");
    } else if point > 0 {
        let (whole, fraction) = characters.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(characters);
    }
}

/// Digits of [`exact_number`].
const EXACT_DIGITS: i32 = 20;

/// A number as RethinkDB's messages print it: up to 20 significant digits of its exact
/// value, as C does with `%.20g`. `0.1` is `0.10000000000000000555`.
pub fn exact_number(number: f64) -> String {
    if !number.is_finite() {
        let name = if number.is_nan() { "nan" } else { "inf" };
        return if number < 0.0 { format!("-{name}") } else { name.to_owned() };
    }
    let scientific = format!("{number:.*e}", (EXACT_DIGITS - 1) as usize);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..EXACT_DIGITS).contains(&exponent) {
        let fixed = format!("{number:.*}", (EXACT_DIGITS - 1 - exponent) as usize);
        return without_trailing_zeros(&fixed).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.abs())
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: f64) -> String {
        let mut out = Vec::new();
        write_number(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_short_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0.0"),
            (7.0, "7"),
            (-10.0, "-10"),
            (1234567890.0, "1234567890"),
            (-73850380122423.0, "-73850380122423"),
            (9007199254740992.0, "9007199254740992"),
            (-9007199254740992.0, "-9007199254740992"),
            (9007199254740994.0, "9007199254740994.0"),
            (1e16, "10000000000000000.0"),
            (1e20, "100000000000000000000.0"),
            (1e21, "1e21"),
            (1234567890123456789012345678901234567890.0, "1.2345678901234569e39"),
            (0.1, "0.1"),
            (-0.5, "-0.5"),
            (123.45678901234568, "123.45678901234568"),
            (67498.89278, "67498.89278"),
            (0.00001, "0.00001"),
            (0.0000012, "0.0000012"),
            (1e-7, "1e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
        ];
        for (number, text) in cases {
            assert_eq!(written(number), text);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }

    #[test]
    fn messages_have_twenty_digits() {
        let cases = [
            (1.0, "1"),
            (1.5, "1.5"),
            (-5.0, "-5"),
            (0.1, "0.10000000000000000555"),
            (1e300, "1.0000000000000000525e+300"),
            (1e-5, "1.0000000000000000818e-05"),
            (0.0001, "0.00010000000000000000479"),
            (123456789012345680000.0, "1.2345678901234568397e+20"),
            (12345678901234567000.0, "12345678901234567168"),
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (number, text) in cases {
            assert_eq!(exact_number(number), text);
        }
    }
}
