//! Pulling tokens and values out of JSON.

use std::borrow::Cow;

use super::ParseLimits;
use super::error::JsonErrorKind;
use crate::datum::Datum;
use crate::error::DatumError;
use crate::packed::Writer;

/// What the next value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A place in the text to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    at: usize,
    fresh: bool,
    depth: usize,
}

/// Pulls tokens and values out of JSON, without building anything that is not asked for.
///
/// Arrays are read as `begin_array`, then [`next_item`](Self::next_item) before each item
/// until it says no; objects as `begin_object` and [`next_key`](Self::next_key) likewise.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// An array or object was just begun: no comma before its first child.
    fresh: bool,
    depth: usize,
    limits: ParseLimits,
}

/// How much of the text errors quote.
const QUOTED_BYTES_MAX: usize = 500;

impl<'a> Reader<'a> {
    /// Reads text with the default limits. Fails when it is not UTF-8.
    pub fn new(text: &'a [u8]) -> Result<Self, DatumError> {
        Self::with_limits(text, ParseLimits::default())
    }

    /// Reads text. Fails when it is not UTF-8.
    pub fn with_limits(text: &'a [u8], limits: ParseLimits) -> Result<Self, DatumError> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Self::of_text(text, limits)),
            Err(error) => Err(DatumError::Json {
                text: quote(&String::from_utf8_lossy(text)),
                kind: JsonErrorKind::Encoding,
                offset: error.valid_up_to(),
            }),
        }
    }

    /// Reads text that is known to be UTF-8.
    pub fn of_text(text: &'a str, limits: ParseLimits) -> Self {
        Self { text, at: 0, fresh: false, depth: 0, limits }
    }

    /// This place, between values.
    pub fn position(&self) -> Position {
        Position { at: self.at, fresh: self.fresh, depth: self.depth }
    }

    /// Goes back to a place.
    pub fn rewind(&mut self, position: Position) {
        self.at = position.at;
        self.fresh = position.fresh;
        self.depth = position.depth;
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text between two places.
    pub fn text_between(&self, start: Position, end: Position) -> &'a str {
        self.text.get(start.at..end.at).unwrap_or_default()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    #[cold]
    fn error(&self, kind: JsonErrorKind) -> DatumError {
        DatumError::Json { text: quote(self.text), kind, offset: self.at }
    }

    /// What the next value is.
    pub fn peek(&mut self) -> Result<JsonType, DatumError> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => Ok(JsonType::String),
            Some(b'-' | b'0'..=b'9') => Ok(JsonType::Number),
            Some(b'{') => Ok(JsonType::Object),
            Some(b'[') => Ok(JsonType::Array),
            Some(b't' | b'f') => Ok(JsonType::Bool),
            Some(b'n') => Ok(JsonType::Null),
            None if self.depth == 0 && self.text.trim_ascii().is_empty() => {
                Err(self.error(JsonErrorKind::Empty))
            }
            _ => Err(self.error(JsonErrorKind::Value)),
        }
    }

    fn expect(&mut self, expected: JsonType) -> Result<(), DatumError> {
        if self.peek()? == expected { Ok(()) } else { Err(self.error(JsonErrorKind::Value)) }
    }

    fn word(&mut self, word: &str) -> Result<(), DatumError> {
        if self.bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error(JsonErrorKind::Value))
        }
    }

    /// `null`.
    pub fn null(&mut self) -> Result<(), DatumError> {
        self.expect(JsonType::Null)?;
        self.word("null")
    }

    /// `true` or `false`.
    pub fn bool(&mut self) -> Result<bool, DatumError> {
        self.expect(JsonType::Bool)?;
        let value = self.byte() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// A number.
    pub fn number(&mut self) -> Result<f64, DatumError> {
        self.expect(JsonType::Number)?;
        self.number_here()
    }

    fn number_here(&mut self) -> Result<f64, DatumError> {
        let start = self.at;
        let negative = self.byte() == Some(b'-');
        if negative {
            self.at += 1;
        }
        let whole_start = self.at;
        let mut whole = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
            if self.bytes()[whole_start] == b'0' {
                break;
            }
        }
        let digits = self.at - whole_start;
        if digits == 0 {
            return Err(self.error(JsonErrorKind::Value));
        }
        // Up to 19 digits fit, and the conversion rounds correctly.
        let is_whole = !matches!(self.byte(), Some(b'.' | b'e' | b'E'));
        if is_whole && digits <= 19 {
            let number = whole as f64;
            return Ok(if negative { -number } else { number });
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits(JsonErrorKind::Fraction)?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits(JsonErrorKind::Exponent)?;
        }
        match self.text[start..self.at].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => {
                self.at = start;
                Err(self.error(JsonErrorKind::NumberTooBig))
            }
            Err(_) => Err(self.error(JsonErrorKind::Value)),
        }
    }

    fn digits(&mut self, missing: JsonErrorKind) -> Result<(), DatumError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(self.error(missing)) } else { Ok(()) }
    }

    /// A string.
    pub fn string(&mut self) -> Result<Cow<'a, str>, DatumError> {
        self.expect(JsonType::String)?;
        self.string_here()
    }

    /// The string whose quote is next.
    fn string_here(&mut self) -> Result<Cow<'a, str>, DatumError> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        match self.byte() {
            Some(b'"') => {
                let plain = &self.text[start..self.at];
                self.at += 1;
                Ok(Cow::Borrowed(plain))
            }
            _ => self.escaped_string(start).map(Cow::Owned),
        }
    }

    /// Steps to the next quote, backslash or control character.
    #[inline]
    fn skip_plain(&mut self) {
        self.at += super::plain_prefix(self.bytes().get(self.at..).unwrap_or(&[]));
    }

    /// The rest of a string from the first character that is not plain.
    fn escaped_string(&mut self, start: usize) -> Result<String, DatumError> {
        let mut out = self.text[start..self.at].to_owned();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    out.push(character);
                }
                None => return Err(self.error(JsonErrorKind::Quote)),
                Some(..0x20) => return Err(self.error(JsonErrorKind::Encoding)),
                Some(_) => {
                    let start = self.at;
                    self.skip_plain();
                    out.push_str(&self.text[start..self.at]);
                }
            }
        }
    }

    /// The character behind a backslash.
    fn escape(&mut self) -> Result<char, DatumError> {
        let character = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            None => return Err(self.error(JsonErrorKind::Quote)),
            Some(_) => return Err(self.error(JsonErrorKind::Escape)),
        };
        self.at += 1;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, DatumError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..0xdc00 => {
                if !self.bytes()[self.at..].starts_with(b"\\u") {
                    return Err(self.error(JsonErrorKind::Surrogate));
                }
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(self.error(JsonErrorKind::Surrogate));
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        char::from_u32(code).ok_or_else(|| self.error(JsonErrorKind::Surrogate))
    }

    fn hex(&mut self) -> Result<u32, DatumError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.error(JsonErrorKind::Hex))?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn deepen(&mut self) -> Result<(), DatumError> {
        self.depth += 1;
        if self.depth > self.limits.depth_max {
            return Err(DatumError::NestingTooDeep { max: self.limits.depth_max });
        }
        self.at += 1;
        self.fresh = true;
        Ok(())
    }

    /// `[`.
    pub fn begin_array(&mut self) -> Result<(), DatumError> {
        self.expect(JsonType::Array)?;
        self.deepen()
    }

    /// Whether the array has another item, which is next; after the last its end is read.
    pub fn next_item(&mut self) -> Result<bool, DatumError> {
        self.skip_space();
        let fresh = std::mem::replace(&mut self.fresh, false);
        match self.byte() {
            Some(b']') => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ if fresh => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.error(JsonErrorKind::ArrayEnd)),
        }
    }

    /// `{`.
    pub fn begin_object(&mut self) -> Result<(), DatumError> {
        self.expect(JsonType::Object)?;
        self.deepen()
    }

    /// The name of the next field, whose value is next; after the last the end is read.
    pub fn next_key(&mut self) -> Result<Option<Cow<'a, str>>, DatumError> {
        self.skip_space();
        let fresh = std::mem::replace(&mut self.fresh, false);
        match self.byte() {
            Some(b'}') => {
                self.at += 1;
                self.depth -= 1;
                return Ok(None);
            }
            _ if fresh => {}
            Some(b',') => {
                self.at += 1;
                self.skip_space();
            }
            _ => return Err(self.error(JsonErrorKind::ObjectEnd)),
        }
        if self.byte() != Some(b'"') {
            return Err(self.error(JsonErrorKind::Name));
        }
        let key = self.string_here()?;
        self.skip_space();
        if self.byte() != Some(b':') {
            return Err(self.error(JsonErrorKind::Colon));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads any value into packed form. Pseudo-types are checked and normalised.
    pub fn value_into(&mut self, writer: &mut Writer) -> Result<(), DatumError> {
        match self.peek()? {
            JsonType::Null => {
                self.word("null")?;
                writer.null();
            }
            JsonType::Bool => writer.bool(self.bool()?),
            JsonType::Number => writer.number(self.number_here()?),
            JsonType::String => writer.string(&self.string_here()?),
            JsonType::Array => {
                self.deepen()?;
                writer.begin_array();
                let mut items = 0;
                while self.next_item()? {
                    items += 1;
                    crate::limits::check_array_size(items, self.limits.array_size_max)?;
                    self.value_into(writer)?;
                }
                writer.end_array();
            }
            JsonType::Object => {
                self.deepen()?;
                writer.begin_object();
                while let Some(key) = self.next_key()? {
                    writer.key(&key);
                    self.value_into(writer)?;
                }
                writer.end_object(self.limits.duplicates)?;
            }
        }
        Ok(())
    }

    /// Reads any value.
    pub fn value(&mut self) -> Result<Datum, DatumError> {
        Writer::lent(|writer| {
            self.value_into(writer)?;
            writer.take_datum()
        })
    }

    /// Steps over any value.
    pub fn skip(&mut self) -> Result<(), DatumError> {
        match self.peek()? {
            JsonType::Null => self.word("null"),
            JsonType::Bool => self.bool().map(drop),
            JsonType::Number => self.number_here().map(drop),
            JsonType::String => self.string_here().map(drop),
            JsonType::Array => {
                self.deepen()?;
                while self.next_item()? {
                    self.skip()?;
                }
                Ok(())
            }
            JsonType::Object => {
                self.deepen()?;
                while self.next_key()?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
        }
    }

    /// Fails unless nothing but white space is left.
    pub fn finish(&mut self) -> Result<(), DatumError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.error(JsonErrorKind::Trailing)) }
    }
}

fn quote(text: &str) -> String {
    let mut end = text.len().min(QUOTED_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
