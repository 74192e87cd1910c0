//! Binary data as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::REQL_TYPE;
use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::Object;

/// Why something is no binary data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// A character outside the alphabet.
    #[error("Invalid base64 character found: '{0}'.")]
    Character(char),
    /// A last group of one character.
    #[error("Invalid base64 length: 1 character remaining, cannot decode a full byte.")]
    Length,
    /// Data behind the padding.
    #[error("Invalid base64 format, data found after padding character '='.")]
    AfterPadding,
    /// A field that binary data does not have.
    #[error("Invalid binary pseudotype: illegal `{0}` key.")]
    IllegalKey(String),
    /// No `data` field.
    #[error("Invalid binary pseudotype: lacking `data` key.")]
    NoData,
    /// A `data` field that is no string.
    #[error("Expected type STRING but found {0}.")]
    DataNotString(&'static str),
}

/// Groups of four characters in a line of output; RethinkDB breaks lines with CR LF.
const LINE_CHARACTERS: usize = 76;
/// Bytes that make such a line.
const LINE_BYTES: usize = LINE_CHARACTERS / 4 * 3;

/// Appends bytes as base64 in lines of 76 characters.
pub fn encode_base64(bytes: &[u8], out: &mut Vec<u8>, line_break: &[u8]) {
    for (line, chunk) in bytes.chunks(LINE_BYTES).enumerate() {
        if line > 0 {
            out.extend_from_slice(line_break);
        }
        let start = out.len();
        out.resize(start + chunk.len().div_ceil(3) * 4, 0);
        let written = STANDARD.encode_slice(chunk, &mut out[start..]);
        debug_assert_eq!(written.ok(), Some(out.len() - start));
    }
}

/// Bytes from base64, with or without padding and white space.
pub fn decode_base64(text: &str) -> Result<Vec<u8>, BinaryError> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(bytes);
    }
    decode_lenient(text)
}

fn decode_lenient(text: &str) -> Result<Vec<u8>, BinaryError> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut group, mut filled, mut padded) = (0u32, 0u32, false);
    for character in text.chars() {
        if matches!(character, '\r' | '\n' | ' ' | '\t') {
            continue;
        }
        if character == '=' {
            padded = true;
            continue;
        }
        if padded {
            return Err(BinaryError::AfterPadding);
        }
        group = group << 6 | sextet(character)?;
        filled += 1;
        if filled == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, filled) = (0, 0);
        }
    }
    match filled {
        0 => {}
        1 => return Err(BinaryError::Length),
        _ => {
            let bytes = (group << (6 * (4 - filled))).to_be_bytes();
            out.extend_from_slice(&bytes[1..filled as usize]);
        }
    }
    Ok(out)
}

fn sextet(character: char) -> Result<u32, BinaryError> {
    Ok(match character {
        'A'..='Z' => character as u32 - 'A' as u32,
        'a'..='z' => character as u32 - 'a' as u32 + 26,
        '0'..='9' => character as u32 - '0' as u32 + 52,
        '+' => 62,
        '/' => 63,
        _ => return Err(BinaryError::Character(character)),
    })
}

/// Binary data from its object form.
pub(super) fn from_object(object: &Object) -> Result<Datum, DatumError> {
    let mut data = None;
    for (key, value) in object {
        match key.as_str() {
            REQL_TYPE => {}
            "data" => {
                let text = value.as_str().ok_or(BinaryError::DataNotString(value.type_name()))?;
                data = Some(decode_base64(text)?);
            }
            _ => return Err(BinaryError::IllegalKey(key.as_str().to_owned()).into()),
        }
    }
    Ok(Datum::Binary(Bytes::from(data.ok_or(BinaryError::NoData)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode_base64(bytes, &mut out, b"\r\n");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_broken_as_rethinkdb_does() {
        assert_eq!(encode(b""), "");
        assert_eq!(encode(b"foo"), "Zm9v");
        assert_eq!(encode(&[0; 57]).len(), 76);
        let long = encode(&[0; 58]);
        assert_eq!(&long[76..], "\r\nAA==");
        assert_eq!(decode_base64(&long).unwrap(), [0; 58]);
    }

    #[test]
    fn reading_is_lenient_and_says_what_is_wrong() {
        assert_eq!(decode_base64("Zm9vYg").unwrap(), b"foob");
        assert_eq!(decode_base64(" Zm 9v\nYg = =").unwrap(), b"foob");
        assert_eq!(decode_base64("Zg=g"), Err(BinaryError::AfterPadding));
        assert_eq!(decode_base64("Z"), Err(BinaryError::Length));
        assert_eq!(decode_base64("ab!c"), Err(BinaryError::Character('!')));
    }
}
