//! Why a value is no key, in RethinkDB's words.

/// Why a value is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A type that primary keys cannot have.
    #[error(
        "Primary keys must be either a number, string, bool, pseudotype or array (got type {type_name}):\n{printed}"
    )]
    PrimaryType {
        /// The type.
        type_name: &'static str,
        /// The value as messages print it.
        printed: String,
    },
    /// A type that keys of secondary indexes cannot have. The document is not indexed.
    #[error(
        "Secondary keys must be a number, string, bool, pseudotype, or array (got type {type_name}):\n{printed}"
    )]
    SecondaryType {
        /// The type.
        type_name: &'static str,
        /// The value as messages print it.
        printed: String,
    },
    /// A type that arrays in keys cannot contain.
    #[error(
        "Array keys can only contain numbers, strings, bools,  pseudotypes, or arrays (got {printed} of type {type_name})."
    )]
    ArrayItem {
        /// The type.
        type_name: &'static str,
        /// The item as messages print it.
        printed: String,
    },
    /// A primary key of too many bytes.
    #[error("Primary key too long (max {max} characters): {printed}", max = super::PRIMARY_KEY_BYTES_MAX)]
    PrimaryTooLong {
        /// The key as messages print it.
        printed: String,
    },
    /// A geometry.
    #[error("Cannot use a geometry value as a key value in a primary or non-geospatial secondary index.")]
    Geometry,
    /// Another pseudo-type that is no key.
    #[error("Cannot use pseudotype {0} as a primary or secondary key value .")]
    PseudoType(&'static str),
    /// A string with a zero in a primary key.
    #[error("String {quoted} (truncated) contains NULL byte at offset {offset} in index key.")]
    NullByte {
        /// The beginning of the string, quoted.
        quoted: String,
        /// Where the zero is.
        offset: usize,
    },
    /// `r.minval` or `r.maxval` in the key of a document.
    #[error("Cannot use `r.minval` or `r.maxval` in an index key.")]
    Extremum,
    /// Bytes that are no key.
    #[error("malformed key")]
    Malformed,
}
