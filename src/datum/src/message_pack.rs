//! Values as MessagePack: binary data as such, whole numbers as integers, pseudo-types as the
//! maps that JSON shows.

use bytes::Bytes;
use photondb_base::limits::{ARRAY_SIZE_DEFAULT_MAX, NESTING_DEPTH_MAX};

use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::ObjectBuilder;
use crate::text::Text;
use crate::view::DatumRef;

/// Whole numbers are exact up to here.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Appends a value. Fails for `r.minval` and `r.maxval`.
pub fn write(datum: &Datum, out: &mut Vec<u8>) -> Result<(), DatumError> {
    write_ref(datum.view(), out)
}

/// Appends the beginning of a map with so many fields; names and values follow.
pub fn write_map(fields: usize, out: &mut Vec<u8>) {
    write_length(fields, [0x80, 16], None, [0xde, 0xdf], out);
}

/// Appends the beginning of an array with so many elements.
pub fn write_array(items: usize, out: &mut Vec<u8>) {
    write_length(items, [0x90, 16], None, [0xdc, 0xdd], out);
}

/// Appends a text.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    write_bytes_of_text(text.as_bytes(), out);
}

/// Appends a number, a whole one in as few bytes as it takes.
pub fn write_number(number: f64, out: &mut Vec<u8>) {
    if number.fract() != 0.0 || number.abs() > EXACT_MAX || (number == 0.0 && number.is_sign_negative()) {
        out.push(0xcb);
        out.extend_from_slice(&number.to_be_bytes());
        return;
    }
    let integer = number as i64;
    match integer {
        0..=0x7f => out.push(integer as u8),
        -32..=-1 => out.push(integer as i8 as u8),
        _ => match (i8::try_from(integer), i16::try_from(integer), i32::try_from(integer)) {
            (Ok(small), ..) => out.extend_from_slice(&[0xd0, small as u8]),
            (_, Ok(small), _) => {
                out.push(0xd1);
                out.extend_from_slice(&small.to_be_bytes());
            }
            (_, _, Ok(small)) => {
                out.push(0xd2);
                out.extend_from_slice(&small.to_be_bytes());
            }
            _ => {
                out.push(0xd3);
                out.extend_from_slice(&integer.to_be_bytes());
            }
        },
    }
}

fn write_ref(value: DatumRef<'_>, out: &mut Vec<u8>) -> Result<(), DatumError> {
    match value {
        DatumRef::Null => out.push(0xc0),
        DatumRef::Bool(value) => out.push(if value { 0xc3 } else { 0xc2 }),
        DatumRef::Number(number) => write_number(number, out),
        DatumRef::String(bytes) => write_bytes_of_text(bytes, out),
        DatumRef::Binary(bytes) => {
            write_length(bytes.len(), [0, 0], Some(0xc4), [0xc5, 0xc6], out);
            out.extend_from_slice(bytes);
        }
        DatumRef::Array(items) => {
            write_array(items.len(), out);
            for item in items.iter() {
                write_ref(item, out)?;
            }
        }
        DatumRef::Object(object) => {
            write_map(object.len(), out);
            for (name, field) in object.iter() {
                write_bytes_of_text(name, out);
                write_ref(field, out)?;
            }
        }
        DatumRef::MinVal => return Err(DatumError::ExtremumToJson("minval")),
        DatumRef::MaxVal => return Err(DatumError::ExtremumToJson("maxval")),
    }
    Ok(())
}

fn write_bytes_of_text(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), [0xa0, 32], Some(0xd9), [0xda, 0xdb], out);
    out.extend_from_slice(bytes);
}

/// A marker with a length: `short` is the marker that holds lengths below its second part, the
/// others are followed by one, two or four bytes. Values are bounded far below 4 GiB.
fn write_length(length: usize, short: [u8; 2], one: Option<u8>, more: [u8; 2], out: &mut Vec<u8>) {
    let [marker, end] = short;
    match (length, one) {
        (length, _) if length < usize::from(end) => out.push(marker | length as u8),
        (length @ ..=0xff, Some(one)) => out.extend_from_slice(&[one, length as u8]),
        (length @ ..=0xffff, _) => {
            out.push(more[0]);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        (length, _) => {
            out.push(more[1]);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

/// Reads one value and nothing else. Takes stack for its nesting, as reading JSON does.
pub fn parse(bytes: &[u8]) -> Result<Datum, MessagePackError> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    if reader.rest.is_empty() { Ok(value) } else { Err(MessagePackError::Trailing(reader.rest.len())) }
}

/// Bytes that are no value in MessagePack.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MessagePackError {
    /// The bytes end within the value.
    #[error("the bytes end within a value")]
    Short,
    /// Something follows the value.
    #[error("{0} bytes follow the value")]
    Trailing(usize),
    /// A marker that stands for nothing here, such as those of extensions.
    #[error("the marker {0:#04x} means no value")]
    Marker(u8),
    /// A name of a field is no text.
    #[error("a name of a field is no text")]
    Name,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Utf8,
    /// A name comes twice.
    #[error("the field `{0}` comes twice")]
    Duplicate(String),
    /// The value cannot be.
    #[error("{0}")]
    Value(#[from] DatumError),
}

type Read<T> = std::result::Result<T, MessagePackError>;

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Read<Datum> {
        if depth > NESTING_DEPTH_MAX {
            return Err(DatumError::NestingTooDeep { max: NESTING_DEPTH_MAX }.into());
        }
        let marker = self.take(1)?[0];
        match marker {
            0xc0 => Ok(Datum::Null),
            0xc2 | 0xc3 => Ok(Datum::Bool(marker == 0xc3)),
            0xc4..=0xc6 => {
                let length = self.length(1 << (marker - 0xc4))?;
                Ok(Datum::Binary(Bytes::copy_from_slice(self.take(length)?)))
            }
            0xca => Ok(Datum::number(f64::from(f32::from_be_bytes(self.array()?)))?),
            0xcb => Ok(Datum::number(f64::from_be_bytes(self.array()?))?),
            0x00..=0x7f => Ok(Datum::Number(f64::from(marker))),
            0xe0..=0xff => Ok(Datum::Number(f64::from(marker as i8))),
            0xcc..=0xcf => Ok(Datum::Number(self.unsigned(1 << (marker - 0xcc))? as f64)),
            0xd0 => Ok(Datum::Number(f64::from(i8::from_be_bytes(self.array()?)))),
            0xd1 => Ok(Datum::Number(f64::from(i16::from_be_bytes(self.array()?)))),
            0xd2 => Ok(Datum::Number(f64::from(i32::from_be_bytes(self.array()?)))),
            0xd3 => Ok(Datum::Number(i64::from_be_bytes(self.array()?) as f64)),
            0xa0..=0xbf | 0xd9..=0xdb => Ok(Datum::String(self.text(marker)?)),
            0x90..=0x9f => self.items(usize::from(marker & 0x0f), depth),
            0xdc | 0xdd => {
                let length = self.length(2 << (marker - 0xdc))?;
                self.items(length, depth)
            }
            0x80..=0x8f => self.fields(usize::from(marker & 0x0f), depth),
            0xde | 0xdf => {
                let length = self.length(2 << (marker - 0xde))?;
                self.fields(length, depth)
            }
            0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8 => Err(MessagePackError::Marker(marker)),
        }
    }

    fn items(&mut self, length: usize, depth: usize) -> Read<Datum> {
        if length > ARRAY_SIZE_DEFAULT_MAX {
            return Err(DatumError::ArrayTooLarge { max: ARRAY_SIZE_DEFAULT_MAX }.into());
        }
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(self.value(depth + 1)?);
        }
        Ok(Datum::array(items))
    }

    fn fields(&mut self, length: usize, depth: usize) -> Read<Datum> {
        let mut object = ObjectBuilder::new();
        for _ in 0..length {
            let name = match self.take(1)?[0] {
                marker @ (0xa0..=0xbf | 0xd9..=0xdb) => self.text(marker)?,
                _ => return Err(MessagePackError::Name),
            };
            let value = self.value(depth + 1)?;
            if object.get(name.as_str()).is_some() {
                return Err(MessagePackError::Duplicate(name.as_str().to_owned()));
            }
            object.insert(name, value);
        }
        Ok(object.into_datum()?)
    }

    fn text(&mut self, marker: u8) -> Read<Text> {
        let length = match marker {
            0xa0..=0xbf => usize::from(marker & 0x1f),
            _ => self.length(1 << (marker - 0xd9))?,
        };
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| MessagePackError::Utf8)?;
        Ok(text.into())
    }

    /// A length of so many bytes.
    fn length(&mut self, bytes: usize) -> Read<usize> {
        Ok(self.unsigned(bytes)? as usize)
    }

    fn unsigned(&mut self, bytes: usize) -> Read<u64> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| MessagePackError::Short)
    }

    fn take(&mut self, bytes: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(MessagePackError::Short)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use photondb_base::limits::THREAD_STACK_BYTES;

    use super::*;
    use crate::json;

    fn of_json(text: &str) -> Datum {
        json::parse(text.as_bytes(), json::ParseLimits::default()).expect("JSON")
    }

    #[test]
    fn values_survive() {
        let long = format!("[\"{}\",{}]", "é".repeat(40_000), "[1],".repeat(70_000) + "2");
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "-32",
            "-33",
            "127",
            "128",
            "-129",
            "32768",
            "-32769",
            "2147483648",
            "9007199254740991",
            "1.5",
            "1e300",
            "-0",
            "\"\"",
            "\"é\"",
            "[]",
            "{}",
            "[[[]]]",
            "{\"a\":{\"b\":[1,null,\"x\"]}}",
            &format!("\"{}\"", "x".repeat(31)),
            &format!("\"{}\"", "x".repeat(32)),
            &format!("\"{}\"", "x".repeat(256)),
            &long,
            r#"{"$reql_type$":"TIME","epoch_time":1.5,"timezone":"+01:00"}"#,
        ] {
            let value = of_json(text);
            let mut bytes = Vec::new();
            write(&value, &mut bytes).expect("it can be written");
            assert_eq!(parse(&bytes), Ok(value), "{}", &text[..text.len().min(60)]);
        }
        let binary = Datum::Binary(Bytes::from(vec![7; 300]));
        let mut bytes = Vec::new();
        write(&binary, &mut bytes).expect("it can be written");
        assert_eq!(parse(&bytes), Ok(binary));
    }

    #[test]
    fn the_bytes_are_those_of_the_format() {
        let mut bytes = Vec::new();
        write(&of_json(r#"{"a":[1,-1,300,"xy",null,true,0.5]}"#), &mut bytes).expect("it can be written");
        let expected = [
            0x81, 0xa1, b'a', 0x97, 0x01, 0xff, 0xd1, 0x01, 0x2c, 0xa2, b'x', b'y', 0xc0, 0xc3, 0xcb, 0x3f,
            0xe0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse(&[]), Err(MessagePackError::Short));
        assert_eq!(parse(&[0xa5, b'x']), Err(MessagePackError::Short));
        assert_eq!(parse(&[1, 2]), Err(MessagePackError::Trailing(1)));
        assert_eq!(parse(&[0xc1]), Err(MessagePackError::Marker(0xc1)));
        assert_eq!(parse(&[0xa1, 0xff]), Err(MessagePackError::Utf8));
        assert_eq!(parse(&[0x81, 1, 1]), Err(MessagePackError::Name));
        assert_eq!(
            parse(&[0x82, 0xa1, b'a', 1, 0xa1, b'a', 2]),
            Err(MessagePackError::Duplicate("a".into()))
        );
        assert!(parse(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err(), "it announces more than there is");
        assert!(parse(&[0xdf, 0xff, 0xff, 0xff, 0xff]).is_err());
        assert!(parse(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]).is_err(), "not a number");
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = |depth: usize| {
            let bytes = [vec![0x91; depth], vec![0xc0]].concat();
            let thread = std::thread::Builder::new().stack_size(THREAD_STACK_BYTES);
            let parsed = thread.spawn(move || parse(&bytes).map(|value| value.depth())).expect("starts");
            parsed.join().expect("does not crash")
        };
        assert!(deep(NESTING_DEPTH_MAX - 1).is_ok());
        assert!(deep(NESTING_DEPTH_MAX + 2).is_err());
        assert!(deep(1_000_000).is_err());
    }
}
