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
    /// How documents expire, when they do.
    pub expiry: Option<ExpiryLayout>,
}

/// Knows how tables are to be opened.
pub trait TableLayouts: Send + Sync {
    /// What a table consists of now; absent when there is none.
    fn layout(&self, table: TableId) -> Option<TableLayout>;
}

/// How documents expire: when some time has passed since the time in one of their fields.
/// Documents without a time there never do.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpiryLayout {
    /// Identifies the order of expiry; a table that expires in another way gets a new one.
    pub id: IndexId,
    /// The tree of the order of expiry.
    pub tree: TreeId,
    /// Name of the field.
    pub field: Text,
    /// Seconds after the time in the field.
    pub after_seconds: f64,
    /// Whether the tree is complete; until then it is (re)built when the table is opened.
    pub ready: bool,
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
    /// Whether no two documents may have the same value. Documents whose value cannot be
    /// a key, as null, are not in the index and not compared.
    pub unique: bool,
    /// The stored function, opaque here.
    pub function: Bytes,
    /// Whether the tree is complete; until then it is (re)built when the table is opened.
    pub ready: bool,
}
