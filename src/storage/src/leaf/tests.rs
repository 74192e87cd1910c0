use std::collections::BTreeMap;

use photondb_base::{Random, SeededRandom};

use super::*;
use crate::node::Written;

const PREFIXES: [&[u8]; 4] = [b"", b"a common prefix/", b"a common prefix/and more/", b"b"];

fn large(bytes: Vec<u8>) -> Value {
    Value::Large(Arc::new(LargeValue { epoch: 1, written: Written::default(), bytes: bytes.into() }))
}

fn content(value: &Value) -> Vec<u8> {
    match value {
        Value::Inline(bytes) => bytes.to_vec(),
        Value::Large(large) => large.bytes.to_vec(),
        Value::Slot(pointer) => pointer.offset.to_le_bytes().to_vec(),
        Value::Tree(root) => root.count.to_le_bytes().to_vec(),
    }
}

fn assert_same(leaf: &Leaf, model: &BTreeMap<Vec<u8>, Vec<u8>>) {
    assert_eq!(leaf.count(), model.len());
    for (index, (key, value)) in model.iter().enumerate() {
        assert_eq!(leaf.search(key), Ok(index));
        assert_eq!(leaf.key(index), key);
        assert_eq!(content(&leaf.value(index).unwrap()), *value);
    }
}

/// Puts or removes something. Prefixes of a page come in by way of packing.
fn step(random: &SeededRandom, leaf: &mut Leaf, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, prefixes: u64) {
    let prefix = PREFIXES[(1 + random.below(prefixes) as usize) % PREFIXES.len()];
    let key = [prefix, &random.below(40).to_be_bytes()[7..]].concat();
    let found = leaf.search(&key);
    // A few long ones.
    let longer = if random.below(8) == 0 { KEPT_BYTES_MIN - 30 } else { 0 };
    let value = vec![random.below(256) as u8; longer + random.below(60) as usize];
    match (random.below(3), found) {
        (0, Ok(index)) => {
            leaf.remove(index);
            model.remove(&key);
        }
        (1, found) => {
            put(leaf, found, &key, large(value.clone()));
            model.insert(key, value);
        }
        (_, found) => {
            put(leaf, found, &key, Value::Inline(value.clone().into()));
            model.insert(key, value);
        }
    }
}

/// The leaf as a page, when nothing is aside.
fn to_page(leaf: &Leaf) -> Option<Page> {
    let (bytes, _) = leaf.pack(|_| Err(())).ok()?;
    Page::parse(bytes.into())
}

fn put(leaf: &mut Leaf, found: Result<usize, usize>, key: &[u8], value: Value) {
    match found {
        Ok(index) => drop(leaf.replace(index, value)),
        Err(index) => leaf.insert(index, key, value),
    }
}

#[test]
fn a_leaf_is_a_map() {
    let random = SeededRandom::new(5);
    for round in 0..200 {
        let (mut leaf, mut model) = (Leaf::default(), BTreeMap::new());
        for _ in 0..random.below(120) + 2 {
            step(&random, &mut leaf, &mut model, round % 3 + 1);
            if random.below(20) == 0
                && let Some(page) = to_page(&leaf).filter(|page| page.count() > 0)
            {
                assert_eq!(page.plain_length(), leaf.bytes());
                leaf = Leaf::from_page(&page);
            }
        }
        assert_same(&leaf, &model);
        if leaf.count() < 2 {
            continue;
        }
        let at = random.below(leaf.count() as u64) as usize;
        let mut right_model = model.split_off(&leaf.key(at)[..]);
        let right = leaf.split_off(at);
        assert_same(&leaf, &model);
        assert_same(&right, &right_model);
        leaf.append(right);
        model.append(&mut right_model);
        assert_same(&leaf, &model);
    }
}

#[test]
fn what_is_aside_is_settled_in_the_page_and_in_the_leaf() {
    let pointer = Pointer { offset: 512, length: 7, checksum: 9, slots_below: false };
    let mut leaf = Leaf::of_one(b"key 1", large(vec![1; 5000]));
    leaf.insert(1, b"key 2", Value::Inline(Bytes::from_static(b"inline")));
    leaf.insert(2, b"key 3", Value::Tree(Root { node: None, count: 3 }));
    assert!(!leaf.has_nothing_aside());
    let settle = |aside: &Aside| match aside {
        Aside::Large(_) => Ok::<_, ()>(Settled::Slot(pointer)),
        Aside::Tree(_) => Ok(Settled::Tree([7; CHILD_BYTES])),
    };
    let (bytes, slots_below) = leaf.pack(settle).unwrap();
    assert!(slots_below);
    let page = Page::parse(bytes.into()).unwrap();
    let unpacked = Leaf::from_page(&page);
    assert!(matches!(unpacked.value(0), Some(Value::Slot(found)) if found == pointer));
    assert_eq!(content(&unpacked.value(1).unwrap()), b"inline");
    assert_eq!(content(&unpacked.value(2).unwrap()), [7; CHILD_BYTES]);
    leaf.sweep(|aside| matches!(aside, Aside::Large(_)).then_some(pointer));
    assert!(matches!(leaf.value(0), Some(Value::Slot(found)) if found == pointer));
    assert_eq!(leaf.root_mut(2).map(|root| root.count), Some(3));
    assert!(matches!(leaf.remove(2), Some(Value::Tree(_))));
    assert!(matches!(leaf.replace(0, Value::Inline(Bytes::new())), Some(Value::Slot(_))));
}

#[test]
fn long_values_of_a_page_are_not_copied() {
    let mut leaf = Leaf::of_one(b"key 1", Value::Inline(vec![1; 900].into()));
    leaf.insert(1, b"key 2", Value::Inline(vec![2; 20].into()));
    leaf.insert(2, b"key 3", Value::Inline(vec![3; 700].into()));
    let page = to_page(&leaf).unwrap();
    assert_eq!((page.plain_length(), page.has_all_values()), (leaf.bytes(), true));
    let mut changed = Leaf::from_page(&page);
    let third = page.inline_value(2).unwrap().bytes.as_ptr();
    let is_third = |value: Option<&Bytes>| value.is_some_and(|value| value.as_ptr() == third);
    assert!(is_third(changed.kept_value(2)) && changed.kept_value(1).is_none());
    assert!(changed.has_nothing_aside() && changed.outside().count() == 0);
    // The page counts for itself, however many of its values are left.
    let before = changed.memory_bytes();
    assert!(changed.replace(0, Value::Inline(vec![4; 1000].into())).is_none());
    assert!(changed.memory_bytes() >= before + 1000);
    changed.insert(3, b"key 4", Value::Inline(vec![5; 600].into()));
    let right = changed.split_off(2);
    assert!(is_third(right.kept_value(0)));
    changed.append(right);
    let page = to_page(&changed).unwrap();
    let lengths: Vec<usize> = (0..4).map(|index| page.inline_value(index).unwrap().bytes.len()).collect();
    assert_eq!(lengths, [1000, 20, 700, 600]);
    assert_eq!((page.plain_length(), changed.middle()), (changed.bytes(), 2));
}
