//! Keys and ranges of keys for data.

use std::ops::Bound;

use bytes::Bytes;
use photondb_datum::key::{self, SecondaryKey};
use photondb_datum::{Datum, DatumError};
use photondb_storage::KeyRange;

use super::index_walk::IndexRange;
use crate::read::DatumRange;

/// Bytes of a raw index key.
pub(crate) const RAW_BYTES_MAX: usize = key::SECONDARY_KEY_BYTES_MAX;

/// The key of a document.
pub(crate) fn primary(datum: &Datum) -> Result<Bytes, DatumError> {
    Ok(key::encode_primary(datum)?)
}

/// The key of a document in an index.
pub(crate) fn secondary(datum: &Datum) -> Result<SecondaryKey, DatumError> {
    Ok(key::encode_secondary(datum)?)
}

/// The primary key that was encoded.
pub(crate) fn decode(bytes: &[u8]) -> Option<Datum> {
    key::decode(bytes).ok()
}

/// The value of an index key that is not truncated.
pub(crate) fn decode_secondary(bytes: &[u8]) -> Option<Datum> {
    key::decode(bytes).ok()
}

/// The keys of documents whose primary key lies in a range.
pub(crate) fn primary_range(range: &DatumRange) -> Result<KeyRange, DatumError> {
    let bound = |bound: &Bound<Datum>| -> Result<Bound<Bytes>, DatumError> {
        Ok(match bound {
            Bound::Unbounded => Bound::Unbounded,
            Bound::Included(datum) => Bound::Included(key::encode_primary_bound(datum)?),
            Bound::Excluded(datum) => Bound::Excluded(key::encode_primary_bound(datum)?),
        })
    };
    Ok(KeyRange::new(bound(&range.left)?, bound(&range.right)?))
}

/// A bound of a range of an index, or a value to look up.
pub(crate) fn secondary_bound(datum: &Datum) -> Result<SecondaryKey, DatumError> {
    Ok(key::encode_secondary_bound(datum)?)
}

/// The entries of an index with one value.
pub(crate) fn secondary_point(key: &SecondaryKey, value: &Datum) -> IndexRange {
    let end = behind(key).map_or(Bound::Unbounded, Bound::Excluded);
    let check = key.truncated.then(|| DatumRange::point(value.clone()));
    IndexRange { keys: KeyRange::new(Bound::Included(key.bytes.clone()), end), check }
}

/// The entries of an index whose value lies in a range. Entries that share the truncated
/// bytes of a bound are all in it and have to be looked at one by one.
pub(crate) fn secondary_range(range: &DatumRange) -> Result<IndexRange, DatumError> {
    if let (Bound::Included(left), Bound::Included(right)) = (&range.left, &range.right)
        && left == right
    {
        return Ok(secondary_point(&secondary_bound(left)?, left));
    }
    let encoded = |bound: &Bound<Datum>| -> Result<Option<SecondaryKey>, DatumError> {
        match bound {
            Bound::Unbounded => Ok(None),
            Bound::Included(datum) | Bound::Excluded(datum) => Ok(Some(secondary_bound(datum)?)),
        }
    };
    let (left, right) = (encoded(&range.left)?, encoded(&range.right)?);
    let truncated = |key: &Option<SecondaryKey>| key.as_ref().is_some_and(|key| key.truncated);
    let check = (truncated(&left) || truncated(&right)).then(|| range.clone());
    let start = match left {
        None => Bound::Unbounded,
        Some(key) if matches!(range.left, Bound::Included(_)) || key.truncated => Bound::Included(key.bytes),
        Some(key) => behind(&key).map_or(Bound::Unbounded, Bound::Included),
    };
    let end = match right {
        None => Bound::Unbounded,
        Some(key) if matches!(range.right, Bound::Excluded(_)) && !key.truncated => {
            Bound::Excluded(key.bytes)
        }
        Some(key) => behind(&key).map_or(Bound::Unbounded, Bound::Excluded),
    };
    Ok(IndexRange { keys: KeyRange::new(start, end), check })
}

/// The first bytes behind all entries of a value. There always are some: keys begin with a
/// tag that is not the highest byte.
fn behind(key: &SecondaryKey) -> Option<Bytes> {
    key::successor(&key.bytes).map(Bytes::from)
}
