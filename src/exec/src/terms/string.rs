//! Strings.

mod expression;
mod template;

use photondb_datum::{Datum, ObjectBuilder, Text};
use unicode_segmentation::UnicodeSegmentation;

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::terms::array::Bounds;
use crate::value::{Value, text, wrong_type};

/// The first match of a regular expression and its groups, or null. Positions are bytes.
pub(crate) fn match_term(call: &Invocation<'_>) -> Result<Value> {
    let subject = call.value(0)?.into_text()?;
    let pattern = call.value(1)?.into_text()?;
    let expression = expression::compiled(&pattern)?;
    let Some(captures) = expression.captures(&subject) else { return call.answer(Datum::Null) };
    let part = |found: regex::Match<'_>| {
        let mut part = ObjectBuilder::with_capacity(4);
        part.insert(Text::from_static("end"), Datum::Number(found.end() as f64));
        part.insert(Text::from_static("start"), Datum::Number(found.start() as f64));
        part.insert(Text::from_static("str"), Datum::String(subject.slice(found.range())));
        part
    };
    let groups = captures
        .iter()
        .skip(1)
        .map(|group| group.map_or(Datum::Null, |found| Datum::Object(part(found).build())))
        .collect::<Vec<_>>();
    let Some(whole) = captures.get(0) else { return call.answer(Datum::Null) };
    let mut result = part(whole);
    result.insert(Text::from_static("groups"), Datum::from(groups));
    call.answer(Datum::Object(result.build()))
}

/// Upper case, of ASCII letters only.
pub(crate) fn upcase(call: &Invocation<'_>) -> Result<Value> {
    call.answer_new(Datum::from(call.value(0)?.into_text()?.to_ascii_uppercase()))
}

/// Lower case, of ASCII letters only.
pub(crate) fn downcase(call: &Invocation<'_>) -> Result<Value> {
    call.answer_new(Datum::from(call.value(0)?.into_text()?.to_ascii_lowercase()))
}

/// `r.format("{a}", {a: 1})`
pub(crate) fn format_term(call: &Invocation<'_>) -> Result<Value> {
    let template = call.value(0)?.into_text()?;
    match call.datum(1)? {
        Datum::Object(parameters) => {
            call.answer_new(Datum::from(template::fill(call.env, &template, &parameters)?))
        }
        other => Err(wrong_type("OBJECT", &other)),
    }
}

/// Splits at a separator, or at white space; with a limit on the number of splits.
pub(crate) fn split(call: &Invocation<'_>) -> Result<Value> {
    let subject = call.value(0)?.into_text()?;
    let separator = match call.count() {
        0 | 1 => None,
        _ => match call.datum(1)? {
            Datum::Null => None,
            other => Some(text(&other)?),
        },
    };
    // One part more than an array may have is enough to be refused.
    let size_max = call.env.options.array_size_max;
    let splits_max = if call.count() > 2 { splits_max(call)?.min(size_max) } else { size_max };
    let parts = match &separator {
        None => split_at_space(&subject, splits_max),
        Some(separator) if separator.is_empty() => split_characters(&subject, splits_max),
        Some(separator) => subject.splitn(splits_max.saturating_add(1), separator.as_str()).collect(),
    };
    let start = subject.as_ptr() as usize;
    let items = parts
        .into_iter()
        .map(|part| {
            let offset = part.as_ptr() as usize - start;
            Datum::String(subject.slice(offset..offset + part.len()))
        })
        .collect();
    call.answer(call.env.array(items)?)
}

fn splits_max(call: &Invocation<'_>) -> Result<usize> {
    let splits = call.value(2)?.into_integer()?;
    let size_max = call.env.options.array_size_max;
    let max = i64::try_from(size_max).unwrap_or(i64::MAX) - 1;
    if splits < -1 || splits > max {
        let message = format!("Error: `split` size argument must be in range [-1, {max}].");
        return Err(EvalError::logic(message));
    }
    Ok(usize::try_from(splits).unwrap_or(usize::MAX))
}

/// Words; the rest after the last split keeps its white space at the end.
fn split_at_space(subject: &str, splits_max: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = subject.trim_start();
    while !rest.is_empty() {
        if parts.len() == splits_max {
            parts.push(rest);
            break;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    parts
}

/// Characters as people see them: letters with their accents.
fn split_characters(subject: &str, splits_max: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    for (offset, character) in subject.grapheme_indices(true) {
        if parts.len() == splits_max {
            parts.push(&subject[offset..]);
            break;
        }
        parts.push(character);
    }
    parts
}

/// The number of code points.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

/// The code points within bounds, sharing storage.
pub(crate) fn slice_string(text: &Text, bounds: Bounds) -> Datum {
    if text.is_ascii() {
        return Datum::String(text.slice(bounds.resolve(text.len())));
    }
    let range = bounds.resolve(length(text));
    let mut places = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    let start = places.nth(range.start).unwrap_or(text.len());
    let end = match range.len().checked_sub(1) {
        Some(further) => places.nth(further).unwrap_or(text.len()),
        None => start,
    };
    Datum::String(text.slice(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_splits_as_python_does() {
        let cases: [(&str, usize, &[&str]); 9] = [
            ("", usize::MAX, &[]),
            ("  ", 5, &[]),
            ("aaaa bbbb  cccc ", usize::MAX, &["aaaa", "bbbb", "cccc"]),
            ("  aaaa bbbb  cccc ", 3, &["aaaa", "bbbb", "cccc"]),
            ("aaaa bbbb  cccc ", 2, &["aaaa", "bbbb", "cccc "]),
            ("aaaa bbbb  cccc ", 1, &["aaaa", "bbbb  cccc "]),
            ("aaaa bbbb", 0, &["aaaa bbbb"]),
            ("a  b  ", 2, &["a", "b"]),
            (
                "foo\u{a0}bar\u{2060}baz\u{85}quux\u{200b}",
                usize::MAX,
                &["foo", "bar\u{2060}baz", "quux\u{200b}"],
            ),
        ];
        for (subject, limit, parts) in cases {
            assert_eq!(split_at_space(subject, limit), parts, "{subject:?} {limit}");
        }
    }

    #[test]
    fn characters_keep_their_accents() {
        assert_eq!(split_characters("fe\u{301}oo", usize::MAX), ["f", "e\u{301}", "o", "o"]);
        assert_eq!(split_characters("aaaa bbbb", 2), ["a", "a", "aa bbbb"]);
        assert_eq!(split_characters("abc", 3), ["a", "b", "c"]);
    }

    #[test]
    fn slices_count_code_points() {
        let bounds = |left, right| Bounds { left, right, left_open: false, right_open: true };
        let text = Text::from("こんにちは");
        let all = Bounds { right: -1, right_open: false, ..bounds(1, 0) };
        let cases = [(bounds(1, 2), "ん"), (bounds(3, 3), ""), (all, "んにちは"), (bounds(-3, 9), "にちは")];
        for (bounds, part) in cases {
            assert_eq!(slice_string(&text, bounds), Datum::from(part), "{bounds:?}");
        }
        assert_eq!(slice_string(&Text::from("hello"), bounds(-4, 3)), Datum::from("el"));
    }
}
