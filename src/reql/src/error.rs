//! Errors of a query as its author sees them.

use std::fmt;

use photondb_datum::{DatumError, DatumErrorKind, Text};

/// One step from a term to one of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// The positional argument with this number, from 0.
    Position(u32),
    /// The optional argument with this name.
    Optarg(Text),
}

/// Steps from the root of a query to the term that is at fault.
pub type Backtrace = Vec<Frame>;

/// What went wrong, as drivers tell errors apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The driver sent something that is no query.
    Client,
    /// The query is malformed; nothing was evaluated.
    Compile,
    /// The server broke an invariant.
    Internal,
    /// A limit was hit.
    ResourceLimit,
    /// The query asks for something that makes no sense.
    QueryLogic,
    /// Something that was asked for does not exist; `default` catches it.
    NonExistence,
    /// The operation surely did not happen.
    OpFailed,
    /// The operation may or may not have happened.
    OpIndeterminate,
    /// The query itself raised it.
    User,
    /// The user may not do this.
    Permission,
}

/// The response type of an error on the wire.
pub mod response_type {
    /// The driver is at fault.
    pub const CLIENT_ERROR: u8 = 16;
    /// The query could not be compiled.
    pub const COMPILE_ERROR: u8 = 17;
    /// The evaluation failed.
    pub const RUNTIME_ERROR: u8 = 18;
}

const KINDS: [ErrorKind; 8] = [
    ErrorKind::Internal,
    ErrorKind::ResourceLimit,
    ErrorKind::QueryLogic,
    ErrorKind::NonExistence,
    ErrorKind::OpFailed,
    ErrorKind::OpIndeterminate,
    ErrorKind::User,
    ErrorKind::Permission,
];

impl ErrorKind {
    /// The type of the response that carries the error.
    pub const fn response_type(self) -> u8 {
        match self {
            Self::Client => response_type::CLIENT_ERROR,
            Self::Compile => response_type::COMPILE_ERROR,
            _ => response_type::RUNTIME_ERROR,
        }
    }

    /// The error code of a runtime error; other errors carry none.
    pub const fn code(self) -> Option<u32> {
        match self {
            Self::Client | Self::Compile => None,
            Self::Internal => Some(1_000_000),
            Self::ResourceLimit => Some(2_000_000),
            Self::QueryLogic => Some(3_000_000),
            Self::NonExistence => Some(3_100_000),
            Self::OpFailed => Some(4_100_000),
            Self::OpIndeterminate => Some(4_200_000),
            Self::User => Some(5_000_000),
            Self::Permission => Some(6_000_000),
        }
    }

    /// The kind that a response type and an error code stand for. A runtime error with
    /// an unknown code is taken for an internal one.
    pub fn from_wire(response_type: u8, code: Option<u32>) -> Option<Self> {
        match response_type {
            response_type::CLIENT_ERROR => Some(Self::Client),
            response_type::COMPILE_ERROR => Some(Self::Compile),
            response_type::RUNTIME_ERROR => {
                Some(KINDS.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Internal))
            }
            _ => None,
        }
    }

    /// The name drivers give the error.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "ReqlDriverError",
            Self::Compile => "ReqlServerCompileError",
            Self::Internal => "ReqlInternalError",
            Self::ResourceLimit => "ReqlResourceLimitError",
            Self::QueryLogic => "ReqlQueryLogicError",
            Self::NonExistence => "ReqlNonExistenceError",
            Self::OpFailed => "ReqlOpFailedError",
            Self::OpIndeterminate => "ReqlOpIndeterminateError",
            Self::User => "ReqlUserError",
            Self::Permission => "ReqlPermissionsError",
        }
    }
}

/// The error of a query: kind, text and place.
// `thiserror` would take the field `backtrace` for one of the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReqlError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// RethinkDB's words where it has any.
    pub message: String,
    /// Where, from the root of the query.
    pub backtrace: Backtrace,
}

impl ReqlError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), backtrace: Backtrace::new() }
    }

    /// The same error at a place.
    #[must_use]
    pub fn at(mut self, backtrace: Backtrace) -> Self {
        self.backtrace = backtrace;
        self
    }

    /// The same error, one step further from the root.
    #[must_use]
    pub fn below(mut self, frame: Frame) -> Self {
        self.backtrace.insert(0, frame);
        self
    }

    /// A driver's mistake.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Client, message)
    }

    /// A malformed query.
    pub fn compile(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Compile, message)
    }

    /// A query that makes no sense.
    pub fn logic(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::QueryLogic, message)
    }

    /// Something missing.
    pub fn non_existence(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NonExistence, message)
    }

    /// A limit hit.
    pub fn resource_limit(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ResourceLimit, message)
    }

    /// An operation that did not happen.
    pub fn op_failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OpFailed, message)
    }

    /// An operation whose outcome nobody knows.
    pub fn op_indeterminate(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OpIndeterminate, message)
    }

    /// Raised by `r.error`.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::User, message)
    }

    /// A broken invariant of the server.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Something the user may not do.
    pub fn permission(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Permission, message)
    }

    /// Whether `default` replaces it with its second argument: something missing or a
    /// type mismatch against null, which evaluation reports as missing.
    pub fn is_non_existence(&self) -> bool {
        self.kind == ErrorKind::NonExistence
    }
}

impl fmt::Display for ReqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReqlError {}

impl From<DatumError> for ReqlError {
    /// A value that cannot be, as the query's author sees it; the place is to be added.
    fn from(error: DatumError) -> Self {
        let kind = match error.kind() {
            DatumErrorKind::Logic => ErrorKind::QueryLogic,
            DatumErrorKind::NonExistence => ErrorKind::NonExistence,
            DatumErrorKind::ResourceLimit => ErrorKind::ResourceLimit,
            DatumErrorKind::Internal => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "{position}"),
            Self::Optarg(name) => write!(f, "{}", name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_survive_the_wire() {
        for kind in KINDS.into_iter().chain([ErrorKind::Client, ErrorKind::Compile]) {
            assert_eq!(ErrorKind::from_wire(kind.response_type(), kind.code()), Some(kind));
        }
        assert_eq!(ErrorKind::from_wire(1, None), None);
        assert_eq!(ErrorKind::from_wire(18, Some(7)), Some(ErrorKind::Internal));
    }
}
