//! JSON in both directions, packed values in between.
//!
//! [`Reader`] pulls tokens and values out of JSON; [`parse`] reads one whole value straight
//! into packed form. [`write()`] transcodes a value, [`Datum::print`] lays it out as messages do.

mod digits;
mod error;
mod known_names;
mod number;
mod print;
mod reader;
mod write;

use crate::datum::Datum;
use crate::error::DatumError;
use crate::packed::Duplicates;
use crate::view::DatumRef;

pub use error::JsonErrorKind;
pub use reader::{JsonType, Position, Reader};

pub use number::{exact_number, write_number};
pub(crate) use print::{compact_lossy, print, print_truncated};
pub use write::plain_prefix;

/// What is accepted while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseLimits {
    /// Nesting of arrays and objects.
    pub depth_max: usize,
    /// Elements of one array.
    pub array_size_max: usize,
    /// What a repeated name means.
    pub duplicates: Duplicates,
}

impl Default for ParseLimits {
    /// What `r.json` accepts.
    fn default() -> Self {
        Self {
            depth_max: photondb_base::limits::NESTING_DEPTH_MAX,
            array_size_max: photondb_base::limits::ARRAY_SIZE_DEFAULT_MAX,
            duplicates: Duplicates::Reject,
        }
    }
}

/// Reads one value and nothing else. Pseudo-types are checked and normalised.
pub fn parse(text: &[u8], limits: ParseLimits) -> Result<Datum, DatumError> {
    let mut reader = Reader::with_limits(text, limits)?;
    let value = reader.value()?;
    reader.finish()?;
    Ok(value)
}

/// Appends a value as compact JSON. Fails for `r.minval` and `r.maxval`, leaving the buffer
/// as it was.
pub fn write(datum: &Datum, out: &mut Vec<u8>) -> Result<(), DatumError> {
    write_ref(datum.view(), out)
}

/// [`write()`] for a borrowed value.
pub fn write_ref(value: DatumRef<'_>, out: &mut Vec<u8>) -> Result<(), DatumError> {
    let start = out.len();
    let written = write::value(value, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends a string as JSON, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    write::string(text.as_bytes(), out);
}

/// A value as compact JSON.
pub fn to_string(datum: &Datum) -> Result<String, DatumError> {
    let mut out = Vec::new();
    write(datum, &mut out)?;
    // Strings read from packed bytes are not checked again; everything else is ASCII.
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
