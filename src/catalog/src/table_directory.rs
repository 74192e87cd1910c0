//! The table directory: what must be known of all tables from the start, in one record.
//!
//! A server with many tables would read as many records before its first query, only to know the
//! tables' names. The directory has them in one value that is searched where it lies. It is a
//! cache, no more: it tells the version of the state that it was made of, and counts only when the
//! header has the same one. Every command raises that in the batch of its change, so a directory
//! that was passed by a change is one that nobody reads, whatever was cut short, and also when the
//! change was made by a program that knows nothing of directories.
//!
//! The record is a packed object. Numbers in binary fields have 4 bytes, little-endian; the *place*
//! of a table is its number, from 0, in the order of database ids and names.
//!
//! | field | what |
//! |---|---|
//! | `version` | the version of the state |
//! | `checksum` | CRC32C of the version (8 bytes, little-endian) and of the fields below, in the order of this table |
//! | `databases` | the databases with tables, in the order of their ids: the id (16 bytes, big-endian), how many tables it and those before have |
//! | `ids` | by place: the table's id (16 bytes, big-endian) |
//! | `by_id` | the places in the order of the tables' ids |
//! | `name_ends` | by place: where the name ends in `names` |
//! | `names` | the names without gaps, by place: a string |
//! | `unsettled` | the places, ascending, of tables with something to do before anybody uses them |

use std::cmp::Ordering;
use std::ops::Range;

use bytes::Bytes;
use photondb_base::{DatabaseId, TableId};
use photondb_datum::{Datum, Text, packed};

use crate::error::CatalogError;
use crate::record::{Fields, decode, view};

/// A server with fewer tables reads them as fast without it.
pub(crate) const DIRECTORY_TABLES_MIN: usize = 256;
/// A larger one is not written: it is in memory as a whole when it is made and when it is logged.
const DIRECTORY_BYTES_MAX: usize = 64 * 1024 * 1024;

const ID_BYTES: usize = 16;
const NUMBER_BYTES: usize = 4;

type Result<T> = std::result::Result<T, CatalogError>;

/// What a directory tells of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: TableId,
    pub(crate) database: DatabaseId,
    pub(crate) name: Text,
    pub(crate) is_settled: bool,
}

/// A directory that was read: parts of its record.
#[derive(Debug)]
pub(crate) struct TableDirectory {
    /// In the order of their ids, with the places of their tables.
    databases: Vec<(DatabaseId, Range<usize>)>,
    ids: Bytes,
    by_id: Bytes,
    name_ends: Bytes,
    names: Text,
    unsettled: Bytes,
}

impl TableDirectory {
    /// The record of a directory; `None` when it would be too large.
    pub(crate) fn record(version: u64, mut tables: Vec<Listed>) -> Option<Bytes> {
        tables.sort_unstable_by(|a, b| (a.database, &a.name).cmp(&(b.database, &b.name)));
        let (mut databases, mut ids) = (Vec::new(), Vec::with_capacity(tables.len() * ID_BYTES));
        let (mut name_ends, mut names) = (Vec::with_capacity(tables.len() * NUMBER_BYTES), String::new());
        for of_database in tables.chunk_by(|a, b| a.database == b.database) {
            for table in of_database {
                ids.extend_from_slice(&table.id.0.to_be_bytes());
                names.push_str(&table.name);
                name_ends.extend_from_slice(&number(names.len())?);
            }
            let database = of_database.first()?.database;
            databases.extend_from_slice(&database.0.to_be_bytes());
            databases.extend_from_slice(&number(ids.len() / ID_BYTES)?);
        }
        let mut places: Vec<(usize, &Listed)> = tables.iter().enumerate().collect();
        let (mut by_id, mut unsettled) = (Vec::with_capacity(name_ends.len()), Vec::new());
        for (place, _) in places.iter().filter(|(_, table)| !table.is_settled) {
            unsettled.extend_from_slice(&number(*place)?);
        }
        places.sort_unstable_by_key(|(_, table)| table.id);
        for (place, _) in places {
            by_id.extend_from_slice(&number(place)?);
        }
        let parts = [&databases, &ids, &by_id, &name_ends, names.as_bytes(), &unsettled];
        if parts.iter().map(|part| part.len()).sum::<usize>() > DIRECTORY_BYTES_MAX {
            return None;
        }
        let checksum = checksum(version, parts);
        let binary = |bytes: Vec<u8>| Datum::Binary(bytes.into());
        Some(packed::encode(&Datum::object([
            ("version", Datum::Number(version as f64)),
            ("checksum", Datum::Number(checksum.into())),
            ("databases", binary(databases)),
            ("ids", binary(ids)),
            ("by_id", binary(by_id)),
            ("name_ends", binary(name_ends)),
            ("names", Datum::String(Text::from(names))),
            ("unsettled", binary(unsettled)),
        ])))
    }

    /// The version of the state that a record was made of.
    pub(crate) fn version_of(record: &[u8]) -> Result<u64> {
        Fields::of(view(record)?).whole("version")
    }

    /// A directory from its record, whose bytes it shares.
    pub(crate) fn read(record: Bytes) -> Result<Self> {
        let record = decode(record)?;
        let part = |name: &'static str| match record.get(name) {
            Some(Datum::Binary(bytes)) => Ok(bytes),
            _ => Err(CatalogError::Damaged(name)),
        };
        let Some(Datum::String(names)) = record.get("names") else {
            return Err(CatalogError::Damaged("names"));
        };
        let databases = part("databases")?;
        let (ids, by_id, name_ends) = (part("ids")?, part("by_id")?, part("name_ends")?);
        let unsettled = part("unsettled")?;
        let fields = &Fields::of(record.view());
        let parts = [&databases[..], &ids, &by_id, &name_ends, names.as_bytes(), &unsettled];
        if fields.whole("checksum")? != u64::from(checksum(fields.whole("version")?, parts)) {
            return Err(CatalogError::Damaged("checksum"));
        }
        let mut ranges = Vec::with_capacity(databases.len() / (ID_BYTES + NUMBER_BYTES));
        let mut end = 0;
        for entry in databases.chunks(ID_BYTES + NUMBER_BYTES) {
            let start = end;
            end = number_at(entry.get(ID_BYTES..).unwrap_or_default(), 0)
                .ok_or(CatalogError::Damaged("databases"))?;
            let id = id_at(entry, 0).ok_or(CatalogError::Damaged("databases"))?;
            ranges.push((DatabaseId(id), start..end));
        }
        let directory = Self { databases: ranges, ids, by_id, name_ends, names, unsettled };
        let count = directory.count();
        let is_whole = end == count
            && directory.ids.len() == count * ID_BYTES
            && directory.by_id.len() == count * NUMBER_BYTES
            && directory.name_ends.len() == count * NUMBER_BYTES;
        if is_whole { Ok(directory) } else { Err(CatalogError::Damaged("number of tables")) }
    }

    /// How many tables there are.
    pub(crate) fn count(&self) -> usize {
        self.name_ends.len() / NUMBER_BYTES
    }

    /// What stands at a place.
    pub(crate) fn listed(&self, place: usize) -> Option<Listed> {
        let after = self.databases.partition_point(|(_, places)| places.end <= place);
        let (database, _) = self.databases.get(after)?;
        Some(Listed {
            id: self.id(place)?,
            database: *database,
            name: self.name(place)?,
            is_settled: !self.is_unsettled(place)?,
        })
    }

    /// The place of a table by its name.
    pub(crate) fn find(&self, database: DatabaseId, name: &str) -> Option<usize> {
        search(self.places(database), |place| Some(self.name_text(place)?.cmp(name)))?.ok()
    }

    /// The place of a table by its id.
    pub(crate) fn find_id(&self, id: TableId) -> Option<usize> {
        let order = |at| Some(self.id(number_at(&self.by_id, at)?)?.cmp(&id));
        number_at(&self.by_id, search(0..self.count(), order)?.ok()?)
    }

    /// The places of the tables of a database, in the order of their names.
    pub(crate) fn places(&self, database: DatabaseId) -> Range<usize> {
        match self.databases.binary_search_by_key(&database, |(id, _)| *id) {
            Ok(at) => self.databases.get(at).map(|(_, places)| places.clone()).unwrap_or_default(),
            Err(_) => 0..0,
        }
    }

    /// The databases with tables.
    pub(crate) fn databases(&self) -> impl Iterator<Item = DatabaseId> {
        self.databases.iter().map(|(database, _)| *database)
    }

    /// All places in the order of the tables' ids.
    pub(crate) fn places_by_id(&self) -> impl Iterator<Item = usize> {
        numbers(&self.by_id)
    }

    /// The places of tables with something to do.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = usize> {
        numbers(&self.unsettled)
    }

    /// The name of the table at a place, a part of the record.
    pub(crate) fn name(&self, place: usize) -> Option<Text> {
        let name = self.name_text(place)?;
        Text::from_utf8(self.names.clone().into_bytes().slice_ref(name.as_bytes())).ok()
    }

    fn name_text(&self, place: usize) -> Option<&str> {
        let start = place.checked_sub(1).map_or(Some(0), |before| number_at(&self.name_ends, before))?;
        self.names.get(start..number_at(&self.name_ends, place)?)
    }

    fn id(&self, place: usize) -> Option<TableId> {
        id_at(&self.ids, place).map(TableId)
    }

    fn is_unsettled(&self, place: usize) -> Option<bool> {
        let order = |at| Some(number_at(&self.unsettled, at)?.cmp(&place));
        Some(search(0..self.unsettled.len() / NUMBER_BYTES, order)?.is_ok())
    }
}

/// Where something stands in what is ordered, or would; `None` when one of the orders is missing.
fn search(
    Range { mut start, mut end }: Range<usize>,
    order: impl Fn(usize) -> Option<Ordering>,
) -> Option<std::result::Result<usize, usize>> {
    while start < end {
        let middle = start.midpoint(end);
        match order(middle)? {
            Ordering::Less => start = middle + 1,
            Ordering::Equal => return Some(Ok(middle)),
            Ordering::Greater => end = middle,
        }
    }
    Some(Err(start))
}

/// Tells bytes that are not those which were written, whatever the storage below has checked.
fn checksum(version: u64, parts: [&[u8]; 6]) -> u32 {
    parts.into_iter().fold(crc32c::crc32c(&version.to_le_bytes()), crc32c::crc32c_append)
}

fn number(number: usize) -> Option<[u8; NUMBER_BYTES]> {
    u32::try_from(number).ok().map(u32::to_le_bytes)
}

fn number_at(numbers: &[u8], at: usize) -> Option<usize> {
    let start = at.checked_mul(NUMBER_BYTES)?;
    let bytes = numbers.get(start..start.checked_add(NUMBER_BYTES)?)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

fn numbers(numbers: &[u8]) -> impl Iterator<Item = usize> {
    (0..numbers.len() / NUMBER_BYTES).filter_map(|at| number_at(numbers, at))
}

fn id_at(ids: &[u8], at: usize) -> Option<u128> {
    let start = at.checked_mul(ID_BYTES)?;
    let bytes = ids.get(start..start.checked_add(ID_BYTES)?)?;
    Some(u128::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Tables of a few databases with names that begin alike; ids and names are there once.
    fn tables() -> impl Strategy<Value = Vec<Listed>> {
        let table = (any::<u128>(), 0..4u128, "[ab]{0,3}[é_]?[0-9]{0,2}", any::<bool>());
        vec(table, 0..60).prop_map(|tables| {
            let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
            let listed = tables.into_iter().map(|(id, database, name, is_settled)| Listed {
                id: TableId(id),
                database: DatabaseId(database << 60),
                name: Text::from(name),
                is_settled,
            });
            listed.filter(|t| ids.insert(t.id) && names.insert((t.database, t.name.clone()))).collect()
        })
    }

    proptest! {
        #[test]
        fn finds_what_it_was_made_of_and_nothing_else(tables in tables(), others in tables()) {
            let record = TableDirectory::record(9, tables.clone()).unwrap();
            prop_assert_eq!(TableDirectory::version_of(&record).unwrap(), 9);
            let directory = TableDirectory::read(record).unwrap();
            prop_assert_eq!(directory.count(), tables.len());
            for table in tables.iter().chain(&others) {
                let at = |place: Option<usize>| place.and_then(|place| directory.listed(place));
                let named = tables.iter().find(|t| (t.database, &t.name) == (table.database, &table.name));
                prop_assert_eq!(at(directory.find(table.database, &table.name)), named.cloned());
                let known = tables.iter().find(|known| known.id == table.id);
                prop_assert_eq!(at(directory.find_id(table.id)), known.cloned());
            }
            let listed = |place| directory.listed(place).unwrap();
            let by_id: Vec<Listed> = directory.places_by_id().map(listed).collect();
            prop_assert!(by_id.is_sorted_by(|a, b| a.id < b.id) && by_id.len() == tables.len());
            let unsettled = directory.unsettled().map(|place| listed(place).id).collect::<BTreeSet<_>>();
            let expected = tables.iter().filter(|table| !table.is_settled);
            prop_assert_eq!(unsettled, expected.map(|table| table.id).collect::<BTreeSet<_>>());
            let mut found = 0;
            for database in 0..5u128 {
                let database = DatabaseId(database << 60);
                let names: Vec<_> = directory.places(database).filter_map(|at| directory.name(at)).collect();
                prop_assert!(names.is_sorted_by(|a, b| a < b));
                found += names.len();
            }
            prop_assert_eq!(found, tables.len());
            prop_assert_eq!(directory.listed(tables.len()), None);
        }

        #[test]
        fn bytes_that_are_not_those_written_are_refused(
            tables in tables(), at in any::<prop::sample::Index>(), bit in 0..8u32, cut in any::<bool>(),
        ) {
            let record = TableDirectory::record(9, tables).unwrap();
            let mut bytes = record.to_vec();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= 1 << bit;
            }
            let all = |directory: &TableDirectory| -> Vec<Option<Listed>> {
                (0..=directory.count()).map(|place| directory.listed(place)).collect()
            };
            // How deep an object is nested matters to nobody here.
            if let Ok(found) = TableDirectory::read(bytes.into()) {
                prop_assert_eq!(all(&found), all(&TableDirectory::read(record).unwrap()));
            }
        }
    }
}
