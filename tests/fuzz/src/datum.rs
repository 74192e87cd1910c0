//! Values: JSON, packed bytes, keys, times, base64. Every input is tried as each of them.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use photondb_datum::json::{self, JsonErrorKind, ParseLimits};
use photondb_datum::{Datum, DatumError, DatumRef, Object, PseudoType, Text, key, packed, pseudo};

use crate::json_oracle;

/// Hostile bytes may share children, so that a few of them are a tree without end. Larger
/// ones are only looked at.
const VALUES_MAX: usize = 2000;
/// Beyond this, comparing every pair would be slow.
const PAIRS_MAX: usize = 24;

pub(crate) fn check(bytes: &[u8]) {
    json_text(bytes);
    packed_bytes(bytes);
    key_bytes(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        time_text(text);
        base64_text(text);
    }
    let mut base64 = Vec::new();
    pseudo::encode_base64(bytes, &mut base64, b"\r\n");
    let base64 = String::from_utf8(base64).expect("base64 is ASCII");
    assert_eq!(pseudo::decode_base64(&base64).as_deref(), Ok(bytes));
}

fn json_text(text: &[u8]) {
    let limits = ParseLimits { array_size_max: 100, ..ParseLimits::default() };
    let parsed = json::parse(text, limits);
    if let Err(DatumError::Json { offset, .. }) = &parsed {
        assert!(*offset <= text.len(), "{offset} lies outside");
    }
    if let Err(error) = &parsed {
        assert!(error.to_string().len() < 4096, "a message must be readable");
    }
    json_oracle::compare(text, &parsed);
    let Ok(value) = parsed else { return };
    assert!(value.check_depth().is_ok() && !value.contains_extremum());
    survives(&value);
    if let Datum::Array(items) = &value {
        let items: Vec<Datum> = items.iter().take(PAIRS_MAX).collect();
        for left in &items {
            for right in &items {
                ordered_alike(left, right);
            }
        }
    }
    if let Datum::Object(object) = &value
        && object.pseudo_type() == Some(PseudoType::Time)
    {
        time(object);
    }
}

/// JSON, packed bytes and trees are the same value.
fn survives(value: &Datum) {
    let text = json::to_string(value).expect("there are no extremes in JSON");
    let limits = ParseLimits { array_size_max: usize::MAX, ..ParseLimits::default() };
    let again = json::parse(text.as_bytes(), limits).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(*value, again);
    let bytes = packed::encode(value);
    assert_eq!(bytes, packed::encode(&again), "one value has one encoding: {text}");
    assert_eq!(packed::decode(bytes.clone()).as_ref(), Ok(value));
    let tree = as_tree(value.view());
    assert_eq!(*value, tree);
    assert_eq!(bytes, packed::encode(&tree), "a tree packs to the same bytes: {text}");
    assert_eq!(json::to_string(&tree).as_deref(), Ok(text.as_str()));
    assert_eq!(hash(value), hash(&tree));
    assert_eq!((value.print(), value.depth()), (tree.print(), tree.depth()));
}

/// The value without packed arrays and objects in it.
fn as_tree(value: DatumRef<'_>) -> Datum {
    match value {
        DatumRef::Array(array) => Datum::array(array.iter().map(as_tree)),
        DatumRef::Object(object) => {
            Datum::object(object.iter().map(|(name, field)| (text(name), as_tree(field))))
        }
        other => other.to_datum(),
    }
}

fn text(bytes: &[u8]) -> Text {
    Text::from_utf8_lossy(Bytes::copy_from_slice(bytes))
}

fn hash(value: &Datum) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Hostile packed bytes are read without harm; those that are canonical survive.
fn packed_bytes(bytes: &[u8]) {
    let shared = Bytes::copy_from_slice(bytes);
    let Ok(value) = packed::decode(shared.clone()) else {
        assert!(packed::view(bytes).is_err());
        return;
    };
    if matches!(value, Datum::Array(_) | Datum::Object(_)) {
        assert_eq!(packed::encode(&value), shared, "what is packed is not packed again");
    }
    let mut left = VALUES_MAX;
    if count(value.view(), &mut left).is_none() {
        return;
    }
    let tree = as_tree(value.view());
    // Repairing what is hostile once is enough.
    let repaired = packed::encode(&tree);
    assert_eq!(packed::encode(&as_tree(packed::view(&repaired).expect("it was packed"))), repaired);
    assert_eq!(value.compare(&value), Ordering::Equal);
    if json::to_string(&value).is_err() {
        assert!(value.contains_extremum());
    }
    if repaired == shared {
        assert_eq!((&value, hash(&value)), (&tree, hash(&tree)));
        for (name, field) in value.as_object().into_iter().flatten() {
            assert_eq!(packed::field(bytes, &name).map(DatumRef::to_datum), Some(field));
        }
    }
}

/// Takes the number of values from `left`; nothing when there are more.
fn count(value: DatumRef<'_>, left: &mut usize) -> Option<()> {
    *left = left.checked_sub(1)?;
    match value {
        DatumRef::Array(array) => array.iter().try_for_each(|item| count(item, left)),
        DatumRef::Object(object) => object.iter().try_for_each(|(_, field)| count(field, left)),
        _ => Some(()),
    }
}

/// Hostile keys are read without harm, and what is read becomes the same key.
fn key_bytes(bytes: &[u8]) {
    if let Some((secondary, behind)) = key::split_secondary(bytes) {
        assert_eq!([secondary, behind].concat(), bytes);
    }
    if let Some(successor) = key::successor(bytes) {
        assert!(successor.as_slice() > bytes && successor > [bytes, &[u8::MAX; 8]].concat());
    }
    let Ok((value, length)) = key::decode_prefix(bytes) else {
        assert!(key::decode(bytes).is_err());
        return;
    };
    assert_eq!(key::encoded_len(bytes), Some(length));
    assert_eq!(key::decode(bytes).is_ok(), length == bytes.len());
    let mut again = Vec::new();
    key::encode_into(value.view(), &mut again).expect("what a key held can be a key");
    assert_eq!(key::decode(&again).as_ref(), Ok(&value));
    // The negative zero has an encoding that is only read.
    assert!(again == bytes[..length] || has_zero(&value), "{value:?}");
}

fn has_zero(value: &Datum) -> bool {
    match value {
        Datum::Array(items) => items.iter().any(|item| has_zero(&item)),
        Datum::Object(time) => time.get("epoch_time") == Some(Datum::Number(0.0)),
        other => other.as_number() == Some(0.0),
    }
}

/// The order of keys is the order of values, alone and in front of others.
fn ordered_alike(left: &Datum, right: &Datum) {
    assert_eq!(left.compare(right), right.compare(left).reverse());
    let (Some(left_key), Some(right_key)) = (whole_key(left), whole_key(right)) else { return };
    let order = left.compare(right);
    assert_eq!(left_key.cmp(&right_key), order, "{left:?} and {right:?}");
    if order.is_ne() {
        let behind = |key: &[u8], byte: u8| [key, &[byte; 3]].concat();
        assert_eq!(behind(&left_key, 0xff).cmp(&behind(&right_key, 0)), order, "{left:?} and {right:?}");
    }
    if let (Ok(left), Ok(right)) = (key::encode_primary(left), key::encode_primary(right)) {
        assert_eq!(left.cmp(&right), order);
    }
    if let (Ok(left), Ok(right)) = (key::encode_secondary(left), key::encode_secondary(right)) {
        let cut_order = left.bytes.cmp(&right.bytes);
        assert!(cut_order == order || (cut_order.is_eq() && left.truncated && right.truncated));
    }
}

fn whole_key(value: &Datum) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    key::encode_into(value.view(), &mut bytes).ok()?;
    assert_eq!(key::encoded_len(&bytes), Some(bytes.len()));
    if value.depth() > 0 || !value.is_time() {
        let decoded = key::decode(&bytes).expect("a key was written");
        assert_eq!(decoded, *value);
    }
    Some(bytes)
}

fn time_text(text: &str) {
    for zone in [None, Some("+05:30")] {
        if let Ok(Datum::Object(parsed)) = pseudo::parse_iso8601(text, zone) {
            time(&parsed);
        }
    }
    if let Ok(zone) = pseudo::parse_time_zone(text) {
        assert_eq!(pseudo::parse_time_zone(&zone.to_string()), Ok(zone), "{text}");
    }
}

/// A time that can be taken apart is the sum of its parts, and its text says the same.
fn time(time: &Object) {
    let Ok(parts) = pseudo::time_parts(time) else { return };
    let zone = pseudo::time_zone(time);
    let midnight = pseudo::date(time).expect("it has a date");
    let midnight = pseudo::epoch_time(midnight.as_object().expect("a date is a time"));
    let of_day = pseudo::time_of_day(time).expect("it has a time of day");
    assert!((0.0..=86_400.0).contains(&of_day) && (0.0..=60.0).contains(&parts.seconds));
    let close = |left: f64, right: f64| (left - right).abs() < 0.001_5;
    let epoch = pseudo::epoch_time(time);
    assert!(close(midnight + of_day, epoch), "{midnight} + {of_day} is not {epoch}");
    let same = pseudo::civil_time(
        parts.date,
        parts.hours.into(),
        parts.minutes.into(),
        parts.seconds,
        &parts.time_zone.to_string(),
    );
    let same = same.expect("these were the parts of a time");
    assert!(close(pseudo::epoch_time(same.as_object().expect("a time")), epoch));
    if let Ok(printed) = pseudo::print_iso8601(time) {
        let read = pseudo::parse_iso8601(&printed, None).unwrap_or_else(|error| panic!("{printed}: {error}"));
        let read = read.as_object().expect("a time");
        assert!(close(pseudo::epoch_time(read), epoch), "{printed} is not {epoch}");
        assert_eq!(pseudo::time_zone(read), zone);
    }
}

fn base64_text(text: &str) {
    let Ok(bytes) = pseudo::decode_base64(text) else { return };
    let mut again = Vec::new();
    pseudo::encode_base64(&bytes, &mut again, b"");
    let again = String::from_utf8(again).expect("base64 is ASCII");
    assert_eq!(pseudo::decode_base64(&again), Ok(bytes));
}

/// Whether an error is about the text and not about what it says.
pub(crate) fn is_about_text(error: &DatumError) -> bool {
    matches!(error, DatumError::Json { kind, .. } if *kind != JsonErrorKind::NumberTooBig)
}
