//! Reading an archive.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::description::TableDescription;
use crate::documents::Documents;
use crate::error::ArchiveError;
use crate::member::{Content, Member};

/// Tables of one archive, described or not.
const TABLES_MAX: usize = 1_000_000;
/// Bytes of the description of one table.
const DESCRIPTION_BYTES_MAX: u64 = 64 * 1024 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Where an archive comes from, to be read from the beginning as often as it is needed.
type Open = Box<dyn Fn() -> io::Result<Box<dyn Read>> + Send + Sync>;

/// A dump: a tape archive, compressed with gzip or not.
pub struct Archive {
    name: String,
    open: Open,
    tables: Vec<ArchivedTable>,
}

/// A table of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedTable {
    /// The database it belongs to, by its folder.
    pub database: String,
    /// Its name, by its file.
    pub table: String,
    /// What the archive says of it. Without, it is a table as any other, with `id` as its key.
    pub description: Option<TableDescription>,
    /// Bytes of the text of its documents.
    pub documents_bytes: u64,
}

impl Archive {
    /// Looks into a file.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file: PathBuf = path.to_owned();
        Self::read(path.display().to_string(), move || Ok(Box::new(File::open(&file)?)))
    }

    /// Looks into what `open` gives, which errors call by a name. It is read once for the
    /// descriptions, and once for each call of [`Archive::each`].
    pub fn read(
        name: String,
        open: impl Fn() -> io::Result<Box<dyn Read>> + Send + Sync + 'static,
    ) -> Result<Self, ArchiveError> {
        let mut archive = Self { name, open: Box::new(open), tables: Vec::new() };
        archive.tables = archive.look()?;
        Ok(archive)
    }

    /// The tables, in the order of their names.
    pub fn tables(&self) -> &[ArchivedTable] {
        &self.tables
    }

    fn look(&self) -> Result<Vec<ArchivedTable>, ArchiveError> {
        let mut tables: BTreeMap<(String, String), ArchivedTable> = BTreeMap::new();
        let mut with_documents = Vec::new();
        self.members(|member, path, length, source| {
            let key = (member.database.clone(), member.table.clone());
            if tables.len() >= TABLES_MAX && !tables.contains_key(&key) {
                return Err(ArchiveError::TooMany("a million tables"));
            }
            let table = tables.entry(key.clone()).or_insert_with(|| ArchivedTable {
                database: member.database,
                table: member.table,
                description: None,
                documents_bytes: 0,
            });
            match member.content {
                Content::Documents => {
                    table.documents_bytes = length;
                    with_documents.push(key);
                }
                Content::Description => table.description = Some(describe(path, source)?),
            }
            Ok(())
        })?;
        with_documents.sort_unstable();
        tables.retain(|key, _| with_documents.binary_search(key).is_ok());
        if tables.is_empty() {
            return Err(ArchiveError::NoTables);
        }
        Ok(tables.into_values().collect())
    }

    /// Gives the documents of each table, in the order of the archive. What is not read of them
    /// is skipped.
    pub fn each<E: From<ArchiveError>>(
        &self,
        mut visit: impl FnMut(&ArchivedTable, Documents<&mut dyn Read>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.members(|member, path, _, source| {
            let is_it =
                |table: &&ArchivedTable| table.database == member.database && table.table == member.table;
            match self.tables.iter().find(is_it) {
                Some(table) if member.content == Content::Documents => {
                    visit(table, Documents::new(path, source))
                }
                _ => Ok(()),
            }
        })
    }

    /// Goes through the members that mean something.
    fn members<E: From<ArchiveError>>(
        &self,
        mut visit: impl FnMut(Member, &str, u64, &mut dyn Read) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |operation| ArchiveError::io(operation, self.name.clone());
        let mut source = BufReader::new((self.open)().map_err(failed("open"))?);
        let is_compressed = source.fill_buf().map_err(failed("read"))?.starts_with(&GZIP_MAGIC);
        let source: Box<dyn Read> =
            if is_compressed { Box::new(MultiGzDecoder::new(source)) } else { Box::new(source) };
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries().map_err(failed("read"))? {
            let mut entry = entry.map_err(failed("read"))?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let length = entry.size();
            if let Some(member) = Member::parse(&path)? {
                visit(member, &path, length, &mut entry)?;
            }
        }
        Ok(())
    }
}

fn describe(path: &str, source: &mut dyn Read) -> Result<TableDescription, ArchiveError> {
    let mut text = Vec::new();
    let read = source.take(DESCRIPTION_BYTES_MAX + 1).read_to_end(&mut text);
    read.map_err(ArchiveError::io("read", path))?;
    if text.len() as u64 > DESCRIPTION_BYTES_MAX {
        return Err(ArchiveError::member(path, format!("is longer than {DESCRIPTION_BYTES_MAX} bytes")));
    }
    TableDescription::parse(path, &text)
}
