//! Rows that are kept: collected, grouped, sorted.

use bytes::Bytes;
use photondb_datum::{Datum, DatumRef};

use crate::sequence::passing::Passing;

/// Rows that may keep other memory alive; later ones are copied out of it.
const SHARING_ROWS_MAX: usize = 64;
/// Larger documents lie alone in memory, smaller ones with others on a page.
const PAGED_BYTES_MAX: usize = 2048;
/// When all rows of a page are kept, one that is no smaller a part of it shares it.
const SHARERS_MAX: usize = 16;

/// Makes the rows that are kept independent of the pages and documents they came from: a
/// field of a document keeps all of it in memory, and a document its whole page.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Whether the rows are few of those on their pages.
    sparse: bool,
    kept: usize,
}

impl Keeper {
    pub(crate) fn new(sparse: bool) -> Self {
        Self { sparse, kept: 0 }
    }

    /// The row to keep.
    pub(crate) fn keep(&mut self, row: Passing<'_>) -> Datum {
        self.kept += 1;
        if self.kept <= SHARING_ROWS_MAX {
            return row.into_datum();
        }
        match row {
            Passing::View(view, storage) => match storage {
                Some(storage) if self.shares(view, storage) => view.to_datum_sharing([storage]),
                _ => view.to_datum(),
            },
            Passing::Borrowed(row) if self.sparse && row.memory_bytes() <= PAGED_BYTES_MAX => row.detached(),
            Passing::Borrowed(row) => row.clone(),
            Passing::Owned(row) => row.detached(),
        }
    }

    /// Whether a row may keep the memory that it lies in.
    fn shares(&self, row: DatumRef<'_>, storage: &Bytes) -> bool {
        let Some(length) = row.packed_length() else { return false };
        let sharers_max = if self.sparse { 2 } else { SHARERS_MAX };
        (!self.sparse || length > PAGED_BYTES_MAX) && length.saturating_mul(sharers_max) >= storage.len()
    }
}
