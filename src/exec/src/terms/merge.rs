//! Merging objects, as `merge`, `update` and conflicts of `insert` do it.
//!
//! A stored document stays packed: the fields that are kept are copied as they lie.

use photondb_datum::packed::Writer;
use photondb_datum::{Datum, DatumRef, ObjectRef, PseudoType, pseudo};

/// The fields of both, those of `right` winning; objects are merged in depth, literals
/// taken as they are. Anything but two plain objects is `right`.
pub(crate) fn merge(left: &Datum, right: &Datum) -> Datum {
    let (Datum::Object(old), Datum::Object(new)) = (left, right) else {
        return settled(right.clone()).unwrap_or(Datum::Null);
    };
    if old.is_pseudo() || new.is_pseudo() {
        return settled(right.clone()).unwrap_or(Datum::Null);
    }
    if left.view().packed_length().is_some() {
        let merged = Writer::lent(|out| {
            write_merged(old.view(), new.view(), out);
            out.take_datum()
        });
        if let Ok(merged) = merged {
            return merged;
        }
    }
    let mut builder = old.clone().into_builder();
    for (key, value) in new {
        let merged = match (&value, builder.get(&key)) {
            (Datum::Object(inner), Some(old @ Datum::Object(_))) if !inner.is_pseudo() => {
                Some(merge(old, &value))
            }
            _ => settled(value),
        };
        match merged {
            Some(merged) => builder.insert(key, merged),
            None => builder.remove(&key),
        };
    }
    Datum::Object(builder.build())
}

/// Writes the fields of two plain objects, in order: those of `old` between two of `new` as one
/// piece.
fn write_merged(old: ObjectRef<'_>, new: ObjectRef<'_>, out: &mut Writer) {
    let mut written = 0;
    out.begin_object();
    for (name, value) in new.iter() {
        let (position, replaced) = match old.position(name) {
            Ok(position) => (position, old.field(position).map(|(_, replaced)| replaced)),
            Err(position) => (position, None),
        };
        out.fields(old, written..position);
        written = position + usize::from(replaced.is_some());
        match (value, replaced) {
            (DatumRef::Object(inner), Some(DatumRef::Object(replaced)))
                if inner.pseudo_type().is_none() && replaced.pseudo_type().is_none() =>
            {
                out.key_bytes(name);
                write_merged(replaced, inner, out);
            }
            _ if contains_literal(value) => {
                if let Some(value) = settled(value.to_datum()) {
                    out.key_bytes(name);
                    out.value(value.view());
                }
            }
            _ => {
                out.key_bytes(name);
                out.value(value);
            }
        }
    }
    out.fields(old, written..old.len());
    out.end_object_as_is();
}

/// Whether a literal is left anywhere inside a value.
pub(super) fn contains_literal(datum: DatumRef<'_>) -> bool {
    match datum {
        DatumRef::Object(object) => match object.pseudo_type() {
            Some(pseudo_type) => pseudo_type == PseudoType::Literal,
            None => object.iter().any(|(_, value)| contains_literal(value)),
        },
        DatumRef::Array(array) => array.iter().any(contains_literal),
        _ => false,
    }
}

/// A value without its literals: each becomes its value, or nothing if it has none.
fn settled(datum: Datum) -> Option<Datum> {
    if !contains_literal(datum.view()) {
        return Some(datum);
    }
    match datum {
        Datum::Object(object) => match pseudo::literal_value(&object) {
            Some(value) => value,
            None => Some(Datum::Object(
                object.iter().filter_map(|(key, value)| Some((key, settled(value)?))).collect(),
            )),
        },
        Datum::Array(array) => Some(Datum::Array(array.iter().filter_map(settled).collect())),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use photondb_datum::json::{ParseLimits, parse};
    use photondb_datum::packed;

    use super::*;

    fn json(text: &str) -> Datum {
        parse(text.as_bytes(), ParseLimits::default()).unwrap()
    }

    const LITERAL: &str = r#"{"$reql_type$":"LITERAL","value":{"g":2}}"#;
    const TIME: &str = r#"{"$reql_type$":"TIME","epoch_time":1,"timezone":"+00:00"}"#;
    const NOTHING: &str = r#"{"$reql_type$":"LITERAL"}"#;

    #[test]
    fn merging_goes_into_depth_and_stops_at_literals() {
        let with = |template: &str| {
            template.replace("LITERAL", LITERAL).replace("NOTHING", NOTHING).replace("TIME", TIME)
        };
        let cases = [
            (r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":{"b":1,"c":2}}"#, r#"{"a":{"b":3}}"#, r#"{"a":{"b":3,"c":2}}"#),
            (r#"{"a":1}"#, r#"{"a":{"b":3}}"#, r#"{"a":{"b":3}}"#),
            (r#"{"a":{"f":1}}"#, r#"{"a":LITERAL}"#, r#"{"a":{"g":2}}"#),
            (r#"{"a":{"f":1},"b":1}"#, r#"{"a":NOTHING,"c":NOTHING}"#, r#"{"b":1}"#),
            ("{}", r#"{"a":{"b":LITERAL,"c":[NOTHING,1]}}"#, r#"{"a":{"b":{"g":2},"c":[1]}}"#),
            (r#"{"a":1}"#, "5", "5"),
            (
                r#"{"b":1,"d":"x"}"#,
                r#"{"a":0,"c":[2],"e":null}"#,
                r#"{"a":0,"b":1,"c":[2],"d":"x","e":null}"#,
            ),
            (
                r#"{"a":{"b":{"c":1,"d":2}}}"#,
                r#"{"a":{"b":{"c":LITERAL}}}"#,
                r#"{"a":{"b":{"c":{"g":2},"d":2}}}"#,
            ),
            (r#"{"a":TIME}"#, r#"{"a":{"b":1}}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a":{"b":1}}"#, r#"{"a":TIME}"#, r#"{"a":TIME}"#),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
        ];
        for (left, right, expected) in cases {
            let [left, right, expected] = [left, right, expected].map(|text| json(&with(text)));
            let tree = |datum: &Datum| match datum {
                Datum::Object(object) => Datum::Object(object.iter().collect()),
                other => other.clone(),
            };
            let packed = |datum: &Datum| packed::decode(packed::encode(datum)).unwrap();
            for left in [tree(&left), packed(&left)] {
                for right in [tree(&right), packed(&right)] {
                    let merged = merge(&left, &right);
                    assert_eq!(merged, expected, "{} {}", left.print(), right.print());
                    assert_eq!(
                        packed::encode(&merged),
                        packed::encode(&packed(&expected)),
                        "one form for all"
                    );
                }
            }
        }
    }
}
