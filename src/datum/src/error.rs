//! What can be wrong with a value, in RethinkDB's words.

use crate::json::JsonErrorKind;

/// What can be wrong with a value. [`kind`](Self::kind) says which class of ReQL error it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DatumError {
    /// Infinite or not a number.
    #[error("Non-finite number: {}", crate::json::exact_number(*.0))]
    NonFiniteNumber(f64),
    /// An array longer than `arrayLimit`.
    #[error(
        "Array over size limit `{max}`.  To raise the number of allowed elements, modify the `array_limit` \
         option to `.run` (not available in the Data Explorer), or use an index."
    )]
    ArrayTooLarge {
        /// The limit.
        max: usize,
    },
    /// Arrays and objects nested too deep.
    #[error("Nesting depth limit ({max}) exceeded.")]
    NestingTooDeep {
        /// The limit.
        max: usize,
    },
    /// The same name twice in one object.
    #[error("Duplicate key \"{0}\" in JSON.")]
    DuplicateKey(String),
    /// `r.minval` or `r.maxval` where JSON is asked for.
    #[error("Cannot convert `r.{0}` to JSON.")]
    ExtremumToJson(&'static str),
    /// Text that is no JSON.
    #[error("Failed to parse \"{text}\" as JSON: {kind}")]
    Json {
        /// The text, cut short.
        text: String,
        /// What is wrong with it.
        kind: JsonErrorKind,
        /// Where, in bytes from the start.
        offset: usize,
    },
    /// A `$reql_type$` that does not exist.
    #[error("Unknown $reql_type$ `PTYPE<{0}>`.")]
    UnknownPseudoType(String),
    /// A `$reql_type$` that is no string.
    #[error("Error: Field `$reql_type$` must be a string (got `{value}` of type {type_name}):\n{printed}")]
    PseudoTypeNotString {
        /// What it is.
        value: String,
        /// The type of that.
        type_name: &'static str,
        /// The object as messages print it.
        printed: String,
    },
    /// A literal with a field that literals do not have.
    #[error("Invalid literal term with illegal key `{key}`.")]
    InvalidLiteral {
        /// The field.
        key: crate::text::Text,
    },
    /// A time that is none.
    #[error("Invalid time object constructed ({reason}):\n{printed}")]
    InvalidTime {
        /// What is wrong with it.
        reason: String,
        /// The object as messages print it.
        printed: String,
    },
    /// Text or numbers that make no date, time or time zone.
    #[error(transparent)]
    Time(#[from] crate::pseudo::TimeError),
    /// A binary pseudo-type that is none.
    #[error(transparent)]
    Binary(#[from] crate::pseudo::BinaryError),
    /// A geometry that is none.
    #[error(transparent)]
    Geometry(#[from] crate::pseudo::GeometryError),
    /// A value that cannot be a key.
    #[error(transparent)]
    Key(#[from] crate::key::KeyError),
    /// Bytes that are no packed value.
    #[error("malformed packed value")]
    MalformedPacked,
}

/// The classes of ReQL errors that values cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatumErrorKind {
    /// A wrong value: `ReqlQueryLogicError`.
    Logic,
    /// Something that is not there: `ReqlNonExistenceError`.
    NonExistence,
    /// A limit of the server: `ReqlResourceLimitError`.
    ResourceLimit,
    /// Broken bytes: not the user's fault.
    Internal,
}

impl DatumError {
    /// The class of ReQL error.
    pub fn kind(&self) -> DatumErrorKind {
        match self {
            Self::ArrayTooLarge { .. } => DatumErrorKind::ResourceLimit,
            Self::Geometry(crate::pseudo::GeometryError::NoField { .. }) => DatumErrorKind::NonExistence,
            Self::MalformedPacked => DatumErrorKind::Internal,
            _ => DatumErrorKind::Logic,
        }
    }
}
