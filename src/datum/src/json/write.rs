//! Values as compact JSON.

use crate::error::DatumError;
use crate::packed::{PackedObject, Visitor, walk_array, walk_object, walk_values};
use crate::pseudo::encode_base64;
use crate::view::{ArrayRef, ArrayView, DatumRef, ObjectRef, ObjectView};

use super::known_names::KnownNames;
use super::number::{write_integer, write_number};

pub(super) fn value(value: DatumRef<'_>, out: &mut Vec<u8>) -> Result<(), DatumError> {
    match value {
        DatumRef::Null => out.extend_from_slice(b"null"),
        DatumRef::Bool(true) => out.extend_from_slice(b"true"),
        DatumRef::Bool(false) => out.extend_from_slice(b"false"),
        DatumRef::Number(number) => write_number(number, out),
        DatumRef::String(bytes) => string(bytes, out),
        DatumRef::Binary(bytes) => binary(bytes, out),
        DatumRef::Array(ArrayRef(ArrayView::Packed(array))) => {
            return transcode(out, |writer| walk_array(array, writer));
        }
        DatumRef::Object(ObjectRef(ObjectView::Packed(object))) => {
            return transcode(out, |writer| writer.row(object));
        }
        DatumRef::Array(array) => {
            out.push(b'[');
            for (position, item) in array.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                self::value(item, out)?;
            }
            out.push(b']');
        }
        DatumRef::Object(object) => {
            out.push(b'{');
            for (position, (key, field)) in object.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                string(key, out);
                out.push(b':');
                self::value(field, out)?;
            }
            out.push(b'}');
        }
        DatumRef::MinVal => return Err(DatumError::ExtremumToJson("minval")),
        DatumRef::MaxVal => return Err(DatumError::ExtremumToJson("maxval")),
    }
    Ok(())
}

/// Packed bytes to JSON, without a view of each value.
struct Transcoder<'a> {
    out: &'a mut Vec<u8>,
    error: Option<DatumError>,
}

fn transcode(out: &mut Vec<u8>, walk: impl FnOnce(&mut Transcoder<'_>)) -> Result<(), DatumError> {
    let mut transcoder = Transcoder { out, error: None };
    walk(&mut transcoder);
    transcoder.error.map_or(Ok(()), Err)
}

impl Transcoder<'_> {
    /// A whole object, probably of the same names as the one before.
    fn row(&mut self, object: PackedObject<'_>) {
        let is_written = KnownNames::of(object, |names| {
            walk_values(object, self, |writer, index| writer.out.extend_from_slice(names.before(index)));
            self.end_object();
        });
        if !is_written {
            walk_object(object, self);
        }
    }
}

impl Visitor for Transcoder<'_> {
    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn bool(&mut self, value: bool) {
        self.out.extend_from_slice(if value { &b"true"[..] } else { b"false" });
    }

    fn integer(&mut self, integer: i32) {
        write_integer(integer.into(), self.out);
    }

    fn double(&mut self, number: f64) {
        write_number(number, self.out);
    }

    fn string(&mut self, bytes: &[u8]) {
        string(bytes, self.out);
    }

    fn binary(&mut self, bytes: &[u8]) {
        binary(bytes, self.out);
    }

    fn extremum(&mut self, max: bool) {
        let name = if max { "maxval" } else { "minval" };
        self.error.get_or_insert(DatumError::ExtremumToJson(name));
    }

    fn begin_array(&mut self) {
        self.out.push(b'[');
    }

    fn item(&mut self, first: bool) {
        if !first {
            self.out.push(b',');
        }
    }

    fn end_array(&mut self) {
        self.out.push(b']');
    }

    fn begin_object(&mut self) {
        self.out.push(b'{');
    }

    fn name(&mut self, first: bool, name: &[u8]) {
        self.item(first);
        string(name, self.out);
        self.out.push(b':');
    }

    fn end_object(&mut self) {
        self.out.push(b'}');
    }
}

pub(super) fn binary(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"$reql_type$":"BINARY","data":""#);
    encode_base64(bytes, out, br"\r\n");
    out.extend_from_slice(br#""}"#);
}

/// What each byte of a string needs: 0 nothing, `u` six characters, else a backslash and
/// this character.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Marks with its high bit the first of eight bytes that needs escaping, and perhaps some
/// behind it; zero when there is none.
#[inline]
fn escape_marks(chunk: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let control = chunk.wrapping_sub(ONES * 0x20) & !chunk & HIGHS;
    let quote = zero_byte(chunk ^ (ONES * b'"' as u64));
    let backslash = zero_byte(chunk ^ (ONES * b'\\' as u64));
    control | quote | backslash
}

/// How many bytes at the front stand for themselves inside a JSON string: up to the first
/// quote, backslash or control character.
#[inline]
pub fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK_BYTES>) {
        if needs_escape(block) {
            break;
        }
        at += BLOCK_BYTES;
    }
    if bytes.len() - at < BLOCK_BYTES && ends_plain(bytes) {
        return bytes.len();
    }
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let marks = escape_marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or(&[]);
    at + rest.iter().take_while(|byte| ESCAPES[usize::from(**byte)] == 0).count()
}

/// Whether nothing in the last block, or in all of less, needs escaping; may say no although
/// nothing does. Overlaps what was looked at before, or itself, rather than look at bytes alone.
#[inline]
fn ends_plain(bytes: &[u8]) -> bool {
    if let Some(block) = bytes.last_chunk::<BLOCK_BYTES>() {
        return !needs_escape(block);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        return !needs_escape(first) && !needs_escape(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return escape_marks(u64::from_le_bytes(*first)) | escape_marks(u64::from_le_bytes(*last)) == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return escape_marks(first << 32 | last) == 0;
    }
    false
}

/// What is looked at in one go, as wide as the registers are.
const BLOCK_BYTES: usize = 32;

/// Whether any byte needs escaping. No early end: so it takes a few instructions for all.
#[inline]
fn needs_escape<const BYTES: usize>(block: &[u8; BYTES]) -> bool {
    let mut any = false;
    for byte in block {
        // One comparison for what is below 0x20 and the quote, 0x22.
        any |= (*byte ^ 2 <= 0x20) | (*byte == b'\\');
    }
    any
}

pub(super) fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut rest = bytes;
    loop {
        let (plain, behind) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((special, behind)) = behind.split_first() else { break };
        let escape = ESCAPES[usize::from(*special)];
        if escape == b'u' {
            let (high, low) = (HEX[usize::from(special >> 4)], HEX[usize::from(special & 15)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
        rest = behind;
    }
    out.push(b'"');
}
