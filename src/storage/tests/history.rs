//! The log as a backup takes it: marks that tell logs apart, and the time.

use std::sync::Arc;

use photondb_base::ManualClock;
use photondb_storage::{
    Batch, Cut, Disk, DiskEngine, Engine, KeyRange, LogEntry, LogMark, LogPosition, OpenOptions,
    SimulatedDisk, StorageError, TreeId, check_disk, load,
};

const TREE: TreeId = TreeId(7);

fn open(disk: &SimulatedDisk, clock: &Arc<ManualClock>) -> DiskEngine {
    // Salts that nobody can foresee come with the engine's own threads.
    let options = OpenOptions {
        wal_segment_bytes: 4_000,
        checkpoint_idle_ms: 0,
        scrub_bytes_per_second: 0,
        log_keep_bytes: 20_000,
        clock: clock.clone(),
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    DiskEngine::open(options).unwrap()
}

fn batch(n: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(TREE, n.to_be_bytes(), vec![n as u8; 100]);
    batch
}

fn put(engine: &DiskEngine, n: u64) -> LogPosition {
    engine.commit(batch(n)).unwrap()
}

fn after(engine: &DiskEngine, mark: LogMark) -> Vec<LogEntry> {
    engine.log_after(mark).unwrap().map(Result::unwrap).collect()
}

#[test]
fn marks_stay_over_restarts_and_lead_to_the_records_behind_them() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let mut engine = open(&disk, &clock);
    let start = engine.log_mark(LogPosition(0)).unwrap();
    let mut marks = vec![start];
    for n in 1..=100 {
        assert_eq!(put(&engine, n), LogPosition(n));
        marks.push(engine.log_mark(LogPosition(n)).unwrap());
        if n % 17 == 0 {
            engine.close().unwrap();
            engine = open(&disk, &clock);
        }
    }
    for (n, mark) in marks.iter().enumerate() {
        assert_eq!(engine.log_mark(mark.position).unwrap(), *mark);
        assert_eq!(mark.to_string().parse::<LogMark>().unwrap(), *mark);
        let entries = after(&engine, *mark);
        assert_eq!(entries.iter().map(|entry| entry.mark).collect::<Vec<_>>(), marks[n + 1..]);
        for entry in entries {
            let again = Batch::unseal(&entry.record).unwrap();
            let expected = batch(entry.mark.position.0);
            assert_eq!(again.operations().collect::<Vec<_>>(), expected.operations().collect::<Vec<_>>());
        }
    }
    assert!(matches!(engine.log_mark(LogPosition(101)), Err(StorageError::OtherLog { .. })));
    assert!("7".parse::<LogMark>().is_err() && "x-y".parse::<LogMark>().is_err());
}

#[test]
fn another_log_is_recognised() {
    let clock = Arc::new(ManualClock::default());
    let (here, there) = (SimulatedDisk::new(), SimulatedDisk::new());
    let (one, other) = (open(&here, &clock), open(&there, &clock));
    for n in 1..=10 {
        put(&one, n);
        put(&other, n);
    }
    for n in 0..=10 {
        let mark = one.log_mark(LogPosition(n)).unwrap();
        assert!(one.log_after(mark).is_ok());
        assert!(matches!(other.log_after(mark), Err(StorageError::OtherLog { .. })), "position {n}");
    }
}

#[test]
fn a_position_that_is_used_again_has_another_mark() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let engine = open(&disk, &clock);
    engine.wait_durable(put(&engine, 1)).unwrap();
    put(&engine, 2);
    let lost = engine.log_mark(LogPosition(2)).unwrap();
    let image = disk.after_cut(Cut::DropUnsynced, 1);
    drop(engine);
    let engine = open(&image, &clock);
    assert_eq!(put(&engine, 3), LogPosition(2));
    assert!(matches!(engine.log_after(lost), Err(StorageError::OtherLog { .. })));
}

#[test]
fn a_log_that_was_cut_says_so() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let engine = open(&disk, &clock);
    put(&engine, 1);
    let first = engine.log_mark(LogPosition(1)).unwrap();
    for n in 2..=1000 {
        put(&engine, n);
    }
    engine.checkpoint().unwrap();
    let Err(StorageError::LogTooOld { requested, oldest }) = engine.log_after(first) else {
        panic!("the log should have been cut")
    };
    assert_eq!(requested, LogPosition(1));
    let mark = engine.log_mark(oldest).unwrap();
    assert_eq!(after(&engine, mark).len() as u64, 1000 - oldest.0);
}

#[test]
fn records_know_their_time_wherever_reading_begins() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let engine = open(&disk, &clock);
    let mut written = Vec::new();
    for n in 1..=200u64 {
        clock.advance_us(30_000);
        put(&engine, n);
        written.push(n * 30);
    }
    let start = engine.log_mark(LogPosition(0)).unwrap();
    for entry in after(&engine, start) {
        let actual = written[entry.mark.position.0 as usize - 1];
        let told = entry.time_ms.unwrap();
        assert!(told <= actual && actual - told < 100, "{told} for {actual}");
        let behind = after(&engine, entry.mark);
        assert!(behind.iter().all(|entry| entry.time_ms.is_some()));
    }
}

#[test]
fn loaded_directories_have_a_log_of_their_own() {
    let clock = Arc::new(ManualClock::default());
    let loaded = || {
        let disk = SimulatedDisk::new();
        let no_entries = &mut || Ok::<_, StorageError>(None);
        load(&(Arc::new(disk.clone()) as Arc<dyn Disk>), LogPosition(50), no_entries).unwrap();
        open(&disk, &clock)
    };
    let (one, other) = (loaded(), loaded());
    let start = one.log_mark(LogPosition(50)).unwrap();
    assert!(matches!(other.log_after(start), Err(StorageError::OtherLog { .. })));
    assert_eq!(put(&one, 1), LogPosition(51));
    assert_eq!(after(&one, start).len(), 1);
    assert!(matches!(one.log_mark(LogPosition(49)), Err(StorageError::LogTooOld { .. })));
}

#[test]
fn more_of_the_log_stays_once_somebody_goes_on_from_it() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let options = |history_bytes_max| OpenOptions {
        wal_segment_bytes: 4_000,
        log_keep_bytes: 0,
        history_bytes_max,
        background: false,
        clock: clock.clone(),
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    let put_and_checkpoint = |engine: &DiskEngine, numbers: std::ops::Range<u64>| {
        for n in numbers {
            put(engine, n);
        }
        engine.checkpoint().unwrap();
    };
    let reaches = |engine: &DiskEngine, n| engine.log_since(LogPosition(n)).is_ok();
    let engine = DiskEngine::open(options(100_000)).unwrap();
    put_and_checkpoint(&engine, 0..200);
    assert!(!reaches(&engine, 100), "nobody needs it");
    engine.keep_history().unwrap();
    put_and_checkpoint(&engine, 200..300);
    assert!(reaches(&engine, 200));
    // Killed, and started anew.
    drop(engine);
    let engine = DiskEngine::open(options(100_000)).unwrap();
    put_and_checkpoint(&engine, 300..400);
    assert!(reaches(&engine, 200));
    put_and_checkpoint(&engine, 400..2_000);
    assert!(!reaches(&engine, 200), "all has a bound");
    assert!(reaches(&engine, 1_700));
    drop(engine);
    let engine = DiskEngine::open(options(0)).unwrap();
    put_and_checkpoint(&engine, 2_000..2_100);
    assert!(!reaches(&engine, 2_000));
}

#[test]
fn damage_that_the_checkpoint_has_passed_stops_no_start_and_is_told() {
    let (disk, clock) = (SimulatedDisk::new(), Arc::new(ManualClock::default()));
    let options = |disk: &SimulatedDisk| OpenOptions {
        wal_segment_bytes: 4_000,
        background: false,
        clock: clock.clone(),
        ..OpenOptions::new(Arc::new(disk.clone()))
    };
    let engine = DiskEngine::open(options(&disk)).unwrap();
    engine.keep_history().unwrap();
    for n in 1..=200 {
        put(&engine, n);
    }
    engine.checkpoint().unwrap();
    let marks: Vec<LogMark> =
        [2, 150].iter().map(|position| engine.log_mark(LogPosition(*position)).unwrap()).collect();
    engine.close().unwrap();
    let mut names: Vec<String> =
        disk.list().unwrap().into_iter().filter(|name| name.starts_with("log-")).collect();
    names.sort();
    assert!(names.len() > 5);
    let check = |disk: &SimulatedDisk| check_disk(&(Arc::new(disk.clone()) as Arc<dyn Disk>)).unwrap();
    assert!(check(&disk).problems.is_empty());
    // In a record, in the header, the file's end.
    let damages: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[1000] ^= 1, |bytes| bytes[20] ^= 1, |bytes| bytes.truncate(50)];
    for damage in damages {
        let image = disk.after_cut(Cut::KeepAll, 0);
        let mut bytes = image.contents(&names[1]).unwrap();
        damage(&mut bytes);
        image.set_contents(&names[1], bytes);
        assert!(!check(&image).problems.is_empty());
        let engine = DiskEngine::open(options(&image)).unwrap();
        assert_eq!(engine.snapshot().count(TREE, &KeyRange::all()).unwrap(), 200);
        let from_damage =
            engine.log_after(marks[0]).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        assert!(
            matches!(from_damage, Err(StorageError::Corrupt { .. } | StorageError::LogTooOld { .. })),
            "{from_damage:?}"
        );
        assert_eq!(after(&engine, marks[1]).len(), 50);
        engine.close().unwrap();
    }
    let engine = DiskEngine::open(options(&disk)).unwrap();
    assert_eq!(after(&engine, marks[0]).len(), 198);
    let records = engine.scrub().unwrap().records;
    assert_eq!(records, 200);
}
