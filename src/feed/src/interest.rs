//! Which changes a feed wants, as far as a writer has the time to find out: by the primary key
//! or by the values of an index.

use std::collections::HashMap;
use std::ops::Bound;

use bytes::Bytes;
use photondb_base::IndexId;
use photondb_datum::Datum;
use photondb_datum::key::{KeyError, encode_primary, encode_primary_bound};
use photondb_reql::ReqlError;
use photondb_table::{DatumRange, KeyRange};

/// The changes that a feed wants.
#[derive(Clone, Debug)]
pub(crate) enum Interest {
    /// Every one.
    All,
    /// Those of one key.
    Point(Bytes),
    /// Those of the keys between two bounds. Boxed, since it is much larger than the others.
    Range(Box<KeyRange>),
    /// Those of some keys, with how often each was asked for.
    Keys(HashMap<Bytes, usize>),
    /// Those of documents that have, before or after, one of these values in an index.
    Index { index: IndexId, ranges: Vec<DatumRange> },
}

impl Interest {
    pub(crate) fn point(key: &Datum) -> Result<Self, ReqlError> {
        Ok(Self::Point(encode_primary(key).map_err(wrong_key)?))
    }

    pub(crate) fn range(range: &DatumRange) -> Result<Self, ReqlError> {
        if matches!((&range.left, &range.right), (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(Self::All);
        }
        Ok(Self::Range(Box::new(KeyRange::new(bound(&range.left)?, bound(&range.right)?))))
    }

    /// How often each of some keys is asked for.
    pub(crate) fn keys(keys: &[Datum]) -> Result<Self, ReqlError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for key in keys {
            *counts.entry(encode_primary(key).map_err(wrong_key)?).or_insert(0) += 1;
        }
        Ok(Self::Keys(counts))
    }
}

fn bound(bound: &Bound<Datum>) -> Result<Bound<Bytes>, ReqlError> {
    let encode = |value| encode_primary_bound(value).map_err(wrong_key);
    Ok(match bound {
        Bound::Unbounded => Bound::Unbounded,
        Bound::Included(value) => Bound::Included(encode(value)?),
        Bound::Excluded(value) => Bound::Excluded(encode(value)?),
    })
}

fn wrong_key(error: KeyError) -> ReqlError {
    ReqlError::logic(error.to_string())
}
