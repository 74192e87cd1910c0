//! What users may do, and where.

use std::collections::BTreeMap;

use photondb_base::{DatabaseId, TableId};
use photondb_datum::Datum;
use thiserror::Error;

use crate::state::SYSTEM_DATABASE_ID;

/// One thing that a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Read documents.
    Read,
    /// Write documents.
    Write,
    /// Create, drop and configure.
    Config,
    /// Reach other servers by HTTP.
    Connect,
}

impl Permission {
    /// The name in grants and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Config => "config",
            Self::Connect => "connect",
        }
    }
}

/// What a grant says at one level; a permission it does not mention is left to the level
/// above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Read documents.
    pub read: Option<bool>,
    /// Write documents.
    pub write: Option<bool>,
    /// Create, drop and configure.
    pub config: Option<bool>,
    /// Reach other servers; only at the global level.
    pub connect: Option<bool>,
}

impl Permissions {
    /// Everything allowed, as `admin` has it.
    pub fn all() -> Self {
        Self { read: Some(true), write: Some(true), config: Some(true), connect: Some(true) }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is said about one permission.
    pub fn get(&self, permission: Permission) -> Option<bool> {
        match permission {
            Permission::Read => self.read,
            Permission::Write => self.write,
            Permission::Config => self.config,
            Permission::Connect => self.connect,
        }
    }
}

/// What `grant` says: for each permission that it mentions a value or, as the inner `None`,
/// that nothing is said any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PermissionsEdit {
    read: Option<Option<bool>>,
    write: Option<Option<bool>>,
    config: Option<Option<bool>>,
    connect: Option<Option<bool>>,
}

/// Why a grant cannot be understood, in RethinkDB's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PermissionsError {
    /// It is something else.
    #[error("Expected an object, got {0}.")]
    NotAnObject(String),
    /// A permission with a value that is none.
    #[error("Expected a boolean or null for `{field}`, got {found}.")]
    NotABoolean {
        /// The permission.
        field: &'static str,
        /// What it is.
        found: String,
    },
    /// The network belongs to no table.
    #[error("The `connect` permission is only valid at the global scope.")]
    ConnectIsGlobal,
    /// Names that are no permissions.
    #[error("Unexpected key(s) `{}`.", .0.join("`, `"))]
    UnexpectedKeys(Vec<String>),
}

impl PermissionsEdit {
    /// Reads what a user says about a scope.
    pub fn parse(datum: &Datum, scope: Scope) -> Result<Self, PermissionsError> {
        let object = match datum {
            Datum::Object(object) if object.pseudo_type().is_none() => object,
            other => return Err(PermissionsError::NotAnObject(other.print())),
        };
        let mut edit = Self::default();
        for (field, slot) in [
            ("read", &mut edit.read),
            ("write", &mut edit.write),
            ("config", &mut edit.config),
            ("connect", &mut edit.connect),
        ] {
            *slot = match object.get(field) {
                None => None,
                Some(_) if field == "connect" && scope != Scope::Global => {
                    return Err(PermissionsError::ConnectIsGlobal);
                }
                Some(Datum::Bool(value)) => Some(Some(value)),
                Some(Datum::Null) => Some(None),
                Some(other) => return Err(PermissionsError::NotABoolean { field, found: other.print() }),
            };
        }
        let known = ["read", "write", "config", "connect"];
        let unexpected: Vec<String> = object
            .iter()
            .map(|(name, _)| name.to_string())
            .filter(|name| !known.contains(&name.as_str()))
            .collect();
        if unexpected.is_empty() { Ok(edit) } else { Err(PermissionsError::UnexpectedKeys(unexpected)) }
    }

    /// Makes it so; what is not mentioned stays.
    pub fn apply(&self, permissions: &mut Permissions) {
        permissions.read = self.read.unwrap_or(permissions.read);
        permissions.write = self.write.unwrap_or(permissions.write);
        permissions.config = self.config.unwrap_or(permissions.config);
        permissions.connect = self.connect.unwrap_or(permissions.connect);
    }
}

/// Where a permission is granted or needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// In a database and its tables.
    Database(DatabaseId),
    /// In one table.
    Table(DatabaseId, TableId),
}

/// All grants of a user.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Grants {
    /// Everywhere.
    pub global: Permissions,
    /// By database.
    pub databases: BTreeMap<DatabaseId, Permissions>,
    /// By table.
    pub tables: BTreeMap<(DatabaseId, TableId), Permissions>,
}

impl Grants {
    /// Whether a permission is granted; the closest level that mentions it decides. What is
    /// granted everywhere is not granted in the system database: who may read all data may
    /// not read all users.
    pub fn allows(&self, permission: Permission, scope: Scope) -> bool {
        let (database, table) = match scope {
            Scope::Global => (None, None),
            Scope::Database(database) => (Some(database), None),
            Scope::Table(database, table) => (Some(database), Some((database, table))),
        };
        table
            .and_then(|table| self.tables.get(&table))
            .and_then(|level| level.get(permission))
            .or_else(|| {
                database
                    .and_then(|database| self.databases.get(&database))
                    .and_then(|level| level.get(permission))
            })
            .or_else(|| if database == Some(SYSTEM_DATABASE_ID) { None } else { self.global.get(permission) })
            .unwrap_or(false)
    }

    /// What is granted at exactly this level.
    pub fn at(&self, scope: Scope) -> Permissions {
        match scope {
            Scope::Global => self.global,
            Scope::Database(database) => self.databases.get(&database).copied().unwrap_or_default(),
            Scope::Table(database, table) => self.tables.get(&(database, table)).copied().unwrap_or_default(),
        }
    }

    /// Sets what is granted at exactly this level.
    pub fn set(&mut self, scope: Scope, permissions: Permissions) {
        match scope {
            Scope::Global => self.global = permissions,
            Scope::Database(database) if permissions.is_empty() => {
                self.databases.remove(&database);
            }
            Scope::Database(database) => {
                self.databases.insert(database, permissions);
            }
            Scope::Table(database, table) if permissions.is_empty() => {
                self.tables.remove(&(database, table));
            }
            Scope::Table(database, table) => {
                self.tables.insert((database, table), permissions);
            }
        }
    }

    /// Forgets everything about a database and its tables.
    pub(crate) fn forget_database(&mut self, database: DatabaseId) -> bool {
        let before = self.databases.len() + self.tables.len();
        self.databases.remove(&database);
        self.tables.retain(|(of, _), _| *of != database);
        before != self.databases.len() + self.tables.len()
    }

    /// Keeps what is granted for a table that moves to another database.
    pub(crate) fn move_table(&mut self, table: TableId, from: DatabaseId, to: DatabaseId) -> bool {
        let granted = self.tables.remove(&(from, table));
        granted.is_some_and(|granted| {
            self.tables.insert((to, table), granted);
            true
        })
    }

    /// Forgets everything about a table.
    pub(crate) fn forget_table(&mut self, table: TableId) -> bool {
        let before = self.tables.len();
        self.tables.retain(|(_, of), _| *of != table);
        before != self.tables.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_level_decides() {
        let (database, table) = (DatabaseId(1), TableId(2));
        let mut grants = Grants::default();
        assert!(!grants.allows(Permission::Read, Scope::Global));
        grants.set(Scope::Global, Permissions { read: Some(true), ..Permissions::default() });
        assert!(grants.allows(Permission::Read, Scope::Table(database, table)));
        grants.set(Scope::Database(database), Permissions { read: Some(false), ..Permissions::default() });
        assert!(!grants.allows(Permission::Read, Scope::Table(database, table)));
        assert!(grants.allows(Permission::Read, Scope::Database(DatabaseId(9))));
        grants.set(Scope::Table(database, table), Permissions { read: Some(true), ..Permissions::default() });
        assert!(grants.allows(Permission::Read, Scope::Table(database, table)));
        assert!(!grants.allows(Permission::Read, Scope::Database(SYSTEM_DATABASE_ID)));
        assert!(!grants.allows(Permission::Read, Scope::Table(SYSTEM_DATABASE_ID, TableId(3))));
        grants.set(
            Scope::Database(SYSTEM_DATABASE_ID),
            Permissions { read: Some(true), ..Permissions::default() },
        );
        assert!(grants.allows(Permission::Read, Scope::Table(SYSTEM_DATABASE_ID, TableId(3))));
        assert!(grants.forget_database(SYSTEM_DATABASE_ID));
        assert!(grants.forget_database(database));
        assert!(grants.databases.is_empty() && grants.tables.is_empty());
    }

    #[test]
    fn what_grants_say() {
        let edit = |datum: Datum| PermissionsEdit::parse(&datum, Scope::Global);
        let mentioned = Datum::object([("read", Datum::Bool(true)), ("write", Datum::Null)]);
        let mut permissions =
            Permissions { write: Some(true), config: Some(false), ..Permissions::default() };
        edit(mentioned).unwrap().apply(&mut permissions);
        assert_eq!(
            permissions,
            Permissions { read: Some(true), write: None, config: Some(false), connect: None }
        );
        let refused = |datum: Datum| edit(datum).unwrap_err().to_string();
        assert_eq!(refused(Datum::from(1)), "Expected an object, got 1.");
        assert_eq!(
            refused(Datum::object([("read", Datum::from(1))])),
            "Expected a boolean or null for `read`, got 1."
        );
        assert_eq!(
            refused(Datum::object([("a", Datum::Null), ("b", Datum::Null), ("read", Datum::Null)])),
            "Unexpected key(s) `a`, `b`."
        );
        let connect = Datum::object([("connect", Datum::Bool(true))]);
        assert!(edit(connect.clone()).is_ok());
        assert_eq!(
            PermissionsEdit::parse(&connect, Scope::Database(DatabaseId(1))),
            Err(PermissionsError::ConnectIsGlobal)
        );
    }
}
