//! `permissions`: what each user may do, level by level.

use std::collections::BTreeMap;
use std::sync::Arc;

use photondb_base::{DatabaseId, IdentifierFormat, TableId};
use photondb_catalog::{
    Permissions, PermissionsEdit, SYSTEM_DATABASE, SYSTEM_DATABASE_ID, Scope, State, User,
};
use photondb_datum::{Datum, Text};
use photondb_exec::SystemWrite;
use photondb_reql::ReqlError;

use super::{Sources, SystemTable};

pub(super) struct PermissionsTable {
    sources: Arc<Sources>,
    /// The tables of the system database, which the catalog does not know.
    system_tables: BTreeMap<TableId, &'static str>,
}

/// Names and ids of what a row is about.
struct Labels<'a> {
    state: &'a State,
    system_tables: &'a BTreeMap<TableId, &'static str>,
    format: IdentifierFormat,
}

impl PermissionsTable {
    pub(super) fn new(sources: Arc<Sources>, system_tables: BTreeMap<TableId, &'static str>) -> Self {
        Self { sources, system_tables }
    }

    fn labels<'a>(&'a self, state: &'a State, format: IdentifierFormat) -> Labels<'a> {
        Labels { state, system_tables: &self.system_tables, format }
    }

    /// The user and the scope that a primary key names.
    fn parse_key(&self, key: &Datum, state: &State) -> Result<(Text, Scope), ReqlError> {
        let parts = match key {
            Datum::Array(parts) if (1..=3).contains(&parts.len()) => parts.to_vec(),
            other => {
                return Err(ReqlError::op_failed(format!(
                    "Expected an array of one to three items in the primary key, got {}.",
                    other.print()
                )));
            }
        };
        let mut parts = parts.iter();
        let user = match parts.next() {
            Some(Datum::String(user)) => user.clone(),
            other => {
                return Err(ReqlError::op_failed(format!(
                    "Expected a string as the username, got {}.",
                    other.map_or_else(String::new, Datum::print)
                )));
            }
        };
        let labels = self.labels(state, IdentifierFormat::Name);
        let Some(database) = parts.next() else { return Ok((user, Scope::Global)) };
        let database = part(database, "database", DatabaseId::parse)?;
        if labels.database(database).is_none() {
            return Err(ReqlError::op_failed(format!("No database with UUID `{database}` exists.")));
        }
        let Some(table) = parts.next() else { return Ok((user, Scope::Database(database))) };
        let table = part(table, "table", TableId::parse)?;
        if labels.table(database, table).is_none() {
            return Err(ReqlError::op_failed(format!("No table with UUID `{table}` exists.")));
        }
        Ok((user, Scope::Table(database, table)))
    }

    /// What a row says, which names what its key names.
    fn parse_row(
        &self,
        write: &SystemWrite<'_>,
        scope: Scope,
        state: &State,
    ) -> Result<PermissionsEdit, ReqlError> {
        let Datum::Object(row) = write.new else {
            return Err(ReqlError::op_failed(format!("Expected an object, got {}.", write.new.print())));
        };
        let mut known = vec!["id", "permissions"];
        for (field, label) in self.labels(state, write.identifiers).of_scope(scope) {
            known.push(field);
            if row.get(field).is_some_and(|said| said != label) {
                return Err(ReqlError::op_failed(format!(
                    "The key `{field}` does not match the primary key."
                )));
            }
        }
        known.push("user");
        if let (Some(said), Datum::Array(key)) = (row.get("user"), write.key)
            && Some(&said) != key.get(0).as_ref()
        {
            return Err(ReqlError::op_failed("The key `user` does not match the primary key."));
        }
        let Some(permissions) = row.get("permissions") else {
            return Err(ReqlError::op_failed("Expected a field `permissions`."));
        };
        let edit = PermissionsEdit::parse(&permissions, scope)
            .map_err(|error| ReqlError::op_failed(error.to_string()))?;
        let names = row.iter().map(|(name, _)| name.to_string());
        let others: Vec<String> = names.filter(|name| !known.contains(&name.as_str())).collect();
        if others.is_empty() {
            return Ok(edit);
        }
        Err(ReqlError::op_failed(format!("Unexpected key(s) `{}`.", others.join("`, `"))))
    }
}

impl SystemTable for PermissionsTable {
    fn name(&self) -> &'static str {
        "permissions"
    }

    fn rows(&self, format: IdentifierFormat) -> Result<Vec<Datum>, ReqlError> {
        let state = self.sources.catalog.state();
        let labels = self.labels(&state, format);
        let mut rows = Vec::new();
        for user in state.users() {
            labels.describe(user, &mut rows);
        }
        Ok(rows)
    }

    fn write(&self, write: &SystemWrite<'_>) -> Result<(), ReqlError> {
        if write.key_is_generated {
            return Err(ReqlError::op_failed("You must specify a primary key."));
        }
        let catalog = &self.sources.catalog;
        let state = catalog.state();
        let (user, scope) = self.parse_key(write.key, &state)?;
        if state.user(&user).is_none() {
            return Err(ReqlError::op_failed(format!("No user named `{user}`.")));
        }
        if write.new.is_null() {
            let granted = catalog.grant(&user, scope, |permissions| *permissions = Permissions::default());
            return self.sources.settle(granted).map(drop);
        }
        // `admin` is refused whatever is asked for.
        let edit = match self.parse_row(write, scope, &state) {
            Err(_) if user.as_str() == "admin" => PermissionsEdit::default(),
            edit => edit?,
        };
        self.sources.settle(catalog.grant(&user, scope, |permissions| edit.apply(permissions))).map(drop)
    }
}

impl Labels<'_> {
    fn database(&self, id: DatabaseId) -> Option<Datum> {
        let name = if id == SYSTEM_DATABASE_ID {
            Text::from(SYSTEM_DATABASE)
        } else {
            self.state.database_by_id(id)?.name.clone()
        };
        Some(self.label(name, id.to_string()))
    }

    fn table(&self, database: DatabaseId, id: TableId) -> Option<Datum> {
        let name = if database == SYSTEM_DATABASE_ID {
            Text::from(*self.system_tables.get(&id)?)
        } else {
            self.state.table_by_id(id).filter(|table| table.database == database)?.name.clone()
        };
        Some(self.label(name, id.to_string()))
    }

    fn label(&self, name: Text, id: String) -> Datum {
        match self.format {
            IdentifierFormat::Name => Datum::String(name),
            IdentifierFormat::Uuid => Datum::string(id),
        }
    }

    /// The fields by which a row tells its scope.
    fn of_scope(&self, scope: Scope) -> Vec<(&'static str, Datum)> {
        match scope {
            Scope::Global => Vec::new(),
            Scope::Database(database) => {
                self.database(database).into_iter().map(|label| ("database", label)).collect()
            }
            Scope::Table(database, table) => {
                let labels = [("database", self.database(database)), ("table", self.table(database, table))];
                labels.into_iter().filter_map(|(field, label)| Some((field, label?))).collect()
            }
        }
    }

    fn describe(&self, user: &User, rows: &mut Vec<Datum>) {
        let grants = &user.grants;
        let databases = grants.databases.iter().map(|(id, said)| (Scope::Database(*id), *said));
        let tables = grants.tables.iter().map(|((of, id), said)| (Scope::Table(*of, *id), *said));
        let all = std::iter::once((Scope::Global, grants.global)).chain(databases).chain(tables);
        for (scope, permissions) in all.filter(|(_, permissions)| !permissions.is_empty()) {
            let ids = match scope {
                Scope::Global => Vec::new(),
                Scope::Database(database) => vec![database.to_string()],
                Scope::Table(database, table) => vec![database.to_string(), table.to_string()],
            };
            let labels = self.of_scope(scope);
            // What it is about may have been dropped meanwhile.
            if labels.len() == ids.len() {
                rows.push(row(user, ids, permissions, labels));
            }
        }
    }
}

fn row(
    user: &User,
    scope: Vec<String>,
    permissions: Permissions,
    labels: Vec<(&'static str, Datum)>,
) -> Datum {
    let name = Datum::String(user.name.clone());
    let id = std::iter::once(name.clone()).chain(scope.into_iter().map(Datum::string));
    let mut fields = vec![("id", Datum::array(id)), ("permissions", permissions.describe()), ("user", name)];
    fields.extend(labels);
    Datum::object(fields)
}

/// An id in a primary key.
fn part<T>(datum: &Datum, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, ReqlError> {
    datum
        .as_str()
        .and_then(parse)
        .ok_or_else(|| ReqlError::op_failed(format!("Expected a UUID as the {what}, got {}.", datum.print())))
}
