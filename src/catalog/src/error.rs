//! What can be wrong with a command, in RethinkDB's words.

use photondb_storage::StorageError;
use photondb_table::TableError;
use thiserror::Error;

use crate::names::NameKind;

/// How the user is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// ReqlQueryLogicError
    Logic,
    /// ReqlOpFailedError
    OpFailed,
    /// ReqlPermissionError
    Permission,
    /// ReqlInternalError
    Internal,
}

/// Why a command or a lookup was refused. Tables are named with their database.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// A name with characters that names cannot have.
    #[error("{kind} name `{name}` invalid (Use A-Z, a-z, 0-9, _ and - only).")]
    InvalidName {
        /// What it was to name.
        kind: NameKind,
        /// The name.
        name: String,
    },
    /// `dbCreate` of a name that is taken.
    #[error("Database `{0}` already exists.")]
    DatabaseExists(String),
    /// A database that is to get a name that is taken.
    #[error("Cannot rename database `{old}` to `{new}` because database `{new}` already exists.")]
    DatabaseRename {
        /// Its name.
        old: String,
        /// The name it is to get.
        new: String,
    },
    /// No database has that name.
    #[error("Database `{0}` does not exist.")]
    NoDatabase(String),
    /// The system database cannot be changed.
    #[error("Database `rethinkdb` is special; you can't {0}.")]
    SystemDatabase(&'static str),
    /// `tableCreate` of a name that is taken.
    #[error("Table `{database}.{table}` already exists.")]
    TableExists {
        /// Its database.
        database: String,
        /// Its name.
        table: String,
    },
    /// A table that is to get a name that is taken.
    #[error("Can't rename table `{old}` to `{new}` because table `{new}` already exists.")]
    TableRename {
        /// Its full name.
        old: String,
        /// The full name it is to get.
        new: String,
    },
    /// No table has that name.
    #[error("Table `{database}.{table}` does not exist.")]
    NoTable {
        /// The database that was searched.
        database: String,
        /// The name that was searched for.
        table: String,
    },
    /// The table was dropped since the query found it.
    #[error("The table was dropped.")]
    TableGone,
    /// The database was dropped since the query found it.
    #[error("The database was dropped.")]
    DatabaseGone,
    /// `indexCreate` of a name that is taken.
    #[error("Index `{index}` already exists on table `{database}.{table}`.")]
    IndexExists {
        /// The name.
        index: String,
        /// The table's database.
        database: String,
        /// The table.
        table: String,
    },
    /// `indexDrop` of an index that is not there.
    #[error("Index `{index}` does not exist on table `{database}.{table}`.")]
    NoIndex {
        /// The name.
        index: String,
        /// The table's database.
        database: String,
        /// The table.
        table: String,
    },
    /// A read with an index that is not there.
    #[error("Index `{index}` was not found on table `{database}.{table}`.")]
    IndexNotFound {
        /// The name.
        index: String,
        /// The table's database.
        database: String,
        /// The table.
        table: String,
    },
    /// `indexRename` that cannot be done.
    #[error("Index `{old}` does not exist or index `{new}` already exists on table `{database}.{table}`.")]
    IndexRename {
        /// The name that is to change.
        old: String,
        /// The name it is to get.
        new: String,
        /// The table's database.
        database: String,
        /// The table.
        table: String,
    },
    /// An index named as the primary key.
    #[error("Index name conflict: `{0}` is the name of the primary key.")]
    IndexIsPrimaryKey(String),
    /// An index that is to be unique and geographic.
    #[error("A geospatial index can't be unique.")]
    UniqueGeo,
    /// A table with no shards.
    #[error("Every table must have at least one shard.")]
    NoShards,
    /// A table with more shards than allowed.
    #[error("Maximum number of shards is {max}.")]
    TooManyShards {
        /// The limit.
        max: usize,
    },
    /// No replicas at all.
    #[error(
        "You must set `replicas` to at least one. `replicas` includes the primary replica; if there are zero \
         replicas, there is nowhere to put the data."
    )]
    NoReplicas,
    /// Tags that share a server.
    #[error(
        "Server tags `{first}` and `{second}` overlap; both contain server `{server}`. The server tags used for \
         replication settings for a given table must be non-overlapping."
    )]
    TagsOverlap {
        /// A tag.
        first: String,
        /// Another one.
        second: String,
        /// The name of the server that has both.
        server: String,
    },
    /// More replicas than servers.
    #[error(
        "Can't put {replicas} replicas on servers with the tag `{tag}` because there are only {servers} servers \
         with the tag `{tag}`. It's impossible to have more replicas of the data than there are servers."
    )]
    TooManyReplicas {
        /// Replicas asked for.
        replicas: usize,
        /// The servers' tag.
        tag: String,
        /// Servers there are.
        servers: usize,
    },
    /// No user has that name.
    #[error("User `{0}` not found.")]
    NoUser(String),
    /// A user with that name exists.
    #[error("User `{0}` already exists.")]
    UserExists(String),
    /// `admin` cannot be dropped.
    #[error("The user `admin` can't be deleted")]
    AdminDrop,
    /// `admin` has every permission, for good.
    #[error("The permissions of the user `admin` can't be modified.")]
    AdminGrant,
    /// The user may not do this here.
    #[error("User `{user}` does not have the required `{permission}` permission")]
    Denied {
        /// The user.
        user: String,
        /// What is missing.
        permission: &'static str,
    },
    /// The metadata was written by a newer version.
    #[error("the metadata has format version {found}; this version reads up to {supported}")]
    NewerFormat {
        /// Its version.
        found: u64,
        /// The highest version that can be read.
        supported: u64,
    },
    /// A metadata record that cannot be understood.
    #[error("a metadata record is damaged: {0}")]
    Damaged(&'static str),
    /// The tables refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The storage engine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CatalogError {
    /// How the user is told.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidName { .. }
            | Self::IndexIsPrimaryKey(_)
            | Self::UniqueGeo
            | Self::NoShards
            | Self::TooManyShards { .. } => ErrorClass::Logic,
            Self::Denied { .. } => ErrorClass::Permission,
            Self::NewerFormat { .. } | Self::Damaged(_) => ErrorClass::Internal,
            Self::Table(error) if !error.is_unavailable() => ErrorClass::Internal,
            Self::Storage(error) if !error.is_full() => ErrorClass::Internal,
            _ => ErrorClass::OpFailed,
        }
    }
}
