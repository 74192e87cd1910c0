//! The table directory among the records of the metadata.

use bytes::Bytes;
use photondb_storage::{Batch, KeyRange, Snapshot};

use crate::codec::{HEADER, METADATA_TREE};
use crate::error::CatalogError;
use crate::state::State;
use crate::table_directory::TableDirectory;

/// Behind the header, where programs that do not know it look for nothing.
const DIRECTORY_KEY: [u8; 2] = [HEADER, 1];

type Result<T> = std::result::Result<T, CatalogError>;

/// The directory of the state with this version, if there is one.
pub(crate) fn read(snapshot: &dyn Snapshot, version: u64) -> Result<Option<TableDirectory>> {
    let Some(record) = snapshot.get(METADATA_TREE, &DIRECTORY_KEY)? else { return Ok(None) };
    if TableDirectory::version_of(&record)? != version {
        return Ok(None);
    }
    TableDirectory::read(record).map(Some)
}

/// Whether there is a directory that is damaged, or that is said to be of this state and is not.
pub(crate) fn is_wrong(snapshot: &dyn Snapshot, state: &State) -> bool {
    let Ok(found) = snapshot.get(METADATA_TREE, &DIRECTORY_KEY) else { return true };
    let Some(found) = found else { return false };
    match TableDirectory::version_of(&found) {
        Ok(version) if version == state.version => made_of(state) != Some(found),
        // Nobody reads it.
        Ok(_) => false,
        Err(_) => true,
    }
}

/// Puts the directory of a state; gives whether there is one.
pub(crate) fn put(batch: &mut Batch, state: &State) -> bool {
    let Some(record) = made_of(state) else { return false };
    batch.put(METADATA_TREE, DIRECTORY_KEY, record);
    true
}

fn made_of(state: &State) -> Option<Bytes> {
    TableDirectory::record(state.version, state.tables.all().map(|entry| entry.to_listed()).collect())
}

/// Forgets the directory; gives whether there was one.
pub(crate) fn delete(batch: &mut Batch, snapshot: &dyn Snapshot) -> Result<bool> {
    let is_there = snapshot.count(METADATA_TREE, &KeyRange::prefix(DIRECTORY_KEY.to_vec()))? > 0;
    if is_there {
        batch.delete(METADATA_TREE, DIRECTORY_KEY);
    }
    Ok(is_there)
}
