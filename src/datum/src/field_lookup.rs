//! Looking one field up in many objects.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::packed::PackedObject;
use crate::text::Text;
use crate::view::{DatumRef, ObjectRef, ObjectView};

/// The name of a field that is looked up in one object after the other.
///
/// The documents of a table mostly have the same fields, so the search in a packed object
/// begins where the field was found last. Threads may share a lookup: a position that another
/// one left behind costs a few comparisons, nothing else.
#[derive(Debug)]
pub struct FieldLookup {
    name: Text,
    position: AtomicU32,
}

impl FieldLookup {
    /// A lookup of the field of this name.
    pub fn new(name: Text) -> Self {
        Self { name, position: AtomicU32::new(0) }
    }

    /// The name of the field.
    pub fn name(&self) -> &Text {
        &self.name
    }

    /// The value of the field, if the object has it.
    #[inline]
    pub fn of<'a>(&self, object: ObjectRef<'a>) -> Option<DatumRef<'a>> {
        let ObjectView::Packed(packed) = object.0 else { return object.get(&self.name) };
        Some(packed.value(self.position(packed)?))
    }

    /// The number that the field is; nothing when it is something else, or the object has none.
    #[inline]
    pub fn number_of(&self, object: ObjectRef<'_>) -> Option<f64> {
        let ObjectView::Packed(packed) = object.0 else { return object.get(&self.name)?.as_number() };
        packed.number(self.position(packed)?)
    }

    #[inline]
    fn position(&self, object: PackedObject<'_>) -> Option<usize> {
        let last = self.position.load(Ordering::Relaxed) as usize;
        let position = object.position(self.name.as_bytes(), last).ok()?;
        if position != last {
            self.position.store(position as u32, Ordering::Relaxed);
        }
        Some(position)
    }
}

impl Clone for FieldLookup {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), position: AtomicU32::new(self.position.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datum::Datum;
    use crate::packed;

    fn object(names: &[&str]) -> Datum {
        let tree = Datum::object(names.iter().map(|name| (*name, Datum::from(*name))));
        packed::decode(packed::encode(&tree)).unwrap()
    }

    #[test]
    fn fields_are_found_in_objects_of_any_shape() {
        let shapes: [&[&str]; 6] = [
            &["a", "b", "c"],
            &["c"],
            &[],
            &["a", "aa", "ab", "b", "bb", "c", "d"],
            &["d", "e"],
            &["b", "c"],
        ];
        for name in ["a", "b", "c", "d", "aaa"] {
            let lookup = FieldLookup::new(name.into());
            // Each shape comes behind each other one.
            for first in shapes {
                for second in shapes {
                    for names in [first, second] {
                        let object = object(names);
                        let found = lookup.of(object.view().as_object().unwrap());
                        let expected = names.contains(&name).then(|| Datum::from(name));
                        assert_eq!(found.map(DatumRef::to_datum), expected, "{name} in {names:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_are_read_where_they_lie() {
        let lookup = FieldLookup::new("n".into());
        for number in [0.0, -1.0, 127.0, -129.0, 40_000.0, -3e9, 0.5, f64::MAX] {
            let tree = Datum::object([("m", Datum::from("x")), ("n", Datum::Number(number))]);
            let packed = packed::decode(packed::encode(&tree)).unwrap();
            for object in [tree, packed] {
                assert_eq!(lookup.number_of(object.view().as_object().unwrap()), Some(number));
            }
        }
        for other in
            [Datum::Null, Datum::from("1"), Datum::Bool(true), Datum::Array(vec![Datum::Number(1.0)].into())]
        {
            let tree = Datum::object([("n", other)]);
            let packed = packed::decode(packed::encode(&tree)).unwrap();
            assert_eq!(lookup.number_of(packed.view().as_object().unwrap()), None);
        }
        assert_eq!(lookup.number_of(object(&["m"]).view().as_object().unwrap()), None);
    }
}
