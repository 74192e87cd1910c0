//! JSON with padding: a script that calls a function with a value.

/// The value's text in `name(value);`, `object.name(value)` or `object["name"](value)`.
pub(super) fn unpad(text: &str) -> Option<&str> {
    let mut rest = identifier(blank(text))?;
    loop {
        rest = blank(rest);
        if let Some(behind) = rest.strip_prefix('.') {
            rest = identifier(blank(behind))?;
        } else if let Some(behind) = rest.strip_prefix('[') {
            rest = blank(quoted(blank(behind))?).strip_prefix(']')?;
        } else {
            break;
        }
    }
    let inner = rest.strip_prefix('(')?.trim_end();
    let inner = inner.strip_suffix(';').unwrap_or(inner).trim_end();
    inner.strip_suffix(')')
}

/// Behind white space and comments: some servers put `/**/` in front against attacks.
fn blank(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((_, behind)) = rest.strip_prefix("/*").and_then(|comment| comment.split_once("*/")) {
        rest = behind.trim_start();
    }
    rest
}

/// Behind an identifier.
fn identifier(text: &str) -> Option<&str> {
    let is_start = |c: char| c.is_alphabetic() || matches!(c, '$' | '_');
    if !text.starts_with(is_start) {
        return None;
    }
    Some(text.trim_start_matches(|c: char| is_start(c) || c.is_numeric()))
}

/// Behind a string.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return text.get(position + 1..),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_found() {
        for text in [
            "call([1])",
            "call([1]);",
            " /**/ $call_2 ( [1] ) ; \n",
            "a.b.call([1])",
            "a['b-c']([1]);",
            "a [ \"b\\\"]\" ] ([1])",
        ] {
            assert_eq!(unpad(text).map(str::trim), Some("[1]"), "{text}");
        }
    }

    #[test]
    fn other_scripts_have_none() {
        for text in ["", "[1]", "call", "call[1]", "1call(1)", "call([1]); more()x", "a['b](1)"] {
            assert_eq!(unpad(text), None, "{text}");
        }
    }
}
