//! Entries of index trees: which document an entry leads to, and where its value ends.
//!
//! | part | bytes | what |
//! |---|---|---|
//! | key | `secondary` | the encoded value, perhaps truncated, or raw key bytes |
//! | | `primary` | the encoded primary key of the document |
//! | | 0 or 4 | big-endian: which of several equal values of the document, from the second on |
//! | value | 2 | little-endian: length of `secondary` |
//! | | 2 | little-endian: length of `primary` |
//! | | 1 | 1 when `secondary` is truncated, else 0 |

use bytes::Bytes;
use photondb_datum::Datum;
use photondb_datum::key::SecondaryKey;

use super::keys;
use super::table::OpenIndex;
use crate::function::IndexValue;
use crate::limits::INDEX_ENTRIES_PER_ROW_MAX;

/// Bytes of an entry's value.
const VALUE_BYTES: usize = 5;

/// One entry on its way into an index tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) value: [u8; VALUE_BYTES],
}

impl Entry {
    fn new(secondary: &SecondaryKey, primary: &[u8]) -> Self {
        let mut key = Vec::with_capacity(secondary.bytes.len() + primary.len());
        key.extend_from_slice(&secondary.bytes);
        key.extend_from_slice(primary);
        let [s0, s1] = (secondary.bytes.len() as u16).to_le_bytes();
        let [p0, p1] = (primary.len() as u16).to_le_bytes();
        Self { key, value: [s0, s1, p0, p1, u8::from(secondary.truncated)] }
    }

    /// The encoded value.
    pub(crate) fn secondary(&self) -> &[u8] {
        let [s0, s1, ..] = self.value;
        &self.key[..usize::from(u16::from_le_bytes([s0, s1]))]
    }

    /// Whether the encoded value was cut.
    pub(crate) fn is_truncated(&self) -> bool {
        self.value[4] != 0
    }
}

/// Appends the entries that an index has for a document, in key order, each once.
pub(crate) fn entries_of(
    index: &OpenIndex,
    primary: &[u8],
    document: &Datum,
    values: &mut Vec<IndexValue>,
    out: &mut Vec<Entry>,
) {
    if index.failure().is_some() {
        return;
    }
    let Ok(function) = index.function() else { return };
    values.clear();
    function.values(document, values);
    values.truncate(INDEX_ENTRIES_PER_ROW_MAX);
    for value in values.drain(..) {
        // A value that cannot be a key leaves the document out, as in RethinkDB.
        if let Some(secondary) = secondary_of(&value) {
            out.push(Entry::new(&secondary, primary));
        }
    }
    if out.len() > 1 {
        out.sort_unstable();
        number_equal_entries(out);
    }
}

/// The key bytes of an index value; `None` when it cannot be a key.
pub(crate) fn secondary_of(value: &IndexValue) -> Option<SecondaryKey> {
    match value {
        IndexValue::Datum(datum) => keys::secondary(datum).ok(),
        IndexValue::Raw(bytes) if bytes.len() <= keys::RAW_BYTES_MAX => {
            Some(SecondaryKey { bytes: bytes.clone(), truncated: false })
        }
        IndexValue::Raw(_) => None,
    }
}

/// The index values of a document that have the given key bytes.
pub(crate) fn values_like(index: &OpenIndex, secondary: &[u8], document: &Datum) -> Vec<Datum> {
    let mut values = Vec::new();
    if let Ok(function) = index.function() {
        function.values(document, &mut values);
    }
    let alike = |value: IndexValue| {
        let same = secondary_of(&value).is_some_and(|key| key.bytes == secondary);
        match value {
            IndexValue::Datum(datum) if same => Some(datum),
            _ => None,
        }
    };
    values.into_iter().filter_map(alike).collect()
}

/// Tells equal entries of one document apart by a number behind the key.
fn number_equal_entries(entries: &mut [Entry]) {
    let mut start = 0;
    while start < entries.len() {
        let mut end = start + 1;
        while end < entries.len() && entries[end].key == entries[start].key {
            end += 1;
        }
        for (number, entry) in entries[start..end].iter_mut().enumerate().skip(1) {
            entry.key.extend_from_slice(&(number as u32).to_be_bytes());
        }
        start = end;
    }
}

/// An entry as it was read.
#[derive(Clone, Debug)]
pub(crate) struct FoundEntry {
    pub(crate) key: Bytes,
    secondary: usize,
    primary: usize,
    pub(crate) truncated: bool,
}

impl FoundEntry {
    /// Reads an entry; `None` when it is malformed.
    pub(crate) fn parse(key: Bytes, value: &[u8]) -> Option<Self> {
        let [s0, s1, p0, p1, truncated] = value.try_into().ok()?;
        let secondary = usize::from(u16::from_le_bytes([s0, s1]));
        let primary = usize::from(u16::from_le_bytes([p0, p1]));
        let fits = secondary + primary <= key.len();
        fits.then_some(Self { key, secondary, primary, truncated: truncated != 0 })
    }

    /// The encoded value.
    pub(crate) fn secondary(&self) -> Bytes {
        self.key.slice(..self.secondary)
    }

    /// Which of several equal values of the document it stands for, from 0.
    pub(crate) fn number(&self) -> usize {
        let number = self.key.get(self.secondary + self.primary..).and_then(|rest| rest.try_into().ok());
        number.map_or(0, |bytes| u32::from_be_bytes(bytes) as usize)
    }

    /// The encoded primary key.
    pub(crate) fn primary(&self) -> Bytes {
        self.key.slice(self.secondary..self.secondary + self.primary)
    }
}
