//! What is wrong with JSON, in RethinkDB's words.

/// What is wrong with text that is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// Nothing but white space.
    #[error("The document is empty.")]
    Empty,
    /// Something behind the value.
    #[error("The document root must not be followed by other values.")]
    Trailing,
    /// Something that begins no value.
    #[error("Invalid value.")]
    Value,
    /// An object with something else where a name belongs.
    #[error("Missing a name for object member.")]
    Name,
    /// No colon behind a name.
    #[error("Missing a colon after a name of object member.")]
    Colon,
    /// An object that neither goes on nor ends.
    #[error("Missing a comma or '}}' after an object member.")]
    ObjectEnd,
    /// An array that neither goes on nor ends.
    #[error("Missing a comma or ']' after an array element.")]
    ArrayEnd,
    /// `\u` without four hexadecimal digits.
    #[error("Incorrect hex digit after \\u escape in string.")]
    Hex,
    /// Half a surrogate pair.
    #[error("The surrogate pair in string is invalid.")]
    Surrogate,
    /// A backslash before something else.
    #[error("Invalid escape character in string.")]
    Escape,
    /// A string that does not end.
    #[error("Missing a closing quotation mark in string.")]
    Quote,
    /// Bytes that are no UTF-8, or control characters.
    #[error("Invalid encoding in string.")]
    Encoding,
    /// More than a double holds.
    #[error("Number too big to be stored in double.")]
    NumberTooBig,
    /// A point without digits behind it.
    #[error("Miss fraction part in number.")]
    Fraction,
    /// An exponent without digits.
    #[error("Miss exponent in number.")]
    Exponent,
}
