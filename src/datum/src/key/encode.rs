//! Values to keys.

use ::bytes::Bytes;

use super::{
    ARRAY, BINARY, BYTES_END, BYTES_ZERO, END, FALSE, KeyError, MAXVAL, MINVAL, NUMBER,
    PRIMARY_KEY_BYTES_MAX, SECONDARY_KEY_BYTES_MAX, STRING, TIME, TRUE,
};
use crate::datum::Datum;
use crate::pseudo::{self, PseudoType};
use crate::view::DatumRef;

/// What a key may contain.
#[derive(Clone, Copy)]
struct Rules {
    null_bytes: bool,
    extrema: bool,
    /// What lies behind so many bytes need not be written; it would be cut off.
    bytes_max: usize,
}

/// The key of a secondary index entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecondaryKey {
    /// At most [`SECONDARY_KEY_BYTES_MAX`] bytes.
    pub bytes: Bytes,
    /// Whether the value needs more bytes: then different values may share this key, and
    /// their order is not decided by it.
    pub truncated: bool,
}

/// The primary key of a document.
pub fn encode_primary(datum: &Datum) -> Result<Bytes, KeyError> {
    let value = datum.view();
    let rules = Rules { null_bytes: false, extrema: true, bytes_max: usize::MAX };
    // What RethinkDB counts is bounded first, so that a huge value is refused cheaply.
    if !matches!(value, DatumRef::Null) && counted_bytes(value, PRIMARY_KEY_BYTES_MAX + 1).is_none() {
        check_type(value, rules).map_err(|_| wrong_primary(value))?;
        return Err(KeyError::PrimaryTooLong { printed: datum.print() });
    }
    let mut out = Vec::with_capacity(32);
    encode(value, rules, &mut out).map_err(|refusal| refusal.into_error(|| wrong_primary(value)))?;
    Ok(Bytes::from(out))
}

/// A bound of a range of primary keys; as [`encode_primary`], which already allows
/// `r.minval` and `r.maxval` anywhere.
pub fn encode_primary_bound(datum: &Datum) -> Result<Bytes, KeyError> {
    encode_primary(datum)
}

/// The key of a document in a secondary index. Fails for values that are not indexed.
pub fn encode_secondary(datum: &Datum) -> Result<SecondaryKey, KeyError> {
    secondary(datum, false)
}

/// A bound of a range of a secondary index, or a key to look up: `r.minval` and `r.maxval`
/// may be anywhere.
pub fn encode_secondary_bound(datum: &Datum) -> Result<SecondaryKey, KeyError> {
    secondary(datum, true)
}

fn secondary(datum: &Datum, extrema: bool) -> Result<SecondaryKey, KeyError> {
    let value = datum.view();
    let rules = Rules { null_bytes: true, extrema, bytes_max: SECONDARY_KEY_BYTES_MAX };
    let mut out = Vec::with_capacity(32);
    encode(value, rules, &mut out).map_err(|refusal| {
        refusal.into_error(|| KeyError::SecondaryType {
            type_name: datum.type_name(),
            printed: datum.print_truncated(),
        })
    })?;
    let truncated = out.len() > SECONDARY_KEY_BYTES_MAX;
    out.truncate(SECONDARY_KEY_BYTES_MAX);
    Ok(SecondaryKey { bytes: Bytes::from(out), truncated })
}

/// Appends a key without limits on its length: `r.minval`, `r.maxval` and strings with
/// zeroes are allowed.
pub fn encode_into(value: DatumRef<'_>, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let rules = Rules { null_bytes: true, extrema: true, bytes_max: usize::MAX };
    encode(value, rules, out).map_err(|refusal| {
        refusal.into_error(|| KeyError::SecondaryType {
            type_name: value.to_datum().type_name(),
            printed: value.to_datum().print_truncated(),
        })
    })
}

/// Why encoding stopped.
enum Refusal {
    /// The outermost value has a type that no key has; the caller knows the words.
    Type,
    Error(KeyError),
}

impl Refusal {
    fn into_error(self, wrong_type: impl FnOnce() -> KeyError) -> KeyError {
        match self {
            Self::Type => wrong_type(),
            Self::Error(error) => error,
        }
    }
}

fn wrong_primary(value: DatumRef<'_>) -> KeyError {
    let datum = value.to_datum();
    KeyError::PrimaryType { type_name: datum.type_name(), printed: datum.print_truncated() }
}

fn encode(value: DatumRef<'_>, rules: Rules, out: &mut Vec<u8>) -> Result<(), Refusal> {
    check_type(value, rules)?;
    match value {
        DatumRef::MinVal => out.push(MINVAL),
        DatumRef::MaxVal => out.push(MAXVAL),
        DatumRef::Bool(value) => out.push(if value { TRUE } else { FALSE }),
        DatumRef::Number(number) => {
            out.push(NUMBER);
            out.extend_from_slice(&number_bytes(number));
        }
        DatumRef::String(bytes) => {
            if !rules.null_bytes
                && let Some(offset) = bytes.iter().position(|byte| *byte == 0)
            {
                return Err(Refusal::Error(KeyError::NullByte { quoted: quote(bytes), offset }));
            }
            out.push(STRING);
            escape(bytes, rules, out);
        }
        DatumRef::Binary(bytes) => {
            out.push(BINARY);
            escape(bytes, rules, out);
        }
        DatumRef::Object(object) => {
            out.push(TIME);
            out.extend_from_slice(&number_bytes(pseudo::epoch_time_of(object)));
        }
        DatumRef::Array(array) => {
            out.push(ARRAY);
            for item in array.iter() {
                // What lies behind the cut is not kept, but it must be allowed there.
                out.truncate(rules.bytes_max.saturating_add(1));
                encode(item, rules, out).map_err(|refusal| {
                    Refusal::Error(refusal.into_error(|| {
                        let datum = item.to_datum();
                        KeyError::ArrayItem { type_name: datum.type_name(), printed: datum.print() }
                    }))
                })?;
            }
            out.push(END);
        }
        DatumRef::Null => return Err(Refusal::Type),
    }
    Ok(())
}

/// Whether the outermost value can be a key.
fn check_type(value: DatumRef<'_>, rules: Rules) -> Result<(), Refusal> {
    match value {
        DatumRef::Null => Err(Refusal::Type),
        DatumRef::MinVal | DatumRef::MaxVal if !rules.extrema => Err(Refusal::Error(KeyError::Extremum)),
        DatumRef::Object(object) => match object.pseudo_type() {
            Some(PseudoType::Time) => Ok(()),
            Some(PseudoType::Geometry) => Err(Refusal::Error(KeyError::Geometry)),
            Some(other) => Err(Refusal::Error(KeyError::PseudoType(other.type_name()))),
            None => Err(Refusal::Type),
        },
        _ => Ok(()),
    }
}

/// The order-preserving bytes of a number.
fn number_bytes(number: f64) -> [u8; 8] {
    // Adding zero turns the negative zero into the positive one.
    let bits = (number + 0.0).to_bits();
    let mask = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
    (bits ^ mask).to_be_bytes()
}

fn escape(bytes: &[u8], rules: Rules, out: &mut Vec<u8>) {
    // What lies behind the cut need not be written, but something must, to show the cut.
    let left = rules.bytes_max.saturating_sub(out.len()).saturating_add(1);
    let bytes = bytes.get(..left).unwrap_or(bytes);
    let mut rest = bytes;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        out.extend_from_slice(&rest[..zero]);
        out.extend_from_slice(&[0, BYTES_ZERO]);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, BYTES_END]);
}

/// The length of a primary key as its limit counts it, unless it is above `max`: a byte for
/// the type and for the end of array items, and the bytes themselves. Strings up to the
/// limit fit exactly.
fn counted_bytes(value: DatumRef<'_>, max: usize) -> Option<usize> {
    let bytes = match value {
        DatumRef::String(bytes) => 1 + bytes.len(),
        // As RethinkDB spells the type in front of the bytes and escapes two of them.
        DatumRef::Binary(bytes) => {
            8 + bytes.len() + bytes.iter().take(max).filter(|byte| **byte <= 1).count()
        }
        DatumRef::Number(_) | DatumRef::Object(_) => 9,
        DatumRef::Array(array) => {
            let mut total = 1;
            for item in array.iter() {
                total += 1 + counted_bytes(item, max.checked_sub(total)?)?;
                if total > max {
                    return None;
                }
            }
            total
        }
        _ => 1,
    };
    (bytes <= max).then_some(bytes)
}

/// The first 20 bytes in quotes, what cannot be printed as `\xNN`.
fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for byte in &bytes[..bytes.len().min(20)] {
        if byte.is_ascii_graphic() || *byte == b' ' {
            if matches!(byte, b'"' | b'\\') {
                quoted.push('\\');
            }
            quoted.push(char::from(*byte));
        } else {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}
