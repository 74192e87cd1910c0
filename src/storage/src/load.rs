//! Filling an empty disk with trees whose entries come in order: pages are written once, full,
//! from the leaves up, and there is no log.

use std::sync::Arc;

use bytes::Bytes;
use photondb_base::{LogPosition, TreeId};

use crate::batch::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::disk::Disk;
use crate::error::StorageError;
use crate::leaf::Leaf;
use crate::node::Value;
use crate::page::{
    EMPTY_NODE_BYTES, INLINE_BYTES_MAX, INTERNAL_ENTRY_BYTES, LEAF_ENTRY_BYTES, NODE_BYTES_MAX,
    encode_internal,
};
use crate::page_writer::PageWriter;
use crate::pointer::{POINTER_BYTES, Pointer};
use crate::slab_map::SlabMap;
use crate::space::Space;
use crate::store::{DATA, Store};
use crate::superblock::Superblock;
use crate::view::tree_key;

/// Pages are not read again while they are written.
const CACHE_BYTES: u64 = 1024 * 1024;

/// What was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Trees with entries.
    pub trees: u64,
    /// Entries of all trees.
    pub entries: u64,
    /// Length of the data file.
    pub data_bytes: u64,
}

/// Makes an empty disk a data directory as of `position`, with the entries that `next` gives:
/// ascending by tree and key. All is durable in the end; before, nothing there can be opened.
pub fn load<E: From<StorageError>>(
    disk: &Arc<dyn Disk>,
    position: LogPosition,
    next: &mut dyn FnMut() -> Result<Option<(TreeId, Bytes, Bytes)>, E>,
) -> Result<Loaded, E> {
    check_empty(disk)?;
    let file = disk.create(DATA).map_err(|error| StorageError::io(DATA, "create", error))?;
    let store = Store::new(file, CACHE_BYTES);
    let mut space = Space::default();
    let mut loaded = Loaded::default();
    let catalog = {
        let mut loader =
            Loader { writer: PageWriter::new(&store, &mut space), catalog: TreeBuilder::default() };
        loader.trees(next, &mut loaded)?;
        let catalog = loader.catalog.finish(&mut loader.writer)?;
        loader.writer.flush()?;
        catalog
    };
    loaded.data_bytes = close(&store, &mut space, position, catalog)?;
    disk.sync_directory().map_err(|error| StorageError::io("directory", "sync", error))?;
    Ok(loaded)
}

fn check_empty(disk: &Arc<dyn Disk>) -> Result<(), StorageError> {
    let names = disk.list().map_err(|error| StorageError::io("directory", "list", error))?;
    names.into_iter().next().map_or(Ok(()), |file| Err(StorageError::NotEmpty { file }))
}

/// Writes what leads to the catalog. Gives the length of the file.
fn close(
    store: &Store,
    space: &mut Space,
    position: LogPosition,
    catalog: Option<(Pointer, u64)>,
) -> Result<u64, StorageError> {
    let planned = SlabMap::default().plan(space);
    let mut writer = PageWriter::new(store, space);
    for (offset, bytes) in &planned.writes {
        writer.write_at(*offset, bytes)?;
    }
    writer.flush()?;
    let superblock = Superblock {
        sequence: 1,
        position,
        slabs: u64::from(space.slab_count()),
        catalog: catalog.map(|(pointer, _)| pointer),
        catalog_count: catalog.map_or(0, |(_, count)| count),
        directory: planned.map.directory,
        keeps_history: false,
    };
    let file = store.file();
    let sync = || file.sync().map_err(|error| StorageError::io(DATA, "sync", error));
    sync()?;
    for copy in 0..2 {
        superblock.write(file, copy)?;
    }
    sync()?;
    file.length().map_err(|error| StorageError::io(DATA, "measure", error))
}

struct Loader<'a> {
    writer: PageWriter<'a>,
    catalog: TreeBuilder,
}

impl Loader<'_> {
    fn trees<E: From<StorageError>>(
        &mut self,
        next: &mut dyn FnMut() -> Result<Option<(TreeId, Bytes, Bytes)>, E>,
        loaded: &mut Loaded,
    ) -> Result<(), E> {
        let mut current: Option<(TreeId, TreeBuilder)> = None;
        while let Some((tree, key, value)) = next()? {
            let mut builder = match current.take() {
                Some((id, builder)) if id == tree => builder,
                Some((id, _)) if id > tree => return Err(StorageError::NotInOrder { tree: tree.0 }.into()),
                before => {
                    self.close_tree(before, loaded)?;
                    TreeBuilder { tree: tree.0, ..TreeBuilder::default() }
                }
            };
            builder.put(&mut self.writer, &key, &value)?;
            current = Some((tree, builder));
        }
        Ok(self.close_tree(current, loaded)?)
    }

    fn close_tree(
        &mut self,
        tree: Option<(TreeId, TreeBuilder)>,
        loaded: &mut Loaded,
    ) -> Result<(), StorageError> {
        let Some((tree, builder)) = tree else { return Ok(()) };
        let Some((pointer, count)) = builder.finish(&mut self.writer)? else { return Ok(()) };
        let mut root = [0; POINTER_BYTES + 8];
        if let Some((head, tail)) = root.split_first_chunk_mut() {
            *head = pointer.encode();
            tail.copy_from_slice(&count.to_le_bytes());
        }
        loaded.trees += 1;
        loaded.entries += count;
        self.catalog.put(&mut self.writer, &tree_key(tree), &root)
    }
}

/// One tree under construction: a leaf that fills, and above it per level what goes into the
/// next node.
#[derive(Default)]
struct TreeBuilder {
    tree: u64,
    leaf: Leaf,
    last_key: Option<Vec<u8>>,
    levels: Vec<Level>,
}

/// Children of the node that comes next on a level.
#[derive(Default)]
struct Level {
    children: Vec<Child>,
    keys_bytes: usize,
}

struct Child {
    key: Bytes,
    pointer: Pointer,
    count: u64,
}

impl TreeBuilder {
    fn put(&mut self, writer: &mut PageWriter<'_>, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.check(key, value)?;
        let value = if value.len() > INLINE_BYTES_MAX {
            Value::Slot(writer.slot(&Bytes::copy_from_slice(value), false, None, None)?)
        } else {
            Value::Inline(Bytes::copy_from_slice(value))
        };
        let value_bytes = match &value {
            Value::Inline(bytes) => bytes.len(),
            _ => POINTER_BYTES,
        };
        if self.leaf.bytes() + LEAF_ENTRY_BYTES + key.len() + value_bytes > NODE_BYTES_MAX {
            self.close_leaf(writer)?;
        }
        self.leaf.insert(self.leaf.count(), key, value);
        Ok(())
    }

    fn check(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        if key.len() > KEY_BYTES_MAX {
            return Err(StorageError::KeyTooLarge { bytes: key.len(), bytes_max: KEY_BYTES_MAX });
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(StorageError::ValueTooLarge { bytes: value.len(), bytes_max: VALUE_BYTES_MAX });
        }
        let last_key = self.last_key.get_or_insert_default();
        if self.leaf.count() > 0 && key <= last_key.as_slice() {
            return Err(StorageError::NotInOrder { tree: self.tree });
        }
        last_key.clear();
        last_key.extend_from_slice(key);
        Ok(())
    }

    fn close_leaf(&mut self, writer: &mut PageWriter<'_>) -> Result<(), StorageError> {
        if self.leaf.count() == 0 {
            return Ok(());
        }
        let leaf = std::mem::take(&mut self.leaf);
        let nothing_aside = |_: &_| Err(StorageError::corrupt(DATA, 0, "a new leaf has a value aside"));
        let (bytes, slots_below) = leaf.pack(nothing_aside)?;
        let pointer = writer.slot(&bytes.into(), slots_below, None, None)?;
        self.add_child(writer, 0, Child { key: leaf.key(0), pointer, count: leaf.count() as u64 })
    }

    /// Hands a node to the level above it, whose own node is written when it is full.
    fn add_child(
        &mut self,
        writer: &mut PageWriter<'_>,
        level: usize,
        child: Child,
    ) -> Result<(), StorageError> {
        if self.levels.len() == level {
            self.levels.push(Level::default());
        }
        let is_full = self.levels.get(level).is_some_and(|level| level.bytes_with(&child) > NODE_BYTES_MAX);
        if is_full {
            self.close_node(writer, level)?;
        }
        if let Some(level) = self.levels.get_mut(level) {
            level.keys_bytes += child.key.len();
            level.children.push(child);
        }
        Ok(())
    }

    fn close_node(&mut self, writer: &mut PageWriter<'_>, level: usize) -> Result<(), StorageError> {
        let Some(Level { children, .. }) = self.levels.get_mut(level).map(std::mem::take) else {
            return Ok(());
        };
        let Some(first) = children.first() else { return Ok(()) };
        let entries: Vec<(&[u8], Pointer, u64)> =
            children.iter().map(|child| (child.key.as_ref(), child.pointer, child.count)).collect();
        let slots_below = children.iter().any(|child| child.pointer.slots_below);
        let bytes = encode_internal(level as u8 + 1, &entries);
        let pointer = writer.slot(&bytes.into(), slots_below, None, None)?;
        let count = children.iter().map(|child| child.count).sum();
        self.add_child(writer, level + 1, Child { key: first.key.clone(), pointer, count })
    }

    /// Writes what is left. Gives the root and the number of entries, if there are any.
    fn finish(mut self, writer: &mut PageWriter<'_>) -> Result<Option<(Pointer, u64)>, StorageError> {
        self.close_leaf(writer)?;
        let mut level = 0;
        while let Some(top) = self.levels.get(level) {
            if let ([root], true) = (top.children.as_slice(), self.levels.len() == level + 1) {
                return Ok(Some((root.pointer, root.count)));
            }
            self.close_node(writer, level)?;
            level += 1;
        }
        Ok(None)
    }
}

impl Level {
    fn bytes_with(&self, child: &Child) -> usize {
        EMPTY_NODE_BYTES
            + (self.children.len() + 1) * INTERNAL_ENTRY_BYTES
            + self.keys_bytes
            + child.key.len()
    }
}
