//! `permissions`: what each user may do, level by level.

use std::sync::Arc;

use photondb_catalog::{IdentifierFormat, Permissions, State, User};
use photondb_datum::{Datum, Text};
use photondb_reql::ReqlError;

use super::{Sources, SystemTable, database_label};

pub(super) struct PermissionsTable(pub(super) Arc<Sources>);

impl SystemTable for PermissionsTable {
    fn name(&self) -> &'static str {
        "permissions"
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.0.catalog.state();
        let mut rows = Vec::new();
        for user in state.users() {
            describe(&state, user, format, &mut rows);
        }
        Ok(rows)
    }

    fn write(&self, _old: &Datum, _new: &Datum) -> Result<(), ReqlError> {
        Err(ReqlError::op_failed(
            "Permissions are changed with `grant`, not by writing `rethinkdb.permissions`.",
        ))
    }
}

fn describe(state: &State, user: &User, format: IdentifierFormat, rows: &mut Vec<Datum>) {
    let grants = &user.grants;
    let label = |name: &Text, id: String| match format {
        IdentifierFormat::Name => Datum::String(name.clone()),
        IdentifierFormat::Uuid => Datum::string(id),
    };
    if !grants.global.is_empty() {
        rows.push(row(user, &[], grants.global, Vec::new()));
    }
    for (database, permissions) in &grants.databases {
        let Some(found) = state.database_by_id(*database) else { continue };
        let names = vec![("database", label(&found.name, database.to_string()))];
        rows.push(row(user, &[database.to_string()], *permissions, names));
    }
    for ((database, table), permissions) in &grants.tables {
        let Some(found) = state.table_by_id(*table) else { continue };
        let names = vec![
            ("database", database_label(state, found, format)),
            ("table", label(&found.name, table.to_string())),
        ];
        rows.push(row(user, &[database.to_string(), table.to_string()], *permissions, names));
    }
}

fn row(user: &User, scope: &[String], permissions: Permissions, names: Vec<(&'static str, Datum)>) -> Datum {
    let name = Datum::String(user.name.clone());
    let id = std::iter::once(name.clone()).chain(scope.iter().map(|id| Datum::string(id.clone())));
    let mut fields = vec![("id", Datum::array(id)), ("permissions", permissions.describe()), ("user", name)];
    fields.extend(names);
    Datum::object(fields)
}
