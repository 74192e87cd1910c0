//! Keys as bytes: prefixes and entries of two keys.

use super::{SECONDARY_KEY_BYTES_MAX, encoded_len};

/// The smallest bytes above everything that begins with `prefix`; `None` when nothing is.
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut out = prefix[..=last].to_vec();
    out[last] += 1;
    Some(out)
}

/// Takes apart an index entry whose key is a secondary key and something behind it,
/// usually the primary key. A secondary key that is not complete within its limit was
/// truncated to the limit. `None` when the bytes are neither.
pub fn split_secondary(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let head = entry.get(..SECONDARY_KEY_BYTES_MAX).unwrap_or(entry);
    match encoded_len(head) {
        Some(len) => entry.split_at_checked(len),
        None if entry.len() >= SECONDARY_KEY_BYTES_MAX => entry.split_at_checked(SECONDARY_KEY_BYTES_MAX),
        None => None,
    }
}
