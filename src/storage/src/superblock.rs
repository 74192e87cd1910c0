//! The superblock pair: where everything else is found from.

use photondb_base::LogPosition;

use crate::disk::DiskFile;
use crate::error::StorageError;
use crate::pointer::Pointer;
use crate::pointer::read::{array_at, u32_at, u64_at};
use crate::store::DATA;

/// The version written, and the highest that is read.
pub(crate) const FORMAT_VERSION: u32 = 4;
pub(crate) const SUPERBLOCK_BYTES: usize = 4096;
const MAGIC: &[u8; 8] = b"PHOTONDB";
const FIELDS_BYTES: usize = 88;
/// Bit of the flags: see [`Superblock::keeps_history`].
const KEEPS_HISTORY: u64 = 1;

/// What a checkpoint leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub sequence: u64,
    pub position: LogPosition,
    pub slabs: u64,
    pub catalog: Option<Pointer>,
    pub catalog_count: u64,
    pub directory: Option<Pointer>,
    /// Whether the log is kept for those who go on from what they have read of it before.
    pub keeps_history: bool,
}

/// The pair as it was found.
pub(crate) struct Found {
    pub superblock: Superblock,
    /// Whether each copy is whole and the newest.
    pub is_current: [bool; 2],
}

impl Superblock {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SUPERBLOCK_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        let mut rest = Vec::with_capacity(SUPERBLOCK_BYTES);
        rest.extend_from_slice(&self.sequence.to_le_bytes());
        rest.extend_from_slice(&self.position.0.to_le_bytes());
        rest.extend_from_slice(&self.slabs.to_le_bytes());
        rest.extend_from_slice(&Pointer::encode_optional(self.catalog.as_ref()));
        rest.extend_from_slice(&self.catalog_count.to_le_bytes());
        rest.extend_from_slice(&Pointer::encode_optional(self.directory.as_ref()));
        let flags = if self.keeps_history { KEEPS_HISTORY } else { 0 };
        rest.extend_from_slice(&flags.to_le_bytes());
        rest.resize(SUPERBLOCK_BYTES - 16, 0);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&out), &rest);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&rest);
        out
    }

    /// Reads one copy. `Ok(None)` when it is not whole.
    fn decode(bytes: &[u8]) -> Result<Option<Self>, StorageError> {
        let Some(version) = checked_version(bytes, MAGIC) else { return Ok(None) };
        if version > FORMAT_VERSION {
            let (file, found, supported) = (DATA.into(), version, FORMAT_VERSION);
            return Err(StorageError::NewerFormat { file, found, supported });
        }
        Ok(Self::fields(bytes))
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        debug_assert!(bytes.len() >= FIELDS_BYTES);
        Some(Self {
            sequence: u64_at(bytes, 16)?,
            position: LogPosition(u64_at(bytes, 24)?),
            slabs: u64_at(bytes, 32)?,
            catalog: Pointer::decode(array_at(bytes, 40)?),
            catalog_count: u64_at(bytes, 56)?,
            directory: Pointer::decode(array_at(bytes, 64)?),
            keeps_history: u64_at(bytes, 80)? & KEEPS_HISTORY != 0,
        })
    }

    /// Reads the pair of a data file.
    pub(crate) fn find(file: &dyn DiskFile) -> Result<Found, StorageError> {
        let mut copies = Vec::with_capacity(2);
        for copy in 0..2 {
            let mut bytes = vec![0; SUPERBLOCK_BYTES];
            match file.read_exact_at(&mut bytes, copy * SUPERBLOCK_BYTES as u64) {
                Ok(()) => copies.push(Self::decode(&bytes)?),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => copies.push(None),
                Err(error) => return Err(StorageError::io(DATA, "read", error)),
            }
        }
        let newest = copies.iter().flatten().max_by_key(|superblock| superblock.sequence).cloned();
        let damaged = || StorageError::corrupt(DATA, 0, "neither superblock is whole");
        let superblock = newest.ok_or_else(damaged)?;
        let is_current = |copy: usize| copies.get(copy).and_then(Option::as_ref) == Some(&superblock);
        Ok(Found { is_current: [is_current(0), is_current(1)], superblock })
    }

    /// Writes one copy and makes it durable.
    pub(crate) fn write(&self, file: &dyn DiskFile, copy: usize) -> Result<(), StorageError> {
        file.write_all_at(&self.encode(), (copy * SUPERBLOCK_BYTES) as u64)
            .map_err(|error| StorageError::io(DATA, "write", error))
    }
}

/// The version of a header whose magic and checksum (at bytes 12–15) are right.
pub(crate) fn checked_version(bytes: &[u8], magic: &[u8; 8]) -> Option<u32> {
    if bytes.get(..8)? != magic {
        return None;
    }
    let checksum = crc32c::crc32c_append(crc32c::crc32c(bytes.get(..12)?), bytes.get(16..)?);
    if u32_at(bytes, 12)? != checksum {
        return None;
    }
    u32_at(bytes, 8)
}
