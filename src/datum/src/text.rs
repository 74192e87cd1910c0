//! Immutable text.
//!
//! This module holds the crate's only unsafe code: reading the bytes of a [`Text`] as
//! `str` without checking them again. It is sound because the field is private to this
//! module, every constructor here checks or receives UTF-8, and `Bytes` never changes.
#![allow(unsafe_code)]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;

/// Immutable UTF-8 text, cheap to clone: a slice of a packed document or an allocation of
/// its own. Ordered, compared and hashed by its bytes, exactly as `str`.
#[derive(Clone)]
pub struct Text(Bytes);

impl Text {
    /// The empty text.
    pub const fn empty() -> Self {
        Self(Bytes::new())
    }

    /// Text that lives as long as the program; allocates nothing.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Checks bytes and takes them without a copy.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, std::str::Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }

    /// Takes bytes without a copy when they are UTF-8 and replaces what is not.
    pub fn from_utf8_lossy(bytes: Bytes) -> Self {
        match std::str::from_utf8(&bytes) {
            Ok(_) => Self(bytes),
            Err(_) => Self::from(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// The text as a slice.
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor of this module has checked that the bytes are UTF-8, and
        // nobody can change them since.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// A part of the text, sharing its storage. The range must lie on character
    /// boundaries, as for `str`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let part = &self.as_str()[range];
        Self(self.0.slice_ref(part.as_bytes()))
    }

    /// The shared storage.
    pub(crate) fn storage(&self) -> &Bytes {
        &self.0
    }

    /// The shared storage.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::empty()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text.into_bytes()))
    }
}

impl From<std::borrow::Cow<'_, str>> for Text {
    fn from(text: std::borrow::Cow<'_, str>) -> Self {
        match text {
            std::borrow::Cow::Borrowed(text) => Self::from(text),
            std::borrow::Cow::Owned(text) => Self::from(text),
        }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As `str`, so that a map of texts can be asked with a `str`.
        self.as_str().hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf8_becomes_text() {
        assert!(Text::from_utf8(Bytes::from_static(b"\xff")).is_err());
        assert_eq!(Text::from_utf8_lossy(Bytes::from_static(b"a\xff")), "a\u{fffd}");
        assert_eq!(Text::from_utf8(Bytes::from_static("ä".as_bytes())).unwrap(), "ä");
    }

    #[test]
    fn slices_share_storage() {
        let text = Text::from("hello world");
        let part = text.slice(6..11);
        assert_eq!(part, "world");
        assert_eq!(part.as_ptr(), text[6..].as_ptr());
    }

    #[test]
    fn orders_and_hashes_as_str() {
        use std::collections::HashMap;
        let map: HashMap<Text, u8> = [(Text::from("a"), 1)].into();
        assert_eq!(map.get("a"), Some(&1));
        let sorted = ["Z", "a", "aa", "b", "ä"].map(Text::from);
        assert!(sorted.is_sorted_by(|a, b| a < b && a.as_str() < b.as_str()));
    }
}
