//! What a backup file says of itself: at its start, what it holds; at its end, how much that was.

use photondb_base::LogPosition;
use photondb_storage::LogMark;

use crate::error::BackupError;

pub(crate) const HEADER_BYTES: usize = 80;
pub(crate) const TOTALS_BYTES: usize = 48;
/// The version written, and the highest that is read.
pub(crate) const FORMAT_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"PHOTOBAK";
const BASE: u8 = 1;
const INCREMENT: u8 = 2;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackupKind {
    /// All trees at one position.
    Base,
    /// The log from one position to another.
    Increment,
}

/// The start of a backup file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// What kind of file it is.
    pub kind: BackupKind,
    /// What it goes on from; for a base the same as `end`.
    pub start: LogMark,
    /// What it leads to.
    pub end: LogMark,
    /// Everything that was written up to this moment is in the file or in front of it, and for a
    /// base nothing later: milliseconds since 1970.
    pub time_ms: u64,
    /// Entries of the trees, or records of the log.
    pub items: u64,
}

/// The end of a backup file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries of the trees, or records of the log.
    pub items: u64,
    /// Trees with entries; none for an increment.
    pub trees: u64,
    /// Bytes before they were compressed.
    pub content_bytes: u64,
    /// When the first record was written, in milliseconds since 1970; 0 when that is not known.
    pub first_time_ms: u64,
    /// When the last record was written.
    pub last_time_ms: u64,
    /// Blocks in front of this.
    pub blocks: u32,
    /// Checksum of the content of all blocks.
    pub checksum: u32,
}

impl BackupKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Increment => "increment",
        }
    }
}

impl FileHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let kind = match self.kind {
            BackupKind::Base => BASE,
            BackupKind::Increment => INCREMENT,
        };
        put(&mut out, 0, MAGIC);
        put(&mut out, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut out, 16, &[kind]);
        let numbers = [
            self.start.position.0,
            self.start.chain,
            self.end.position.0,
            self.end.chain,
            self.time_ms,
            self.items,
        ];
        for (index, number) in numbers.into_iter().enumerate() {
            put(&mut out, 24 + 8 * index, &number.to_le_bytes());
        }
        let checksum = checksum(&out);
        put(&mut out, 12, &checksum.to_le_bytes());
        out
    }

    /// Where the checksums of the blocks behind a header start from.
    pub(crate) fn seed(header: &[u8; HEADER_BYTES]) -> u32 {
        u32_at(header, 12)
    }

    /// Reads a header. Gives also where the checksums of the blocks behind it start from.
    pub(crate) fn decode(file: &str, bytes: &[u8]) -> Result<(Self, u32), BackupError> {
        let bytes: &[u8; HEADER_BYTES] =
            bytes.try_into().map_err(|_| BackupError::damaged(file, 0, "it ends before its header does"))?;
        if !bytes.starts_with(MAGIC) {
            return Err(BackupError::damaged(file, 0, "this is no backup"));
        }
        let seed = Self::seed(bytes);
        if checksum(bytes) != seed {
            return Err(BackupError::damaged(file, 0, "the checksum of the header does not match"));
        }
        let found = u32_at(bytes, 8);
        if found > FORMAT_VERSION {
            let supported = FORMAT_VERSION;
            return Err(BackupError::NewerFormat { file: file.to_owned(), found, supported });
        }
        let kind = match bytes[16] {
            BASE => BackupKind::Base,
            INCREMENT => BackupKind::Increment,
            _ => return Err(BackupError::damaged(file, 16, "this kind of backup is not known")),
        };
        let number = |index: usize| u64_at(bytes, 24 + 8 * index);
        let mark = |index| LogMark { position: LogPosition(number(index)), chain: number(index + 1) };
        let header = Self { kind, start: mark(0), end: mark(2), time_ms: number(4), items: number(5) };
        if header.is_sound() {
            Ok((header, seed))
        } else {
            Err(BackupError::damaged(file, 24, "the header makes no sense"))
        }
    }

    fn is_sound(&self) -> bool {
        let (start, end) = (self.start.position.0, self.end.position.0);
        match self.kind {
            BackupKind::Base => self.start == self.end,
            BackupKind::Increment => start.checked_add(self.items) == Some(end) && self.items > 0,
        }
    }
}

impl Totals {
    pub(crate) fn encode(&self) -> [u8; TOTALS_BYTES] {
        let mut out = [0; TOTALS_BYTES];
        let numbers = [self.items, self.trees, self.content_bytes, self.first_time_ms, self.last_time_ms];
        for (index, number) in numbers.into_iter().enumerate() {
            put(&mut out, 8 * index, &number.to_le_bytes());
        }
        put(&mut out, 40, &self.blocks.to_le_bytes());
        put(&mut out, 44, &self.checksum.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; TOTALS_BYTES] = bytes.try_into().ok()?;
        let number = |index: usize| u64_at(bytes, 8 * index);
        Some(Self {
            items: number(0),
            trees: number(1),
            content_bytes: number(2),
            first_time_ms: number(3),
            last_time_ms: number(4),
            blocks: u32_at(bytes, 40),
            checksum: u32_at(bytes, 44),
        })
    }
}

fn checksum(header: &[u8; HEADER_BYTES]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..])
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    out[at..at + bytes.len()].copy_from_slice(bytes);
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
