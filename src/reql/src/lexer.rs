//! Just enough JSON to find the terms of a query: where values begin and end. What
//! numbers and strings mean is left to the value model.

use photondb_datum::json::plain_prefix;

/// The kind of the next value, by RethinkDB's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bool => "BOOL",
            Self::Number => "NUMBER",
            Self::String => "STRING",
            Self::Array => "ARRAY",
            Self::Object => "OBJECT",
        }
    }
}

/// The text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A position in a JSON text.
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self { text, position: 0 }
    }

    /// The kind of the value that comes next; nothing is taken.
    pub(crate) fn kind(&mut self) -> Result<Kind, Malformed> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(Malformed),
        }
    }

    /// Whether `bytes` come next; nothing is taken.
    pub(crate) fn is_next(&mut self, bytes: &[u8]) -> bool {
        self.peek().is_some() && self.text[self.position..].starts_with(bytes)
    }

    /// Where the next value begins, or the white space before it.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Goes to a position.
    pub(crate) const fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// Takes `byte` if it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// Takes `byte`, which must come next.
    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.take(byte) { Ok(()) } else { Err(Malformed) }
    }

    /// Before an element: `true` when there is one, `false` when `close` was taken.
    /// `first` starts as `true`.
    pub(crate) fn element(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
        if std::mem::take(first) {
            return Ok(!self.take(close));
        }
        if self.take(b',') {
            return Ok(true);
        }
        self.expect(close)?;
        Ok(false)
    }

    /// Takes a string, number, bool or null; gives its text.
    pub(crate) fn scalar(&mut self) -> Result<&'a [u8], Malformed> {
        let kind = self.kind()?;
        let start = self.position;
        match kind {
            Kind::String => self.skip_string()?,
            Kind::Array | Kind::Object => return Err(Malformed),
            Kind::Null | Kind::Bool | Kind::Number => {
                while let Some(b'a'..=b'z' | b'E' | b'0'..=b'9' | b'.' | b'-' | b'+') =
                    self.text.get(self.position)
                {
                    self.position += 1;
                }
            }
        }
        let text = &self.text[start..self.position];
        let known = match kind {
            Kind::Null => text == b"null",
            Kind::Bool => text == b"true" || text == b"false",
            _ => true,
        };
        if known { Ok(text) } else { Err(Malformed) }
    }

    /// Takes a whole value, however deep; gives its text and the depth of its nesting.
    pub(crate) fn value(&mut self) -> Result<(&'a [u8], usize), Malformed> {
        self.kind()?;
        let start = self.position;
        let (mut depth, mut depth_max) = (0usize, 0usize);
        loop {
            match self.kind_or_punctuation()? {
                b'[' | b'{' => {
                    self.position += 1;
                    depth += 1;
                    depth_max = depth_max.max(depth);
                }
                b']' | b'}' => {
                    self.position += 1;
                    depth = depth.checked_sub(1).ok_or(Malformed)?;
                }
                b',' | b':' => self.position += 1,
                _ => {
                    self.scalar()?;
                }
            }
            if depth == 0 {
                return Ok((&self.text[start..self.position], depth_max));
            }
        }
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Malformed> {
        if self.peek().is_none() { Ok(()) } else { Err(Malformed) }
    }

    fn kind_or_punctuation(&mut self) -> Result<u8, Malformed> {
        self.peek().ok_or(Malformed)
    }

    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.position) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    fn skip_string(&mut self) -> Result<(), Malformed> {
        self.position += 1;
        loop {
            self.position += plain_prefix(self.text.get(self.position..).unwrap_or(&[]));
            match self.text.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(());
                }
                Some(b'\\') => self.position += 2,
                Some(_) => self.position += 1,
                None => return Err(Malformed),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_depth() {
        let mut lexer = Lexer::new(br#" {"a]":[1,"x\"}",{}]} 2"#);
        let (text, depth) = lexer.value().expect("valid");
        assert_eq!(text, br#"{"a]":[1,"x\"}",{}]}"#);
        assert_eq!(depth, 3);
        assert_eq!(lexer.scalar(), Ok(b"2".as_slice()));
        assert_eq!(lexer.end(), Ok(()));
    }

    #[test]
    fn strings_of_any_length_end_where_they_end() {
        for length in 0..40 {
            for inside in ["", "\\\"", "\\\\", "\u{e9}", "\t"] {
                let text = format!("\"{}{inside}{}\" ", "x".repeat(length), "y".repeat(length));
                let found = Lexer::new(text.as_bytes()).scalar();
                assert_eq!(found, Ok(text.trim_end_matches(' ').as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn malformed_texts() {
        for text in ["", "]", "[", "\"", "\"\\", "nul", "tru", "[1", "{\"a\":", "x"] {
            assert_eq!(Lexer::new(text.as_bytes()).value().map(|_| ()), Err(Malformed), "{text}");
        }
    }
}
