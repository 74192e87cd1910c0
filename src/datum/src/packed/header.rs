//! Writing what an array or object begins with.

use super::layout::{Width, with_width};

/// How the header of an array or object is written.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    width: Width,
    pub(super) header_bytes: usize,
    pub(super) total: usize,
}

impl Layout {
    /// For children, names included, of so many bytes.
    pub(super) fn of(contents: usize, count: usize, words_per_child: usize) -> Self {
        let (width, header_bytes) = Width::fitting(2 + count * words_per_child, contents);
        Self { width, header_bytes, total: header_bytes + contents }
    }
}

/// Writes the words of a header one after the other.
pub(super) struct HeaderWriter<'a> {
    out: &'a mut [u8],
    at: usize,
    width: Width,
}

impl<'a> HeaderWriter<'a> {
    pub(super) fn begin(out: &'a mut [u8], tag: u8, depth: u16, count: usize, layout: Layout) -> Self {
        let width = layout.width;
        out[0] = with_width(tag, width);
        let depth_bytes = width.prefix_bytes() - 1;
        out[1..=depth_bytes].copy_from_slice(&depth.to_le_bytes()[..depth_bytes]);
        let mut header = Self { out, at: width.prefix_bytes(), width };
        header.word(layout.total);
        header.word(count);
        header
    }

    #[inline]
    pub(super) fn word(&mut self, value: usize) {
        // Of lengths that are known here: nothing is called for two bytes.
        let at = self.at;
        match self.width {
            Width::One => self.out[at] = value as u8,
            Width::Two => self.out[at..at + 2].copy_from_slice(&(value as u16).to_le_bytes()),
            Width::Four => self.out[at..at + 4].copy_from_slice(&word32(value)),
        }
        self.at = at + self.width.bytes();
    }
}

/// A length as it is stored. Values of 4 GiB and more are refused long before by the limits
/// on queries and documents; storing a wrong length would be worse than stopping.
pub(super) fn word32(value: usize) -> [u8; 4] {
    assert!(u32::try_from(value).is_ok(), "a packed value is smaller than 4 GiB");
    (value as u32).to_le_bytes()
}
