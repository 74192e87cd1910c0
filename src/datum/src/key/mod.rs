//! Keys whose byte order is ReQL's order.
//!
//! | tag | value | what follows |
//! |---|---|---|
//! | `00` | end of an array | |
//! | `08` | minval | |
//! | `10` | array | its items, then the end |
//! | `20` `21` | false, true | |
//! | `30` | reserved for null | |
//! | `40` | number | 8 bytes, below |
//! | `60` | binary | bytes, below |
//! | `78` | time | its instant as a number, 8 bytes |
//! | `80` | string | bytes, below |
//! | `f0` | maxval | |
//!
//! A number is its IEEE double, big-endian, all bits flipped when it is negative and only
//! the sign bit when it is not; the negative zero is stored as zero. Bytes stand as they
//! are, except that `00` becomes `00 ff`; they end with `00 01`.
//!
//! No encoding is a prefix of another one, so keys can be put one behind the other: the
//! order is that of the first, then that of the second. Times are equal when their instants
//! are; the time zone is not part of the key.

mod bytes;
mod decode;
mod encode;
mod error;

pub use self::bytes::{split_secondary, successor};
pub use decode::{decode, decode_prefix, encoded_len};
pub use encode::{
    SecondaryKey, encode_into, encode_primary, encode_primary_bound, encode_secondary, encode_secondary_bound,
};
pub use error::KeyError;

pub use photondb_base::limits::{PRIMARY_KEY_BYTES_MAX, SECONDARY_KEY_BYTES_MAX};

const END: u8 = 0x00;
const MINVAL: u8 = 0x08;
const ARRAY: u8 = 0x10;
const FALSE: u8 = 0x20;
const TRUE: u8 = 0x21;
// 0x30 is reserved for null, which no key contains.
const NUMBER: u8 = 0x40;
const BINARY: u8 = 0x60;
const TIME: u8 = 0x78;
const STRING: u8 = 0x80;
const MAXVAL: u8 = 0xf0;

/// Follows the zero that ends bytes.
const BYTES_END: u8 = 0x01;
/// Follows a zero that is one of the bytes.
const BYTES_ZERO: u8 = 0xff;
