//! Values of every kind and shape, for property tests.
#![allow(dead_code, reason = "not every test binary uses every strategy")]

use photondb_datum::{Datum, ObjectBuilder, Text, packed, pseudo};
use proptest::prelude::*;

/// Finite numbers, with those that are special more often than they come by chance.
pub fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |number| number.is_finite()),
        (-300i32..300).prop_map(f64::from),
        any::<i32>().prop_map(f64::from),
        Just(-0.0),
        Just(0.0),
        Just(9_007_199_254_740_992.0),
        Just(-9_007_199_254_740_993.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::MAX),
        Just(0.1),
    ]
}

/// Text, much of it alike, some of it with what needs escaping.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,3}",
        "[a-c\u{0}\u{1}\u{ff}\"\\\\\n\u{1f600}ä]{0,4}",
        any::<String>(),
        "[a-z]{250,300}",
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![proptest::collection::vec(0u8..3, 0..4), proptest::collection::vec(any::<u8>(), 0..200)]
}

/// Milliseconds, as times are rounded to.
fn time() -> impl Strategy<Value = Datum> {
    (-2_000_000_000_000i64..2_000_000_000_000, -1439i32..1440).prop_map(|(milliseconds, minutes)| {
        let sign = if minutes < 0 { '-' } else { '+' };
        let zone = match minutes {
            0 => "+00:00".to_owned(),
            _ => format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60),
        };
        pseudo::time(milliseconds as f64 / 1000.0, &zone)
    })
}

fn geometry() -> impl Strategy<Value = Datum> {
    (number(), number()).prop_map(|(longitude, latitude)| {
        let coordinates = Datum::array([Datum::Number(longitude), Datum::Number(latitude)]);
        pseudo::geometry(pseudo::GeometryKind::Point, coordinates)
    })
}

/// Values without children, that can be keys.
pub fn key_scalar() -> impl Strategy<Value = Datum> {
    prop_oneof![
        any::<bool>().prop_map(Datum::Bool),
        number().prop_map(Datum::Number),
        text().prop_map(|text| Datum::String(Text::from(text))),
        bytes().prop_map(|bytes| Datum::Binary(bytes.into())),
        time(),
    ]
}

/// Values that can be keys of an index.
pub fn key() -> impl Strategy<Value = Datum> {
    key_scalar()
        .prop_recursive(3, 12, 4, |inner| proptest::collection::vec(inner, 0..4).prop_map(Datum::array))
}

/// Any value that JSON can say, as a tree.
pub fn datum() -> impl Strategy<Value = Datum> {
    let leaf = prop_oneof![4 => key_scalar(), 1 => Just(Datum::Null), 1 => geometry()];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Datum::array),
            proptest::collection::vec((text(), inner), 0..6).prop_map(|fields| {
                let mut builder = ObjectBuilder::new();
                for (key, value) in fields {
                    builder.insert(Text::from(key), value);
                }
                Datum::Object(builder.build())
            }),
        ]
    })
}

/// The same value as a slice of a packed document.
pub fn repacked(datum: &Datum) -> Datum {
    packed::decode(packed::encode(datum)).expect("what was packed can be read")
}
