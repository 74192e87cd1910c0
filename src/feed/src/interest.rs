//! Which changes a feed wants, decided by the bytes of the primary key alone: all that a
//! writer has the time for.

use std::collections::HashMap;
use std::ops::Bound;

use bytes::Bytes;
use photondb_datum::Datum;
use photondb_datum::key::{KeyError, encode_primary, encode_primary_bound};
use photondb_reql::ReqlError;
use photondb_table::{DatumRange, KeyRange};

/// The keys whose changes a feed wants.
#[derive(Clone, Debug)]
pub(crate) enum Interest {
    /// Every one.
    All,
    /// One.
    Point(Bytes),
    /// Those between two bounds.
    Range(KeyRange),
    /// Some, with how often each was asked for.
    Keys(HashMap<Bytes, usize>),
}

impl Interest {
    pub(crate) fn point(key: &Datum) -> Result<Self, ReqlError> {
        Ok(Self::Point(encode_primary(key).map_err(wrong_key)?))
    }

    pub(crate) fn range(range: &DatumRange) -> Result<Self, ReqlError> {
        if matches!((&range.left, &range.right), (Bound::Unbounded, Bound::Unbounded)) {
            return Ok(Self::All);
        }
        Ok(Self::Range(KeyRange::new(bound(&range.left)?, bound(&range.right)?)))
    }

    pub(crate) fn keys(keys: &[Datum]) -> Result<Self, ReqlError> {
        let mut counts = HashMap::with_capacity(keys.len());
        for key in keys {
            *counts.entry(encode_primary(key).map_err(wrong_key)?).or_insert(0) += 1;
        }
        Ok(Self::Keys(counts))
    }

    /// Whether a change of this key is wanted.
    pub(crate) fn covers(&self, key: &Bytes) -> bool {
        match self {
            Self::All => true,
            Self::Point(point) => point == key,
            Self::Range(range) => range.contains(key),
            Self::Keys(keys) => keys.contains_key(key),
        }
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
