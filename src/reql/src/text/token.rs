//! Characters to tokens.

use std::borrow::Cow;

use crate::text::span::{Span, TextError};

/// The smallest part of a text that means something.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Number(f64),
    String(Cow<'a, str>),
    /// One of `( ) [ ] { } , : . ; -` or `+`.
    Mark(char),
    /// `=>`
    Arrow,
    End,
}

impl Token<'_> {
    /// The token as messages name it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("`{name}`"),
            Self::Number(number) => format!("the number {number}"),
            Self::String(_) => "a string".to_owned(),
            Self::Mark(mark) => format!("`{mark}`"),
            Self::Arrow => "`=>`".to_owned(),
            Self::End => "the end of the query".to_owned(),
        }
    }
}

/// Operators of JavaScript, longest first, and the methods that stand for them.
const OPERATORS: &[(&str, &str)] = &[
    ("===", "eq"),
    ("!==", "ne"),
    ("==", "eq"),
    ("!=", "ne"),
    ("<=", "le"),
    (">=", "ge"),
    ("&&", "and"),
    ("||", "or"),
    ("??", "default"),
    ("?.", "default"),
    ("<", "lt"),
    (">", "gt"),
    ("*", "mul"),
    ("%", "mod"),
    ("!", "not"),
    ("&", "bitAnd"),
    ("|", "bitOr"),
    ("^", "bitXor"),
    ("?", "r.branch"),
    ("=", "eq"),
];

/// A position in a text.
#[derive(Clone)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Span), TextError> {
        self.skip_blank()?;
        let start = self.position;
        let Some(first) = self.rest().chars().next() else {
            return Ok((Token::End, Span { start, end: start }));
        };
        let token = match first {
            '"' | '\'' | '`' => self.string(first)?,
            '0'..='9' => self.number()?,
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            '=' if self.rest().starts_with("=>") => {
                self.position += 2;
                Token::Arrow
            }
            '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | '.' | ';' | '-' | '+' => {
                self.position += 1;
                Token::Mark(first)
            }
            _ if begins_name(first) => Token::Name(self.take_while(continues_name)),
            _ => return Err(self.unknown(first)),
        };
        Ok((token, Span { start, end: self.position }))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !accepts(character)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn error(&self, message: impl Into<String>, start: usize, length: usize) -> TextError {
        TextError::new(message, Span { start, end: start + length })
    }

    fn unknown(&self, first: char) -> TextError {
        let rest = self.rest();
        if first == '/' {
            let message = "ReQL has no regular expression literals; write match('...') with a string. \
                           Division is the method div.";
            return self.error(message, self.position, 1);
        }
        match OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator)) {
            Some((operator, method)) => {
                let call =
                    if method.starts_with("r.") { (*method).to_owned() } else { format!(".{method}(..)") };
                let message =
                    format!("`{operator}` cannot be used here: operators are methods, write {call}.");
                self.error(message, self.position, operator.len())
            }
            None => {
                let message = format!("The character `{}` means nothing here.", first.escape_default());
                self.error(message, self.position, first.len_utf8())
            }
        }
    }

    fn skip_blank(&mut self) -> Result<(), TextError> {
        loop {
            self.take_while(|character| character.is_whitespace() || character == '\u{feff}');
            if self.rest().starts_with("//") {
                self.take_while(|character| character != '\n');
            } else if self.rest().starts_with("/*") {
                let Some(length) = self.rest().find("*/") else {
                    return Err(self.error("This comment does not end: `*/` is missing.", self.position, 2));
                };
                self.position += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<Token<'a>, TextError> {
        let start = self.position;
        let rest = self.rest();
        let radix = match rest.get(..2) {
            Some("0x" | "0X") => Some(16),
            Some("0o" | "0O") => Some(8),
            Some("0b" | "0B") => Some(2),
            _ => None,
        };
        let value = match radix {
            Some(radix) => {
                self.position += 2;
                let digits = self.take_while(|character| character.is_ascii_alphanumeric());
                u64::from_str_radix(digits, radix).ok().map(|number| number as f64)
            }
            None => self.decimal().parse::<f64>().ok(),
        };
        let trailing = self.take_while(continues_name);
        match value {
            Some(number) if number.is_finite() && trailing.is_empty() => Ok(Token::Number(number)),
            _ => {
                let text = &self.text[start..self.position];
                Err(self.error(format!("`{text}` is not a number."), start, text.len()))
            }
        }
    }

    /// Digits, a fraction, an exponent. `1.add(2)` is the number 1 and a method.
    fn decimal(&mut self) -> &'a str {
        let start = self.position;
        let digit = |character: char| character.is_ascii_digit();
        self.take_while(digit);
        let fraction = self.rest().strip_prefix('.');
        if fraction.is_some_and(|after| !after.starts_with(begins_name)) {
            self.position += 1;
            self.take_while(digit);
        }
        if let Some(exponent) = self.rest().strip_prefix(['e', 'E']) {
            let signed = exponent.starts_with(['+', '-']);
            if exponent[usize::from(signed)..].starts_with(digit) {
                self.position += 1 + usize::from(signed);
                self.take_while(digit);
            }
        }
        &self.text[start..self.position]
    }

    fn string(&mut self, quote: char) -> Result<Token<'a>, TextError> {
        let start = self.position;
        self.position += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let plain =
                self.take_while(|c| c != quote && c != '\\' && (c != '\n' || quote == '`') && c != '$');
            append(&mut text, plain);
            match self.rest().chars().next() {
                Some(found) if found == quote => {
                    self.position += 1;
                    return Ok(Token::String(text));
                }
                Some('\\') => {
                    let character = self.escape()?;
                    text.to_mut().extend(character);
                }
                Some('$') => {
                    if quote == '`' && self.rest().starts_with("${") {
                        let message = "Strings cannot have `${..}` in them; write .add(..).";
                        return Err(self.error(message, self.position, 2));
                    }
                    self.position += 1;
                    append(&mut text, "$");
                }
                _ => {
                    let message = format!("This string does not end: {quote} is missing.");
                    return Err(self.error(message, start, self.position - start));
                }
            }
        }
    }

    /// What a backslash and the characters after it stand for; nothing, at the end of a line.
    fn escape(&mut self) -> Result<Option<char>, TextError> {
        let start = self.position;
        self.position += 1;
        let Some(escaped) = self.rest().chars().next() else {
            return Err(self.error("This string does not end.", start, 1));
        };
        self.position += escaped.len_utf8();
        Ok(Some(match escaped {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '0' => '\0',
            '\n' => return Ok(None),
            'x' => self.code_point(start, 2)?,
            'u' if self.rest().starts_with('{') => self.braced_code_point(start)?,
            'u' => self.surrogates(start)?,
            other => other,
        }))
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.position += digits;
        u32::from_str_radix(text, 16).ok()
    }

    fn code_point(&mut self, start: usize, digits: usize) -> Result<char, TextError> {
        let number = self.hexadecimal(digits);
        number.and_then(char::from_u32).ok_or_else(|| self.bad_escape(start))
    }

    fn braced_code_point(&mut self, start: usize) -> Result<char, TextError> {
        self.position += 1;
        let digits = self.rest().find('}').filter(|digits| (1..=6).contains(digits));
        let digits = digits.ok_or_else(|| self.bad_escape(start))?;
        let character = self.code_point(start, digits)?;
        self.position += 1;
        Ok(character)
    }

    /// `\u0041`, or two such for what lies beyond the first 65,536 characters.
    fn surrogates(&mut self, start: usize) -> Result<char, TextError> {
        let high = self.hexadecimal(4).ok_or_else(|| self.bad_escape(start))?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.bad_escape(start));
        }
        if !self.rest().starts_with("\\u") {
            return Err(self.bad_escape(start));
        }
        self.position += 2;
        let low = self.hexadecimal(4).filter(|low| (0xdc00..0xe000).contains(low));
        let low = low.ok_or_else(|| self.bad_escape(start))?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            .ok_or_else(|| self.bad_escape(start))
    }

    fn bad_escape(&self, start: usize) -> TextError {
        self.error("This escape stands for no character.", start, self.position - start)
    }
}

/// Joins text to text, copying only when both have some.
fn append<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() && matches!(text, Cow::Borrowed(_)) {
        *text = Cow::Borrowed(more);
    } else if !more.is_empty() {
        text.to_mut().push_str(more);
    }
}

fn begins_name(character: char) -> bool {
    character.is_alphabetic() || character == '_' || character == '$'
}

fn continues_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}
