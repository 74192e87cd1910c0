//! The names of an object's fields as they stand in JSON.
//!
//! Rows of one table mostly have the same names: what was written for a row before is written again
//! as it is.

use std::cell::Cell;

use super::write;
use crate::packed::{PackedObject, Shape};

/// Names beyond so many bytes are not remembered.
const NAMES_BYTES_MAX: usize = 4096;

/// Kinds of rows that are remembered: what is read and what is said about writes go in turns.
const KINDS_MAX: usize = 4;

thread_local! {
    /// Those of the objects that were written on this thread, the last ones first.
    static KNOWN: Cell<Vec<KnownNames>> = const { Cell::new(Vec::new()) };
}

/// The names of objects that are alike.
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

    /// Gives the names of an object to `write`, if one shortly before had the same.
    pub(super) fn of(object: PackedObject<'_>, write: impl FnOnce(&Self)) -> bool {
        let Some(shape) = object.shape().filter(|shape| shape.names.len() <= NAMES_BYTES_MAX) else {
            return false;
        };
        let mut kinds = KNOWN.take();
        let found = kinds.iter().position(|known| known.shape() == shape);
        match found {
            Some(0) => {}
            Some(place) => kinds[..=place].rotate_right(1),
            None => {
                if kinds.len() < KINDS_MAX {
                    kinds.push(KnownNames::default());
                }
                kinds.rotate_right(1);
            }
        }
        if let Some(known) = kinds.first_mut() {
            if found.is_none() {
                known.remember(shape);
            } else {
                if known.ends.is_empty() {
                    known.render(object);
                }
                write(known);
            }
        }
        KNOWN.set(kinds);
        found.is_some()
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
