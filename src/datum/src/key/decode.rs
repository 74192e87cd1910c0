//! Keys to values.

use ::bytes::Bytes;
use photondb_base::limits::NESTING_DEPTH_MAX;

use super::{
    ARRAY, BINARY, BYTES_END, BYTES_ZERO, END, FALSE, KeyError, MAXVAL, MINVAL, NUMBER, STRING, TIME, TRUE,
};
use crate::datum::Datum;
use crate::pseudo;
use crate::text::Text;

/// The value that a key is. Times come back in universal time, as the key has no time zone.
pub fn decode(key: &[u8]) -> Result<Datum, KeyError> {
    match decode_prefix(key)? {
        (datum, len) if len == key.len() => Ok(datum),
        _ => Err(KeyError::Malformed),
    }
}

/// The value that a key begins with and the bytes it takes.
pub fn decode_prefix(key: &[u8]) -> Result<(Datum, usize), KeyError> {
    let mut cursor = Cursor { key, at: 0 };
    let datum = cursor.value(0).ok_or(KeyError::Malformed)?;
    Ok((datum, cursor.at))
}

/// The bytes that the first value of a key takes; `None` when it is cut off.
pub fn encoded_len(key: &[u8]) -> Option<usize> {
    let mut cursor = Cursor { key, at: 0 };
    let mut open = 0usize;
    loop {
        match cursor.byte()? {
            END => open = open.checked_sub(1)?,
            ARRAY => open += 1,
            MINVAL | MAXVAL | FALSE | TRUE => {}
            NUMBER | TIME => cursor.skip(8)?,
            STRING | BINARY => cursor.skip_bytes()?,
            _ => return None,
        }
        if open == 0 {
            return Some(cursor.at);
        }
    }
}

struct Cursor<'a> {
    key: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.key.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.key.get(self.at..self.at + bytes)?;
        self.at += bytes;
        Some(())
    }

    /// Reads a value inside of `depth` arrays.
    fn value(&mut self, depth: usize) -> Option<Datum> {
        Some(match self.byte()? {
            MINVAL => Datum::MinVal,
            MAXVAL => Datum::MaxVal,
            FALSE => Datum::Bool(false),
            TRUE => Datum::Bool(true),
            NUMBER => Datum::Number(self.number()?),
            TIME => pseudo::exact_time(self.number()?),
            STRING => Datum::String(Text::from_utf8(Bytes::from(self.bytes()?)).ok()?),
            BINARY => Datum::Binary(Bytes::from(self.bytes()?)),
            ARRAY => {
                if depth >= NESTING_DEPTH_MAX {
                    return None;
                }
                let mut items = Vec::new();
                while *self.key.get(self.at)? != END {
                    items.push(self.value(depth + 1)?);
                }
                self.at += 1;
                Datum::Array(items.into())
            }
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<f64> {
        let bits = u64::from_be_bytes(*self.key.get(self.at..)?.first_chunk()?);
        self.at += 8;
        let mask = if bits >> 63 == 1 { 1 << 63 } else { u64::MAX };
        let number = f64::from_bits(bits ^ mask);
        number.is_finite().then_some(number)
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let rest = self.key.get(self.at..)?;
            let zero = rest.iter().position(|byte| *byte == 0)?;
            bytes.extend_from_slice(&rest[..zero]);
            self.at += zero + 1;
            match self.byte()? {
                BYTES_END => return Some(bytes),
                BYTES_ZERO => bytes.push(0),
                _ => return None,
            }
        }
    }

    fn skip_bytes(&mut self) -> Option<()> {
        loop {
            let rest = self.key.get(self.at..)?;
            self.at += rest.iter().position(|byte| *byte == 0)? + 1;
            match self.byte()? {
                BYTES_END => return Some(()),
                BYTES_ZERO => {}
                _ => return None,
            }
        }
    }
}
