//! `current_issues`: what needs somebody's attention.

use std::sync::Arc;

use photondb_base::IdentifierFormat;
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use uuid::Uuid;

use super::{Sources, SystemTable};
use crate::issues::{Issue, issues};

pub(super) struct CurrentIssues(pub(super) Arc<Sources>);

impl SystemTable for CurrentIssues {
    fn name(&self) -> &'static str {
        "current_issues"
    }

    fn changes_silently(&self) -> bool {
        true
    }

    fn rows(&self, _format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let server = Uuid::from_u128(self.0.catalog.state().server().id.0);
        Ok(issues(&self.0).into_iter().map(|issue| describe(server, issue)).collect())
    }
}

fn describe(server: Uuid, issue: Issue) -> Datum {
    let Issue { kind, is_critical, description, info } = issue;
    // The same issue has the same id for as long as it is one: its sizes may change, its
    // subject does not.
    let subject = ["db", "table", "index"].map(|name| {
        let field = info.iter().find(|(other, _)| *other == name);
        field.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
    });
    let id = Uuid::new_v5(&server, [kind, &subject.join("\0")].join("\0").as_bytes());
    Datum::object([
        ("critical", Datum::Bool(is_critical)),
        ("description", Datum::string(description)),
        ("id", Datum::string(id.to_string())),
        ("info", Datum::object(info)),
        ("type", Datum::from(kind)),
    ])
}
