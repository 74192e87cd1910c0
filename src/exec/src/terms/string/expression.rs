//! Regular expressions in the syntax of RE2, which is RethinkDB's.
//!
//! They are rewritten for the `regex` crate, whose classes are Unicode's where RE2's are
//! ASCII's and which gives a meaning to some characters that RE2 takes as they are. What
//! RE2 refuses is refused here in its words.

use std::cell::RefCell;

use photondb_datum::Text;
use regex::Regex;

use crate::error::{EvalError, Result};

/// Compiled expressions kept per thread: a filter asks for the same one for every row.
const CACHE_MAX: usize = 16;
/// The highest count of a repetition.
const REPETITION_MAX: u32 = 1000;

thread_local! {
    static CACHE: RefCell<Vec<(Text, Regex)>> = const { RefCell::new(Vec::new()) };
}

/// The compiled form of an expression.
pub(super) fn compiled(pattern: &Text) -> Result<Regex> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(position) = cache.iter().position(|(known, _)| known == pattern) {
            cache[..=position].rotate_right(1);
            return Ok(cache[0].1.clone());
        }
        let regex = compile(pattern)?;
        cache.truncate(CACHE_MAX - 1);
        cache.insert(0, (pattern.clone(), regex.clone()));
        Ok(regex)
    })
}

fn compile(pattern: &str) -> Result<Regex> {
    let rewritten = Rewriter::new(pattern).run().map_err(|refusal| refusal.into_error(pattern))?;
    Regex::new(&rewritten).map_err(|error| {
        let what = match error {
            regex::Error::CompiledTooBig(_) => "pattern too large - compile failed",
            _ => "invalid perl operator",
        };
        Refusal { what, portion: pattern.to_owned() }.into_error(pattern)
    })
}

/// What RE2 says about an expression that it refuses.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    what: &'static str,
    portion: String,
}

impl Refusal {
    fn into_error(self, pattern: &str) -> EvalError {
        let Self { what, portion } = self;
        let detail = if portion.is_empty() { what.to_owned() } else { format!("{what}: {portion}") };
        EvalError::logic(format!("Error in regexp `{pattern}` (portion `{portion}`): {detail}"))
    }
}

fn refuse<T>(what: &'static str, portion: &str) -> std::result::Result<T, Refusal> {
    Err(Refusal { what, portion: portion.to_owned() })
}

type Rewritten<T> = std::result::Result<T, Refusal>;

/// One pass over an expression.
struct Rewriter<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
    /// Where the last repetition stands, for complaints about two in a row.
    repetition: Option<usize>,
    /// Whether there is something to repeat.
    repeatable: bool,
    groups: usize,
}

impl<'a> Rewriter<'a> {
    fn new(pattern: &'a str) -> Self {
        let out = String::with_capacity(pattern.len() + 16);
        Self { pattern, at: 0, out, repetition: None, repeatable: false, groups: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn run(mut self) -> Rewritten<String> {
        while let Some(character) = self.peek() {
            let start = self.at;
            match character {
                '*' | '+' | '?' => {
                    self.next();
                    self.out.push(character);
                    self.finish_repetition(start)?;
                    continue;
                }
                '{' if self.counted()? => {
                    self.finish_repetition(start)?;
                    continue;
                }
                '(' => {
                    self.open_group()?;
                    self.repetition = None;
                    continue;
                }
                ')' if self.groups == 0 => return refuse("missing )", self.pattern),
                ')' => {
                    self.groups -= 1;
                    self.copy();
                }
                '|' => {
                    self.copy();
                    self.repetition = None;
                    self.repeatable = false;
                    continue;
                }
                '[' => self.class()?,
                '\\' => self.escape()?,
                '.' | '^' | '$' => self.copy(),
                literal => {
                    self.next();
                    push_literal(&mut self.out, literal);
                }
            }
            self.repetition = None;
            self.repeatable = true;
        }
        if self.groups > 0 {
            return refuse("missing )", self.pattern);
        }
        Ok(self.out)
    }

    fn copy(&mut self) {
        if let Some(character) = self.next() {
            self.out.push(character);
        }
    }

    /// The end of a repetition that began at `start`.
    fn finish_repetition(&mut self, start: usize) -> Rewritten<()> {
        if self.peek() == Some('?') {
            self.copy();
        }
        if let Some(first) = self.repetition {
            return refuse("bad repetition operator", &self.pattern[first..self.at]);
        }
        if !self.repeatable {
            return refuse("no argument for repetition operator", &self.pattern[start..self.at]);
        }
        self.repetition = Some(start);
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}`; anything else in braces is text.
    fn counted(&mut self) -> Rewritten<bool> {
        let Some(length) = self.rest().find('}') else { return Ok(false) };
        let text = &self.rest()[..=length];
        let inner = &text[1..length];
        let (min, max) = inner.split_once(',').map_or((inner, None), |(min, max)| (min, Some(max)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(min) || max.is_some_and(|max| !max.is_empty() && !digits(max)) {
            return Ok(false);
        }
        let count = |text: &str| text.parse::<u32>().unwrap_or(u32::MAX);
        let (low, high) = (count(min), max.filter(|max| !max.is_empty()).map_or(count(min), count));
        if low > high || high > REPETITION_MAX {
            return refuse("invalid repetition size", text);
        }
        self.out.push_str(text);
        self.at += text.len();
        Ok(true)
    }

    fn open_group(&mut self) -> Rewritten<()> {
        let start = self.at;
        if !self.rest().starts_with("(?") {
            self.copy();
            self.groups += 1;
            self.repeatable = false;
            return Ok(());
        }
        if self.rest().starts_with("(?P<") {
            let Some(length) = self.rest().find('>') else {
                return refuse("invalid named capture group", self.rest());
            };
            let head = &self.rest()[..=length];
            let name = &head[4..length];
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return refuse("invalid named capture group", head);
            }
            // The name plays no part in the answer, and `regex` refuses some that RE2 takes.
            self.out.push('(');
            self.at += head.len();
            self.groups += 1;
            self.repeatable = false;
            return Ok(());
        }
        self.out.push_str("(?");
        self.at += 2;
        let mut negated = false;
        loop {
            match self.next() {
                Some(flag @ ('i' | 'm' | 's' | 'U')) => self.out.push(flag),
                Some('-') if !negated => {
                    negated = true;
                    self.out.push('-');
                }
                Some(':') => {
                    self.out.push(':');
                    self.groups += 1;
                    self.repeatable = false;
                    return Ok(());
                }
                Some(')') if self.at - start > 3 => {
                    self.out.push(')');
                    return Ok(());
                }
                Some(_) => return refuse("invalid perl operator", &self.pattern[start..self.at]),
                None => return refuse("missing )", self.pattern),
            }
        }
    }

    /// A backslash and what it makes of what follows, outside of a class.
    fn escape(&mut self) -> Rewritten<()> {
        let start = self.at;
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (text, length) = match quoted.find("\\E") {
                Some(end) => (&quoted[..end], end + 4),
                None => (quoted, rest.len()),
            };
            self.out.push_str("(?:");
            text.chars().for_each(|character| push_literal(&mut self.out, character));
            self.out.push(')');
            self.at += length;
            return Ok(());
        }
        let assertion = match rest.as_bytes().get(1) {
            Some(b'A') => "\\A",
            Some(b'z') => "\\z",
            Some(b'b') => "(?-u:\\b)",
            Some(b'B') => "\\B",
            Some(b'C') => "(?s:.)",
            _ => "",
        };
        if !assertion.is_empty() {
            self.out.push_str(assertion);
            self.at += 2;
            return Ok(());
        }
        if let Some(set) = self.set()? {
            self.out.push_str(&set);
            return Ok(());
        }
        let character = self.escaped(start)?;
        push_literal(&mut self.out, character);
        Ok(())
    }

    /// A backslash that stands for a set of characters, as a class.
    fn set(&mut self) -> Rewritten<Option<String>> {
        let start = self.at;
        let rest = self.rest();
        let set = match rest.as_bytes().get(1) {
            Some(b'd') => "[0-9]",
            Some(b'D') => "[^0-9]",
            Some(b's') => "[\\t\\n\\f\\r ]",
            Some(b'S') => "[^\\t\\n\\f\\r ]",
            Some(b'w') => "[0-9A-Za-z_]",
            Some(b'W') => "[^0-9A-Za-z_]",
            Some(letter @ (b'p' | b'P')) => {
                let mut negated = *letter == b'P';
                let name = &rest[2..];
                let (name, length) = match name.strip_prefix('{') {
                    Some(braced) => match braced.find('}') {
                        Some(end) => (&braced[..end], end + 4),
                        None => return refuse("invalid character class range", rest),
                    },
                    None => match name.chars().next() {
                        Some(first) => (&name[..first.len_utf8()], 2 + first.len_utf8()),
                        None => return refuse("invalid character class range", rest),
                    },
                };
                let name = name.strip_prefix('^').map_or(name, |name| {
                    negated = !negated;
                    name
                });
                let set = format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' });
                self.at += length;
                if Regex::new(&set).is_err() {
                    return refuse("invalid character class range", &self.pattern[start..self.at]);
                }
                return Ok(Some(set));
            }
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(set.to_owned()))
    }

    /// A backslash that stands for one character.
    fn escaped(&mut self, start: usize) -> Rewritten<char> {
        self.next();
        let Some(character) = self.next() else { return refuse("trailing \\", "") };
        Ok(match character {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0' => self.octal(0, 2),
            '1'..='7' if matches!(self.peek(), Some('0'..='7')) => {
                self.octal(character as u32 - '0' as u32, 2)
            }
            'x' => match self.hexadecimal() {
                Some(character) => character,
                None => return refuse("invalid escape sequence", &self.pattern[start..self.at]),
            },
            literal if literal.is_ascii() && !literal.is_ascii_alphanumeric() => literal,
            _ => return refuse("invalid escape sequence", &self.pattern[start..self.at]),
        })
    }

    fn octal(&mut self, mut value: u32, digits_max: usize) -> char {
        for _ in 0..digits_max {
            match self.peek() {
                Some(digit @ '0'..='7') => {
                    value = value * 8 + (digit as u32 - '0' as u32);
                    self.next();
                }
                _ => break,
            }
        }
        char::from_u32(value).unwrap_or('\0')
    }

    /// `7f` or `{1F600}`.
    fn hexadecimal(&mut self) -> Option<char> {
        let rest = self.rest();
        let (digits, length) = match rest.strip_prefix('{') {
            Some(braced) => {
                let end = braced.find('}')?;
                (&braced[..end], end + 2)
            }
            None => (rest.get(..2)?, 2),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += length;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    }

    fn class(&mut self) -> Rewritten<()> {
        let start = self.at;
        self.next();
        self.out.push('[');
        if self.peek() == Some('^') {
            self.copy();
        }
        let mut first = true;
        loop {
            let item = self.at;
            match self.peek() {
                None => return refuse("missing ]", &self.pattern[start..]),
                Some(']') if !first => {
                    self.copy();
                    return Ok(());
                }
                Some('-') if !first && !self.rest().starts_with("-]") => {
                    self.next();
                    self.next();
                    return refuse("invalid character class range", &self.pattern[item..self.at]);
                }
                Some('[') if self.rest().starts_with("[:") && self.rest().contains(":]") => {
                    self.named_class()?
                }
                Some(_) => self.class_item(start)?,
            }
            first = false;
        }
    }

    /// `[:alpha:]`
    fn named_class(&mut self) -> Rewritten<()> {
        let rest = self.rest();
        let name = &rest[..rest.find(":]").map_or(rest.len(), |end| end + 2)];
        if Regex::new(&format!("[{name}]")).is_err() {
            return refuse("invalid character class range", name);
        }
        self.out.push_str(name);
        self.at += name.len();
        Ok(())
    }

    /// A character, a range or a set within a class.
    fn class_item(&mut self, class: usize) -> Rewritten<()> {
        let start = self.at;
        if self.peek() == Some('\\')
            && let Some(set) = self.set()?
        {
            self.out.push_str(&set);
            return Ok(());
        }
        let low = self.class_character(class)?;
        push_in_class(&mut self.out, low);
        let rest = self.rest();
        if rest.len() > 1 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.next();
            let high = self.class_character(class)?;
            if high < low {
                return refuse("invalid character class range", &self.pattern[start..self.at]);
            }
            self.out.push('-');
            push_in_class(&mut self.out, high);
        }
        Ok(())
    }

    fn class_character(&mut self, class: usize) -> Rewritten<char> {
        let start = self.at;
        match self.peek() {
            Some('\\') => self.escaped(start),
            Some(character) => {
                self.next();
                Ok(character)
            }
            None => refuse("missing ]", &self.pattern[class..]),
        }
    }
}

fn push_literal(out: &mut String, character: char) {
    if regex_syntax_character(character) {
        out.push('\\');
    }
    out.push(character);
}

/// Characters that mean something to `regex` outside of classes.
fn regex_syntax_character(character: char) -> bool {
    matches!(character, '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$')
}

fn push_in_class(out: &mut String, character: char) {
    if matches!(character, '\\' | '[' | ']' | '^' | '-' | '&' | '~') {
        out.push('\\');
    }
    out.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, subject: &str) -> Option<String> {
        compile(pattern).unwrap().find(subject).map(|found| found.as_str().to_owned())
    }

    #[test]
    fn expressions_mean_what_they_mean_to_re2() {
        let cases = [
            ("a(b.e)|b(c.e)", "abcdefg", Some("bcde")),
            ("(?i)a(b.e)|B(c.e)", "abcdefg", Some("bcde")),
            ("ab$", "abc", None),
            ("\\d+", "٣12", Some("12")),
            ("\\w+", "é_a1", Some("_a1")),
            ("[\\w-]+", "é a-b", Some("a-b")),
            ("[^\\d]+", "12ab", Some("ab")),
            ("[[a]+", "x[a", Some("[a")),
            ("[a&&b]+", "&&", Some("&&")),
            ("[[:alpha:]]+", "1ab2", Some("ab")),
            ("a{,2}", "a{,2}", Some("a{,2}")),
            ("a{2}", "aaa", Some("aa")),
            ("{\"a\"}", "x{\"a\"}", Some("{\"a\"}")),
            ("\\Qa.b\\E+", "a.ba.b", Some("a.ba.b")),
            ("\\x41\\x{e9}", "Aé", Some("Aé")),
            ("\\101", "A", Some("A")),
            ("(?P<year>\\d{4})", "in 2013", Some("2013")),
            ("[]a]+", "]a]", Some("]a]")),
            ("[a-]+", "a-a", Some("a-a")),
            ("\\p{Greek}+", "abγδ", Some("γδ")),
            ("\\p{^Greek}+", "γab", Some("ab")),
            ("x*?y", "xxy", Some("xxy")),
            ("", "abc", Some("")),
        ];
        for (pattern, subject, expected) in cases {
            assert_eq!(found(pattern, subject).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn what_re2_refuses_is_refused_in_its_words() {
        let cases = [
            ("ab\\9", "Error in regexp `ab\\9` (portion `\\9`): invalid escape sequence: \\9"),
            ("a(b", "Error in regexp `a(b` (portion `a(b`): missing ): a(b"),
            ("ab)", "Error in regexp `ab)` (portion `ab)`): missing ): ab)"),
            ("x[ab", "Error in regexp `x[ab` (portion `[ab`): missing ]: [ab"),
            ("*a", "Error in regexp `*a` (portion `*`): no argument for repetition operator: *"),
            ("a|+", "Error in regexp `a|+` (portion `+`): no argument for repetition operator: +"),
            ("a**", "Error in regexp `a**` (portion `**`): bad repetition operator: **"),
            ("a{1001}", "Error in regexp `a{1001}` (portion `{1001}`): invalid repetition size: {1001}"),
            ("[z-a]", "Error in regexp `[z-a]` (portion `z-a`): invalid character class range: z-a"),
            ("(?=a)", "Error in regexp `(?=a)` (portion `(?=`): invalid perl operator: (?="),
            ("a\\", "Error in regexp `a\\` (portion ``): trailing \\"),
        ];
        for (pattern, message) in cases {
            assert_eq!(compile(pattern).unwrap_err().message(), message);
        }
    }
}
