//! Reading what a backup file holds, checking every byte of it.

use std::io::{ErrorKind, Read};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use photondb_base::{LogPosition, TreeId};

use crate::block::{BLOCK_HEADER_BYTES, Block, BlockHeader, BlockReader};
use crate::content::{Item, take_item};
use crate::error::BackupError;
use crate::header::{BackupKind, FileHeader, HEADER_BYTES, Totals};

/// Something that a backup file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupItem {
    /// Of a base: an entry of a tree. They ascend by tree and key.
    Entry {
        /// The tree.
        tree: TreeId,
        /// The key.
        key: Bytes,
        /// The value.
        value: Bytes,
    },
    /// Of an increment: a record of the log. Their positions follow each other.
    Record {
        /// The position that it had.
        position: LogPosition,
        /// When it was written, to a tenth of a second, in milliseconds since 1970; `None` when
        /// the log did not tell.
        time_ms: Option<u64>,
        /// An encoded batch.
        record: Bytes,
    },
}

/// Reads a backup file from its start to its end, one item after the other.
pub struct BackupReader<R> {
    file: String,
    input: R,
    offset: u64,
    header: FileHeader,
    blocks: BlockReader,
    content: BytesMut,
    tree: Option<TreeId>,
    time_ms: Option<u64>,
    /// Entries or records given out.
    items: u64,
    trees: u64,
    totals: Option<Totals>,
}

impl<R: Read> BackupReader<R> {
    /// Reads the header. Errors name the file as `file`.
    pub fn open(file: &str, mut input: R) -> Result<Self, BackupError> {
        let mut bytes = [0; HEADER_BYTES];
        let offset = read(file, &mut input, 0, &mut bytes)?;
        let (header, seed) = FileHeader::decode(file, &bytes)?;
        Ok(Self {
            file: file.to_owned(),
            input,
            offset,
            header,
            blocks: BlockReader::new(seed),
            content: BytesMut::new(),
            tree: None,
            time_ms: None,
            items: 0,
            trees: 0,
            totals: None,
        })
    }

    /// What the file holds.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// The totals, once all has been read.
    pub fn totals(&self) -> Option<&Totals> {
        self.totals.as_ref()
    }

    /// Bytes of the file that were read.
    pub fn bytes_read(&self) -> u64 {
        self.offset
    }

    /// The next item. `None` only when all of the file was read and is whole.
    pub fn next_item(&mut self) -> Result<Option<BackupItem>, BackupError> {
        loop {
            match take_item(&mut self.content).map_err(|detail| self.damaged(detail))? {
                Some(item) => {
                    if let Some(item) = self.place(item)? {
                        self.items += 1;
                        return Ok(Some(item));
                    }
                }
                None if self.totals.is_some() => return Ok(None),
                None => self.read_block()?,
            }
        }
    }

    /// Reads and checks all that is left.
    pub fn read_to_end(&mut self) -> Result<Totals, BackupError> {
        while self.next_item()?.is_some() {}
        Ok(self.totals.unwrap_or_default())
    }

    /// Says where in trees or log an item is; `None` for one that says so of those behind it.
    fn place(&mut self, item: Item) -> Result<Option<BackupItem>, BackupError> {
        match (self.header.kind, item) {
            (BackupKind::Base, Item::Tree(tree)) if self.tree.is_none_or(|before| before < tree) => {
                self.tree = Some(tree);
                self.trees += 1;
                Ok(None)
            }
            (BackupKind::Base, Item::Entry { key, value }) => {
                let tree = self.tree.ok_or_else(|| self.damaged("an entry is of no tree"))?;
                Ok(Some(BackupItem::Entry { tree, key, value }))
            }
            (BackupKind::Increment, Item::Time(time_ms)) => {
                self.time_ms = Some(time_ms);
                Ok(None)
            }
            (BackupKind::Increment, Item::Record(record)) => {
                let position = self.header.start.position.0 + self.items + 1;
                if position > self.header.end.position.0 {
                    return Err(self.damaged("there are more records than there are positions"));
                }
                Ok(Some(BackupItem::Record {
                    position: LogPosition(position),
                    time_ms: self.time_ms,
                    record,
                }))
            }
            _ => Err(self.damaged("the content is not of this kind of backup")),
        }
    }

    fn read_block(&mut self) -> Result<(), BackupError> {
        let start = self.offset;
        let mut head = [0; BLOCK_HEADER_BYTES];
        self.offset = read(&self.file, &mut self.input, self.offset, &mut head)?;
        let at_start = |detail| BackupError::damaged(&self.file, start, detail);
        let header = BlockHeader::decode(&head).map_err(at_start)?;
        let mut stored = vec![0; header.stored_bytes];
        self.offset = read(&self.file, &mut self.input, self.offset, &mut stored)?;
        match self.blocks.open(&head, &stored).map_err(at_start)? {
            Block::Content(content) => self.content.extend_from_slice(&content),
            Block::Totals(totals) => self.close(totals)?,
        }
        Ok(())
    }

    fn close(&mut self, totals: Totals) -> Result<(), BackupError> {
        let is_all = self.content.is_empty()
            && (totals.items, totals.trees) == (self.items, self.trees)
            && totals.items == self.header.items;
        if !is_all {
            return Err(self.damaged("there is less in it than it says"));
        }
        let mut more = [0; 1];
        match read(&self.file, &mut self.input, self.offset, &mut more) {
            Err(BackupError::Damaged { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(self.damaged("there is something behind the end")),
        }
        self.totals = Some(totals);
        Ok(())
    }

    fn damaged(&self, detail: &'static str) -> BackupError {
        BackupError::damaged(&self.file, self.offset, detail)
    }
}

/// Fills a buffer from an offset. Gives the offset behind it.
fn read(file: &str, input: &mut impl Read, offset: u64, buffer: &mut [u8]) -> Result<u64, BackupError> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(offset + buffer.len() as u64),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(BackupError::damaged(file, offset, "it ends too early"))
        }
        Err(error) => Err(BackupError::io("read", Path::new(file))(error)),
    }
}
