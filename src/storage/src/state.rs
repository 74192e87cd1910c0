//! The trees in memory: applying records, handing out views, freezing for a checkpoint.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use photondb_base::{LogPosition, TreeId};

use crate::batch::{OperationRef, OperationRefs};
use crate::error::StorageError;
use crate::held::{self, SweepGuard};
use crate::node::{Freed, Root, Value};
use crate::pointer::Pointer;
use crate::store::Store;
use crate::sweep;
use crate::tree::Writer;
use crate::view::{EpochGuard, View, malformed_catalog, tree_key};

/// First byte of the catalog keys of dropped trees.
const DROPPED: u8 = 1;

/// The newest version of all trees.
pub(crate) struct State {
    pub catalog: Root,
    pub position: LogPosition,
    pub store: Option<Arc<Store>>,
    /// Grows with every checkpoint begun. Nodes of older epochs belong to a checkpoint.
    pub epoch: u64,
    guard: Arc<EpochGuard>,
    sweep: Arc<SweepGuard>,
    /// What the trees no longer need since the last checkpoint began.
    pub freed: Vec<Freed>,
    pub dirty_bytes: u64,
    /// Number for the next dropped tree.
    dropped_next: u64,
    pub has_dropped: bool,
    pub broken: Option<StorageError>,
}

/// The trees at the moment a checkpoint begins.
pub(crate) struct Frozen {
    pub view: View,
    pub epoch: u64,
    pub guard: Weak<EpochGuard>,
    pub freed: Vec<Freed>,
    pub dirty_bytes: u64,
}

impl State {
    pub(crate) fn new(catalog: Root, position: LogPosition, store: Option<Arc<Store>>) -> Self {
        Self {
            catalog,
            position,
            store,
            epoch: 1,
            guard: Arc::default(),
            sweep: Arc::default(),
            freed: Vec::new(),
            dirty_bytes: 0,
            dropped_next: position.0.wrapping_mul(1 << 16),
            has_dropped: true,
            broken: None,
        }
    }

    pub(crate) fn view(&self) -> View {
        View {
            catalog: self.catalog.clone(),
            position: self.position,
            store: self.store.clone(),
            broken: self.broken.clone(),
            _guard: self.guard.clone(),
            _sweep: self.sweep.clone(),
            roots: Default::default(),
        }
    }

    /// Snapshots of the current epoch.
    pub(crate) fn snapshots(&self) -> u64 {
        Arc::strong_count(&self.guard) as u64 - 1
    }

    /// Applies a record. After an error the trees are no longer trusted.
    pub(crate) fn apply(&mut self, position: LogPosition, record: &Bytes) -> Result<(), StorageError> {
        let result = self.apply_operations(record);
        match &result {
            Ok(()) => self.position = position,
            Err(error) => self.broken = Some(error.clone()),
        }
        result
    }

    fn apply_operations(&mut self, record: &Bytes) -> Result<(), StorageError> {
        let mut operations = OperationRefs::new(record).peekable();
        while let Some(operation) = operations.next() {
            let tree = match operation {
                OperationRef::DropTree { tree } => {
                    self.drop_tree(tree)?;
                    continue;
                }
                OperationRef::Put { tree, .. } | OperationRef::Delete { tree, .. } => tree,
            };
            // A run of operations on one tree looks its root up once.
            let mut current = Some(operation);
            let store = self.store.clone();
            let mut catalog = std::mem::take(&mut self.catalog);
            let result = {
                let mut writer = Writer {
                    store: store.as_deref(),
                    epoch: self.epoch,
                    freed: &mut self.freed,
                    dirty_bytes: &mut self.dirty_bytes,
                    record_bytes: record.len(),
                };
                with_tree(&mut writer, &mut catalog, tree, |writer, root| {
                    while let Some(operation) = current.take() {
                        match operation {
                            OperationRef::Put { key, value, .. } => {
                                writer.put(root, key, record.slice_ref(value))?;
                            }
                            OperationRef::Delete { key, .. } => {
                                writer.delete(root, key)?;
                            }
                            OperationRef::DropTree { .. } => {}
                        }
                        current = operations.next_if(|next| match next {
                            OperationRef::Put { tree: next, .. }
                            | OperationRef::Delete { tree: next, .. } => *next == tree,
                            OperationRef::DropTree { .. } => false,
                        });
                    }
                    Ok(())
                })
            };
            self.catalog = catalog;
            result?;
        }
        Ok(())
    }

    /// Moves a tree out of sight; checkpoints free it piece by piece.
    fn drop_tree(&mut self, tree: TreeId) -> Result<(), StorageError> {
        let key = tree_key(tree);
        let Some(root) = self.take_root(&key)? else { return Ok(()) };
        if self.store.is_none() {
            return Ok(());
        }
        let mut dropped = [DROPPED; 9];
        if let Some(number) = dropped.get_mut(1..) {
            number.copy_from_slice(&self.dropped_next.to_be_bytes());
        }
        self.dropped_next += 1;
        self.has_dropped = true;
        self.put_root(&dropped, root)
    }

    /// Takes a root out of the catalog.
    pub(crate) fn take_root(&mut self, key: &[u8]) -> Result<Option<Root>, StorageError> {
        let Some(value) = self.view().find(&self.catalog, key)? else { return Ok(None) };
        let root = match value {
            Value::Tree(root) => root,
            Value::Inline(bytes) => Root::decode(&bytes).ok_or_else(malformed_catalog)?,
            _ => return Err(malformed_catalog()),
        };
        self.with_writer(|writer, catalog| writer.delete(catalog, key))?;
        Ok(Some(root))
    }

    /// Puts a root into the catalog.
    pub(crate) fn put_root(&mut self, key: &[u8], root: Root) -> Result<(), StorageError> {
        self.with_writer(|writer, catalog| writer.put_value(catalog, key, Value::Tree(root)))?;
        Ok(())
    }

    /// Makes the top of the catalog dirty, so that the next checkpoint writes it anew.
    pub(crate) fn touch_catalog(&mut self) -> Result<(), StorageError> {
        self.with_writer(|writer, catalog| match &mut catalog.node {
            Some(node) => writer.writable(node).map(|_| ()),
            None => Ok(()),
        })
    }

    /// Makes the node of a level on the way to a key dirty, so that the next checkpoint writes it
    /// anew.
    pub(crate) fn rewrite_node(&mut self, tree: TreeId, key: &[u8], level: u8) -> Result<(), StorageError> {
        self.with_existing_tree(tree, |writer, root| match &mut root.node {
            Some(node) => writer.rewrite(node, key, level),
            None => Ok(()),
        })
    }

    /// Makes a value one that the next checkpoint writes anew, if it still stands at `pointer`.
    pub(crate) fn rewrite_value(
        &mut self,
        tree: TreeId,
        key: &[u8],
        pointer: &Pointer,
        bytes: Bytes,
    ) -> Result<(), StorageError> {
        let view = self.view();
        self.with_existing_tree(tree, |writer, root| match view.find(root, key)? {
            Some(Value::Slot(found)) if found == *pointer => writer.put(root, key, bytes).map(|_| ()),
            _ => Ok(()),
        })
    }

    /// Gives `change` the root of a tree, if there is one.
    fn with_existing_tree(
        &mut self,
        tree: TreeId,
        change: impl FnOnce(&mut Writer<'_>, &mut Root) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        self.with_writer(|writer, catalog| {
            let Some(node) = &mut catalog.node else { return Ok(()) };
            writer.root_mut(node, &tree_key(tree))?.map_or(Ok(()), |root| change(writer, root))
        })
    }

    fn with_writer<T>(
        &mut self,
        change: impl FnOnce(&mut Writer<'_>, &mut Root) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let store = self.store.clone();
        let mut writer = Writer {
            store: store.as_deref(),
            epoch: self.epoch,
            freed: &mut self.freed,
            dirty_bytes: &mut self.dirty_bytes,
            record_bytes: 0,
        };
        change(&mut writer, &mut self.catalog)
    }

    /// Begins a new epoch. What was freed so far may go once the checkpoint is durable and the
    /// snapshots of this epoch and before are gone.
    pub(crate) fn freeze(&mut self) -> Frozen {
        let frozen = Frozen {
            view: self.view(),
            epoch: self.epoch,
            guard: Arc::downgrade(&self.guard),
            freed: std::mem::take(&mut self.freed),
            dirty_bytes: std::mem::take(&mut self.dirty_bytes),
        };
        self.epoch += 1;
        self.guard = Arc::default();
        frozen
    }

    /// Lets go of the memory of nodes that the checkpoint has written. Gives what lives as long as
    /// the snapshots that may still have them.
    pub(crate) fn sweep(&mut self) -> Weak<SweepGuard> {
        if let Some(node) = &mut self.catalog.node {
            sweep::sweep(node);
        }
        held::next_guard(&mut self.sweep)
    }
}

/// Gives `change` the root of a tree in the catalog, created when missing, removed when it ends
/// up empty.
fn with_tree(
    writer: &mut Writer<'_>,
    catalog: &mut Root,
    tree: TreeId,
    change: impl FnOnce(&mut Writer<'_>, &mut Root) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let key = tree_key(tree);
    let mut found = false;
    let mut new = Root::default();
    let mut change = Some(change);
    let mut result = Ok(());
    let mut is_empty = false;
    if let Some(node) = &mut catalog.node
        && let Some(root) = writer.root_mut(node, &key)?
    {
        found = true;
        if let Some(change) = change.take() {
            result = change(writer, root);
        }
        is_empty = root.node.is_none();
    }
    if let Some(change) = change.take() {
        result = change(writer, &mut new);
    }
    match (found, is_empty) {
        (true, true) => {
            writer.delete(catalog, &key)?;
        }
        (false, _) if new.node.is_some() => {
            writer.put_value(catalog, &key, Value::Tree(new))?;
        }
        _ => {}
    }
    result
}
