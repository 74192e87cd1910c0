//! The reader of backups: files as a whole, and content within files that are sound otherwise,
//! made after `docs/format-backup.md` rather than by the writer.

use std::io::{Cursor, Read};

use photondb_backup::{BackupError, BackupItem, BackupReader};
use photondb_storage::Batch;

use crate::pieces::{Cut, cuttings};

const HEADER_BYTES: usize = 80;
const VERSION: u32 = 1;
const PLAIN: u8 = 0;
const TOTALS: u8 = 2;
const MESSAGE_BYTES_MAX: usize = 8192;

pub(crate) fn check(bytes: &[u8]) {
    read_every_way(bytes);
    if let [kind, items, trees, block_bytes, content @ ..] = bytes {
        let file = file(*kind % 2 + 1, u64::from(*items), u64::from(*trees), *block_bytes, content);
        read_every_way(&file);
    }
}

/// A file in which everything is right but the content, perhaps.
fn file(kind: u8, items: u64, trees: u64, block_bytes: u8, content: &[u8]) -> Vec<u8> {
    let start = 7u64;
    let end = if kind == 1 { start } else { start + items };
    let mut out = vec![0; HEADER_BYTES];
    out[..8].copy_from_slice(b"PHOTOBAK");
    out[8..12].copy_from_slice(&VERSION.to_le_bytes());
    out[16] = kind;
    out[24..32].copy_from_slice(&start.to_le_bytes());
    out[40..48].copy_from_slice(&end.to_le_bytes());
    out[64..72].copy_from_slice(&items.to_le_bytes());
    let seed = crc32c::crc32c_append(crc32c::crc32c(&out[..12]), &out[16..]);
    out[12..16].copy_from_slice(&seed.to_le_bytes());
    let mut blocks = 0u32;
    for piece in content.chunks(usize::from(block_bytes) + 1) {
        put_block(&mut out, seed, blocks, PLAIN, piece);
        blocks += 1;
    }
    let mut totals = Vec::new();
    for number in [items, trees, content.len() as u64, 0, 0] {
        totals.extend_from_slice(&number.to_le_bytes());
    }
    totals.extend_from_slice(&blocks.to_le_bytes());
    totals.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
    put_block(&mut out, seed, blocks, TOTALS, &totals);
    out
}

fn put_block(out: &mut Vec<u8>, seed: u32, number: u32, form: u8, stored: &[u8]) {
    let length = (stored.len() as u32).to_le_bytes();
    let mut rest = [number.to_le_bytes(), length, [form, 0, 0, 0], [0; 4]].concat();
    rest.extend_from_slice(stored);
    let checksum = crc32c::crc32c_append(crc32c::crc32c_append(seed, &length), &rest);
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(&rest);
}

/// However the bytes arrive, the same items come out of them and the same error ends them.
fn read_every_way(bytes: &[u8]) {
    let at_once = read(Cursor::new(bytes));
    for pieces in cuttings(bytes) {
        assert_eq!(at_once, read(Cut::new(pieces)), "in pieces");
    }
    for item in &at_once.0 {
        if let BackupItem::Record { record, .. } = item
            && let Some(batch) = Batch::unseal(record)
        {
            assert!(batch.operations().count() == batch.len());
        }
    }
}

fn read(input: impl Read) -> (Vec<BackupItem>, Option<String>) {
    let mut items = Vec::new();
    let mut reader = match BackupReader::open("file", input) {
        Ok(reader) => reader,
        Err(error) => return (items, Some(message(&error))),
    };
    loop {
        match reader.next_item() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => {
                let totals = reader.totals().expect("all was read");
                assert_eq!((totals.items, reader.header().items), (items.len() as u64, items.len() as u64));
                return (items, None);
            }
            Err(error) => return (items, Some(message(&error))),
        }
    }
}

fn message(error: &BackupError) -> String {
    let message = error.to_string();
    assert!(message.len() < MESSAGE_BYTES_MAX, "a message must be readable");
    message
}
