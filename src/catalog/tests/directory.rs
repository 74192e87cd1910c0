//! The table directory: a start that takes the tables from it finds what their records say.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use photondb_base::prompt::{Allowance, NotPrompt, promptly};
use photondb_base::{DatabaseId, Random, SeededRandom, TableId, TreeId};
use photondb_catalog::{
    CatalogError, CatalogOptions, CheckReport, Database, State, Table, TableEdit, TableOptions, TimeToLive,
    WriteAcks, check,
};
use photondb_datum::{Datum, Text, packed};
use photondb_storage::{
    Batch, Cut, Direction, Disk, DiskEngine, Engine, KeyRange, MemoryEngine, OpenOptions, SimulatedDisk,
};
use photondb_table::{Evaluator, Shards};

use support::{Functions, Server, new_server, open};

const METADATA: TreeId = TreeId(0);
const DIRECTORY: [u8; 2] = [0, 1];
const TABLE: u8 = 2;

/// A server with as many tables as make a directory worth while.
fn server_of_many() -> Server {
    let server = new_server();
    make_tables(&server, 300);
    server
}

fn make_tables(server: &Server, count: usize) {
    drop(server.catalog.create_database("other").unwrap());
    for n in 0..count {
        let (database, name) = (["test", "other"][n % 2], format!("t{}", n * 7919 % count));
        drop(server.catalog.create_table(database, &name, TableOptions::default()).unwrap());
    }
}

/// Ends a server, so that its disk can be opened again.
fn close(server: Server) {
    server.shards.shut_down();
}

fn directory(engine: &dyn Engine) -> Option<Bytes> {
    engine.snapshot().get(METADATA, &DIRECTORY).unwrap()
}

fn put(engine: &dyn Engine, key: &[u8], record: impl AsRef<[u8]>) {
    let mut batch = Batch::new();
    batch.put(METADATA, key, record);
    engine.commit(batch).unwrap();
}

/// The keys and records of the tables.
fn table_records(engine: &dyn Engine) -> Vec<(Bytes, Bytes)> {
    let mut cursor = engine.snapshot().range(METADATA, KeyRange::prefix(vec![TABLE]), Direction::Forward);
    std::iter::from_fn(|| cursor.next().unwrap()).collect()
}

/// Puts bytes that cannot be read in the place of the records of all tables: a start that reads
/// them fails.
fn break_tables(engine: &dyn Engine) {
    for (key, _) in table_records(engine) {
        put(engine, &key, b"\xff");
    }
}

fn checked(engine: &dyn Engine) -> Result<CheckReport, CatalogError> {
    let functions: Arc<dyn Evaluator> = Arc::new(Functions);
    check(&engine.snapshot(), &functions, &mut |_| {})
}

/// Everything that a state tells of tables is the same, asked for in every way.
fn assert_same_tables(found: &State, expected: &State) {
    assert_eq!(found.version(), expected.version());
    assert_eq!(found.table_count(), expected.table_count());
    assert_eq!(found.database_names(), expected.database_names());
    for database in expected.databases() {
        let names = |state: &State| state.table_names(database.id).collect::<Vec<Text>>();
        assert_eq!(names(found), names(expected));
        assert!(found.tables_of(database.id).eq(expected.tables_of(database.id)));
        for table in expected.tables_of(database.id) {
            assert_eq!(found.table(&database.name, &table.name).unwrap(), table);
            assert_eq!(found.table_by_id(table.id), Some(table));
            for name in [format!("{}_", table.name), format!("a{}", table.name), String::new()] {
                let (found, expected) = (found.table_in(database, &name), expected.table_in(database, &name));
                assert_eq!(found.ok(), expected.ok());
            }
            for id in [TableId(table.id.0 + 1), TableId(table.id.0 - 1)] {
                assert_eq!(found.table_by_id(id), None);
            }
        }
    }
    assert!(found.tables().eq(expected.tables()));
    let unsettled = |state: &State| state.unsettled_tables().map(|table| table.id).collect::<BTreeSet<_>>();
    assert_eq!(unsettled(found), unsettled(expected));
    let nowhere = Database { id: DatabaseId(1), name: Text::from("nowhere") };
    assert!(found.table_in(&nowhere, "t1").is_err());
    assert_eq!(found.table_names(nowhere.id).count(), 0);
}

#[test]
fn a_start_with_a_directory_reads_no_record_of_a_table() {
    let server = server_of_many();
    let before = server.catalog.state();
    server.catalog.list_tables().unwrap();
    break_tables(server.engine.as_ref());
    let server = server.reopened(2);
    let state = server.catalog.state();
    assert_eq!(state.table_count(), 300);
    for database in before.databases() {
        assert!(state.table_names(database.id).eq(before.table_names(database.id)));
    }
    assert!(matches!(state.table("test", "t2"), Err(CatalogError::Damaged(_))));
}

#[test]
fn tables_found_through_the_directory_are_those_of_the_records() {
    let server = server_of_many();
    let before = server.catalog.state();
    server.catalog.list_tables().unwrap();
    let server = server.reopened(2);
    assert_same_tables(&server.catalog.state(), &before);
    // Also when the first that is asked for is all of them.
    let server = server.reopened(3);
    assert!(server.catalog.state().tables().eq(before.tables()));
    assert_same_tables(&server.catalog.state(), &before);
    assert!(!checked(server.engine.as_ref()).unwrap().is_directory_wrong);
}

#[test]
fn a_change_after_a_start_with_a_directory_is_told_as_such() {
    let server = server_of_many();
    server.catalog.list_tables().unwrap();
    let server = server.reopened(2);
    let first = server.catalog.state();
    drop(server.catalog.create_database("more").unwrap());
    let second = server.catalog.state();
    assert!(first.changed_tables(&second).is_empty());
    let dropped = server.catalog.drop_table("test", "t0").unwrap().outcome.old.unwrap();
    let third = server.catalog.state();
    assert_eq!(first.changed_tables(&third), [(Some(&dropped), None)]);
    assert_eq!(second.changed_tables(&third), [(Some(&dropped), None)]);
    let made = server.create_table("t0");
    let fourth = server.catalog.state();
    assert_eq!(third.changed_tables(&fourth), [(None, fourth.table_by_id(made))]);
    assert_eq!(first.table("test", "t0").unwrap(), &dropped, "an old state stays what it was");
}

/// Carries out some command; those that make no sense are refused.
fn some_command(server: &Server, random: &SeededRandom, turn: u64) {
    let state = server.catalog.state();
    let names: Vec<Text> = state.database_names().into_iter().filter(|name| *name != "rethinkdb").collect();
    let database = names[random.below(names.len() as u64) as usize].clone();
    let tables: Vec<Arc<Table>> = state.tables().cloned().collect();
    let table = tables[random.below(tables.len() as u64) as usize].clone();
    let edit = |edit: TableEdit| drop(server.catalog.configure_table(table.id, edit));
    let ttl = TimeToLive { field: Text::from("at"), seconds: Some(1e9) };
    match random.below(12) {
        0 | 1 => {
            let name = format!("n{}", random.below(500));
            drop(server.catalog.create_table(&database, &name, TableOptions::default()));
        }
        2 => {
            let options = TableOptions { ttl: Some(ttl), ..TableOptions::default() };
            drop(server.catalog.create_table(&database, &format!("e{turn}"), options));
        }
        3 | 4 => drop(server.catalog.drop_table_by_id(table.id)),
        5 => edit(TableEdit { name: Some(Text::from(format!("r{turn}"))), ..TableEdit::default() }),
        6 => {
            let to = state.database(&database).unwrap().id;
            edit(TableEdit { database: Some(to), ..TableEdit::default() });
        }
        7 => edit(TableEdit { write_acks: Some(WriteAcks::Single), ..TableEdit::default() }),
        8 => edit(TableEdit { data: Some(Datum::from(turn as i32)), ..TableEdit::default() }),
        9 => drop(server.create_index(table.id, "a")),
        10 => drop(server.catalog.create_database(&format!("d{}", random.below(4)))),
        _ if database != "test" && tables.len() > 500 => drop(server.catalog.drop_database(&database)),
        _ => {
            let to = state.database(&database).unwrap().id;
            drop(server.catalog.rename_database(to, &format!("d{}", random.below(4))));
        }
    }
}

#[test]
fn starts_after_clean_stops_and_after_crashes_find_the_same_tables() {
    let random = SeededRandom::new(7);
    let mut server = server_of_many();
    let (mut turn, mut listed) = (0, 0);
    for start in 0..60 {
        for _ in 0..random.below(8) {
            turn += 1;
            some_command(&server, &random, turn);
        }
        // Indexes that are being built are told about by commands of their own.
        for table in server.catalog.state().tables() {
            for name in table.indexes.keys() {
                server.wait_recorded_ready(table.id, name);
            }
        }
        if random.below(2) == 0 {
            server.catalog.list_tables().unwrap();
        }
        server.shards.shut_down();
        let before = server.catalog.state();
        let version =
            |record: Bytes| packed::field(&record, "version").and_then(|version| version.as_number());
        let is_listed = directory(server.engine.as_ref()).and_then(version) == Some(before.version() as f64);
        listed += usize::from(is_listed);
        server = server.reopened(100 + start);
        assert_same_tables(&server.catalog.state(), &before);
        assert!(!checked(server.engine.as_ref()).unwrap().is_directory_wrong);
    }
    assert!((20..50).contains(&listed), "{listed} of 60 starts were with a directory");
}

#[test]
fn a_directory_is_never_of_another_state_after_a_power_cut() {
    let disk = SimulatedDisk::new();
    let open_disk = |disk: &SimulatedDisk| {
        let options = OpenOptions { background: false, ..OpenOptions::new(Arc::new(disk.clone())) };
        open(Arc::new(DiskEngine::open(options).unwrap()), 3, CatalogOptions::default())
    };
    let server = open_disk(&disk);
    make_tables(&server, 300);
    let names = |state: &State| -> BTreeSet<Text> {
        state.databases().flat_map(|database| state.table_names(database.id)).collect()
    };
    server.engine.checkpoint().unwrap();
    let mut states = BTreeMap::new();
    let images: Arc<parking_lot::Mutex<Vec<SimulatedDisk>>> = Arc::default();
    let taken = images.clone();
    disk.observe(Some(Arc::new(move |disk: &SimulatedDisk, _| {
        let mut taken = taken.lock();
        let turn = taken.len();
        let cut = [Cut::DropUnsynced, Cut::Prefix, Cut::Reorder, Cut::KeepAll][turn % 4];
        taken.push(disk.after_cut(cut, turn as u64));
    })));
    for round in 0..10 {
        let state = server.catalog.state();
        states.insert(state.version(), names(&state));
        server.catalog.list_tables().unwrap();
        if round % 2 == 0 {
            server.engine.checkpoint().unwrap();
        }
        let edit = TableEdit { name: Some(Text::from(format!("r{round}"))), ..TableEdit::default() };
        let id = server.catalog.state().table("test", &format!("t{}", round * 2)).unwrap().id;
        let renamed = server.catalog.configure_table(id, edit).unwrap();
        let state = server.catalog.state();
        states.insert(state.version(), names(&state));
        server.engine.wait_durable(renamed.position).unwrap();
    }
    disk.observe(None);
    let images = std::mem::take(&mut *images.lock());
    assert!(images.len() > 30, "only {} cuts", images.len());
    let mut directories = BTreeSet::new();
    for image in images {
        let server = open_disk(&image);
        let state = server.catalog.state();
        directories.insert(directory(server.engine.as_ref()));
        assert_eq!(Some(&names(&state)), states.get(&state.version()));
        assert_eq!(checked(server.engine.as_ref()).unwrap().problem_count(), 0);
    }
    assert!(directories.len() >= 4, "cuts before, between and after the directories");
}

#[test]
fn a_damaged_directory_is_ignored() {
    let server = server_of_many();
    let before = server.catalog.state();
    server.catalog.list_tables().unwrap();
    let good = directory(server.engine.as_ref()).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![Vec::new(), vec![0xff], packed::encode(&Datum::Null).to_vec()];
    for end in [1, 10, good.len() / 2, good.len() - 1] {
        damaged.push(good[..end].to_vec());
    }
    // Of the head and of every field something.
    for at in (0..200).chain((200..good.len()).step_by(97)) {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1 << (at % 8);
        damaged.push(bytes);
    }
    let fields: Vec<(Text, Datum)> = {
        let record = packed::decode(good.clone()).unwrap();
        record.as_object().unwrap().iter().collect()
    };
    for at in 0..fields.len() {
        for other in [None, Some(Datum::Null), Some(Datum::from(1)), Some(Datum::Binary(Bytes::new()))] {
            let mut fields = fields.clone();
            match other {
                Some(other) if other != fields[at].1 => fields[at].1 = other,
                Some(_) => continue,
                None => drop(fields.remove(at)),
            }
            damaged.push(packed::encode(&Datum::object(fields)).to_vec());
        }
    }
    let mut server = server;
    for (seed, bytes) in damaged.into_iter().enumerate() {
        put(server.engine.as_ref(), &DIRECTORY, bytes);
        server = server.reopened(seed as u64);
        let state = server.catalog.state();
        assert!(state.tables().eq(before.tables()));
        assert!(before.tables().all(|table| state.table_by_id(table.id) == Some(table)));
        if seed == 0 {
            assert!(checked(server.engine.as_ref()).unwrap().is_directory_wrong);
        }
    }
    server.catalog.list_tables().unwrap();
    assert_eq!(directory(server.engine.as_ref()), Some(good), "the next stop writes it anew");
    let found = checked(server.engine.as_ref()).unwrap();
    assert_eq!(found.problem_count(), 0);
}

#[test]
fn a_directory_whose_bytes_have_changed_on_the_disk_is_ignored() {
    let disk = SimulatedDisk::new();
    let options = || OpenOptions { background: false, ..OpenOptions::new(Arc::new(disk.clone())) };
    let open_disk =
        |seed| open(Arc::new(DiskEngine::open(options()).unwrap()), seed, CatalogOptions::default());
    let server = open_disk(1);
    make_tables(&server, 300);
    let before = server.catalog.state();
    server.catalog.list_tables().unwrap();
    server.engine.checkpoint().unwrap();
    close(server);
    let file = disk.open("data").unwrap();
    let mut data = vec![0; file.length().unwrap() as usize];
    file.read_exact_at(&mut data, 0).unwrap();
    let field = data.windows(9).position(|bytes| bytes == b"name_ends").unwrap();
    file.write_all_at(&[!data[field + 1000]], field as u64 + 1000).unwrap();
    let server = open_disk(2);
    assert_same_tables(&server.catalog.state(), &before);
    assert!(checked(server.engine.as_ref()).unwrap().is_directory_wrong);
    server.catalog.list_tables().unwrap();
    assert_eq!(checked(server.engine.as_ref()).unwrap().problem_count(), 0);
}

#[test]
fn a_damaged_record_behind_a_directory_costs_its_own_table_only() {
    let server = server_of_many();
    let whole = server.table("t4");
    server.insert(whole, 0..3);
    server.catalog.list_tables().unwrap();
    let id = server.table("t2");
    let key = [&[TABLE][..], &id.0.to_be_bytes()].concat();
    let other = server.engine.snapshot().get(METADATA, &[&[TABLE][..], &whole.0.to_be_bytes()].concat());
    for bytes in [Some(Bytes::from_static(b"\xff")), Some(Bytes::new()), other.unwrap(), None] {
        let mut batch = Batch::new();
        match &bytes {
            Some(bytes) => batch.put(METADATA, &key, bytes),
            None => batch.delete(METADATA, &key),
        }
        server.engine.commit(batch).unwrap();
        let server = open(server.engine.clone(), 2, CatalogOptions::default());
        let state = server.catalog.state();
        assert!(matches!(state.table("test", "t2"), Err(CatalogError::Damaged(_))));
        assert_eq!(state.table_by_id(id), None);
        assert!(server.shards.statistics(id).is_err());
        assert_eq!(server.shards.statistics(whole).unwrap().rows, 3);
        assert_eq!((state.table_count(), state.tables().count()), (300, 299));
        let again = server.catalog.create_table("test", "t2", TableOptions::default());
        assert!(matches!(again, Err(CatalogError::Damaged(_))), "its name is taken");
    }
}

#[test]
fn a_directory_that_is_not_of_the_records_is_told_by_a_check() {
    let server = server_of_many();
    server.catalog.list_tables().unwrap();
    assert_eq!(checked(server.engine.as_ref()).unwrap().problem_count(), 0);
    let (key, record) = table_records(server.engine.as_ref()).swap_remove(17);
    let fields = packed::decode(record).unwrap();
    let renamed = fields.as_object().unwrap().iter().map(|(name, value)| match name.as_str() {
        "name" => (name, Datum::from("elsewhere")),
        _ => (name, value),
    });
    put(server.engine.as_ref(), &key, packed::encode(&Datum::object(renamed.collect::<Vec<_>>())));
    let found = checked(server.engine.as_ref()).unwrap();
    assert!(found.is_directory_wrong);
    assert_eq!(found.problem_count(), 1);
}

#[test]
fn a_directory_is_written_when_there_are_many_tables_and_something_changed() {
    let server = server_of_many();
    let written = |server: &Server| {
        let before = server.engine.applied();
        server.catalog.list_tables().unwrap();
        server.engine.applied() != before
    };
    assert!(written(&server));
    assert!(!written(&server), "it is there already");
    let server = server.reopened(2);
    assert!(!written(&server), "it is there since the last stop");
    drop(server.catalog.create_database("more").unwrap());
    assert!(written(&server), "it is of a former version");
    drop(server.catalog.drop_database("other").unwrap());
    assert!(written(&server));
    assert_eq!(directory(server.engine.as_ref()), None, "few tables need none");
    assert!(!written(&server) && !written(&server.reopened(3)));
}

#[test]
fn a_table_that_the_disk_has_to_be_asked_for_is_no_prompt_work() {
    const ALLOWANCE: Allowance = Allowance { rows_max: 10, bytes_max: 1 << 20 };
    let disk = SimulatedDisk::new();
    let open_disk = |seed| {
        let options = OpenOptions { background: false, ..OpenOptions::new(Arc::new(disk.clone())) };
        open(Arc::new(DiskEngine::open(options).unwrap()), seed, CatalogOptions::default())
    };
    let server = open_disk(1);
    make_tables(&server, 300);
    server.catalog.list_tables().unwrap();
    server.engine.checkpoint().unwrap();
    close(server);
    let server = open_disk(2);
    let state = server.catalog.state();
    let found = || state.table("test", "t2").is_ok();
    assert_eq!(promptly(ALLOWANCE, found), Err(NotPrompt));
    assert!(found(), "who may wait reads it");
    assert_eq!(promptly(ALLOWANCE, found), Ok(true));
    // Nor is a command that would leave out what it may not wait for.
    let dropped = promptly(ALLOWANCE, || server.catalog.drop_database("other").is_ok());
    assert_eq!(dropped, Err(NotPrompt));
    assert_eq!(server.catalog.state().table_count(), 300);
    assert_eq!(server.catalog.drop_database("other").unwrap().outcome.tables.len(), 150);
    assert_eq!(table_records(server.engine.as_ref()).len(), 150);
}

#[test]
fn an_old_state_does_not_keep_the_engine() {
    let server = server_of_many();
    server.catalog.list_tables().unwrap();
    let engine = Arc::downgrade(&server.engine);
    let server = server.reopened(2);
    let state = server.catalog.state();
    let read = state.table("test", "t2").unwrap().clone();
    close(server);
    assert!(engine.upgrade().is_none());
    assert_eq!(state.table("test", "t2").unwrap(), &read);
    assert!(state.table("test", "t4").is_err(), "nobody can read it any more");
}

#[test]
fn a_memory_engine_needs_no_directory() {
    let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
    let server = open(engine.clone(), 1, CatalogOptions::default());
    server.catalog.list_tables().unwrap();
    assert_eq!(directory(engine.as_ref()), None);
}
