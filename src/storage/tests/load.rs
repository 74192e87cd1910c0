//! Filling an empty disk in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use photondb_storage::{
    Batch, Direction, Disk, DiskEngine, Engine, KeyRange, Loaded, LogPosition, OpenOptions, SimulatedDisk,
    StorageError, TreeId, VALUE_BYTES_MAX, check_disk, load,
};
use proptest::prelude::*;

type Model = BTreeMap<(u64, Vec<u8>), Vec<u8>>;

fn shared(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn load_model(disk: &SimulatedDisk, model: &Model) -> Result<Loaded, StorageError> {
    let mut entries = model.iter();
    let next = &mut || {
        Ok(entries.next().map(|((tree, key), value)| {
            (TreeId(*tree), Bytes::copy_from_slice(key), Bytes::copy_from_slice(value))
        }))
    };
    load(&shared(disk), LogPosition(1000), next)
}

fn open(disk: &SimulatedDisk) -> DiskEngine {
    let options = OpenOptions { background: false, ..OpenOptions::new(shared(disk)) };
    DiskEngine::open(options).unwrap()
}

fn contents(engine: &dyn Engine) -> Model {
    let snapshot = engine.snapshot();
    let mut all = Model::new();
    for (tree, count) in snapshot.trees().unwrap() {
        let mut cursor = snapshot.range(tree, KeyRange::all(), Direction::Forward);
        let before = all.len();
        while let Some((key, value)) = cursor.next().unwrap() {
            assert_eq!(snapshot.get(tree, &key).unwrap().unwrap(), value);
            all.insert((tree.0, key.to_vec()), value.to_vec());
        }
        assert_eq!((all.len() - before) as u64, count);
    }
    all
}

fn assert_sound(disk: &SimulatedDisk, entries: usize) {
    let report = check_disk(&shared(disk)).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.entries, entries as u64);
}

fn entry() -> impl Strategy<Value = ((u64, Vec<u8>), Vec<u8>)> {
    let key = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..30),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(|end| [&[7; 1500][..], &end].concat()),
    ];
    let value = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (any::<u8>(), 2000..3000usize).prop_map(|(byte, length)| vec![byte; length]),
        1 => (any::<u8>(), 30_000..200_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ];
    ((0..4u64, key), value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_was_loaded_is_a_database(
        model in prop::collection::btree_map((0..4u64, prop::collection::vec(any::<u8>(), 0..30)),
            prop::collection::vec(any::<u8>(), 0..300), 0..2000),
        odd in prop::collection::vec(entry(), 0..20),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..300),
    ) {
        let mut model: Model = model.into_iter().chain(odd).collect();
        let disk = SimulatedDisk::new();
        let loaded = load_model(&disk, &model).unwrap();
        assert_eq!(loaded.entries, model.len() as u64);
        assert_sound(&disk, model.len());
        let engine = open(&disk);
        assert_eq!(engine.applied(), LogPosition(1000));
        assert_eq!(contents(&engine), model);
        // It goes on as any other.
        let keys: Vec<_> = model.keys().cloned().collect();
        for (place, is_put) in changes.iter().filter(|_| !keys.is_empty()) {
            let mut batch = Batch::new();
            let (tree, key) = place.get(&keys);
            if *is_put {
                let longer = [key.as_slice(), b"!"].concat();
                batch.put(TreeId(*tree), &longer, b"new");
                model.insert((*tree, longer), b"new".to_vec());
            } else {
                batch.delete(TreeId(*tree), key);
                model.remove(&(*tree, key.clone()));
            }
            engine.commit(batch).unwrap();
        }
        engine.checkpoint().unwrap();
        assert_eq!(contents(&engine), model);
        engine.close().unwrap();
        assert_sound(&disk, model.len());
        assert_eq!(contents(&open(&disk)), model);
    }
}

#[test]
fn a_large_tree_has_full_pages() {
    let disk = SimulatedDisk::new();
    let model: Model =
        (0..50_000u32).map(|n| ((7, n.to_be_bytes().to_vec()), n.to_le_bytes().repeat(20))).collect();
    let loaded = load_model(&disk, &model).unwrap();
    assert_sound(&disk, model.len());
    assert_eq!(contents(&open(&disk)), model);
    let plain = 50_000 * 84;
    assert!(loaded.data_bytes < plain * 12 / 10, "{} bytes for {plain}", loaded.data_bytes);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let entry = |tree, key: &'static [u8]| (TreeId(tree), Bytes::from_static(key), Bytes::new());
    for wrong in [
        vec![entry(1, b"b"), entry(1, b"a")],
        vec![entry(1, b"b"), entry(1, b"b")],
        vec![entry(2, b"a"), entry(1, b"a")],
    ] {
        let mut entries = wrong.into_iter();
        let next = &mut || Ok(entries.next());
        let disk = SimulatedDisk::new();
        let error = load::<StorageError>(&shared(&disk), LogPosition(1), next).unwrap_err();
        assert!(matches!(error, StorageError::NotInOrder { .. }), "{error}");
        let options = OpenOptions { background: false, ..OpenOptions::new(shared(&disk)) };
        assert_eq!(
            DiskEngine::open(options).map(|engine| contents(&engine)).unwrap_or_default(),
            Model::new()
        );
    }
    let disk = SimulatedDisk::new();
    let large = Model::from([((1, b"k".to_vec()), vec![0; VALUE_BYTES_MAX + 1])]);
    assert!(matches!(load_model(&disk, &large), Err(StorageError::ValueTooLarge { .. })));
    let disk = SimulatedDisk::new();
    disk.set_contents("log-0000000000000001", vec![]);
    assert!(matches!(load_model(&disk, &Model::new()), Err(StorageError::NotEmpty { .. })));
}
