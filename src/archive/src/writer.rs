//! Writing an archive.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use photondb_datum::{Datum, json};

use crate::description::TableDescription;
use crate::error::ArchiveError;
use crate::member::{Content, Member};

/// Level of compression: most of what the best one gains, in a third of its time.
const COMPRESSION_LEVEL: u32 = 3;
const MEMBER_MODE: u32 = 0o644;
const BUFFER_BYTES: usize = 256 * 1024;

/// An archive that is being written.
pub struct ArchiveWriter<W: Write> {
    archive: tar::Builder<GzEncoder<W>>,
    top: String,
    /// When the members were made, in seconds.
    time: u64,
}

/// The documents of one table, set aside until their length is known: the archive tells the
/// length of a member before its content.
pub struct TableSpool {
    file: BufWriter<File>,
    text: Vec<u8>,
    documents: u64,
}

impl TableSpool {
    /// Sets documents aside in a nameless file of a folder.
    pub fn new(folder: &Path) -> Result<Self, ArchiveError> {
        let file = tempfile::tempfile_in(folder);
        let file = file.map_err(ArchiveError::io("create a file in", folder.display().to_string()))?;
        Ok(Self { file: BufWriter::with_capacity(BUFFER_BYTES, file), text: Vec::new(), documents: 0 })
    }

    /// Adds a document.
    pub fn push(&mut self, document: &Datum) -> Result<(), ArchiveError> {
        self.text.clear();
        self.text.extend_from_slice(if self.documents == 0 { b"[\n" } else { b",\n" });
        let written = json::write(document, &mut self.text);
        written.map_err(|error| ArchiveError::member("a document", error.to_string()))?;
        self.documents += 1;
        self.file.write_all(&self.text).map_err(failed)
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The text from its beginning, and its length.
    fn finish(mut self) -> Result<(File, u64), ArchiveError> {
        self.file.write_all(if self.documents == 0 { b"[\n]\n" } else { b"\n]\n" }).map_err(failed)?;
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        let length = file.stream_position().map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok((file, length))
    }
}

fn failed(error: std::io::Error) -> ArchiveError {
    ArchiveError::io("write", "the documents of a table, set aside")(error)
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive whose members lie in a folder `top`.
    pub fn new(out: W, top: &str, time_seconds: u64) -> Self {
        let out = GzEncoder::new(out, Compression::new(COMPRESSION_LEVEL));
        Self { archive: tar::Builder::new(out), top: top.to_owned(), time: time_seconds }
    }

    /// Adds a table.
    pub fn add(&mut self, description: &TableDescription, documents: TableSpool) -> Result<(), ArchiveError> {
        let text = description.write()?;
        self.append(description, Content::Description, text.len() as u64, text.as_slice())?;
        let (file, length) = documents.finish()?;
        self.append(description, Content::Documents, length, file)
    }

    fn append(
        &mut self,
        description: &TableDescription,
        content: Content,
        length: u64,
        source: impl Read,
    ) -> Result<(), ArchiveError> {
        let (database, table) = (description.database.clone(), description.table.clone());
        let path = Member { database, table, content }.path(&self.top);
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(MEMBER_MODE);
        header.set_mtime(self.time);
        let appended = self.archive.append_data(&mut header, &path, source);
        appended.map_err(ArchiveError::io("write", path))
    }

    /// Ends the archive and gives back where it was written to.
    pub fn finish(self) -> Result<W, ArchiveError> {
        let out = self.archive.into_inner().and_then(GzEncoder::finish);
        out.map_err(ArchiveError::io("write", "the end of the archive"))
    }
}
