//! The things that metadata is about.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{DatabaseId, IndexId, TableId, TreeId};
use photondb_datum::{Datum, Text};
use photondb_table::{Durability, IndexLayout, TableLayout};

use crate::credentials::ScramCredentials;
use crate::expiry::Expiry;
use crate::permissions::Grants;

/// A server, for as long as its data directory exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ServerId(pub u128);

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        TableId(self.0).fmt(f)
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A database.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// The database.
    pub id: DatabaseId,
    /// Its name.
    pub name: Text,
}

/// A table and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The table.
    pub id: TableId,
    /// Where it belongs.
    pub database: DatabaseId,
    /// Its name within the database.
    pub name: Text,
    /// Name of the primary key field.
    pub primary_key: Text,
    /// The tree of its documents.
    pub tree: TreeId,
    /// For writes that do not ask for one.
    pub durability: Durability,
    /// How many replicas must have a write.
    pub write_acks: WriteAcks,
    /// Where its documents are; at least one.
    pub shards: Vec<ShardConfig>,
    /// The secondary indexes by name.
    pub indexes: BTreeMap<Text, Arc<Index>>,
    /// The function that every write passes through.
    pub write_hook: Option<WriteHookConfig>,
    /// How documents expire, when they do.
    pub expiry: Option<Expiry>,
    /// Whatever the user keeps with the table's settings; null unless set.
    pub data: Datum,
}

impl Table {
    /// What the tables' layer has to know.
    pub fn layout(&self) -> TableLayout {
        TableLayout {
            id: self.id,
            primary_key: self.primary_key.clone(),
            tree: self.tree,
            durability: self.durability,
            indexes: self.indexes.values().map(|index| index.layout()).collect(),
            write_hook: self.write_hook.as_ref().map(|hook| hook.function.clone()),
            expiry: self.expiry.as_ref().map(Expiry::layout),
        }
    }
}

/// A secondary index.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// The index.
    pub id: IndexId,
    /// Its name.
    pub name: Text,
    /// The tree of its entries.
    pub tree: TreeId,
    /// Whether each element of an array is an entry of its own.
    pub multi: bool,
    /// Whether the values are geometry.
    pub geo: bool,
    /// Whether no two documents may have the same value.
    pub unique: bool,
    /// The stored function, opaque here.
    pub function: Bytes,
    /// How the index was made, as status answers tell it.
    pub query: Text,
    /// Whether the tree is complete. [`photondb_table::Shards::index_progress`] tells more.
    pub ready: bool,
}

impl Index {
    /// What the tables' layer has to know.
    pub fn layout(&self) -> IndexLayout {
        IndexLayout {
            id: self.id,
            name: self.name.clone(),
            tree: self.tree,
            multi: self.multi,
            geo: self.geo,
            unique: self.unique,
            function: self.function.clone(),
            ready: self.ready,
        }
    }
}

/// How many replicas must have a write before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WriteAcks {
    /// One.
    Single,
    /// Most.
    #[default]
    Majority,
}

/// Where a part of a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardConfig {
    /// The server that leads.
    pub primary: ServerId,
    /// The servers that have it, the leader included.
    pub replicas: Vec<ServerId>,
    /// Those of them that do not vote.
    pub nonvoting: Vec<ServerId>,
}

/// A table's write hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteHookConfig {
    /// The stored function, opaque here.
    pub function: Bytes,
    /// How it was set, as status answers tell it.
    pub query: Text,
}

/// Somebody who may connect.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The name.
    pub name: Text,
    /// What proves the password.
    pub credentials: ScramCredentials,
    /// Whether the password is not the empty one.
    pub has_password: bool,
    /// What the user may do.
    pub grants: Grants,
}

/// This server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The server.
    pub id: ServerId,
    /// Its name.
    pub name: Text,
    /// Its tags; `default` unless set.
    pub tags: Vec<Text>,
}

/// Settings of the whole cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusterConfig {
    /// How long a silent server counts as connected.
    pub heartbeat_timeout_seconds: f64,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self { heartbeat_timeout_seconds: 10.0 }
    }
}
