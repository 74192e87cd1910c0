//! The packed form: round trips, access without unpacking, hostile bytes.

mod strategy;

use photondb_datum::packed::{self, Duplicates, Writer};
use photondb_datum::{Datum, DatumRef, json};
use proptest::prelude::*;
use strategy::{datum, repacked};

/// Reads everything there is to read.
fn walk(value: DatumRef<'_>) -> usize {
    match value {
        DatumRef::Array(array) => {
            assert!(array.get(array.len()).is_none());
            1 + array.iter().map(walk).sum::<usize>()
        }
        DatumRef::Object(object) => {
            let found = object
                .iter()
                .filter(|(key, _)| std::str::from_utf8(key).is_ok_and(|key| object.get(key).is_some()));
            found.count() + object.iter().map(|(_, value)| walk(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// Uses a value in every way; for bytes that may be anything.
fn exercise(value: &Datum) {
    use std::hash::{DefaultHasher, Hash};
    walk(value.view());
    let copy = value.view().to_datum();
    assert_eq!(copy.compare(value), std::cmp::Ordering::Equal);
    value.hash(&mut DefaultHasher::new());
    assert!(value.packed_bytes() > 0 && value.depth() <= 1000);
    let mut out = Vec::new();
    assert!(json::write(value, &mut out).is_ok() || value.contains_extremum());
    let repacked = packed::encode(&unpacked(value));
    assert!(packed::decode(repacked).is_ok());
    if let Datum::Object(object) = value {
        assert_eq!(object.iter().rev().count(), object.len());
    }
}

/// The value as a tree all the way down.
fn unpacked(value: &Datum) -> Datum {
    match value {
        Datum::Array(array) => Datum::array(array.iter().map(|item| unpacked(&item))),
        Datum::Object(object) => Datum::object(object.iter().map(|(key, value)| (key, unpacked(&value)))),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn round_trip(value in datum()) {
        let packed = repacked(&value);
        prop_assert_eq!(&packed, &value);
        prop_assert_eq!(packed.type_name(), value.type_name());
        prop_assert_eq!(packed.print(), value.print());
        prop_assert_eq!(packed.depth(), value.depth());
        prop_assert_eq!(packed.packed_bytes(), packed::encode(&value).len());
        prop_assert_eq!(value.packed_bytes(), packed::encode(&value).len());
        // Canonical: unpacking and packing again gives the same bytes.
        prop_assert_eq!(packed::encode(&unpacked(&packed)), packed::encode(&value));
    }

    #[test]
    fn packed_access_equals_tree_access(value in datum()) {
        let packed = repacked(&value);
        match (&value, &packed) {
            (Datum::Object(tree), Datum::Object(packed)) => {
                prop_assert_eq!(tree.len(), packed.len());
                prop_assert!(tree.iter().eq(packed.iter()));
                prop_assert!(tree.keys().rev().eq(packed.keys().rev()));
                let bytes = packed::encode(&value);
                for (key, field) in tree {
                    prop_assert_eq!(packed.get(&key), Some(field.clone()));
                    prop_assert_eq!(packed::field(&bytes, &key).map(DatumRef::to_datum), Some(field));
                    let absent = format!("{key}\u{0}");
                    prop_assert_eq!(packed.contains_key(&absent), tree.contains_key(&absent));
                }
            }
            (Datum::Array(tree), Datum::Array(packed)) => {
                prop_assert!(tree.iter().eq(packed.iter()));
                prop_assert!(tree.iter().rev().eq(packed.iter().rev()));
                prop_assert_eq!(packed.get(packed.len()), None);
                prop_assert_eq!(packed.iter().nth(1), tree.get(1));
            }
            _ => {}
        }
    }

    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = packed::decode(bytes.into()) {
            exercise(&value);
        }
    }

    #[test]
    fn damaged_bytes_can_be_read(
        value in datum(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packed::encode(&value).to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(value) = packed::decode(bytes.clone().into()) {
            exercise(&value);
        }
        bytes.truncate(cut.index(bytes.len()));
        if let Ok(value) = packed::decode(bytes.into()) {
            exercise(&value);
        }
    }

    #[test]
    fn fields_may_come_in_any_order(
        fields in proptest::collection::vec((strategy::text(), datum()), 0..8)
    ) {
        if fields.iter().any(|(key, _)| key == "$reql_type$") {
            return Ok(());
        }
        let mut writer = Writer::new();
        // Also behind an object of the same fields, of others, and inside of one.
        let (half, twice) = (fields.len() / 2, [&fields[..], &fields[..]].concat());
        for fields in [&fields[..], &fields[..], &fields[half..], &twice[half..], &fields[..half]] {
            writer.begin_object();
            writer.key("outer");
            writer.begin_object();
            for (key, value) in fields {
                writer.key(key);
                writer.value(value.view());
            }
            writer.end_object(Duplicates::LastWins).unwrap();
            writer.key("more");
            writer.null();
            writer.end_object(Duplicates::Reject).unwrap();
            let inner = Datum::object(fields.iter().map(|(key, value)| (key.as_str(), value.clone())));
            let expected = Datum::object([("outer", inner), ("more", Datum::Null)]);
            let written = writer.take_datum().unwrap();
            prop_assert_eq!(packed::encode(&written), packed::encode(&expected));
        }
    }

    #[test]
    fn fields_are_copied_in_pieces(
        fields in proptest::collection::vec((strategy::text(), datum()), 0..8),
        at in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let object = Datum::object(fields.iter().map(|(key, value)| (key.as_str(), value.clone())));
        let bytes = packed::encode(&object);
        let mut damaged = bytes.to_vec();
        for (at, byte) in damage {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        for (tree, bytes) in [(Some(&object), bytes), (None, damaged.into())] {
            let copied = packed::decode(bytes.clone());
            let Ok(Datum::Object(object)) = tree.cloned().map_or(copied, Ok) else { continue };
            let middle = at.index(object.len() + 1);
            let copy = Writer::lent(|writer| {
                writer.begin_object();
                writer.fields(object.view(), 0..middle);
                writer.fields(object.view(), middle..object.len());
                writer.end_object_as_is();
                writer.take_datum()
            });
            if tree.is_some() && !object.is_pseudo() {
                prop_assert_eq!(packed::encode(&copy.unwrap()), bytes);
            } else if let Ok(copy) = copy {
                exercise(&copy);
            }
        }
    }
}

#[test]
fn wide_arrays_and_objects() {
    let items: Vec<Datum> = (0..70_000).map(|n| Datum::Number(f64::from(n) / 2.0)).collect();
    let array = Datum::array(items.clone());
    let packed = repacked(&array);
    assert_eq!(packed, array);
    assert_eq!(packed.as_array().unwrap().get(69_999), Some(items[69_999].clone()));
    let object = Datum::object((0..10_000).map(|n| (format!("field {n}"), Datum::from(n))));
    let packed = repacked(&object);
    assert_eq!(packed, object);
    assert_eq!(packed.get("field 7777"), Some(Datum::from(7777)));
    for len in [65_500, 65_535, 65_536, 70_000] {
        let long = Datum::object([("a", Datum::from("x".repeat(len))), ("b", Datum::Null)]);
        assert_eq!(repacked(&long), long);
    }
}

#[test]
fn reserved_and_unknown_tags_are_refused() {
    for tag in [0x00, 0x09, 0x0f, 0x13, 0x1f, 0x23, 0x27, 0x2b, 0x2f, 0x30, 0xff] {
        let mut bytes = vec![tag];
        bytes.extend([0; 16]);
        assert!(packed::decode(bytes.into()).is_err());
    }
    let mut infinite = vec![0x05];
    infinite.extend(f64::INFINITY.to_le_bytes());
    assert!(packed::decode(infinite.into()).is_err());
    // Bytes behind the value are part of no value.
    assert!(packed::decode(vec![0x02, 0x02].into()).is_err());
}

#[test]
fn an_array_that_contains_itself_ends() {
    // One item, whose offset is the array's own.
    for offset in [0u8, 1, 4, 5, 9] {
        let narrow = vec![0x10, 0xff, 7, 1, offset, 0x10, 0xff];
        let wider = vec![0x11, 0xff, 0x01, 11, 0, 1, 0, offset, 0, 0x10, 0xff];
        for bytes in [narrow, wider] {
            if let Ok(value) = packed::decode(bytes.into()) {
                exercise(&value);
            }
        }
    }
}

#[test]
fn invalid_text_is_repaired() {
    let bytes = vec![0x0a, 3, b'a', 0xff, b'b'];
    assert_eq!(packed::decode(bytes.into()).unwrap().as_str(), Some("a\u{fffd}b"));
}

#[test]
fn a_rolled_back_writer_forgets() {
    let mut writer = Writer::new();
    writer.begin_object();
    writer.key("a");
    let checkpoint = writer.checkpoint();
    writer.begin_array();
    writer.string("gone");
    writer.begin_object();
    writer.key("gone");
    writer.rollback(checkpoint);
    writer.number(1.0);
    writer.key("b");
    writer.bool(true);
    writer.end_object(Duplicates::Reject).unwrap();
    let value = writer.take_datum().unwrap();
    assert_eq!(json::to_string(&value).unwrap(), r#"{"a":1,"b":true}"#);
    // The writer is ready for the next value.
    writer.null();
    assert_eq!(writer.take_datum().unwrap(), Datum::Null);
}

#[test]
fn deep_trees_are_dropped_without_recursion() {
    let mut array = Datum::array([]);
    let mut object = Datum::Null;
    for _ in 0..200_000 {
        array = Datum::array([array]);
        object = Datum::object([("a", object)]);
    }
    assert!(array.check_depth().is_err());
    assert_eq!(object.check_depth().unwrap_err().to_string(), "Nesting depth limit (500) exceeded.");
    drop(array);
    drop(object);
}

#[test]
fn values_at_the_depth_limit_work() {
    let mut value = Datum::Null;
    for n in 0..500 {
        value = if n % 2 == 0 { Datum::array([value]) } else { Datum::object([("a", value)]) };
    }
    value.check_depth().unwrap();
    let packed = repacked(&value);
    assert_eq!(packed, value);
    assert_eq!(packed.depth(), 500);
    exercise(&packed);
}

#[test]
fn the_documented_example_is_true() {
    let array = Datum::array([Datum::Bool(true)]);
    let value = Datum::object([("a", Datum::from(1)), ("b", array)]);
    let bytes = [
        0x20, 2, 18, 2, // object, depth 2, 18 bytes, 2 fields
        10, 12, // values
        1, 2, // ends of names
        b'a', b'b', // names
        0x06, 1, // 1
        0x10, 1, 6, 1, 5, 0x04, // array, depth 1, 6 bytes, 1 item at 5: true
    ];
    assert_eq!(packed::encode(&value), bytes.as_slice());
}

#[test]
fn damaged_children_are_written_as_they_are_read() {
    // The second item has an offset outside, the third one is as deep as its parent.
    let bytes = vec![0x10, 1, 14, 3, 7, 99, 9, 0x06, 5, 0x10, 1, 5, 1, 4];
    let value = packed::decode(bytes.into()).unwrap();
    assert_eq!(json::to_string(&value).unwrap(), "[5,null,null]");
    assert_eq!(unpacked(&value), Datum::array([Datum::from(5), Datum::Null, Datum::Null]));
}
