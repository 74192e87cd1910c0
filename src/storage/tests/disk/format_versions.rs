//! Directories of earlier versions, and of later ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use photondb_storage::{
    Batch, DiskEngine, Engine, OpenOptions, RealDisk, SimulatedDisk, StorageError, TreeId, check,
};

use super::{contents, open, options, put};

#[test]
fn a_newer_format_says_so() {
    let disk = SimulatedDisk::new();
    open(&disk).close().unwrap();
    let mut bytes = disk.contents("data").unwrap();
    for copy in [0, 4096] {
        bytes[copy + 8] = 5;
        let block = &bytes[copy..copy + 4096];
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&block[..12]), &block[16..]);
        bytes[copy + 12..copy + 16].copy_from_slice(&checksum.to_le_bytes());
    }
    disk.set_contents("data", bytes);
    let error = DiskEngine::open(options(&disk)).err().unwrap();
    assert!(matches!(&error, StorageError::NewerFormat { found: 5, supported: 4, .. }), "{error}");
}

fn copy_directory(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What the committed directory of format version 1 holds.
fn fill(engine: &dyn Engine) {
    for n in 0..50u32 {
        let mut batch = Batch::new();
        batch.put(TreeId(1), n.to_be_bytes(), vec![n as u8; 10 + n as usize]);
        batch.put(TreeId(2), format!("a long common prefix/{n:03}"), n.to_le_bytes());
        if n.is_multiple_of(10) {
            batch.put(TreeId(3), n.to_be_bytes(), vec![n as u8; 2500]);
        }
        engine.commit(batch).unwrap();
        if n == 30 {
            engine.checkpoint().unwrap();
        }
    }
    let mut batch = Batch::new();
    batch.put(TreeId(4), b"gone", b"gone");
    batch.delete(TreeId(1), 7u32.to_be_bytes());
    batch.drop_tree(TreeId(4));
    engine.commit(batch).unwrap();
}

/// The directory of a format version, as it was written when that was the newest.
fn committed(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/format_v{version}"))
}

/// `PHOTONDB_WRITE_FORMAT=4` writes the directory of version 4.
#[test]
fn directories_of_all_format_versions_open() {
    if let Some(version) = std::env::var("PHOTONDB_WRITE_FORMAT").ok().and_then(|text| text.parse().ok()) {
        let directory = committed(version);
        std::fs::create_dir_all(&directory).unwrap();
        let disk = Arc::new(RealDisk::open(&directory).unwrap());
        let engine = DiskEngine::open(OpenOptions::new(disk)).unwrap();
        fill(&engine);
        engine.close().unwrap();
        std::fs::remove_file(directory.join("lock")).unwrap();
    }
    for version in 1..=4 {
        let directory = tempfile::tempdir().unwrap();
        copy_directory(&committed(version), directory.path());
        let disk = Arc::new(RealDisk::open(directory.path()).unwrap());
        let engine = DiskEngine::open(OpenOptions::new(disk)).unwrap();
        let memory = photondb_storage::MemoryEngine::new();
        fill(&memory);
        assert_eq!(contents(&engine).unwrap(), contents(&memory).unwrap());
        engine.scrub().unwrap();
        engine.close().unwrap();
        let report = check(directory.path()).unwrap();
        assert_eq!((report.problems, report.log_position), (Vec::<String>::new(), 51));
        live_on(directory.path());
    }
}

/// Changes what a directory holds, until none of it is where it was.
fn live_on(directory: &Path) {
    let options = || OpenOptions {
        compact_lost_bytes: 0,
        ..OpenOptions::new(Arc::new(RealDisk::open(directory).unwrap()))
    };
    let engine = DiskEngine::open(options()).unwrap();
    for n in 0..200 {
        put(&engine, n, 100 + 700 * n as usize).unwrap();
    }
    engine.checkpoint().unwrap();
    for tree in 1..4 {
        let mut batch = Batch::new();
        batch.drop_tree(TreeId(tree));
        engine.commit(batch).unwrap();
        engine.checkpoint().unwrap();
    }
    engine.compact(&|| true).unwrap();
    let expected = contents(&engine).unwrap();
    engine.close().unwrap();
    assert_eq!(check(directory).unwrap().problems, Vec::<String>::new());
    let engine = DiskEngine::open(options()).unwrap();
    assert_eq!(contents(&engine).unwrap(), expected);
}
