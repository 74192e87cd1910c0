//! The longer values of a leaf, each in memory of its own or in that of the page which the leaf
//! was: to change one entry of a page, the others need not be copied.

use bytes::Bytes;

use crate::store::allocated_bytes;

/// Shorter values stand among the cells.
pub(super) const KEPT_BYTES_MIN: usize = 512;

/// What shares a value besides its bytes.
const SHARING_BYTES: usize = 32;

/// A value that is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub bytes: Bytes,
    /// A slice of the page that the leaf was, whose memory counts as a whole.
    pub is_of_page: bool,
}

/// Values by number; one that was taken out leaves a gap.
#[derive(Clone, Debug, Default)]
pub(super) struct KeptValues {
    values: Vec<Option<Kept>>,
    /// Of all values together.
    bytes: usize,
    /// Memory of those that are not of the page.
    own_memory_bytes: usize,
    count: usize,
}

impl Kept {
    fn memory_bytes(&self) -> usize {
        if self.is_of_page { 0 } else { allocated_bytes(self.bytes.len()) + SHARING_BYTES }
    }
}

impl KeptValues {
    pub(super) fn with_capacity(values: usize) -> Self {
        Self { values: Vec::with_capacity(values), ..Self::default() }
    }

    /// Keeps a value. Gives its number.
    pub(super) fn put(&mut self, value: Kept) -> usize {
        self.bytes += value.bytes.len();
        self.own_memory_bytes += value.memory_bytes();
        self.count += 1;
        if self.count <= self.values.len()
            && let Some(number) = self.values.iter().position(Option::is_none)
            && let Some(gap) = self.values.get_mut(number)
        {
            *gap = Some(value);
            return number;
        }
        self.values.push(Some(value));
        self.values.len() - 1
    }

    pub(super) fn get(&self, number: usize) -> Option<&Bytes> {
        self.values.get(number)?.as_ref().map(|kept| &kept.bytes)
    }

    pub(super) fn take(&mut self, number: usize) -> Option<Kept> {
        let value = self.values.get_mut(number)?.take()?;
        self.bytes -= value.bytes.len();
        self.own_memory_bytes -= value.memory_bytes();
        self.count -= 1;
        Some(value)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Of all values together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory this takes, without that of a page.
    pub(super) fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<Option<Kept>>() + self.own_memory_bytes
    }
}
