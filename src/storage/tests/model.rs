//! Both engines against a map in memory: counts, ranges in both directions, snapshots that stay
//! as they are, reopening.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use photondb_storage::{
    Batch, Direction, DiskEngine, Engine, KeyRange, MemoryEngine, OpenOptions, SimulatedDisk, Snapshot,
    TreeId,
};
use proptest::prelude::*;

type Model = BTreeMap<u64, BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<Change>),
    Checkpoint,
    Snapshot,
    DropSnapshot,
    Reopen,
}

#[derive(Clone, Debug)]
enum Change {
    Put(u64, Vec<u8>, usize, u8),
    Delete(u64, Vec<u8>),
    DropTree(u64),
    Fill(u64, u16, u16),
    Clear(u64, u16, u16),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0u16..400).prop_map(|n| n.to_be_bytes().to_vec()),
        (0u16..400).prop_map(|n| [&b"a common prefix/"[..], &n.to_be_bytes()].concat()),
        prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255)], 0..4),
        (0u8..10, 500usize..2048).prop_map(|(n, length)| vec![n; length]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let tree = 1u64..4;
    prop_oneof![
        8 => (tree.clone(), key(), prop_oneof![0usize..40, 1000usize..2100, 2040usize..60_000], any::<u8>())
            .prop_map(|(tree, key, length, fill)| Change::Put(tree, key, length, fill)),
        4 => (tree.clone(), key()).prop_map(|(tree, key)| Change::Delete(tree, key)),
        1 => tree.clone().prop_map(Change::DropTree),
        2 => (tree.clone(), 0u16..2000, 1u16..600).prop_map(|(tree, at, count)| Change::Fill(tree, at, count)),
        2 => (tree, 0u16..2000, 1u16..600).prop_map(|(tree, at, count)| Change::Clear(tree, at, count)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => prop::collection::vec(change(), 1..6).prop_map(Step::Batch),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Snapshot),
        1 => Just(Step::DropSnapshot),
        1 => Just(Step::Reopen),
    ]
}

fn apply(model: &mut Model, batch: &mut Batch, change: &Change) {
    match change {
        Change::Put(tree, key, length, fill) => {
            let value = vec![*fill; *length];
            batch.put(TreeId(*tree), key, &value);
            model.entry(*tree).or_default().insert(key.clone(), value);
        }
        Change::Delete(tree, key) => {
            batch.delete(TreeId(*tree), key);
            model.entry(*tree).or_default().remove(key);
        }
        Change::DropTree(tree) => {
            batch.drop_tree(TreeId(*tree));
            model.remove(tree);
        }
        Change::Fill(tree, at, count) => {
            for n in *at..at + count {
                let (key, value) = (n.to_be_bytes().to_vec(), vec![n as u8; 30]);
                batch.put(TreeId(*tree), &key, &value);
                model.entry(*tree).or_default().insert(key, value);
            }
        }
        Change::Clear(tree, at, count) => {
            for n in *at..at + count {
                let key = n.to_be_bytes().to_vec();
                batch.delete(TreeId(*tree), &key);
                model.entry(*tree).or_default().remove(&key);
            }
        }
    }
}

fn verify(snapshot: &Arc<dyn Snapshot>, model: &Model, probes: &[Vec<u8>]) {
    let empty = BTreeMap::new();
    let expected: Vec<_> =
        model.iter().filter(|(_, m)| !m.is_empty()).map(|(t, m)| (TreeId(*t), m.len() as u64)).collect();
    assert_eq!(snapshot.trees().unwrap(), expected);
    for tree in 1..4 {
        let entries = model.get(&tree).unwrap_or(&empty);
        let tree = TreeId(tree);
        let mut cursor = snapshot.range(tree, KeyRange::all(), Direction::Forward);
        for (key, value) in entries {
            let (k, v) = cursor.next().unwrap().unwrap();
            assert_eq!((k.as_ref(), v.as_ref()), (key.as_slice(), value.as_slice()));
        }
        assert!(cursor.next().unwrap().is_none());
        let mut cursor = snapshot.range(tree, KeyRange::all(), Direction::Backward);
        for key in entries.keys().rev() {
            assert_eq!(cursor.next_key().unwrap().unwrap(), key);
        }
        assert!(cursor.next_key().unwrap().is_none());
        verify_borrowed(snapshot, tree, entries);
        for pair in probes.windows(2) {
            verify_range(snapshot, tree, entries, &pair[0], &pair[1]);
        }
        verify_reuse(snapshot, tree, entries, probes);
    }
}

/// One lookup and one cursor that go from place to place: neighbours, then back and forth.
fn verify_reuse(
    snapshot: &Arc<dyn Snapshot>,
    tree: TreeId,
    entries: &BTreeMap<Vec<u8>, Vec<u8>>,
    probes: &[Vec<u8>],
) {
    let mut lookup = snapshot.lookup(tree);
    for (key, value) in entries {
        assert_eq!(lookup.get(key).unwrap().as_deref(), Some(value.as_slice()));
    }
    let strides = [1, 7, 61].map(|stride| entries.keys().rev().step_by(stride)).into_iter().flatten();
    let keys: Vec<&Vec<u8>> = probes.iter().chain(strides).collect();
    for key in &keys {
        assert_eq!(lookup.get(key).unwrap().as_deref(), entries.get(*key).map(Vec::as_slice));
    }
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = snapshot.range(tree, KeyRange::half_open(Bytes::new(), Bytes::new()), direction);
        assert_eq!(cursor.next_key().unwrap(), None);
        for key in keys.iter().step_by(3) {
            let start = Bytes::copy_from_slice(key);
            let range = KeyRange::new(
                Bound::Included(start.clone()),
                Bound::Excluded([key, &[9][..]].concat().into()),
            );
            let mut inside: Vec<&[u8]> = entries
                .range::<Vec<u8>, _>(key.to_vec()..[key, &[9][..]].concat())
                .map(|(key, _)| key.as_slice())
                .collect();
            if direction == Direction::Backward {
                inside.reverse();
            }
            cursor.restart(range);
            for expected in inside.iter().take(3) {
                assert_eq!(cursor.next_key().unwrap().as_deref(), Some(*expected));
            }
            if inside.len() < 3 {
                assert_eq!(cursor.next_key().unwrap(), None);
            }
        }
    }
}

/// The same entries without copies, each with the key to go on behind.
fn verify_borrowed(snapshot: &Arc<dyn Snapshot>, tree: TreeId, entries: &BTreeMap<Vec<u8>, Vec<u8>>) {
    for direction in [Direction::Forward, Direction::Backward] {
        let mut cursor = snapshot.range(tree, KeyRange::all(), direction);
        let mut expected: Vec<_> = entries.iter().collect();
        if direction == Direction::Backward {
            expected.reverse();
        }
        assert!(cursor.last_key().is_none());
        for (key, value) in expected {
            assert!(cursor.advance().unwrap());
            let stored = cursor.value().unwrap();
            assert_eq!(stored.bytes, value.as_slice());
            assert_eq!(stored.storage.slice_ref(stored.bytes), value.as_slice());
            assert_eq!(cursor.last_key().as_deref(), Some(key.as_slice()));
        }
        assert!(!cursor.advance().unwrap());
        assert!(cursor.last_key().is_none() && cursor.value().is_none());
    }
}

fn verify_range(
    snapshot: &Arc<dyn Snapshot>,
    tree: TreeId,
    entries: &BTreeMap<Vec<u8>, Vec<u8>>,
    a: &Vec<u8>,
    b: &Vec<u8>,
) {
    assert_eq!(snapshot.get(tree, a).unwrap().as_deref(), entries.get(a).map(Vec::as_slice));
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let bounds = [Bound::Included(()), Bound::Excluded(()), Bound::Unbounded];
    for start in &bounds {
        for end in &bounds {
            let range = KeyRange::new(
                start.map(|()| Bytes::copy_from_slice(low)),
                end.map(|()| Bytes::copy_from_slice(high)),
            );
            let inside: Vec<&Vec<u8>> = entries.keys().filter(|key| range.contains(key)).collect();
            assert_eq!(snapshot.count(tree, &range).unwrap(), inside.len() as u64);
            let mut cursor = snapshot.range(tree, range.clone(), Direction::Forward);
            assert_eq!(cursor.next_key().unwrap().as_deref(), inside.first().map(|key| key.as_slice()));
            let mut cursor = snapshot.range(tree, range.clone(), Direction::Backward);
            assert_eq!(cursor.next_key().unwrap().as_deref(), inside.last().map(|key| key.as_slice()));
            let middle = inside.len() / 2;
            let nth = snapshot.nth_key(tree, &range, middle as u64).unwrap();
            assert_eq!(nth.as_deref(), inside.get(middle).map(|key| key.as_slice()));
            assert!(snapshot.nth_key(tree, &range, inside.len() as u64).unwrap().is_none());
            let cuts = snapshot.split(tree, &range, 4).unwrap();
            assert!(cuts.len() <= 3 && cuts.windows(2).all(|pair| pair[0] < pair[1]));
            if let Some(key) = nth {
                for direction in [Direction::Forward, Direction::Backward] {
                    let mut cursor = snapshot.range(tree, range.clone(), direction);
                    cursor.seek(key.clone());
                    assert_eq!(cursor.next_key().unwrap(), Some(key.clone()));
                }
            }
        }
    }
}

fn options(disk: &SimulatedDisk) -> OpenOptions {
    OpenOptions {
        cache_bytes_max: 2 << 20,
        wal_segment_bytes: 200_000,
        checkpoint_log_bytes: 600_000,
        log_keep_bytes: 0,
        background: false,
        ..OpenOptions::new(Arc::new(disk.clone()))
    }
}

fn check(steps: &[Step], disk: Option<SimulatedDisk>) {
    let open = |disk: &Option<SimulatedDisk>| -> Box<dyn Engine> {
        match disk {
            Some(disk) => Box::new(DiskEngine::open(options(disk)).unwrap()),
            None => Box::new(MemoryEngine::new()),
        }
    };
    let mut engine = open(&disk);
    let mut model = Model::new();
    let mut snapshots: Vec<(Arc<dyn Snapshot>, Model)> = Vec::new();
    let mut probes: Vec<Vec<u8>> = vec![vec![], vec![1, 100], b"a common prefix/\x01".to_vec()];
    for step in steps {
        match step {
            Step::Batch(changes) => {
                let mut batch = Batch::new();
                for change in changes {
                    apply(&mut model, &mut batch, change);
                    if let Change::Put(_, key, ..) | Change::Delete(_, key) = change {
                        probes.push(key.clone());
                    }
                }
                let position = engine.commit(batch).unwrap();
                assert_eq!(engine.applied(), position);
            }
            Step::Checkpoint => engine.checkpoint().unwrap(),
            Step::Snapshot => snapshots.push((engine.snapshot(), model.clone())),
            Step::DropSnapshot => {
                snapshots.pop();
            }
            Step::Reopen if disk.is_some() => {
                for (snapshot, model) in snapshots.drain(..) {
                    verify(&snapshot, &model, &probes);
                }
                drop(engine);
                engine = open(&disk);
            }
            Step::Reopen => {}
        }
        let recent = &probes[probes.len().saturating_sub(6)..];
        verify(&engine.snapshot(), &model, recent);
        for (snapshot, model) in &snapshots {
            verify(snapshot, model, &recent[..2]);
        }
    }
    engine.scrub().unwrap();
    if let Some(disk) = disk {
        drop(snapshots);
        engine.checkpoint().unwrap();
        drop(engine);
        let report =
            photondb_storage::check_disk(&(Arc::new(disk) as Arc<dyn photondb_storage::Disk>)).unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_engine_is_a_map(steps in prop::collection::vec(step(), 1..30)) {
        check(&steps, None);
    }

    #[test]
    fn the_disk_engine_is_a_map(steps in prop::collection::vec(step(), 1..40)) {
        check(&steps, Some(SimulatedDisk::new()));
    }
}

#[test]
fn a_key_below_all_others_after_the_first_node_is_gone() {
    let steps = [
        Step::Batch(vec![Change::Fill(3, 256, 400), Change::Put(3, vec![1], 9, 1)]),
        Step::Batch(vec![Change::Put(3, vec![], 7, 0)]),
        Step::Batch(vec![Change::Delete(3, vec![]), Change::Put(3, vec![], 7, 0)]),
        Step::Checkpoint,
        Step::Batch(vec![Change::Put(3, vec![1], 8, 2), Change::Put(3, vec![0, 9], 8, 2)]),
    ];
    check(&steps, Some(SimulatedDisk::new()));
    check(&steps, None);
}
