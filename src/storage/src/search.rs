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
