//! Ranges of keys and the direction to walk them in.

use std::cmp::Ordering;
use std::ops::Bound;

use bytes::Bytes;

/// The way a cursor walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// A range of keys, compared as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it starts.
    pub start: Bound<Bytes>,
    /// Where it ends.
    pub end: Bound<Bytes>,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded }
    }

    /// A range between two bounds.
    pub fn new(start: Bound<Bytes>, end: Bound<Bytes>) -> Self {
        Self { start, end }
    }

    /// Keys at or after `start` and before `end`.
    pub fn half_open(start: impl Into<Bytes>, end: impl Into<Bytes>) -> Self {
        Self { start: Bound::Included(start.into()), end: Bound::Excluded(end.into()) }
    }

    /// Just one key.
    pub fn point(key: impl Into<Bytes>) -> Self {
        let key = key.into();
        Self { start: Bound::Included(key.clone()), end: Bound::Included(key) }
    }

    /// Every key that starts with `prefix`.
    pub fn prefix(prefix: impl Into<Bytes>) -> Self {
        let prefix = prefix.into();
        let end = successor_of_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self { start: Bound::Included(prefix), end }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.is_after_start(key) && self.is_before_end(key)
    }

    /// Whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
            (Bound::Excluded(start), Bound::Excluded(end)) => {
                // Nothing fits between a key and the same key with a zero byte behind it.
                start >= end
                    || (end.len() == start.len() + 1 && end.last() == Some(&0) && end.starts_with(start))
            }
            (Bound::Unbounded, Bound::Excluded(end)) => end.is_empty(),
            _ => false,
        }
    }

    /// The part that both ranges share.
    pub fn intersection(&self, other: &Self) -> Self {
        let start = match compare_starts(&self.start, &other.start) {
            Ordering::Less => &other.start,
            _ => &self.start,
        };
        let end = match compare_ends(&self.end, &other.end) {
            Ordering::Greater => &other.end,
            _ => &self.end,
        };
        Self { start: start.clone(), end: end.clone() }
    }

    pub(crate) fn is_after_start(&self, key: &[u8]) -> bool {
        match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start.as_ref(),
            Bound::Excluded(start) => key > start.as_ref(),
        }
    }

    pub(crate) fn is_before_end(&self, key: &[u8]) -> bool {
        match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) => key <= end.as_ref(),
            Bound::Excluded(end) => key < end.as_ref(),
        }
    }
}

/// The smallest key above every key that starts with `prefix`; `None` when there is none.
fn successor_of_prefix(prefix: &[u8]) -> Option<Bytes> {
    let keep = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut successor = prefix.get(..=keep)?.to_vec();
    *successor.last_mut()? += 1;
    Some(successor.into())
}

fn compare_starts(a: &Bound<Bytes>, b: &Bound<Bytes>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(a), Bound::Excluded(b)) => a.cmp(b).then(Ordering::Less),
        (Bound::Excluded(a), Bound::Included(b)) => a.cmp(b).then(Ordering::Greater),
        (Bound::Included(a), Bound::Included(b)) | (Bound::Excluded(a), Bound::Excluded(b)) => a.cmp(b),
    }
}

fn compare_ends(a: &Bound<Bytes>, b: &Bound<Bytes>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(a), Bound::Excluded(b)) => a.cmp(b).then(Ordering::Greater),
        (Bound::Excluded(a), Bound::Included(b)) => a.cmp(b).then(Ordering::Less),
        (Bound::Included(a), Bound::Included(b)) | (Bound::Excluded(a), Bound::Excluded(b)) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        let range = KeyRange::prefix(&b"ab"[..]);
        assert!(range.contains(b"ab") && range.contains(b"ab\xff\xff") && !range.contains(b"ac"));
        let range = KeyRange::prefix(&b"a\xff"[..]);
        assert!(range.contains(b"a\xff\xff") && !range.contains(b"b"));
        assert_eq!(KeyRange::prefix(&b"\xff\xff"[..]).end, Bound::Unbounded);
        assert_eq!(KeyRange::prefix(Bytes::new()).end, Bound::Unbounded);
    }

    #[test]
    fn emptiness_and_intersection() {
        assert!(KeyRange::half_open(&b"b"[..], &b"b"[..]).is_empty());
        assert!(!KeyRange::point(&b"b"[..]).is_empty());
        let excluded = KeyRange::new(
            Bound::Excluded(Bytes::from_static(b"a")),
            Bound::Excluded(Bytes::from_static(b"a\0")),
        );
        assert!(excluded.is_empty());
        let range = KeyRange::half_open(&b"a"[..], &b"m"[..])
            .intersection(&KeyRange::half_open(&b"f"[..], &b"z"[..]));
        assert_eq!(range, KeyRange::half_open(&b"f"[..], &b"m"[..]));
    }
}
