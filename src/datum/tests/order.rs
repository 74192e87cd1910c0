//! ReQL's order, equality and hash.

mod strategy;

use std::cmp::Ordering;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use photondb_datum::{Datum, pseudo};
use proptest::prelude::*;
use strategy::{datum, repacked};

fn hash(value: &Datum) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

proptest! {
    #[test]
    fn packed_and_tree_are_one(a in datum(), b in datum()) {
        let order = a.compare(&b);
        prop_assert_eq!(repacked(&a).compare(&b), order);
        prop_assert_eq!(a.compare(&repacked(&b)), order);
        prop_assert_eq!(repacked(&a).compare(&repacked(&b)), order);
        prop_assert_eq!(b.compare(&a), order.reverse());
        prop_assert_eq!(a == b, order == Ordering::Equal);
        prop_assert_eq!(hash(&a), hash(&repacked(&a)));
        if a == b {
            prop_assert_eq!(hash(&a), hash(&b));
        }
    }

    #[test]
    fn the_order_is_total(mut values in proptest::collection::vec(datum(), 3..8)) {
        values.sort();
        for (position, low) in values.iter().enumerate() {
            for high in &values[position..] {
                prop_assert!(low.compare(high) != Ordering::Greater);
            }
        }
    }
}

#[test]
fn types_order_by_name() {
    let point =
        pseudo::geometry(pseudo::GeometryKind::Point, Datum::array([Datum::Number(0.0), Datum::Number(0.0)]));
    let ascending = [
        Datum::MinVal,
        Datum::array([]),
        Datum::array([Datum::Null]),
        Datum::array([Datum::Null, Datum::Null]),
        Datum::array([Datum::from("a")]),
        Datum::Bool(false),
        Datum::Bool(true),
        Datum::Null,
        Datum::Number(-1.5),
        Datum::Number(0.0),
        Datum::Number(2.0),
        Datum::object::<&str>([]),
        Datum::object([("a", Datum::Number(1.0))]),
        Datum::object([("a", Datum::Number(1.0)), ("b", Datum::Null)]),
        Datum::object([("a", Datum::Number(2.0))]),
        Datum::object([("b", Datum::Null)]),
        Datum::Binary(b"a".as_slice().into()),
        Datum::Binary(b"b".as_slice().into()),
        point,
        pseudo::time(0.0, "+00:00"),
        pseudo::time(1.0, "-01:00"),
        Datum::from(""),
        Datum::from("Z"),
        Datum::from("a"),
        Datum::MaxVal,
    ];
    for (position, low) in ascending.iter().enumerate() {
        assert_eq!(low, low);
        for high in &ascending[position + 1..] {
            assert_eq!(low.compare(high), Ordering::Less, "{low:?} {high:?}");
            assert_eq!(high.compare(low), Ordering::Greater, "{high:?} {low:?}");
        }
    }
}

#[test]
fn zeroes_and_instants_are_equal() {
    let pairs = [
        (Datum::Number(0.0), Datum::Number(-0.0)),
        (pseudo::time(5.0, "+00:00"), pseudo::time(5.0, "+02:00")),
        (Datum::array([Datum::Number(0.0)]), Datum::array([Datum::Number(-0.0)])),
    ];
    for (a, b) in pairs {
        assert_eq!(a, b);
        assert_eq!(repacked(&a), repacked(&b));
        assert_eq!(hash(&a), hash(&b));
    }
}

#[test]
fn type_names() {
    let names = [
        (Datum::MinVal, "MINVAL"),
        (Datum::MaxVal, "MAXVAL"),
        (Datum::Null, "NULL"),
        (Datum::Bool(true), "BOOL"),
        (Datum::from(1), "NUMBER"),
        (Datum::from("a"), "STRING"),
        (Datum::array([]), "ARRAY"),
        (Datum::object([("a", Datum::Null)]), "OBJECT"),
        (Datum::Binary(Default::default()), "PTYPE<BINARY>"),
        (pseudo::time(0.0, "+00:00"), "PTYPE<TIME>"),
        (Datum::Object(pseudo::literal(None)), "PTYPE<LITERAL>"),
    ];
    for (value, name) in names {
        assert_eq!(value.type_name(), name);
        assert_eq!(repacked(&value).type_name(), name);
    }
}
