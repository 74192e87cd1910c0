//! Literals from JSON to packed values.

use photondb_datum::json::{JsonType, ParseLimits, Reader, plain_prefix};
use photondb_datum::packed::{Duplicates, Writer};
use photondb_datum::{Datum, DatumError};

/// So many digits are a number that is exact as a float.
const PLAIN_DIGITS_MAX: usize = 15;

/// How long arrays may be is not known before the options of the query are: see
/// [`crate::Ast::check_array_sizes`].
pub(crate) fn limits() -> ParseLimits {
    ParseLimits { array_size_max: usize::MAX, ..ParseLimits::default() }
}

/// Packs a whole JSON text. Pseudo-types are checked and normalised.
///
/// As deep as values may be nested, this takes no more of the caller's stack than a number
/// does: whoever serves a query need not know what is in it.
pub(crate) fn pack(text: &[u8]) -> Result<Datum, DatumError> {
    if let Some(text) = plain_string(text) {
        return Ok(Datum::string(text));
    }
    if let Some(number) = plain_number(text) {
        return Ok(Datum::Number(number));
    }
    let mut reader = Reader::with_limits(text, limits())?;
    if reader.peek()? == JsonType::Number {
        let number = reader.number()?;
        reader.finish()?;
        return Ok(Datum::Number(number));
    }
    Writer::lent(|writer| pack_with(reader, writer))
}

fn pack_with(mut reader: Reader<'_>, writer: &mut Writer) -> Result<Datum, DatumError> {
    // What is open, outermost first: whether it is an object.
    let mut open: Vec<bool> = Vec::new();
    loop {
        match reader.peek()? {
            JsonType::Array => {
                reader.begin_array()?;
                writer.begin_array();
                open.push(false);
            }
            JsonType::Object => {
                reader.begin_object()?;
                writer.begin_object();
                open.push(true);
            }
            JsonType::Null => {
                reader.null()?;
                writer.null();
            }
            JsonType::Bool => writer.bool(reader.bool()?),
            JsonType::Number => writer.number(reader.number()?),
            JsonType::String => writer.string(&reader.string()?),
        }
        if !advance(&mut reader, writer, &mut open)? {
            reader.finish()?;
            return writer.take_datum();
        }
    }
}

/// What a JSON string of plain ASCII says, as most strings in a query are: names, keys.
fn plain_string(text: &[u8]) -> Option<&str> {
    let [b'"', inner @ .., b'"'] = text else { return None };
    let is_plain = inner.is_ascii() && plain_prefix(inner) == inner.len();
    is_plain.then(|| std::str::from_utf8(inner).ok()).flatten()
}

/// A whole number that is written with nothing but a few digits, as most are.
fn plain_number(text: &[u8]) -> Option<f64> {
    let is_plain = match text {
        [b'0'..=b'9'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < PLAIN_DIGITS_MAX && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_plain.then(|| text.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')) as f64)
}

/// Goes to the next value, ending what ends before it; `false` when nothing is open.
fn advance(reader: &mut Reader<'_>, writer: &mut Writer, open: &mut Vec<bool>) -> Result<bool, DatumError> {
    while let Some(object) = open.last() {
        if *object {
            if let Some(key) = reader.next_key()? {
                writer.key(&key);
                return Ok(true);
            }
            writer.end_object(Duplicates::Reject)?;
        } else {
            if reader.next_item()? {
                return Ok(true);
            }
            writer.end_array();
        }
        open.pop();
    }
    Ok(false)
}
