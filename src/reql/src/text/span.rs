//! Places in a text and how they are shown.

use std::fmt;

/// A part of a text, in bytes from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it has ended.
    pub end: usize,
}

impl Span {
    /// From the beginning of one part to the end of another.
    #[must_use]
    pub const fn to(self, last: Self) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// Line and column of the beginning, both from 1; columns count characters.
    pub fn line_and_column(self, text: &str) -> (usize, usize) {
        let before = text.get(..self.start.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |position| position + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A text that is no query, and the part of it that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// What is wrong and, where that can be guessed, what to write instead.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl TextError {
    /// An error at a place.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        Self { message: message.into(), span }
    }

    /// The message with its line, a mark under the part, and numbers of line and column.
    pub fn render(&self, text: &str) -> String {
        let (line, column) = self.span.line_and_column(text);
        format!("{line}:{column}: {}\n{}", self.message, excerpt(text, self.span))
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TextError {}

/// Characters of a line that are shown on each side of the part.
const CONTEXT_CHARACTERS_MAX: usize = 60;

/// The line in which a part begins, and below it carets under the part.
pub fn excerpt(text: &str, span: Span) -> String {
    let start = floor(text, span.start);
    let line_start = text[..start].rfind('\n').map_or(0, |position| position + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let end = floor(text, span.end).clamp(start, line_end);
    let before: Vec<char> = text[line_start..start].chars().collect();
    let shown = before.len().min(CONTEXT_CHARACTERS_MAX);
    let blank = |character: &char| if *character == '\t' { '\t' } else { ' ' };
    let marks = text[start..end].chars().count().clamp(1, CONTEXT_CHARACTERS_MAX);
    let mut out = String::from("  ");
    out.extend(&before[before.len() - shown..]);
    out.extend(text[start..line_end].trim_end().chars().take(marks + CONTEXT_CHARACTERS_MAX));
    out.push_str("\n  ");
    out.extend(before[before.len() - shown..].iter().map(blank));
    out.extend(std::iter::repeat_n('^', marks));
    out
}

/// The last boundary of characters that is not after `position`.
fn floor(text: &str, position: usize) -> usize {
    let mut position = position.min(text.len());
    while !text.is_char_boundary(position) {
        position -= 1;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shown_below_their_line() {
        let text = "r.table('é')\n\t.flter(1)";
        let start = text.find("flter").expect("there");
        let span = Span { start, end: start + 5 };
        assert_eq!(span.line_and_column(text), (2, 3));
        assert_eq!(excerpt(text, span), "  \t.flter(1)\n  \t ^^^^^");
        // A place in the middle of a character or behind the end is no reason to fail.
        assert_eq!(excerpt("é", Span { start: 1, end: 9 }), "  é\n  ^");
        assert_eq!(excerpt("", Span { start: 3, end: 1 }), "  \n  ^");
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let shown = excerpt(&text, Span { start: 500, end: 501 });
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0].len(), 2 + 60 + 1 + 60);
        assert_eq!(lines[1].trim_start(), "^");
        assert_eq!(lines[0].find('x'), lines[1].find('^'));
    }
}
