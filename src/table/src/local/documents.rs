//! Documents by their keys.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;
use photondb_storage::{Lookup, Snapshot, StorageError};

/// The documents of a table, looked up one after the other.
pub(crate) struct Documents {
    tree: TreeId,
    /// Holds the snapshot.
    lookup: Option<Lookup>,
}

impl Documents {
    pub(crate) fn new(tree: TreeId) -> Self {
        Self { tree, lookup: None }
    }

    pub(crate) fn tree(&self) -> TreeId {
        self.tree
    }

    pub(crate) fn get(
        &mut self,
        snapshot: &Arc<dyn Snapshot>,
        key: &[u8],
    ) -> Result<Option<Bytes>, StorageError> {
        self.lookup.get_or_insert_with(|| snapshot.lookup(self.tree)).get(key)
    }

    /// Lets go of the snapshot.
    pub(crate) fn release(&mut self) {
        self.lookup = None;
    }
}
