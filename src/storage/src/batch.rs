//! A batch: operations applied together, kept encoded as the log keeps them, so that a commit
//! copies keys and values once and the trees share that one buffer.

use bytes::Bytes;
use photondb_base::TreeId;

use crate::error::StorageError;

/// Longest key.
pub const KEY_BYTES_MAX: usize = 2048;
/// Longest value.
pub const VALUE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Longest batch, encoded.
pub const BATCH_BYTES_MAX: usize = 512 * 1024 * 1024;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const DROP: u8 = 3;

/// Ordered operations that are applied together or not at all: one record of the log.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    encoded: Vec<u8>,
    operations: usize,
    key_bytes_max: usize,
    value_bytes_max: usize,
}

/// One operation of a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Sets the value of a key.
    Put {
        /// The tree; created when it did not exist.
        tree: TreeId,
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Removes a key; nothing happens when it is not there.
    Delete {
        /// The tree.
        tree: TreeId,
        /// The key.
        key: Bytes,
    },
    /// Removes a tree with everything in it.
    DropTree {
        /// The tree.
        tree: TreeId,
    },
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `bytes` encoded bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { encoded: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, tree: TreeId, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let (key, value) = (key.as_ref(), value.as_ref());
        self.encoded.reserve(16 + key.len() + value.len());
        self.encoded.push(PUT);
        put_varint(&mut self.encoded, tree.0);
        put_varint(&mut self.encoded, key.len() as u64);
        put_varint(&mut self.encoded, value.len() as u64);
        self.encoded.extend_from_slice(key);
        self.encoded.extend_from_slice(value);
        self.operations += 1;
        self.key_bytes_max = self.key_bytes_max.max(key.len());
        self.value_bytes_max = self.value_bytes_max.max(value.len());
    }

    /// Removes `key`.
    pub fn delete(&mut self, tree: TreeId, key: impl AsRef<[u8]>) {
        let key = key.as_ref();
        self.encoded.push(DELETE);
        put_varint(&mut self.encoded, tree.0);
        put_varint(&mut self.encoded, key.len() as u64);
        self.encoded.extend_from_slice(key);
        self.operations += 1;
        self.key_bytes_max = self.key_bytes_max.max(key.len());
    }

    /// Removes a whole tree.
    pub fn drop_tree(&mut self, tree: TreeId) {
        self.encoded.push(DROP);
        put_varint(&mut self.encoded, tree.0);
        self.operations += 1;
    }

    /// Appends the operations of another batch.
    pub fn extend(&mut self, other: &Self) {
        self.encoded.extend_from_slice(&other.encoded);
        self.operations += other.operations;
        self.key_bytes_max = self.key_bytes_max.max(other.key_bytes_max);
        self.value_bytes_max = self.value_bytes_max.max(other.value_bytes_max);
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.operations == 0
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.operations
    }

    /// Encoded length in bytes.
    pub fn bytes(&self) -> usize {
        self.encoded.len()
    }

    /// The operations in order. Copies the batch once; [`Batch::into_operations`] does not.
    pub fn operations(&self) -> Operations {
        Operations::new(Bytes::copy_from_slice(&self.encoded))
    }

    /// The operations in order.
    pub fn into_operations(self) -> Operations {
        Operations::new(Bytes::from(self.encoded))
    }

    /// Checks the limits and gives the encoded form.
    pub(crate) fn seal(self) -> Result<Bytes, StorageError> {
        if self.key_bytes_max > KEY_BYTES_MAX {
            return Err(StorageError::KeyTooLarge { bytes: self.key_bytes_max, bytes_max: KEY_BYTES_MAX });
        }
        if self.value_bytes_max > VALUE_BYTES_MAX {
            let (bytes, bytes_max) = (self.value_bytes_max, VALUE_BYTES_MAX);
            return Err(StorageError::ValueTooLarge { bytes, bytes_max });
        }
        if self.encoded.len() > BATCH_BYTES_MAX {
            let (bytes, bytes_max) = (self.encoded.len(), BATCH_BYTES_MAX);
            return Err(StorageError::BatchTooLarge { bytes, bytes_max });
        }
        Ok(Bytes::from(self.encoded))
    }

    /// Reads a record of the log back; `None` when it is malformed.
    pub fn unseal(encoded: &Bytes) -> Option<Self> {
        let mut batch = Self::with_capacity(encoded.len());
        let mut operations = Operations::new(encoded.clone());
        for operation in operations.by_ref() {
            match operation {
                Operation::Put { tree, key, value } => batch.put(tree, key, value),
                Operation::Delete { tree, key } => batch.delete(tree, key),
                Operation::DropTree { tree } => batch.drop_tree(tree),
            }
        }
        operations.is_whole().then_some(batch)
    }
}

/// Iterates over the operations of an encoded batch; keys and values are slices of it.
#[derive(Clone, Debug)]
pub struct Operations {
    encoded: Bytes,
    at: usize,
    broken: bool,
}

impl Operations {
    pub(crate) fn new(encoded: Bytes) -> Self {
        Self { encoded, at: 0, broken: false }
    }

    /// Whether the iteration ended at the end and not at something malformed.
    pub(crate) fn is_whole(&self) -> bool {
        !self.broken
    }
}

impl Iterator for Operations {
    type Item = Operation;

    fn next(&mut self) -> Option<Operation> {
        let Self { encoded, at, broken } = self;
        let mut operations = OperationRefs { encoded, at: *at, broken: *broken };
        let operation = operations.next();
        (*at, *broken) = (operations.at, operations.broken);
        let owned = |bytes: &[u8]| encoded.slice_ref(bytes);
        Some(match operation? {
            OperationRef::Put { tree, key, value } => {
                Operation::Put { tree, key: owned(key), value: owned(value) }
            }
            OperationRef::Delete { tree, key } => Operation::Delete { tree, key: owned(key) },
            OperationRef::DropTree { tree } => Operation::DropTree { tree },
        })
    }
}

/// An [`Operation`] where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OperationRef<'a> {
    Put { tree: TreeId, key: &'a [u8], value: &'a [u8] },
    Delete { tree: TreeId, key: &'a [u8] },
    DropTree { tree: TreeId },
}

/// Iterates over the operations of an encoded batch without counting who refers to it.
#[derive(Clone, Debug)]
pub(crate) struct OperationRefs<'a> {
    encoded: &'a [u8],
    at: usize,
    broken: bool,
}

impl<'a> OperationRefs<'a> {
    pub(crate) fn new(encoded: &'a [u8]) -> Self {
        Self { encoded, at: 0, broken: false }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.encoded.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let slice = self.encoded.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    fn read(&mut self) -> Option<OperationRef<'a>> {
        let kind = *self.encoded.get(self.at)?;
        self.at += 1;
        let tree = TreeId(self.varint()?);
        match kind {
            PUT => {
                let (key_length, value_length) = (self.varint()?, self.varint()?);
                let key = self.take(key_length)?;
                Some(OperationRef::Put { tree, key, value: self.take(value_length)? })
            }
            DELETE => {
                let key_length = self.varint()?;
                Some(OperationRef::Delete { tree, key: self.take(key_length)? })
            }
            DROP => Some(OperationRef::DropTree { tree }),
            _ => None,
        }
    }
}

impl<'a> Iterator for OperationRefs<'a> {
    type Item = OperationRef<'a>;

    fn next(&mut self) -> Option<OperationRef<'a>> {
        if self.broken || self.at >= self.encoded.len() {
            return None;
        }
        let operation = self.read();
        self.broken = operation.is_none();
        operation
    }
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_reads_back_as_it_was_written() {
        let mut batch = Batch::new();
        batch.put(TreeId(1), b"k", b"v");
        batch.put(TreeId(u64::MAX), vec![7; 300], vec![8; 70_000]);
        batch.delete(TreeId(300), b"");
        batch.drop_tree(TreeId(128));
        let sealed = batch.clone().seal().unwrap();
        assert_eq!(sealed.len(), batch.bytes());
        let again = Batch::unseal(&sealed).unwrap();
        assert_eq!(again.len(), 4);
        assert_eq!(again.operations().collect::<Vec<_>>(), batch.into_operations().collect::<Vec<_>>());
    }

    #[test]
    fn a_cut_batch_is_malformed_and_never_panics() {
        let mut batch = Batch::new();
        batch.put(TreeId(1), b"key", b"value");
        let sealed = batch.seal().unwrap();
        for end in 1..sealed.len() {
            assert!(Batch::unseal(&sealed.slice(..end)).is_none());
        }
    }

    #[test]
    fn limits_are_checked() {
        let mut batch = Batch::new();
        batch.put(TreeId(1), vec![0; KEY_BYTES_MAX + 1], b"");
        assert!(matches!(batch.seal(), Err(StorageError::KeyTooLarge { .. })));
    }
}
