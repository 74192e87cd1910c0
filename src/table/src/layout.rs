//! What a table consists of.

use bytes::Bytes;
use photondb_base::{IndexId, TableId, TreeId};
use photondb_datum::Text;
use photondb_storage::Durability;

/// One table: where its documents and its indexes are stored, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct TableLayout {
    /// The table.
    pub id: TableId,
    /// Name of the primary key field.
    pub primary_key: Text,
    /// The tree of the documents, by encoded primary key.
    pub tree: TreeId,
    /// For writes that do not ask for one.
    pub durability: Durability,
    /// The secondary indexes.
    pub indexes: Vec<IndexLayout>,
    /// The stored write hook, opaque here.
    pub write_hook: Option<Bytes>,
}

/// One secondary index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexLayout {
    /// The index.
    pub id: IndexId,
    /// Its name, for messages.
    pub name: Text,
    /// The tree of its entries.
    pub tree: TreeId,
    /// Whether each element of an array is an entry of its own.
    pub multi: bool,
    /// Whether the values are geometry, indexed by cells.
    pub geo: bool,
    /// Reserved: no two documents with the same value.
    pub unique: bool,
    /// The stored function, opaque here.
    pub function: Bytes,
    /// Whether the tree is complete; until then it is (re)built when the table is opened.
    pub ready: bool,
}
