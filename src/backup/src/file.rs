//! Files of a set: one that is there, and one that comes to be.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::block::{BLOCK_HEADER_BYTES, BlockReader, TOTALS_BLOCK_BYTES, last_totals};
use crate::error::BackupError;
use crate::header::{BackupKind, FileHeader, HEADER_BYTES, Totals};
use crate::reader::BackupReader;

const EXTENSION: &str = ".backup";
const PARTIAL: &str = ".partial";
/// Digits of the number that names begin with.
const NUMBER_DIGITS: usize = 6;

/// A whole file of a set, by its two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its place in the order in which files came into the set.
    pub number: u32,
    /// What it holds.
    pub header: FileHeader,
    /// How much that is.
    pub totals: Totals,
    /// Its length.
    pub bytes: u64,
}

impl BackupFile {
    /// Reads both ends of a file.
    pub(crate) fn open(path: &Path, number: u32) -> Result<Self, BackupError> {
        let name = name_of(path);
        let mut file = File::open(path).map_err(BackupError::io("open", path))?;
        let bytes = file.metadata().map_err(BackupError::io("measure", path))?.len();
        if bytes < (HEADER_BYTES + TOTALS_BLOCK_BYTES) as u64 {
            return Err(BackupError::damaged(&name, 0, "it ends too early"));
        }
        let mut head = [0; HEADER_BYTES];
        file.read_exact(&mut head).map_err(BackupError::io("read", path))?;
        let (header, seed) = FileHeader::decode(&name, &head)?;
        let mut last = [0; TOTALS_BLOCK_BYTES];
        let at = bytes - TOTALS_BLOCK_BYTES as u64;
        file.seek(SeekFrom::Start(at)).map_err(BackupError::io("read", path))?;
        file.read_exact(&mut last).map_err(BackupError::io("read", path))?;
        let cut = || BackupError::damaged(&name, at, "its end is missing");
        let totals = last_totals(seed, &last).ok_or_else(cut)?;
        Ok(Self { path: path.to_owned(), number, header, totals, bytes })
    }

    /// The name of the file.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Reads what is in it.
    pub fn read(&self) -> Result<BackupReader<impl Read + use<>>, BackupError> {
        let file = File::open(&self.path).map_err(BackupError::io("open", &self.path))?;
        BackupReader::open(&self.name(), std::io::BufReader::with_capacity(1 << 20, file))
    }
}

/// The number that a name begins with; `None` when it is no name of a backup.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    let (digits, rest) = name.split_at_checked(NUMBER_DIGITS)?;
    let is_ours = digits.bytes().all(|digit| digit.is_ascii_digit());
    let is_whole = rest.starts_with('-') && rest.ends_with(EXTENSION);
    (is_ours && is_whole).then(|| digits.parse().ok()).flatten()
}

/// Whether a name is one of a file that never became whole.
pub(crate) fn is_partial(name: &str) -> bool {
    name.strip_suffix(PARTIAL).is_some_and(|digits| {
        digits.len() == NUMBER_DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn whole_name(number: u32, header: &FileHeader) -> String {
    let end = header.end.position.0;
    match header.kind {
        BackupKind::Base => format!("{number:06}-base-{end}{EXTENSION}"),
        BackupKind::Increment => {
            format!("{number:06}-increment-{}-{end}{EXTENSION}", header.start.position.0)
        }
    }
}

/// A file that comes to be, piece by piece. It counts only once it is whole and durable; without
/// that it leaves nothing behind.
pub(crate) struct PendingFile {
    directory: PathBuf,
    partial: PathBuf,
    number: u32,
    file: File,
    header: Option<FileHeader>,
    blocks: Option<BlockReader>,
    totals: Option<Totals>,
    bytes: u64,
    /// Entries or records in it so far.
    items: u64,
}

impl PendingFile {
    pub(crate) fn create(directory: &Path, number: u32) -> Result<Self, BackupError> {
        let partial = directory.join(format!("{number:06}{PARTIAL}"));
        let file = File::create(&partial).map_err(BackupError::io("create", &partial))?;
        Ok(Self {
            directory: directory.to_owned(),
            partial,
            number,
            file,
            header: None,
            blocks: None,
            totals: None,
            bytes: 0,
            items: 0,
        })
    }

    /// What the first piece said.
    pub(crate) fn header(&self) -> Option<&FileHeader> {
        self.header.as_ref()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Checks a piece and writes it.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), BackupError> {
        self.check(piece)?;
        self.file.write_all(piece).map_err(BackupError::io("write", &self.partial))?;
        self.bytes += piece.len() as u64;
        Ok(())
    }

    fn check(&mut self, piece: &[u8]) -> Result<(), BackupError> {
        let name = name_of(&self.partial);
        let Some(blocks) = &mut self.blocks else {
            let (header, seed) = FileHeader::decode(&name, piece)?;
            (self.header, self.blocks) = (Some(header), Some(BlockReader::new(seed)));
            return Ok(());
        };
        let damaged = |detail| BackupError::damaged(&name, self.bytes, detail);
        if self.totals.is_some() {
            return Err(damaged("there is something behind the end"));
        }
        let (head, stored) =
            piece.split_first_chunk::<BLOCK_HEADER_BYTES>().ok_or_else(|| damaged("a piece is too short"))?;
        let header = blocks.check(head, stored).map_err(damaged)?;
        self.items += u64::from(header.items);
        if header.is_totals() {
            self.totals = Totals::decode(stored);
        }
        Ok(())
    }

    /// Makes the file durable and gives it its name.
    pub(crate) fn finish(mut self) -> Result<BackupFile, BackupError> {
        let (Some(header), Some(totals)) = (self.header.take(), self.totals) else {
            let detail = "the last of it never came";
            return Err(BackupError::damaged(&name_of(&self.partial), self.bytes, detail));
        };
        self.file.sync_all().map_err(BackupError::io("sync", &self.partial))?;
        let path = self.directory.join(whole_name(self.number, &header));
        fs::rename(&self.partial, &path).map_err(BackupError::io("rename", &self.partial))?;
        sync_directory(&self.directory)?;
        Ok(BackupFile { path, number: self.number, header, totals, bytes: self.bytes })
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        // Gone already when it was finished; the next backup removes what stays.
        fs::remove_file(&self.partial).ok();
    }
}

pub(crate) fn sync_directory(directory: &Path) -> Result<(), BackupError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(BackupError::io("sync", directory))
}
