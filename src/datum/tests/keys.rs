//! Keys: their byte order is the order of values, and they come back as they were.

mod strategy;

use photondb_datum::key::{self, KeyError};
use photondb_datum::{Datum, pseudo};
use proptest::prelude::*;
use strategy::repacked;

fn encoded(value: &Datum) -> Vec<u8> {
    let mut out = Vec::new();
    key::encode_into(value.view(), &mut out).unwrap();
    out
}

fn primary_error(value: &Datum) -> String {
    key::encode_primary(value).unwrap_err().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn byte_order_is_value_order(a in strategy::key(), b in strategy::key()) {
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), a.compare(&b));
        // One key behind the other: the first decides, then the second.
        let pair = [encoded(&a), encoded(&b)].concat();
        let turned = [encoded(&b), encoded(&a)].concat();
        prop_assert_eq!(pair.cmp(&turned), a.compare(&b));
    }

    #[test]
    fn keys_come_back(value in strategy::key(), rest in proptest::collection::vec(any::<u8>(), 0..5)) {
        let mut bytes = encoded(&value);
        prop_assert_eq!(&key::decode(&bytes).unwrap(), &value);
        prop_assert_eq!(encoded(&repacked(&value)), bytes.clone());
        let len = bytes.len();
        prop_assert_eq!(key::encoded_len(&bytes), Some(len));
        bytes.extend(rest);
        prop_assert_eq!(key::decode_prefix(&bytes).unwrap(), (value, len));
        prop_assert_eq!(key::encoded_len(&bytes), Some(len));
        for cut in 0..len {
            prop_assert_eq!(key::encoded_len(&bytes[..cut]), None);
            prop_assert!(key::decode(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn index_keys_keep_the_order_as_far_as_they_go(a in strategy::key(), b in strategy::key()) {
        let (left, right) = (key::encode_secondary(&a).unwrap(), key::encode_secondary(&b).unwrap());
        prop_assert!(left.bytes.len() <= key::SECONDARY_KEY_BYTES_MAX);
        if left.truncated || right.truncated {
            prop_assert!(left.bytes <= right.bytes || a > b);
        } else {
            prop_assert_eq!(left.bytes.cmp(&right.bytes), a.compare(&b));
        }
        prop_assert_eq!(left.truncated, encoded(&a).len() > key::SECONDARY_KEY_BYTES_MAX);
        prop_assert!(encoded(&a).starts_with(&left.bytes));
    }

    #[test]
    fn index_entries_come_apart(secondary in strategy::key(), primary in strategy::key()) {
        let secondary = key::encode_secondary(&secondary).unwrap();
        let primary = encoded(&primary);
        let entry = [&secondary.bytes[..], &primary].concat();
        prop_assert_eq!(key::split_secondary(&entry), Some((&secondary.bytes[..], &primary[..])));
    }

    #[test]
    fn any_bytes_can_be_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = key::decode(&bytes) {
            prop_assert!(!value.is_null());
        }
        let _len: Option<usize> = key::encoded_len(&bytes);
    }

    #[test]
    fn the_successor_is_above_the_prefix(
        prefix in proptest::collection::vec(prop_oneof![Just(255u8), any::<u8>()], 0..4),
        rest in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let extended = [&prefix[..], &rest].concat();
        match key::successor(&prefix) {
            Some(successor) => prop_assert!(successor > extended && successor > prefix),
            None => prop_assert!(prefix.iter().all(|byte| *byte == 255)),
        }
    }
}

#[test]
fn extremes_bound_everything() {
    let values = [Datum::array([]), Datum::Bool(false), Datum::from(-1), Datum::from("z")];
    for value in &values {
        assert!(encoded(&Datum::MinVal) < encoded(value));
        assert!(encoded(&Datum::MaxVal) > encoded(value));
        let low = encoded(&Datum::array([value.clone(), Datum::MinVal]));
        let high = encoded(&Datum::array([value.clone(), Datum::MaxVal]));
        for second in &values {
            let pair = encoded(&Datum::array([value.clone(), second.clone()]));
            assert!(low < pair && pair < high);
        }
    }
    let bound = Datum::array([Datum::from(1), Datum::MaxVal]);
    assert!(key::encode_secondary_bound(&bound).is_ok());
    assert_eq!(key::encode_secondary(&bound), Err(KeyError::Extremum));
    assert_eq!(KeyError::Extremum.to_string(), "Cannot use `r.minval` or `r.maxval` in an index key.");
}

#[test]
fn primary_keys_have_a_limit() {
    let longest = Datum::from("a".repeat(127));
    assert!(key::encode_primary(&longest).is_ok());
    let long = Datum::from("a".repeat(128));
    assert_eq!(
        primary_error(&long),
        format!("Primary key too long (max 127 characters): \"{}\"", "a".repeat(128))
    );
    let huge = Datum::array((0..1_000).map(|n| Datum::Number(f64::from(n))));
    assert!(primary_error(&huge).starts_with("Primary key too long (max 127 characters): [\n\t0,\n\t1,"));
}

#[test]
fn what_is_no_key_is_said_as_rethinkdb_does() {
    assert_eq!(
        primary_error(&Datum::Null),
        "Primary keys must be either a number, string, bool, pseudotype or array (got type NULL):\nnull"
    );
    assert_eq!(
        primary_error(&Datum::object([("a", Datum::from(1))])),
        "Primary keys must be either a number, string, bool, pseudotype or array (got type OBJECT):\n{\n\t\"a\":\t1\n}"
    );
    assert_eq!(
        primary_error(&Datum::array([Datum::Null])),
        "Array keys can only contain numbers, strings, bools,  pseudotypes, or arrays (got null of type NULL)."
    );
    let point = pseudo::geometry(pseudo::GeometryKind::Point, Datum::array([]));
    assert_eq!(
        primary_error(&point),
        "Cannot use a geometry value as a key value in a primary or non-geospatial secondary index."
    );
    assert_eq!(
        primary_error(&Datum::from("a\0b")),
        r#"String "a\x00b" (truncated) contains NULL byte at offset 1 in index key."#
    );
    assert!(key::encode_secondary(&Datum::from("a\0b")).is_ok());
    assert_eq!(
        key::encode_secondary(&Datum::Null).unwrap_err().to_string(),
        "Secondary keys must be a number, string, bool, pseudotype, or array (got type NULL):\nnull"
    );
}

#[test]
fn zeroes_and_time_zones_make_no_difference() {
    assert_eq!(encoded(&Datum::Number(0.0)), encoded(&Datum::Number(-0.0)));
    assert_eq!(encoded(&pseudo::time(1.5, "+00:00")), encoded(&pseudo::time(1.5, "-07:00")));
}

#[test]
fn deep_keys_do_not_overflow() {
    let open = vec![0x10; 100_000];
    assert_eq!(key::decode(&open), Err(KeyError::Malformed));
    assert_eq!(key::encoded_len(&open), None);
}

#[test]
fn what_is_cut_off_is_checked_all_the_same() {
    let long = || Datum::string("~".repeat(key::SECONDARY_KEY_BYTES_MAX));
    let encoded = |items: Vec<Datum>| key::encode_secondary(&Datum::from(items));
    for wrong in [Datum::Null, Datum::from(vec![Datum::Null]), Datum::MinVal, Datum::object([("a", long())])]
    {
        assert!(encoded(vec![long(), wrong.clone()]).is_err(), "{wrong:?}");
        assert!(encoded(vec![long(), long(), wrong]).is_err());
    }
    let whole = encoded(vec![long(), Datum::from(1), long()]).unwrap();
    assert!(whole.truncated);
    assert_eq!(whole.bytes.len(), key::SECONDARY_KEY_BYTES_MAX);
}
