//! Looking up many keys of one tree.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::TreeId;

use crate::error::StorageError;
use crate::node::Root;
use crate::path::{Path, Reached};
use crate::view::View;

/// Finds values of one tree by their keys. Owns its snapshot. A key near the one before, best
/// the one that follows it, is found without going down the tree again.
pub struct Lookup {
    view: Arc<View>,
    tree: TreeId,
    /// Looked up with the first key.
    root: Option<Root>,
    path: Path,
    /// Where in the leaf the key before was, or would be.
    index: usize,
}

impl Lookup {
    pub(crate) fn new(view: Arc<View>, tree: TreeId) -> Self {
        Self { view, tree, root: None, path: Path::default(), index: 0 }
    }

    /// The value of a key.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, StorageError> {
        let root = match &self.root {
            Some(root) => root,
            None => self.root.insert(self.view.root(self.tree)?),
        };
        let reached = self.path.seek(&self.view, root, key)?;
        let Some(leaf) = self.path.leaf() else { return Ok(None) };
        let found = match reached {
            Reached::Nothing => return Ok(None),
            Reached::SameLeaf => leaf.search_near(self.index, key),
            Reached::OtherLeaf => leaf.search(key),
        };
        self.index = found.unwrap_or_else(|index| index);
        match found {
            Ok(index) => leaf.value(index).map(|value| self.view.bytes(value)).transpose(),
            Err(_) => Ok(None),
        }
    }
}
