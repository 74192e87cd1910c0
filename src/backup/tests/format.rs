//! The bytes of a file: every damage is found, and strangers' bytes do no harm.

mod support;

use std::io::Cursor;

use photondb_backup::{BackupError, BackupItem, BackupReader, BackupStream, FileHeader, LogMark, Totals};
use photondb_storage::{Engine, LogPosition};
use proptest::prelude::*;
use support::Server;

fn base(server: &Server) -> Vec<u8> {
    bytes(BackupStream::base(&*server.engine, &*server.clock).unwrap())
}

fn increment(server: &Server, after: u64) -> Vec<u8> {
    let mark = server.engine.log_mark(LogPosition(after)).unwrap();
    bytes(BackupStream::increment(&*server.engine, &*server.clock, mark).unwrap().unwrap())
}

fn bytes(mut stream: BackupStream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(piece) = stream.next_piece().unwrap() {
        all.extend_from_slice(&piece);
    }
    all
}

fn read(bytes: &[u8]) -> Result<(FileHeader, Vec<BackupItem>, Totals), BackupError> {
    let mut reader = BackupReader::open("file", Cursor::new(bytes))?;
    let mut items = Vec::new();
    while let Some(item) = reader.next_item()? {
        items.push(item);
    }
    Ok((*reader.header(), items, *reader.totals().unwrap()))
}

fn small() -> [Vec<u8>; 2] {
    let server = Server::new();
    server.put_all(1..=12);
    [base(&server), increment(&server, 3)]
}

#[test]
fn files_read_back_as_they_were_written() {
    let server = Server::new();
    server.put_all(1..=130);
    let (header, items, totals) = read(&base(&server)).unwrap();
    let found: support::Contents = items
        .into_iter()
        .map(|item| match item {
            BackupItem::Entry { tree, key, value } => ((tree.0, key.to_vec()), value.to_vec()),
            BackupItem::Record { .. } => panic!("a base holds entries"),
        })
        .collect();
    assert_eq!(found, support::expected(130));
    assert_eq!((header.items, header.time_ms), (totals.items, Server::time_ms(130)));
    assert!(totals.blocks > 1);

    let (header, items, totals) = read(&increment(&server, 30)).unwrap();
    assert_eq!((header.start.position, header.end.position), (LogPosition(30), LogPosition(130)));
    assert_eq!((totals.first_time_ms, totals.last_time_ms), (Server::time_ms(31), Server::time_ms(130)));
    for (n, item) in (31..).zip(items) {
        let BackupItem::Record { position, time_ms, record } = item else { panic!("a record") };
        assert_eq!((position, time_ms), (LogPosition(n), Some(Server::time_ms(n))));
        let batch = photondb_storage::Batch::unseal(&record).unwrap();
        assert!(batch.operations().eq(support::batch(n).operations()));
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for good in small() {
        read(&good).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            assert!(read(&bad).is_err(), "byte {at} of {}", good.len());
        }
    }
}

#[test]
fn every_cut_and_every_surplus_is_found() {
    for good in small() {
        for end in 0..good.len() {
            assert!(matches!(read(&good[..end]), Err(BackupError::Damaged { .. })), "cut at {end}");
        }
        let longer = [good.as_slice(), &[0]].concat();
        assert!(matches!(read(&longer), Err(BackupError::Damaged { .. })));
        let twice = [good.as_slice(), good.as_slice()].concat();
        assert!(matches!(read(&twice), Err(BackupError::Damaged { .. })));
    }
}

#[test]
fn blocks_do_not_move_within_a_file_or_between_files() {
    let server = Server::new();
    server.put_all(1..=130);
    let pieces = |mut stream: BackupStream| {
        let mut pieces = Vec::new();
        while let Some(piece) = stream.next_piece().unwrap() {
            pieces.push(piece.to_vec());
        }
        pieces
    };
    let one = pieces(BackupStream::base(&*server.engine, &*server.clock).unwrap());
    server.clock.advance_us(1_000_000);
    let other = pieces(BackupStream::base(&*server.engine, &*server.clock).unwrap());
    assert!(one.len() > 5 && one.len() == other.len());
    read(&one.concat()).unwrap();
    for (a, b) in [(1, 2), (2, 4)] {
        let mut swapped = one.clone();
        swapped.swap(a, b);
        assert!(read(&swapped.concat()).is_err());
    }
    for at in 1..one.len() {
        let mut mixed = one.clone();
        mixed[at].clone_from(&other[at]);
        assert!(read(&mixed.concat()).is_err(), "piece {at}");
        let mut without = one.clone();
        without.remove(at);
        assert!(read(&without.concat()).is_err(), "piece {at}");
        let mut repeated = one.clone();
        repeated.insert(at, one[at].clone());
        assert!(read(&repeated.concat()).is_err(), "piece {at}");
    }
}

#[test]
fn an_increment_of_another_log_is_not_begun() {
    let (server, other) = (Server::new(), Server::new());
    server.put_all(1..=3);
    other.put_all(1..=3);
    let foreign = other.engine.log_mark(LogPosition(2)).unwrap();
    for mark in [foreign, LogMark { position: LogPosition(9), chain: 0 }] {
        let result = BackupStream::increment(&*server.engine, &*server.clock, mark);
        assert!(matches!(result, Err(BackupError::Discontinued { .. })));
    }
}

proptest! {
    #[test]
    fn bytes_of_strangers_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), keep in 0..200usize) {
        assert!(read(&bytes).is_err());
        let good = &small()[bytes.len() % 2];
        let mixed = [&good[..keep.min(good.len())], bytes.as_slice()].concat();
        prop_assume!(mixed != *good);
        assert!(read(&mixed).is_err());
    }
}
