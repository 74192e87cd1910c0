//! Comparing keys, and finding one among others.

use std::cmp::Ordering;
use std::ops::Range;

/// How a key in two parts stands to another one.
pub(crate) fn compare(prefix: &[u8], suffix: &[u8], key: &[u8]) -> Ordering {
    let (head, rest) = key.split_at_checked(prefix.len()).unwrap_or((key, &[]));
    prefix.cmp(head).then_with(|| order(suffix, rest))
}

/// How two keys stand to each other. Most differ in their first bytes, for which comparing as
/// numbers beats the call of a function.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (Some(a_head), Some(b_head)) if a_head != b_head => {
            u64::from_be_bytes(*a_head).cmp(&u64::from_be_bytes(*b_head))
        }
        _ => a.cmp(b),
    }
}

/// Where `key` is among `count` ascending keys with a common prefix, or where it would be: `behind`
/// finds what it has behind the prefix.
pub(crate) fn search(
    prefix: &[u8],
    count: usize,
    key: &[u8],
    behind: impl FnOnce(&[u8]) -> Result<usize, usize>,
) -> Result<usize, usize> {
    match cut_prefix(prefix, key) {
        Ok(rest) => behind(rest),
        Err(Ordering::Less) => Err(count),
        Err(_) => Err(0),
    }
}

/// What a key has behind a prefix, or how the prefix stands to a key that does not begin with it.
pub(crate) fn cut_prefix<'a>(prefix: &[u8], key: &'a [u8]) -> Result<&'a [u8], Ordering> {
    let (head, rest) = key.split_at_checked(prefix.len()).unwrap_or((key, &[]));
    match prefix.cmp(head) {
        Ordering::Equal => Ok(rest),
        order => Err(order),
    }
}

/// A prefix of a few bytes as a number: to compare a key with it, nothing else is fetched from memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShortPrefix(u64);

impl ShortPrefix {
    /// Takes a prefix, of which only the first eight bytes matter.
    pub(crate) fn of(prefix: &[u8]) -> Self {
        Self(
            prefix
                .iter()
                .take(8)
                .enumerate()
                .fold(0, |head, (at, byte)| head | u64::from(*byte) << (56 - 8 * at)),
        )
    }

    /// [`cut_prefix`] for a prefix of so many bytes, which is looked at only when it or the key is
    /// not of a length that a number tells apart.
    #[inline]
    pub(crate) fn cut<'a, 'p>(
        self,
        length: usize,
        key: &'a [u8],
        prefix: impl FnOnce() -> &'p [u8],
    ) -> Result<&'a [u8], Ordering> {
        if length == 0 {
            return Ok(key);
        }
        match (key.first_chunk::<8>(), key.get(length..)) {
            (Some(head), Some(rest)) if length <= 8 => {
                let head = u64::from_be_bytes(*head) & (u64::MAX << (64 - 8 * length));
                match self.0.cmp(&head) {
                    Ordering::Equal => Ok(rest),
                    order => Err(order),
                }
            }
            _ => cut_prefix(prefix(), key),
        }
    }
}

/// Where a key is among a range of ascending ones, or where it would be.
pub(crate) fn search_between<'a>(
    range: Range<usize>,
    key: &[u8],
    suffix: impl Fn(usize) -> &'a [u8],
) -> Result<usize, usize> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = (low + high) / 2;
        match order(suffix(middle), key) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Ok(middle),
        }
    }
    Err(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_short_prefix_says_what_the_prefix_does(
            prefix in prop::collection::vec(prop_oneof![Just(0), Just(7), Just(u8::MAX)], 0..12),
            other in prop::collection::vec(prop_oneof![Just(0), Just(7), Just(u8::MAX)], 0..14),
            begins_with_it: bool,
        ) {
            let key = if begins_with_it { [prefix.clone(), other].concat() } else { other };
            let cut = ShortPrefix::of(&prefix).cut(prefix.len(), &key, || &prefix);
            prop_assert_eq!(cut, cut_prefix(&prefix, &key));
        }
    }
}
