//! The reader of dumps: archives as a whole, and the documents in them. Every input is tried
//! as both.

use std::io::{Cursor, Read};

use photondb_archive::{Archive, ArchiveError, ArchiveWriter, Documents, TableSpool};
use photondb_datum::Datum;

use crate::pieces::{Cut, cuttings};

/// Documents beyond this are refused, so that the limit is crossed too.
const DOCUMENT_BYTES_MAX: usize = 512;
/// A few compressed bytes can be a flood of small documents.
const DOCUMENTS_MAX: usize = 2000;
const MESSAGE_BYTES_MAX: usize = 8192;

pub(crate) fn check(bytes: &[u8]) {
    documents(bytes);
    archive(bytes);
}

/// However the text arrives, the same documents come out of it and the same error ends them.
fn documents(text: &[u8]) {
    let at_once = read(Documents::new("rows", text));
    for pieces in cuttings(text) {
        let cut = Cut::new(pieces);
        assert_eq!(at_once, read(Documents::new("rows", cut)), "in pieces");
    }
    let mut source = Documents::new("rows", text).with_document_bytes_max(usize::MAX);
    while let Ok(Some(_)) = source.next_text() {
        assert!(source.bytes_read() <= text.len() as u64);
    }
}

fn read<R: Read>(documents: Documents<R>) -> (Vec<Datum>, Option<String>) {
    let mut documents = documents.with_document_bytes_max(DOCUMENT_BYTES_MAX);
    let mut read = Vec::new();
    loop {
        match documents.next_document() {
            Ok(Some(document)) => read.push(document),
            Ok(None) => return (read, None),
            Err(error) => return (read, Some(message(&error))),
        }
    }
}

fn message(error: &ArchiveError) -> String {
    let message = error.to_string();
    assert!(message.len() < MESSAGE_BYTES_MAX, "a message must be readable");
    message
}

/// What can be read of an archive can be written, and is the same when it is read again.
fn archive(bytes: &[u8]) {
    let archive = match open(bytes) {
        Ok(archive) => archive,
        Err(error) => return drop(message(&error)),
    };
    let mut writer = ArchiveWriter::new(Vec::new(), "dump", 0);
    let mut written = Vec::new();
    let visited = archive.each(|table, documents| {
        let mut spool = TableSpool::new(&std::env::temp_dir()).expect("a file can be made");
        let documents = documents.with_document_bytes_max(DOCUMENT_BYTES_MAX);
        let documents = documents.take(DOCUMENTS_MAX).collect::<Result<Vec<_>, _>>()?;
        let Some(description) = &table.description else { return Ok(()) };
        for document in &documents {
            spool.push(document)?;
        }
        assert_eq!(spool.documents(), documents.len() as u64);
        writer.add(description, spool)?;
        written.push((description.clone(), documents));
        Ok::<_, ArchiveError>(())
    });
    if let Err(error) = visited {
        return drop(message(&error));
    }
    let again = match open(&writer.finish().expect("memory takes all")) {
        Ok(again) => again,
        // A description may name a table as no member can be called.
        Err(error) => return drop(message(&error)),
    };
    let mut read = Vec::new();
    let visited = again.each(|table, documents| {
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        read.push((table.description.clone().expect("it was written"), documents));
        Ok::<_, ArchiveError>(())
    });
    visited.expect("what was written can be read");
    if again.tables().len() == written.len() {
        assert_eq!(read, written);
    }
}

fn open(bytes: &[u8]) -> Result<Archive, ArchiveError> {
    let bytes = bytes.to_vec();
    Archive::read("dump".to_owned(), move || Ok(Box::new(Cursor::new(bytes.clone()))))
}
