//! `current_issues`: what needs somebody's attention.

use photondb_base::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;

use super::SystemTable;

/// A single server that runs has none: what could be one keeps it from starting.
pub(super) struct CurrentIssues;

impl SystemTable for CurrentIssues {
    fn name(&self) -> &'static str {
        "current_issues"
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        Ok(Vec::new())
    }
}
