//! What users may do, and where.

use std::collections::BTreeMap;

use photondb_base::{DatabaseId, TableId};

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
    /// Whether a permission is granted; the closest level that mentions it decides.
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
            .or_else(|| self.global.get(permission))
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
        assert!(grants.forget_database(database));
        assert!(grants.databases.is_empty() && grants.tables.is_empty());
    }
}
