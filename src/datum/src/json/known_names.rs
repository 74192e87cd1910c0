//! The names of an object's fields as they stand in JSON.
//!
//! Rows of one table mostly have the same names: what was written for the row before is written
//! again as it is.

use std::cell::Cell;

use super::write;
use crate::packed::{PackedObject, Shape};

/// Names beyond so many bytes are not remembered.
const NAMES_BYTES_MAX: usize = 4096;

thread_local! {
    static LAST: Cell<Option<Box<KnownNames>>> = const { Cell::new(None) };
}

/// The names of the object that was written last on this thread.
#[derive(Default)]
pub(super) struct KnownNames {
    word_bytes: usize,
    count: usize,
    names: Vec<u8>,
    /// What stands before each value, one piece behind the other; nothing before an object of the
    /// same names was met.
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl KnownNames {
    /// What stands before value `index`.
    #[inline]
    pub(super) fn before(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(0) };
        self.ends.get(index).and_then(|end| self.text.get(start..*end)).unwrap_or(&[])
    }

    /// Gives the names of an object to `write`, if the object before had the same.
    pub(super) fn of(object: PackedObject<'_>, write: impl FnOnce(&Self)) -> bool {
        let Some(shape) = object.shape().filter(|shape| shape.names.len() <= NAMES_BYTES_MAX) else {
            return false;
        };
        let mut known = LAST.take().unwrap_or_default();
        let is_known = known.shape() == shape;
        if is_known {
            if known.ends.is_empty() {
                known.render(object);
            }
            write(&known);
        } else {
            known.remember(shape);
        }
        LAST.set(Some(known));
        is_known
    }

    fn shape(&self) -> Shape<'_> {
        Shape { word_bytes: self.word_bytes, count: self.count, names: &self.names }
    }

    fn remember(&mut self, shape: Shape<'_>) {
        (self.word_bytes, self.count) = (shape.word_bytes, shape.count);
        self.names.clear();
        self.names.extend_from_slice(shape.names);
        self.text.clear();
        self.ends.clear();
    }

    fn render(&mut self, object: PackedObject<'_>) {
        for index in 0..object.len() {
            self.text.push(if index == 0 { b'{' } else { b',' });
            write::string(object.key(index), &mut self.text);
            self.text.push(b':');
            self.ends.push(self.text.len());
        }
    }
}
