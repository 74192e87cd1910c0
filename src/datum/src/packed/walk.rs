//! Walking a packed value from front to back, for transcoding it.
//!
//! Reading through [`DatumRef`](crate::DatumRef) moves a view of some 32 bytes per value
//! through memory; here every value goes from its bytes straight to the visitor.

use super::layout::{
    ARRAY, BINARY_LONG, BINARY_SHORT, DEPTH_READ_MAX, DOUBLE, FALSE, INTEGER_8, INTEGER_16, INTEGER_32,
    MAXVAL, MINVAL, NULL, PackedArray, STRING_LONG, STRING_SHORT, TRUE, child_bytes, read, read_blob,
};
use super::object::PackedObject;

/// Is told what a value consists of, in order.
pub(crate) trait Visitor {
    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn integer(&mut self, integer: i32);
    fn double(&mut self, number: f64);
    /// Bytes that may not be UTF-8, see [`DatumRef::String`](crate::DatumRef::String).
    fn string(&mut self, bytes: &[u8]);
    fn binary(&mut self, bytes: &[u8]);
    /// `r.minval` or `r.maxval`.
    fn extremum(&mut self, max: bool);
    fn begin_array(&mut self);
    /// Before each item.
    fn item(&mut self, first: bool);
    fn end_array(&mut self);
    fn begin_object(&mut self);
    /// Before each value.
    fn name(&mut self, first: bool, name: &[u8]);
    fn end_object(&mut self);
}

/// Walks an array.
pub(crate) fn walk_array(array: PackedArray<'_>, visitor: &mut impl Visitor) {
    visitor.begin_array();
    for (position, item) in array.children().enumerate() {
        visitor.item(position == 0);
        walk(item, array.depth(), visitor);
    }
    visitor.end_array();
}

/// Walks the values of an object; `name` is told before each which one it is.
pub(crate) fn walk_values<V: Visitor>(
    object: PackedObject<'_>,
    visitor: &mut V,
    mut name: impl FnMut(&mut V, usize),
) {
    let names = object.names();
    for (position, offset) in object.offsets().enumerate() {
        name(visitor, position);
        walk(child_bytes(object.bytes(), offset, names), object.depth(), visitor);
    }
}

/// Walks an object.
pub(crate) fn walk_object(object: PackedObject<'_>, visitor: &mut impl Visitor) {
    visitor.begin_object();
    let names = object.names();
    for (position, (name, offset)) in object.fields().raw().enumerate() {
        visitor.name(position == 0, name);
        walk(child_bytes(object.bytes(), offset, names), object.depth(), visitor);
    }
    visitor.end_object();
}

/// Walks the value at the start of the bytes, which must be nested less deep than its
/// parent; null when there is none.
fn walk(bytes: &[u8], parent_depth: usize, visitor: &mut impl Visitor) {
    if scalar(bytes, visitor).is_some() {
        return;
    }
    let deep_enough = |depth: usize| depth < parent_depth && depth <= usize::from(DEPTH_READ_MAX);
    if let Some(object) = PackedObject::read(bytes).filter(|object| deep_enough(object.depth())) {
        walk_object(object, visitor);
    } else if let Some(array) = PackedArray::read(bytes).filter(|array| deep_enough(array.depth())) {
        walk_array(array, visitor);
    } else {
        visitor.null();
    }
}

/// Whether `r.minval` or `r.maxval` is anywhere inside an array. Of values without children
/// only the tag is looked at.
pub(crate) fn array_has_extremum(array: PackedArray<'_>) -> bool {
    array.children().any(|item| has_extremum(item, array.depth()))
}

/// The same for an object.
pub(crate) fn object_has_extremum(object: PackedObject<'_>) -> bool {
    let names = object.names();
    object
        .fields()
        .raw()
        .any(|(_, offset)| has_extremum(child_bytes(object.bytes(), offset, names), object.depth()))
}

fn has_extremum(bytes: &[u8], parent_depth: usize) -> bool {
    match bytes.first() {
        Some(&(MINVAL | MAXVAL)) => true,
        Some(&tag) if tag >= ARRAY => match read(bytes, u16::MAX) {
            Some((value, _)) => value.depth() < parent_depth && value.contains_extremum(),
            None => false,
        },
        _ => false,
    }
}

/// Visits a value without children; nothing when it is none or cut off.
#[inline]
fn scalar(bytes: &[u8], visitor: &mut impl Visitor) -> Option<()> {
    let (&tag, rest) = bytes.split_first()?;
    match tag {
        STRING_SHORT | STRING_LONG => visitor.string(read_blob(rest, tag == STRING_LONG)?.0),
        INTEGER_8 => visitor.integer(i8::from_le_bytes(*rest.first_chunk()?).into()),
        INTEGER_16 => visitor.integer(i16::from_le_bytes(*rest.first_chunk()?).into()),
        INTEGER_32 => visitor.integer(i32::from_le_bytes(*rest.first_chunk()?)),
        DOUBLE => {
            let number = f64::from_le_bytes(*rest.first_chunk()?);
            if !number.is_finite() {
                return None;
            }
            visitor.double(number);
        }
        NULL => visitor.null(),
        FALSE | TRUE => visitor.bool(tag == TRUE),
        BINARY_SHORT | BINARY_LONG => visitor.binary(read_blob(rest, tag == BINARY_LONG)?.0),
        MINVAL | MAXVAL => visitor.extremum(tag == MAXVAL),
        _ => return None,
    }
    Some(())
}
