//! What is read of the metadata at a start.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use photondb_base::{DatabaseId, TableId};
use photondb_datum::{DatumRef, Text};
use photondb_storage::{Direction, Engine, KeyRange, Snapshot};

use crate::codec::{DATABASE, HEADER, METADATA_TREE, TABLE, USER, read_database, read_header, read_user};
use crate::directory_record;
use crate::error::CatalogError;
use crate::record::{Fields, decode, view};
use crate::state::State;
use crate::stored_tables::StoredTables;
use crate::table_directory::Listed;
use crate::table_entry::TableEntry;
use crate::table_set::TableSet;

/// From so many tables on, threads share the work of reading them.
const MANY_TABLES: u64 = 1000;
const THREADS_MAX: usize = 4;

type Result<T> = std::result::Result<T, CatalogError>;

/// Reads everything from its records, of tables only what finding them takes; `None` when nothing
/// was ever written.
pub(crate) fn load(snapshot: &dyn Snapshot) -> Result<Option<State>> {
    let Some(mut state) = load_others(snapshot)? else { return Ok(None) };
    state.tables = TableSet::from_sorted(load_tables(snapshot)?);
    Ok(Some(state))
}

/// The same with the tables of the directory, if it is one of this state. Gives whether it is.
pub(crate) fn load_listed(engine: &Arc<dyn Engine>) -> Result<Option<(State, bool)>> {
    let snapshot = engine.snapshot();
    let Some(mut state) = load_others(snapshot.as_ref())? else { return Ok(None) };
    let directory = match directory_record::read(snapshot.as_ref(), state.version) {
        Ok(directory) => directory,
        Err(error) => {
            tracing::warn!(%error, "the table directory is ignored; the tables are read one by one");
            None
        }
    };
    let is_listed = directory.is_some();
    state.tables = match directory {
        Some(directory) => TableSet::stored(StoredTables::new(directory, Arc::downgrade(engine))),
        None => TableSet::from_sorted(load_tables(snapshot.as_ref())?),
    };
    Ok(Some((state, is_listed)))
}

/// Everything but the tables.
fn load_others(snapshot: &dyn Snapshot) -> Result<Option<State>> {
    let Some(header) = snapshot.get(METADATA_TREE, &[HEADER])? else { return Ok(None) };
    let mut state = read_header(&Fields::of(decode(header)?.view()))?;
    let mut users = BTreeMap::new();
    let mut read_others = |range| -> Result<()> {
        let mut cursor = snapshot.range(METADATA_TREE, range, Direction::Forward);
        while let Some((key, value)) = cursor.next()? {
            let record = decode(value)?;
            let fields = &Fields::of(record.view());
            match key.first() {
                Some(&DATABASE) => state.put_database(Arc::new(read_database(fields)?)),
                Some(&USER) => {
                    let user = read_user(fields)?;
                    users.insert(user.name.clone(), Arc::new(user));
                }
                _ => return Err(CatalogError::Damaged("unknown kind of record")),
            }
        }
        Ok(())
    };
    read_others(KeyRange::half_open(vec![DATABASE], vec![TABLE]))?;
    read_others(KeyRange::new(Bound::Included(Bytes::from_static(&[TABLE + 1])), Bound::Unbounded))?;
    state.users = Arc::new(users);
    Ok(Some(state))
}

/// The tables in the order of their ids; many are read on several threads.
fn load_tables(snapshot: &dyn Snapshot) -> Result<Vec<Arc<TableEntry>>> {
    let count = snapshot.count(METADATA_TREE, &KeyRange::prefix(vec![TABLE]))?;
    let threads =
        if count < MANY_TABLES { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let threads = threads.min(THREADS_MAX);
    // Ids are random: each first byte stands for as many tables as any other.
    let bound = |part: usize| match u8::try_from(256 * part / threads) {
        Ok(first) => vec![TABLE, first],
        Err(_) => vec![TABLE + 1],
    };
    let load_part = |part: usize| -> Result<Vec<Arc<TableEntry>>> {
        let range = KeyRange::half_open(bound(part), bound(part + 1));
        let mut cursor = snapshot.range(METADATA_TREE, range, Direction::Forward);
        let mut tables = Vec::with_capacity(usize::try_from(count).unwrap_or(0) / threads);
        while let Some((key, value)) = cursor.next()? {
            tables.push(Arc::new(read_entry(&key, value)?));
        }
        Ok(tables)
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|part| scope.spawn(move || load_part(part))).collect();
        let mut tables = load_part(0)?;
        for other in others {
            tables.append(&mut other.join().map_err(|_| CatalogError::Damaged("a table"))??);
        }
        Ok(tables)
    })
}

/// What must be known of a table from the start.
fn read_entry(key: &[u8], record: Bytes) -> Result<TableEntry> {
    let id = key.get(1..).and_then(|id| Some(u128::from_be_bytes(id.try_into().ok()?)));
    let fields = &Fields::of(view(&record)?);
    // In the order of names, as they are stored.
    let database = DatabaseId(fields.pass(1).uuid("database")?);
    let expires = fields.find("expiry").is_some_and(|expiry| !expiry.is_null());
    let is_ready = |index: DatumRef<'_>| index.get("ready").and_then(|ready| ready.as_bool()) == Some(true);
    let is_settled = fields.pass(1).items("indexes")?.all(is_ready) && !expires;
    let name = fields.read("name", |name| name.as_str())?;
    let name =
        Text::from_utf8(record.slice_ref(name.as_bytes())).map_err(|_| CatalogError::Damaged("name"))?;
    let id = TableId(id.ok_or(CatalogError::Damaged("the key of a table"))?);
    Ok(TableEntry::stored(Listed { id, database, name, is_settled }, record))
}
