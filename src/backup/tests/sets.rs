//! Sets that grow, and what they restore.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use photondb_backup::{
    BackupError, BackupKind, BackupMode, BackupSet, EngineSource, Moment, Restored, restore,
    restore_directory, take,
};
use photondb_base::SystemClock;
use photondb_storage::{
    Batch, Cut, Disk, DiskEngine, Engine, LogPosition, OpenOptions, RealDisk, SimulatedDisk, StorageError,
    TreeId,
};
use support::{Contents, Server, contents, contents_of, expected, open};

fn restored(directory: &Path, moment: Moment) -> Result<(Restored, Contents), BackupError> {
    let plan = BackupSet::open(directory)?.plan(moment)?;
    let disk = SimulatedDisk::new();
    let restored = restore(&plan, &(Arc::new(disk.clone()) as Arc<dyn Disk>), &mut |_| true)?;
    Ok((restored, contents_of(&disk)))
}

fn names(directory: &Path) -> Vec<String> {
    BackupSet::open(directory).unwrap().files().iter().map(|file| file.name()).collect()
}

#[test]
fn a_base_and_increments_lead_to_every_position_and_moment() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::new();
    let mut last = 0;
    for (round, count) in [30u64, 31, 90, 91, 125].into_iter().enumerate() {
        server.put_all(last + 1..=count);
        last = count;
        let file = server.taken(directory.path()).file.unwrap();
        assert_eq!(file.header.kind == BackupKind::Base, round == 0);
        assert_eq!(file.header.end.position, LogPosition(count));
        if round % 2 == 0 {
            server = server.restart();
        } else {
            server.engine.checkpoint().unwrap();
        }
    }
    assert_eq!(
        names(directory.path()),
        [
            "000001-base-30.backup",
            "000002-increment-30-31.backup",
            "000003-increment-31-90.backup",
            "000004-increment-90-91.backup",
            "000005-increment-91-125.backup"
        ]
    );
    for position in (30..=125).step_by(5).chain([31, 90, 91, 125]) {
        let expected = expected(position);
        let (report, contents) = restored(directory.path(), Moment::Position(position)).unwrap();
        assert_eq!(report.position, LogPosition(position));
        assert!(contents == expected, "position {position}");
        for later_ms in [0, 450, 899] {
            let time_ms = Server::time_ms(position) + later_ms;
            if position == 125 && later_ms > 0 {
                continue;
            }
            let (report, contents) = restored(directory.path(), Moment::Time(time_ms)).unwrap();
            assert!(contents == expected, "{later_ms} ms after position {position}");
            assert_eq!(report.position, LogPosition(position));
        }
    }
    let (report, contents) = restored(directory.path(), Moment::Latest).unwrap();
    assert_eq!((report.position, report.records), (LogPosition(125), 95));
    assert_eq!(report.time_ms, Server::time_ms(125));
    assert!(contents == expected(125));
    for beyond in [Moment::Position(29), Moment::Position(126), Moment::Time(Server::time_ms(126))] {
        let error = restored(directory.path(), beyond).unwrap_err();
        assert!(matches!(&error, BackupError::NotCovered(text) if text.contains("cover")), "{error}");
    }
}

#[test]
fn nothing_written_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    server.put_all(1..=3);
    assert!(server.taken(directory.path()).file.is_some());
    assert!(server.taken(directory.path()).file.is_none());
    let server = server.restart();
    assert!(server.taken(directory.path()).file.is_none());
    assert!(server.take(directory.path(), BackupMode::Full).unwrap().file.is_some());
    assert_eq!(names(directory.path()), ["000001-base-3.backup", "000002-base-3.backup"]);
}

#[test]
fn an_empty_engine_can_be_backed_up() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    server.taken(directory.path());
    server.put_all(1..=2);
    server.taken(directory.path());
    assert_eq!(restored(directory.path(), Moment::Position(0)).unwrap().1, Contents::new());
    assert_eq!(restored(directory.path(), Moment::Latest).unwrap().1, expected(2));
}

#[test]
fn another_log_is_never_taken_for_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    server.put_all(1..=10);
    server.taken(directory.path());
    // The same writes, restored: the same positions of another log.
    let disk = SimulatedDisk::new();
    let plan = BackupSet::open(directory.path()).unwrap().plan(Moment::Latest).unwrap();
    restore(&plan, &(Arc::new(disk.clone()) as Arc<dyn Disk>), &mut |_| true).unwrap();
    let clock = server.clock.clone();
    let copy = Server { engine: Arc::new(open(&disk, &clock)), disk, clock };
    for server in [&copy, &Server::new()] {
        let error = server.take(directory.path(), BackupMode::IncrementalOnly).unwrap_err();
        assert!(matches!(error, BackupError::Discontinued { .. }), "{error}");
    }
    copy.put(11);
    let taken = copy.taken(directory.path());
    assert!(taken.discontinued.is_some_and(|reason| reason.contains("another one's")));
    assert_eq!(taken.file.unwrap().name(), "000002-base-11.backup");
    // The copy is continued from now on, and the original is the one that is refused.
    copy.put(12);
    assert!(copy.taken(directory.path()).discontinued.is_none());
    server.put(11);
    assert!(server.taken(directory.path()).discontinued.is_some());
    let empty = tempfile::tempdir().unwrap();
    let error = server.take(empty.path(), BackupMode::IncrementalOnly).unwrap_err();
    assert!(matches!(error, BackupError::NothingToContinue { .. }), "{error}");
}

#[test]
fn a_power_cut_takes_nothing_back_that_is_in_a_backup() {
    for seed in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::new();
        server.put_all(1..=20);
        let file = server.taken(directory.path()).file.unwrap();
        // What was soft and is lost is written anew, and differently.
        server.put_all(21..=25);
        let image = server.disk.after_cut(Cut::Prefix, seed);
        let engine = open(&image, &server.clock);
        assert!(engine.applied() >= file.header.end.position, "seed {seed}");
        let survivors = engine.applied().0;
        let after = Server { engine: Arc::new(engine), disk: image, clock: server.clock.clone() };
        for n in survivors + 1..=30 {
            let mut batch = Batch::new();
            batch.put(TreeId(5), n.to_be_bytes(), b"after the cut");
            after.engine.commit(batch).unwrap();
        }
        assert!(after.taken(directory.path()).discontinued.is_none());
        let (_, restored) = restored(directory.path(), Moment::Latest).unwrap();
        assert!(restored == contents(&*after.engine), "seed {seed}");
    }
}

#[test]
fn a_log_that_was_cut_leads_to_a_new_base() {
    let directory = tempfile::tempdir().unwrap();
    let (disk, clock) = (SimulatedDisk::new(), Arc::default());
    let options = OpenOptions {
        wal_segment_bytes: 4_000,
        log_keep_bytes: 0,
        history_bytes_max: 0,
        checkpoint_idle_ms: 0,
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    let engine = Arc::new(DiskEngine::open(options).unwrap());
    let server = Server { engine, disk, clock };
    server.put_all(1..=10);
    server.taken(directory.path());
    server.put_all(11..=200);
    server.engine.checkpoint().unwrap();
    let error = server.take(directory.path(), BackupMode::IncrementalOnly).unwrap_err();
    assert!(error.to_string().contains("the log starts after position"), "{error}");
    let taken = server.taken(directory.path());
    assert_eq!(taken.file.unwrap().header.kind, BackupKind::Base);
    assert!(taken.discontinued.is_some());
}

#[test]
fn a_backup_among_writers_is_an_exact_prefix_of_the_log() {
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = Arc::new(RealDisk::open(data.path()).unwrap());
    let options = OpenOptions {
        wal_segment_bytes: 50_000,
        checkpoint_log_bytes: 300_000,
        log_keep_bytes: u64::MAX,
        ..OpenOptions::new(disk)
    };
    let engine: Arc<dyn Engine> = Arc::new(DiskEngine::open(options).unwrap());
    let is_over = AtomicBool::new(false);
    let positions = std::thread::scope(|scope| {
        for writer in 0..3u64 {
            let (engine, is_over) = (&engine, &is_over);
            scope.spawn(move || {
                for n in 0u64.. {
                    let mut batch = Batch::new();
                    batch.put(TreeId(writer), (n % 500).to_be_bytes(), vec![n as u8; 300]);
                    batch.put(TreeId(8), b"writer", writer.to_be_bytes());
                    engine.commit(batch).unwrap();
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        let mut positions = Vec::new();
        for round in 0..6 {
            // Without anything new there would be no file.
            while positions.last().is_some_and(|end| engine.applied() <= *end) {
                std::thread::yield_now();
            }
            let mode = if round == 3 { BackupMode::Full } else { BackupMode::Automatic };
            let mut source = EngineSource::new(engine.clone(), Arc::new(SystemClock::default()));
            let taken = take(directory.path(), &mut source, mode, &mut |_| true).unwrap();
            positions.extend(taken.file.map(|file| file.header.end.position));
        }
        is_over.store(true, Ordering::Relaxed);
        positions
    });
    let log: Vec<(LogPosition, Batch)> =
        engine.log_since(LogPosition(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(positions.len(), 6);
    for position in positions {
        let model = photondb_storage::MemoryEngine::new();
        for (_, batch) in log.iter().take_while(|(at, _)| *at <= position) {
            model.commit(batch.clone()).unwrap();
        }
        let (_, restored) = restored(directory.path(), Moment::Position(position.0)).unwrap();
        assert!(restored == contents(&model), "position {position}");
    }
    let stretches = BackupSet::open(directory.path()).unwrap().stretches();
    assert_eq!(stretches.iter().map(|stretch| stretch.files.len()).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn missing_and_foreign_files_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    for last in [10u64, 20, 30, 40] {
        server.put_all(last - 9..=last);
        server.taken(directory.path());
    }
    let files: Vec<_> = BackupSet::open(directory.path()).unwrap().files().to_vec();
    let hidden = directory.path().join("hidden");
    std::fs::rename(&files[2].path, &hidden).unwrap();
    let error = restored(directory.path(), Moment::Latest).unwrap_err().to_string();
    assert!(error.contains("000004-increment-30-40.backup begins behind position 30"), "{error}");
    assert!(error.contains("up to position 20 without it"), "{error}");
    assert!(restored(directory.path(), Moment::Position(20)).unwrap().1 == expected(20));
    // One of another server does not fill the gap, whatever its name.
    let (elsewhere, other) = (tempfile::tempdir().unwrap(), Server::new());
    for last in [20u64, 30] {
        let first = if last == 20 { 1 } else { 21 };
        other.put_all(first..=last);
        other.taken(elsewhere.path());
    }
    let foreign = BackupSet::open(elsewhere.path()).unwrap().files()[1].path.clone();
    std::fs::copy(foreign, &files[2].path).unwrap();
    assert!(restored(directory.path(), Moment::Latest).is_err());
    // Swapped names change nothing: what is in the files counts.
    std::fs::rename(&hidden, &files[2].path).unwrap();
    std::fs::rename(&files[1].path, &hidden).unwrap();
    std::fs::rename(&files[3].path, &files[1].path).unwrap();
    std::fs::rename(&hidden, &files[3].path).unwrap();
    assert!(restored(directory.path(), Moment::Latest).unwrap().1 == expected(40));
}

#[test]
fn damage_is_named_and_the_rest_can_be_had() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    for last in [50u64, 60, 70, 80] {
        server.put_all(last.saturating_sub(9).min(if last == 50 { 1 } else { last })..=last);
        server.taken(directory.path());
    }
    let set = BackupSet::open(directory.path()).unwrap();
    let path = &set.files()[2].path;
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, &bytes).unwrap();
    let mut bad = Vec::new();
    let whole = set
        .verify(&mut |file, result| {
            bad.extend(result.err().map(|error| (file.name(), error.to_string())));
            true
        })
        .unwrap();
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].0, "000003-increment-60-70.backup");
    assert!(bad[0].1.contains("checksum"), "{}", bad[0].1);
    assert_eq!(whole.iter().map(|stretch| stretch.positions()).collect::<Vec<_>>(), [(50, 60)]);
    assert!(restored(directory.path(), Moment::Latest).is_err());
    assert!(restored(directory.path(), Moment::Position(60)).unwrap().1 == expected(60));
    // Without its end it is not even listed, but not forgotten either.
    std::fs::write(path, &bytes[..middle]).unwrap();
    let set = BackupSet::open(directory.path()).unwrap();
    assert_eq!((set.files().len(), set.unreadable().len()), (3, 1));
    let error = set.plan(Moment::Latest).unwrap_err().to_string();
    assert!(error.contains("000003-increment-60-70.backup is damaged"), "{error}");
    // The next backup does not go on from where nothing leads to.
    server.put(81);
    assert_eq!(server.taken(directory.path()).file.unwrap().header.start.position, LogPosition(60));
    assert!(restored(directory.path(), Moment::Latest).is_ok());
}

#[test]
fn old_backups_can_be_removed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    for round in 0..3u64 {
        server.put_all(round * 10 + 1..=round * 10 + 5);
        server.take(directory.path(), BackupMode::Full).unwrap();
        server.put_all(round * 10 + 6..=round * 10 + 10);
        server.taken(directory.path());
    }
    let mut set = BackupSet::open(directory.path()).unwrap();
    assert!(set.retain(3).unwrap().is_empty());
    let gone: Vec<String> = set.retain(2).unwrap().iter().map(|file| file.name()).collect();
    assert_eq!(gone, ["000001-base-5.backup", "000002-increment-5-10.backup"]);
    assert!(restored(directory.path(), Moment::Position(17)).unwrap().1 == expected(17));
    assert!(restored(directory.path(), Moment::Latest).unwrap().1 == expected(30));
    // Numbers are not given out again.
    server.put(31);
    assert_eq!(server.taken(directory.path()).file.unwrap().number, 7);
}

#[test]
fn what_is_cut_short_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::new();
    server.put_all(1..=50);
    let mut source = EngineSource::new(server.engine.clone(), server.clock.clone());
    let mut pieces = 0;
    let result = take(directory.path(), &mut source, BackupMode::Automatic, &mut |_| {
        pieces += 1;
        pieces < 2
    });
    assert!(matches!(result, Err(BackupError::Cancelled)));
    assert!(!BackupSet::is_set(directory.path()));
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
    // A process that was killed leaves its file, which does not count and goes with the next.
    let partial = directory.path().join("000001.partial");
    std::fs::write(&partial, b"half").unwrap();
    assert!(!BackupSet::is_set(directory.path()));
    server.taken(directory.path());
    assert!(!partial.exists());
}

#[test]
fn directories_are_restored_whole_or_not_at_all() {
    let (directory, parent) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::new();
    server.put_all(1..=1200);
    server.taken(directory.path());
    server.put_all(1201..=2400);
    server.taken(directory.path());
    let plan = BackupSet::open(directory.path()).unwrap().plan(Moment::Latest).unwrap();
    let target = parent.path().join("new");
    let cancelled = restore_directory(&plan, &target, &mut |progress| {
        assert!(progress.bytes <= progress.bytes_total);
        false
    });
    assert!(matches!(cancelled, Err(BackupError::Cancelled)));
    std::fs::remove_file(target.join("lock")).unwrap();
    std::fs::remove_dir(&target).unwrap();
    let restored = restore_directory(&plan, &target, &mut |_| true).unwrap();
    assert_eq!(restored.position, LogPosition(2400));
    let engine = DiskEngine::open(OpenOptions::new(Arc::new(RealDisk::open(&target).unwrap()))).unwrap();
    assert!(contents(&engine) == expected(2400));
    engine.close().unwrap();
    assert!(photondb_storage::check(&target).unwrap().problems.is_empty());
    let again = restore_directory(&plan, &target, &mut |_| true);
    assert!(matches!(again, Err(BackupError::NotEmpty { .. })));
    // Two do not write into one set, or into one data directory.
    let lock = std::fs::File::create(directory.path().join("lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(server.take(directory.path(), BackupMode::Full), Err(BackupError::Busy { .. })));
}

#[test]
fn a_database_in_memory_has_no_backups() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(photondb_storage::MemoryEngine::new());
    let mut source = EngineSource::new(engine, Arc::new(SystemClock::default()));
    let error = take(directory.path(), &mut source, BackupMode::Automatic, &mut |_| true).unwrap_err();
    assert!(matches!(error, BackupError::Storage(StorageError::NoHistory { .. })), "{error}");
}
