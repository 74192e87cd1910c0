//! Blocks: content, compressed, under a checksum that knows the file and the place in it.

use bytes::Bytes;

use crate::header::{TOTALS_BYTES, Totals, u32_at};

/// Most content of a block, in bytes.
pub(crate) const CONTENT_BYTES_MAX: usize = 256 * 1024;
pub(crate) const BLOCK_HEADER_BYTES: usize = 24;
/// Content that does not get shorter is stored as it is, so that no block is longer.
const STORED_BYTES_MAX: usize = CONTENT_BYTES_MAX;

const PLAIN: u8 = 0;
const LZ4: u8 = 1;
const TOTALS: u8 = 2;

/// Makes blocks, one behind the other.
pub(crate) struct BlockWriter {
    seed: u32,
    number: u32,
    content_checksum: u32,
}

/// Reads blocks, one behind the other.
pub(crate) struct BlockReader {
    seed: u32,
    number: u32,
    content_checksum: u32,
    content_bytes: u64,
}

/// The head of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockHeader {
    /// Bytes that follow.
    pub stored_bytes: usize,
    checksum: u32,
    number: u32,
    content_bytes: usize,
    form: u8,
    /// Entries or records that begin in it.
    pub items: u32,
}

/// What a block holds.
#[derive(Debug)]
pub(crate) enum Block {
    Content(Bytes),
    /// The end of the file.
    Totals(Totals),
}

impl BlockWriter {
    pub(crate) fn new(seed: u32) -> Self {
        Self { seed, number: 0, content_checksum: 0 }
    }

    /// The block of some content, in which so many items begin.
    pub(crate) fn content(&mut self, content: &[u8], items: u32) -> Bytes {
        self.content_checksum = crc32c::crc32c_append(self.content_checksum, content);
        let compressed = lz4_flex::block::compress(content);
        if compressed.len() < content.len() {
            self.block(LZ4, content.len(), items, &compressed)
        } else {
            self.block(PLAIN, content.len(), items, content)
        }
    }

    /// The last block.
    pub(crate) fn totals(&mut self, totals: Totals) -> Bytes {
        let totals = Totals { blocks: self.number, checksum: self.content_checksum, ..totals };
        self.block(TOTALS, TOTALS_BYTES, 0, &totals.encode())
    }

    fn block(&mut self, form: u8, content_bytes: usize, items: u32, stored: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(BLOCK_HEADER_BYTES + stored.len());
        out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&(content_bytes as u32).to_le_bytes());
        out.extend_from_slice(&[form, 0, 0, 0]);
        out.extend_from_slice(&items.to_le_bytes());
        out.extend_from_slice(stored);
        let checksum = checksum(self.seed, &out, &[]);
        out[4..8].copy_from_slice(&checksum.to_le_bytes());
        self.number += 1;
        out.into()
    }
}

impl BlockReader {
    pub(crate) fn new(seed: u32) -> Self {
        Self { seed, number: 0, content_checksum: 0, content_bytes: 0 }
    }

    /// Checks the block that comes next; says what is wrong with it.
    pub(crate) fn check(
        &mut self,
        head: &[u8; BLOCK_HEADER_BYTES],
        stored: &[u8],
    ) -> Result<BlockHeader, &'static str> {
        let header = BlockHeader::decode(head)?;
        if header.stored_bytes != stored.len() || checksum(self.seed, head, stored) != header.checksum {
            return Err("the checksum of a block does not match");
        }
        if header.number != self.number {
            return Err("a block is not at its place");
        }
        self.number += 1;
        Ok(header)
    }

    /// Checks the block that comes next, and opens it.
    pub(crate) fn open(
        &mut self,
        head: &[u8; BLOCK_HEADER_BYTES],
        stored: &[u8],
    ) -> Result<Block, &'static str> {
        let header = self.check(head, stored)?;
        let content = match header.form {
            PLAIN => Bytes::copy_from_slice(stored),
            LZ4 => lz4_flex::block::decompress(stored, header.content_bytes)
                .map_err(|_| "a block cannot be unpacked")?
                .into(),
            _ => {
                let totals = Totals::decode(stored).ok_or("the totals make no sense")?;
                return if self.is_all(&totals) {
                    Ok(Block::Totals(totals))
                } else {
                    Err("blocks are missing")
                };
            }
        };
        if content.len() != header.content_bytes {
            return Err("a block has another length than it says");
        }
        self.content_checksum = crc32c::crc32c_append(self.content_checksum, &content);
        self.content_bytes += content.len() as u64;
        Ok(Block::Content(content))
    }

    fn is_all(&self, totals: &Totals) -> bool {
        totals.blocks + 1 == self.number
            && totals.checksum == self.content_checksum
            && totals.content_bytes == self.content_bytes
    }
}

impl BlockHeader {
    pub(crate) fn decode(head: &[u8; BLOCK_HEADER_BYTES]) -> Result<Self, &'static str> {
        let header = Self {
            stored_bytes: u32_at(head, 0) as usize,
            checksum: u32_at(head, 4),
            number: u32_at(head, 8),
            content_bytes: u32_at(head, 12) as usize,
            form: head[16],
            items: u32_at(head, 20),
        };
        let is_known = matches!(header.form, PLAIN | LZ4 | TOTALS);
        if !is_known || header.stored_bytes > STORED_BYTES_MAX || header.content_bytes > CONTENT_BYTES_MAX {
            return Err("the head of a block makes no sense");
        }
        Ok(header)
    }

    pub(crate) fn is_totals(&self) -> bool {
        self.form == TOTALS
    }
}

/// Bytes that the last block of a file takes.
pub(crate) const TOTALS_BLOCK_BYTES: usize = BLOCK_HEADER_BYTES + TOTALS_BYTES;

/// The totals of a file by its last bytes, whatever stands in front of them.
pub(crate) fn last_totals(seed: u32, block: &[u8]) -> Option<Totals> {
    let (head, stored) = block.split_first_chunk::<BLOCK_HEADER_BYTES>()?;
    let header = BlockHeader::decode(head).ok()?;
    let is_whole = header.is_totals() && checksum(seed, head, stored) == header.checksum;
    if is_whole { Totals::decode(stored) } else { None }
}

/// The checksum of a block in two pieces; its own four bytes are left out.
fn checksum(seed: u32, head: &[u8], rest: &[u8]) -> u32 {
    let checksum = crc32c::crc32c_append(seed, &head[..4]);
    crc32c::crc32c_append(crc32c::crc32c_append(checksum, &head[8..]), rest)
}
