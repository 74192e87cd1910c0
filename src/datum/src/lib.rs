//! The value model: what a ReQL value is, how it is stored, ordered, used as a key and
//! written as JSON.
//!
//! * [`Datum`] is one value. Arrays and objects are either slices of a packed document or
//!   shared trees; users cannot tell and need not care. [`DatumRef`] is a borrowed value,
//!   for reading, comparing and writing without allocation.
//! * [`packed`] is the byte form of a value: what tables store, read in place.
//! * [`key`] is the byte form of keys, whose byte order is ReQL's order.
//! * [`json`] reads JSON straight into packed values and writes packed values straight as
//!   JSON.
//! * [`pseudo`] knows times, binary data and geometries.
//!
//! Invariants: numbers are finite; text is UTF-8; the fields of an object are in byte order
//! of their names and unique; equality, order and hash agree, and all are ReQL's; reading
//! bytes from anywhere never panics, overflows the stack or reads outside of them.
//!
//! Does not know about: terms, tables, disks, networks, threads.

mod array;
mod datum;
mod datum_drop;
mod error;
mod field_lookup;
mod footprint;
mod grouped;
pub mod json;
pub mod key;
pub mod limits;
pub mod message_pack;
mod object;
mod order;
pub mod packed;
pub mod pseudo;
mod text;
mod view;

pub use array::Array;
pub use datum::Datum;
pub use error::{DatumError, DatumErrorKind};
pub use field_lookup::FieldLookup;
pub use footprint::Guard;
pub use grouped::Grouped;
pub use object::{Object, ObjectBuilder};
pub use pseudo::PseudoType;
pub use text::Text;
pub use view::{ArrayRef, DatumRef, Fields, ObjectRef};
