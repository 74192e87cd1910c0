//! Packed values: one byte string per value, read in place.
//!
//! A value is a tag byte and what follows it; all integers are little-endian and unsigned
//! unless said otherwise.
//!
//! | tag | value | what follows |
//! |---|---|---|
//! | `01` | minval | |
//! | `02` | null | |
//! | `03` `04` | false, true | |
//! | `05` | number | 8 bytes, IEEE double |
//! | `06` `07` `08` | number that is a small integer | 1, 2 or 4 bytes, signed |
//! | `09` | reserved: 64-bit integer that no double holds | |
//! | `0a` `0b` | string | its length in 1 or 4 bytes, then UTF-8 |
//! | `0c` `0d` | binary | its length in 1 or 4 bytes, then the bytes |
//! | `0e` | maxval | |
//! | `10` `11` `12` | array, words of 1, 2 or 4 bytes | below |
//! | `20` `21` `22` | object, words of 1, 2 or 4 bytes | below |
//! | `24` `25` `26` | object that is a time | below |
//! | `28` `29` `2a` | object that is a geometry | below |
//! | `2c` `2d` `2e` | object that is a literal | below |
//!
//! Arrays and objects begin with the tag, the nesting depth (1 when no child is an array or
//! object; 1 byte where words have 1 byte, else 2), the total length in bytes of the whole
//! value (a word) and the number of children (a word).
//!
//! * An array goes on with one offset (a word) per item, from the first byte of the array
//!   to the first byte of the item, and the items in order.
//! * An object goes on with one such offset per field, then per field the end of its name
//!   (a word) counted from the first name, then the names without gaps in byte order, then
//!   the values in the order of the names.
//!
//! The encoding is canonical: the shortest number, length and word that fits, children
//! without gaps and in order. Values of equal bytes are equal; only numbers that are zero
//! and times, which compare by instant alone, can be equal with different bytes.
//!
//! Reading never trusts the bytes: a child that lies outside its parent or is not nested
//! less deep than it reads as null, a string that is not UTF-8 is repaired when it becomes
//! text. Bytes from disk are covered by checksums, so this only has to be safe, not wise.

mod fields;
mod header;
mod layout;
mod object;
mod walk;
mod writer;

use bytes::Bytes;

use crate::array::Array;
use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::Object;
pub use crate::view::DatumRef as PackedRef;

pub(crate) use layout::{PackedArray, array_bytes, blob_bytes, number_bytes, object_bytes};
pub(crate) use object::{PackedFields, PackedObject, Shape};
pub(crate) use walk::{
    Visitor, array_has_extremum, object_has_extremum, walk_array, walk_object, walk_values,
};
pub use writer::{Checkpoint, Duplicates, Writer};

/// Packs a value. A value that is packed already is shared, not copied.
pub fn encode(datum: &Datum) -> Bytes {
    if let Some(bytes) = datum.packed_storage() {
        return bytes.clone();
    }
    let mut out = Vec::with_capacity(datum.packed_bytes());
    encode_into(datum, &mut out);
    Bytes::from(out)
}

/// Packs a value at the end of a buffer.
pub fn encode_into(datum: &Datum, out: &mut Vec<u8>) {
    let mut writer = Writer::appending_to(std::mem::take(out));
    writer.value(datum.view());
    *out = writer.into_bytes();
}

/// The value that the bytes are, sharing them. Checks the outermost level only; deeper
/// levels are checked as they are read.
pub fn decode(bytes: Bytes) -> Result<Datum, DatumError> {
    Ok(match view(&bytes)? {
        PackedRef::Array(_) => Datum::Array(Array::from_packed(bytes)),
        PackedRef::Object(_) => Datum::Object(Object::from_packed(bytes)),
        other => other.into_datum_of(&bytes),
    })
}

/// [`decode`] without taking the bytes.
pub fn view(bytes: &[u8]) -> Result<PackedRef<'_>, DatumError> {
    match layout::read(bytes, u16::MAX) {
        Some((value, len)) if len == bytes.len() => Ok(value),
        _ => Err(DatumError::MalformedPacked),
    }
}

/// A field of a packed object; `None` when there is none or the bytes are no object.
pub fn field<'a>(bytes: &'a [u8], key: &str) -> Option<PackedRef<'a>> {
    PackedObject::read(bytes)?.get(key)
}
