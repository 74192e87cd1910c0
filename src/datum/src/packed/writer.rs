//! Writing packed values from front to back.

use std::cell::Cell;
use std::ops::Range;

use bytes::BytesMut;

use crate::datum::Datum;
use crate::error::DatumError;
use crate::pseudo::{self, PseudoType, REQL_TYPE};
use crate::view::{ArrayRef, ArrayView, DatumRef, ObjectRef, ObjectView};

use super::fields::{Child, Fields};
use super::header::{HeaderWriter, Layout, word32};
use super::layout::{
    ARRAY, BINARY_LONG, BINARY_SHORT, DOUBLE, FALSE, INTEGER_8, INTEGER_16, INTEGER_32, MAXVAL, MINVAL, NULL,
    STRING_LONG, STRING_SHORT, TRUE, Width, object_tag, read, small_integer, with_width,
};
use super::object::PackedObject;

/// A writer that has grown beyond this is not kept for the next value.
const SPARE_BYTES_MAX: usize = 256 << 10;

thread_local! {
    static SPARE: Cell<Option<Box<Writer>>> = const { Cell::new(None) };
}

/// What a repeated name in an object means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// "Duplicate key `a` in JSON."
    Reject,
    /// The last value counts.
    LastWins,
}

/// Builds a packed value piece by piece, without a tree: scalars as they come, arrays and
/// objects between a `begin` and an `end`, a [`key`](Self::key) before each value of an
/// object, whose fields may come in any order.
#[derive(Default)]
pub struct Writer {
    /// Finished values; of an open array or object its children so far, back to back.
    buffer: Vec<u8>,
    /// The open arrays and objects, outermost first.
    frames: Vec<Frame>,
    /// The children of all open arrays and objects.
    children: Vec<Child>,
    /// The names of the fields of all open objects, back to back.
    names: Vec<u8>,
    /// How the fields of the last object that came unordered are ordered.
    order: Vec<u32>,
    /// Memory for the next object that ends.
    assembly: Vec<u8>,
}

struct Frame {
    object: bool,
    /// A field is called `$reql_type$`.
    typed: bool,
    /// Of the deepest child.
    depth: u16,
    buffer_start: usize,
    children_start: usize,
    names_start: usize,
}

/// A place in a [`Writer`] to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    buffer: usize,
    frames: usize,
    children: usize,
    names: usize,
}

impl Writer {
    /// Nothing written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lends the writer of this thread, empty but for the memory that it grew to before: most
    /// values are built for a moment, and much like the ones before them.
    pub fn lent<T>(write: impl FnOnce(&mut Self) -> T) -> T {
        // Whoever asks while it is lent gets one of his own.
        let mut writer = SPARE.take().unwrap_or_default();
        writer.clear();
        let result = write(&mut writer);
        if writer.held_bytes() <= SPARE_BYTES_MAX {
            SPARE.set(Some(writer));
        }
        result
    }

    /// Memory that it holds, used or not.
    fn held_bytes(&self) -> usize {
        self.buffer.capacity()
            + self.assembly.capacity()
            + self.names.capacity()
            + self.children.capacity() * size_of::<Child>()
            + self.order.capacity() * size_of::<u32>()
    }

    /// Writes behind what is in the buffer already.
    pub fn appending_to(buffer: Vec<u8>) -> Self {
        Self { buffer, ..Self::default() }
    }

    /// Everything written, when all arrays and objects are ended.
    pub fn into_bytes(self) -> Vec<u8> {
        debug_assert!(self.frames.is_empty());
        self.buffer
    }

    /// The one value written, as a datum of its own; ready for the next value.
    pub fn take_datum(&mut self) -> Result<Datum, DatumError> {
        debug_assert!(self.frames.is_empty());
        let datum = super::decode(bytes::Bytes::copy_from_slice(&self.buffer));
        self.buffer.clear();
        datum
    }

    /// [`take_datum`](Self::take_datum) in a chunk of memory that many values share.
    pub fn take_datum_into(&mut self, chunk: &mut BytesMut) -> Result<Datum, DatumError> {
        debug_assert!(self.frames.is_empty());
        chunk.extend_from_slice(&self.buffer);
        self.buffer.clear();
        super::decode(chunk.split().freeze())
    }

    /// Forgets everything that was written; keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.frames.clear();
        self.children.clear();
        self.names.clear();
    }

    /// How many arrays and objects are open.
    pub fn open_depth(&self) -> usize {
        self.frames.len()
    }

    /// This place. Going back to it is possible until an array or object that is open here
    /// is ended.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            buffer: self.buffer.len(),
            frames: self.frames.len(),
            children: self.children.len(),
            names: self.names.len(),
        }
    }

    /// Forgets what was written since a checkpoint.
    pub fn rollback(&mut self, checkpoint: Checkpoint) {
        self.buffer.truncate(checkpoint.buffer);
        self.frames.truncate(checkpoint.frames);
        self.children.truncate(checkpoint.children);
        self.names.truncate(checkpoint.names);
    }

    /// Notes where the next value of an open array starts. (Of an object, the key did.)
    #[inline]
    fn begin_value(&mut self) {
        if let Some(frame) = self.frames.last()
            && !frame.object
        {
            self.children.push(Child::item(self.buffer.len()));
        }
    }

    /// Null.
    pub fn null(&mut self) {
        self.begin_value();
        self.buffer.push(NULL);
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) {
        self.begin_value();
        self.buffer.push(if value { TRUE } else { FALSE });
    }

    /// A finite number.
    pub fn number(&mut self, number: f64) {
        debug_assert!(number.is_finite());
        self.begin_value();
        match small_integer(number) {
            Some(integer) => {
                if let Ok(integer) = i8::try_from(integer) {
                    self.buffer.extend_from_slice(&[INTEGER_8, integer.to_le_bytes()[0]]);
                } else if let Ok(integer) = i16::try_from(integer) {
                    let [a, b] = integer.to_le_bytes();
                    self.buffer.extend_from_slice(&[INTEGER_16, a, b]);
                } else {
                    self.buffer.push(INTEGER_32);
                    self.buffer.extend_from_slice(&integer.to_le_bytes());
                }
            }
            None => {
                self.buffer.push(DOUBLE);
                self.buffer.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.blob(text.as_bytes(), STRING_SHORT, STRING_LONG);
    }

    /// Binary data.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.blob(bytes, BINARY_SHORT, BINARY_LONG);
    }

    fn blob(&mut self, bytes: &[u8], short: u8, long: u8) {
        self.begin_value();
        if let Ok(len) = u8::try_from(bytes.len()) {
            self.buffer.extend_from_slice(&[short, len]);
        } else {
            self.buffer.push(long);
            self.buffer.extend_from_slice(&word32(bytes.len()));
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Begins an array.
    pub fn begin_array(&mut self) {
        self.begin(false);
    }

    /// Begins an object.
    pub fn begin_object(&mut self) {
        self.begin(true);
    }

    fn begin(&mut self, object: bool) {
        self.begin_value();
        self.frames.push(Frame {
            object,
            typed: false,
            depth: 0,
            buffer_start: self.buffer.len(),
            children_start: self.children.len(),
            names_start: self.names.len(),
        });
    }

    /// The name of the next value of the open object.
    pub fn key(&mut self, name: &str) {
        self.key_bytes(name.as_bytes());
    }

    /// The same for a name as [`ObjectRef::iter`] gives it.
    pub fn key_bytes(&mut self, name: &[u8]) {
        self.field_at(name, self.buffer.len());
    }

    fn field_at(&mut self, name: &[u8], value_start: usize) {
        let name_start = self.names.len();
        self.names.extend_from_slice(name);
        self.children.push(Child::field(name, name_start, value_start));
        self.note_name(name);
    }

    #[inline]
    fn note_name(&mut self, name: &[u8]) {
        if name == REQL_TYPE.as_bytes()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.typed = true;
        }
    }

    /// Ends the open array.
    pub fn end_array(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        debug_assert!(!frame.object);
        let depth = frame.depth.saturating_add(1);
        let count = self.children.len() - frame.children_start;
        let contents = self.buffer.len() - frame.buffer_start;
        let layout = Layout::of(contents, count, 1);
        self.open_gap(frame.buffer_start, layout.header_bytes);
        let mut header =
            HeaderWriter::begin(&mut self.buffer[frame.buffer_start..], ARRAY, depth, count, layout);
        for child in &self.children[frame.children_start..] {
            header.word(child.value_start - frame.buffer_start + layout.header_bytes);
        }
        self.children.truncate(frame.children_start);
        self.raise_depth(depth);
    }

    /// Ends the open object of a user: checks repeated names, and checks and normalises
    /// pseudo-types, which may turn the object into binary data.
    pub fn end_object(&mut self, duplicates: Duplicates) -> Result<(), DatumError> {
        self.end_object_with(Some(duplicates))
    }

    /// Ends the open object of values that were checked before: of a repeated name the last
    /// value counts, pseudo-types are believed.
    pub fn end_object_as_is(&mut self) {
        // Believing everything, this cannot fail.
        let ended = self.end_object_with(None);
        debug_assert!(ended.is_ok());
    }

    /// Ends the open object; `None` believes everything.
    fn end_object_with(&mut self, check: Option<Duplicates>) -> Result<(), DatumError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        debug_assert!(frame.object);
        let start = frame.buffer_start;
        let fields = Fields::new(&self.children[frame.children_start..], &self.names, &self.buffer);
        let mut depth = frame.depth.saturating_add(1);
        let out = &mut self.assembly;
        if fields.are_sorted() {
            fields.assemble(None, depth, out);
        } else {
            if !fields.are_sorted_by(&self.order) && fields.sort(&mut self.order) {
                if check == Some(Duplicates::Reject) {
                    return Err(fields.repeated(&self.order));
                }
                fields.keep_last(&mut self.order);
                depth = fields.deepest(&self.order).saturating_add(1);
            }
            fields.assemble(Some(&self.order), depth, out);
            if self.order.len() < fields.len() {
                // One with fields left out is no order for other objects.
                self.order.clear();
            }
        }
        if start == 0 {
            std::mem::swap(&mut self.buffer, &mut self.assembly);
        } else {
            self.buffer.truncate(start);
            self.buffer.extend_from_slice(&self.assembly);
        }
        self.children.truncate(frame.children_start);
        self.names.truncate(frame.names_start);
        let depth = if frame.typed { self.finish_typed(start, depth, check.is_some())? } else { depth };
        self.raise_depth(depth);
        Ok(())
    }

    /// Gives an object with a `$reql_type$` its tag, after checking it if asked to. Returns
    /// the depth of what it became.
    fn finish_typed(&mut self, start: usize, depth: u16, check: bool) -> Result<u16, DatumError> {
        let Some((view @ DatumRef::Object(object), _)) = read(&self.buffer[start..], u16::MAX) else {
            return Ok(depth);
        };
        if check
            && let Datum::Object(owned) = view.to_datum()
            && let Some(changed) = pseudo::sanitize_changed(&owned)?
        {
            self.buffer.truncate(start);
            super::encode_into(&changed, &mut self.buffer);
            return Ok(u16::try_from(changed.depth()).unwrap_or(u16::MAX));
        }
        let name = object.get(REQL_TYPE).and_then(DatumRef::as_str);
        let tag = object_tag(name.and_then(PseudoType::from_object_name));
        if let Some(width) = Width::of_tag(self.buffer[start]) {
            self.buffer[start] = with_width(tag, width);
        }
        Ok(depth)
    }

    /// Any value, as it is: pseudo-types are believed, not checked.
    pub fn value(&mut self, value: DatumRef<'_>) {
        match value {
            DatumRef::Null => self.null(),
            DatumRef::Bool(value) => self.bool(value),
            DatumRef::Number(number) => self.number(number),
            DatumRef::String(bytes) => self.blob(bytes, STRING_SHORT, STRING_LONG),
            DatumRef::Binary(bytes) => self.binary(bytes),
            DatumRef::MinVal | DatumRef::MaxVal => {
                self.begin_value();
                self.buffer.push(if matches!(value, DatumRef::MinVal) { MINVAL } else { MAXVAL });
            }
            DatumRef::Array(ArrayRef(ArrayView::Packed(array))) => self.copy(array.bytes(), array.depth()),
            DatumRef::Object(ObjectRef(ObjectView::Packed(object))) => {
                self.copy(object.bytes(), object.depth())
            }
            DatumRef::Array(array) => {
                self.begin_array();
                array.iter().for_each(|item| self.value(item));
                self.end_array();
            }
            DatumRef::Object(object) => {
                self.begin_object();
                for (key, value) in object.iter() {
                    self.key_bytes(key);
                    self.value(value);
                }
                self.end_object_as_is();
            }
        }
    }

    /// Some of the fields of another object one after the other, values that were checked before.
    pub fn fields(&mut self, object: ObjectRef<'_>, range: Range<usize>) {
        if let ObjectRef(ObjectView::Packed(packed)) = object
            && self.packed_fields(packed, range.clone()).is_some()
        {
            return;
        }
        for (name, value) in object.iter().skip(range.start).take(range.len()) {
            self.key_bytes(name);
            self.value(value);
        }
    }

    /// Copies fields as two pieces, their names and their values. Nothing is written when the object
    /// is damaged.
    fn packed_fields(&mut self, object: PackedObject<'_>, range: Range<usize>) -> Option<()> {
        let Some(last) = range.clone().next_back() else { return Some(()) };
        let values = object.value_start(range.start)?..object.value_start(range.end)?;
        let names = object.name_place(range.start)?.start..object.name_place(last)?.end;
        let pieces = (object.bytes().get(names.clone())?, object.bytes().get(values.clone())?);
        let before = self.checkpoint();
        self.names.extend_from_slice(pieces.0);
        self.buffer.extend_from_slice(pieces.1);
        let (mut value_start, mut name_start) = (values.start, names.start);
        for index in range {
            let value = object.value_start(index).filter(|at| (value_start..values.end).contains(at));
            let name = object.name_place(index).filter(|at| at.start == name_start && at.end <= names.end);
            let name = name.and_then(|at| Some((at.clone(), object.bytes().get(at)?)));
            let (Some(value), Some((name, text))) = (value, name) else {
                self.rollback(before);
                return None;
            };
            let places = (before.names + name.start - names.start, before.buffer + value - values.start);
            self.children.push(Child::field(text, places.0, places.1));
            self.note_name(text);
            if object.depth() > 1 {
                self.raise_depth(u16::try_from(object.value(index).depth()).unwrap_or(u16::MAX));
            }
            (value_start, name_start) = (value + 1, name.end);
        }
        Some(())
    }

    fn copy(&mut self, packed: &[u8], depth: usize) {
        self.begin_value();
        self.buffer.extend_from_slice(packed);
        self.raise_depth(u16::try_from(depth).unwrap_or(u16::MAX));
    }

    fn raise_depth(&mut self, depth: u16) {
        if let Some(frame) = self.frames.last_mut() {
            frame.depth = frame.depth.max(depth);
        }
    }

    /// Makes room for a header before the children.
    fn open_gap(&mut self, start: usize, bytes: usize) {
        let end = self.buffer.len();
        self.buffer.resize(end + bytes, 0);
        self.buffer.copy_within(start..end, start + bytes);
    }
}
