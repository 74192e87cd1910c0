//! Errors while they travel up the evaluation: what went wrong, and where if known.

use std::fmt;
use std::sync::OnceLock;

use photondb_base::prompt::NotPrompt;
use photondb_catalog::{CatalogError, ErrorClass};
use photondb_datum::{Datum, DatumError, DatumErrorKind, Text};
use photondb_reql::{Ast, ErrorKind, ReqlError, TermId};
use photondb_table::{ProgramError, TableError};

/// The result of evaluating something.
pub(crate) type Result<T> = std::result::Result<T, EvalError>;

/// One error. Boxed, because results of evaluation are returned by the million.
#[derive(Clone, Debug)]
pub(crate) struct EvalError(Box<Body>);

#[derive(Clone, Debug)]
struct Body {
    kind: ErrorKind,
    /// Set from the start or, for what is mostly caught unread, when it is read.
    message: OnceLock<String>,
    missing: Option<(Text, Datum)>,
    site: Option<TermId>,
}

impl EvalError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Body { kind, message: OnceLock::from(message.into()), missing: None, site: None }))
    }

    /// An object lacks a field. Filters and aggregations skip such rows by the million, so
    /// the object is printed only for somebody who reads the message.
    pub(crate) fn no_attribute(name: &str, object: &Datum) -> Self {
        let missing = Some((Text::from(name), object.clone()));
        Self(Box::new(Body { kind: ErrorKind::NonExistence, message: OnceLock::new(), missing, site: None }))
    }

    /// The query makes no sense for these values.
    pub(crate) fn logic(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::QueryLogic, message)
    }

    /// Something asked for is not there; `default` catches it.
    pub(crate) fn absent(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NonExistence, message)
    }

    /// A limit was hit.
    pub(crate) fn resource(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::ResourceLimit, message)
    }

    /// A meta operation was refused.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::OpFailed, message)
    }

    /// Points at a term unless the error already points deeper.
    pub(crate) fn at(mut self, site: TermId) -> Self {
        if self.0.site.is_none() {
            self.0.site = Some(site);
        }
        self
    }

    /// The same error in other words.
    pub(crate) fn reworded(&self, message: impl Into<String>) -> Self {
        let (kind, site) = (self.0.kind, self.0.site);
        Self(Box::new(Body { kind, message: OnceLock::from(message.into()), missing: None, site }))
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub(crate) fn message(&self) -> &str {
        self.0.message.get_or_init(|| match &self.0.missing {
            Some((name, object)) => format!("No attribute `{name}` in object:\n{}", object.print()),
            None => String::new(),
        })
    }

    /// Whether `default` turns this error into its second argument.
    pub(crate) fn is_absent(&self) -> bool {
        self.0.kind == ErrorKind::NonExistence
    }

    /// The form that leaves the evaluator.
    pub(crate) fn into_reql(self, ast: &Ast) -> ReqlError {
        let backtrace = self.0.site.map(|site| ast.backtrace(site)).unwrap_or_default();
        ReqlError::new(self.0.kind, self.message()).at(backtrace)
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for EvalError {}

impl From<DatumError> for EvalError {
    fn from(error: DatumError) -> Self {
        let kind = match error.kind() {
            DatumErrorKind::NonExistence => ErrorKind::NonExistence,
            DatumErrorKind::ResourceLimit => ErrorKind::ResourceLimit,
            DatumErrorKind::Logic => ErrorKind::QueryLogic,
            DatumErrorKind::Internal => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<CatalogError> for EvalError {
    fn from(error: CatalogError) -> Self {
        let kind = match error.class() {
            ErrorClass::Logic => ErrorKind::QueryLogic,
            ErrorClass::OpFailed => ErrorKind::OpFailed,
            ErrorClass::Permission => ErrorKind::Permission,
            ErrorClass::Internal => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ReqlError> for EvalError {
    fn from(error: ReqlError) -> Self {
        Self::new(error.kind, error.message)
    }
}

impl From<NotPrompt> for EvalError {
    fn from(error: NotPrompt) -> Self {
        Self::new(ErrorKind::Internal, error.to_string())
    }
}

impl From<EvalError> for ProgramError {
    fn from(error: EvalError) -> Self {
        Self::new(error)
    }
}

impl From<TableError> for EvalError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Program(error) => match error.downcast::<EvalError>() {
                Ok(error) => error,
                Err(error) => Self::new(ErrorKind::Internal, error.to_string()),
            },
            TableError::Key(error) => error.into(),
            TableError::Limit { .. } => Self::resource(error.to_string()),
            other => {
                let kind = if other.is_unavailable() { ErrorKind::OpFailed } else { ErrorKind::Internal };
                Self::new(kind, other.to_string())
            }
        }
    }
}
