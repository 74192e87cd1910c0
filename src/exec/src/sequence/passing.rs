//! Rows on their way from stage to stage.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef};

use crate::row_expression::Untold;

/// Memory that rows share which are written rather than built.
const CHUNK_BYTES: usize = 4 * 1024;
/// Of rows of more bytes other rows are built, since parts of them can be shared.
const COPIED_ROW_BYTES_MAX: usize = 4 * 1024;

/// A row between two stages, borrowed for as long as it is only looked at.
pub(crate) enum Passing<'a> {
    /// In the place where it is stored, or in what a stage gave; and the memory that it lies in,
    /// if an owned row can share that.
    View(DatumRef<'a>, Option<&'a Bytes>),
    Borrowed(&'a Datum),
    Owned(Datum),
}

impl<'a> Passing<'a> {
    pub(crate) fn view(&self) -> DatumRef<'_> {
        match self {
            Self::View(view, _) => *view,
            Self::Borrowed(datum) => datum.view(),
            Self::Owned(datum) => datum.view(),
        }
    }

    /// The row for who needs a value of its own.
    pub(crate) fn datum(&self) -> Cow<'_, Datum> {
        match self {
            Self::View(view, storage) => Cow::Owned(view.to_datum_sharing(*storage)),
            Self::Borrowed(datum) => Cow::Borrowed(datum),
            Self::Owned(datum) => Cow::Borrowed(datum),
        }
    }

    pub(crate) fn into_datum(self) -> Datum {
        match self {
            Self::View(view, storage) => view.to_datum_sharing(storage),
            Self::Borrowed(datum) => datum.clone(),
            Self::Owned(datum) => datum,
        }
    }

    /// The same row once more.
    pub(crate) fn again(&self) -> Passing<'_> {
        match self {
            Self::View(view, storage) => Passing::View(*view, *storage),
            Self::Borrowed(datum) => Passing::Borrowed(datum),
            Self::Owned(datum) => Passing::Borrowed(datum),
        }
    }

    /// A row that was found in this one.
    pub(crate) fn part<'b>(&'b self, part: DatumRef<'b>) -> Passing<'b> {
        Passing::View(part, self.storage())
    }

    /// The memory that the bytes of the row lie in.
    pub(crate) fn storage(&self) -> Option<&Bytes> {
        match self {
            Self::View(_, storage) => *storage,
            Self::Borrowed(datum) => datum.storage(),
            Self::Owned(datum) => datum.storage(),
        }
    }
}

/// Writes rows that are made of others, many into one piece of memory.
#[derive(Default)]
pub(crate) struct RowWriter {
    writer: Writer,
    chunk: BytesMut,
}

impl RowWriter {
    /// The row that is written of another one; nothing if that does not pay or cannot be done.
    pub(crate) fn row(
        &mut self,
        source: DatumRef<'_>,
        write: impl FnOnce(&mut Writer) -> Result<(), Untold>,
    ) -> Option<Datum> {
        if source.is_tree() || source.packed_length().is_some_and(|bytes| bytes > COPIED_ROW_BYTES_MAX) {
            return None;
        }
        if write(&mut self.writer).is_err() {
            self.writer.clear();
            return None;
        }
        if self.chunk.capacity() == 0 {
            // Pieces that follow will have the same size.
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES);
        }
        let row = self.writer.take_datum_into(&mut self.chunk).ok()?;
        // Of what is nested too deep the evaluator complains.
        row.check_depth().is_ok().then_some(row)
    }
}
