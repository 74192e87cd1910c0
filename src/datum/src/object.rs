//! Fields by name.

use std::sync::Arc;

use bytes::Bytes;

use crate::datum::Datum;
use crate::error::DatumError;
use crate::field_lookup::FieldLookup;
use crate::footprint::Footprint;
use crate::packed::PackedObject;
use crate::pseudo::{self, PseudoType, REQL_TYPE};
use crate::text::Text;
use crate::view::{ObjectRef, ObjectView};

/// Immutable fields in byte order of their names: a slice of a packed document or a shared
/// tree; users cannot tell. Cheap to clone.
#[derive(Clone)]
pub struct Object(Repr);

#[derive(Clone)]
enum Repr {
    /// Exactly one packed object, its header checked.
    Packed(Bytes),
    Tree(Arc<ObjectTree>),
}

/// Fields in memory of their own, sorted by name.
pub(crate) struct ObjectTree {
    pub(crate) fields: Vec<(Text, Datum)>,
    pub(crate) depth: u32,
    pub(crate) pseudo_type: Option<PseudoType>,
    footprint: Footprint,
}

impl ObjectTree {
    fn new(fields: Vec<(Text, Datum)>) -> Self {
        debug_assert!(fields.is_sorted_by(|a, b| a.0 < b.0));
        let mut footprint = Footprint::of(size_of::<Self>());
        let mut depth = 0;
        for (name, value) in &fields {
            depth = depth.max(value.depth());
            footprint.add(size_of::<(Text, Datum)>() + name.len(), value);
        }
        let pseudo_type = position(&fields, REQL_TYPE)
            .ok()
            .and_then(|at| fields[at].1.as_str())
            .and_then(PseudoType::from_object_name);
        Self { fields, depth: u32::try_from(depth + 1).unwrap_or(u32::MAX), pseudo_type, footprint }
    }
}

impl Drop for ObjectTree {
    fn drop(&mut self) {
        crate::datum_drop::drop_fields(self.depth, &mut self.fields);
    }
}

/// Where a field is, or where it would be.
pub(crate) fn position(fields: &[(Text, Datum)], key: &str) -> Result<usize, usize> {
    fields.binary_search_by(|(name, _)| name.as_bytes().cmp(key.as_bytes()))
}

impl Object {
    /// No fields.
    pub fn empty() -> Self {
        Self::from_sorted(Vec::new())
    }

    fn from_sorted(fields: Vec<(Text, Datum)>) -> Self {
        Self(Repr::Tree(Arc::new(ObjectTree::new(fields))))
    }

    /// Wraps bytes that are known to begin with a well-formed object header and end with it.
    pub(crate) fn from_packed(bytes: Bytes) -> Self {
        Self(Repr::Packed(bytes))
    }

    /// The packed bytes, unless it is a tree.
    pub(crate) fn packed(&self) -> Option<&Bytes> {
        if let Repr::Packed(bytes) = &self.0 { Some(bytes) } else { None }
    }

    /// The memory of a tree.
    #[inline]
    pub(crate) fn footprint(&self) -> Option<&Footprint> {
        if let Repr::Tree(tree) = &self.0 { Some(&tree.footprint) } else { None }
    }

    /// The same of a tree that nobody shares, for changing.
    pub(crate) fn footprint_mut(&mut self) -> Option<&mut Footprint> {
        if let Repr::Tree(tree) = &mut self.0 { Some(&mut Arc::get_mut(tree)?.footprint) } else { None }
    }

    /// The fields without their storage.
    pub fn view(&self) -> ObjectRef<'_> {
        match &self.0 {
            Repr::Packed(bytes) => ObjectRef(ObjectView::Packed(PackedObject::trusted(bytes))),
            Repr::Tree(tree) => ObjectRef(ObjectView::Tree(tree)),
        }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field. Binary search; allocates nothing.
    pub fn get(&self, key: &str) -> Option<Datum> {
        match &self.0 {
            Repr::Tree(tree) => position(&tree.fields, key).ok().map(|at| tree.fields[at].1.clone()),
            Repr::Packed(bytes) => {
                PackedObject::trusted(bytes).get(key).map(|value| value.into_datum_of(bytes))
            }
        }
    }

    /// [`Object::get`] of one object after the other.
    pub fn find(&self, field: &FieldLookup) -> Option<Datum> {
        match &self.0 {
            Repr::Tree(_) => self.get(field.name()),
            Repr::Packed(bytes) => field.of(self.view()).map(|value| value.into_datum_of(bytes)),
        }
    }

    /// Whether there is such a field.
    pub fn contains_key(&self, key: &str) -> bool {
        self.view().get(key).is_some()
    }

    /// The field at a position in byte order of names.
    pub fn field_at(&self, index: usize) -> Option<(Text, Datum)> {
        match &self.0 {
            Repr::Tree(tree) => tree.fields.get(index).cloned(),
            Repr::Packed(bytes) => {
                let object = PackedObject::trusted(bytes);
                (index < object.len()).then(|| {
                    let key = Text::from_utf8_lossy(bytes.slice_ref(object.key(index)));
                    (key, object.value(index).into_datum_of(bytes))
                })
            }
        }
    }

    /// The name at a position in byte order of names.
    pub fn key_at(&self, index: usize) -> Option<Text> {
        match &self.0 {
            Repr::Tree(tree) => tree.fields.get(index).map(|(key, _)| key.clone()),
            Repr::Packed(bytes) => {
                let object = PackedObject::trusted(bytes);
                (index < object.len()).then(|| Text::from_utf8_lossy(bytes.slice_ref(object.key(index))))
            }
        }
    }

    /// Names and values in byte order of names.
    pub fn iter(&self) -> Iter<'_> {
        Iter { object: self, front: 0, back: self.len() }
    }

    /// Names in byte order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = Text> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.key_at(index).unwrap_or_default())
    }

    /// Values in byte order of their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = Datum> + ExactSizeIterator + '_ {
        self.iter().map(|(_, value)| value)
    }

    /// Whether `$reql_type$` makes it a time, a geometry or a literal.
    pub fn is_pseudo(&self) -> bool {
        self.pseudo_type().is_some()
    }

    /// What `$reql_type$` makes it.
    pub fn pseudo_type(&self) -> Option<PseudoType> {
        self.view().pseudo_type()
    }

    /// How deep it is nested; 1 when no value is an array or object.
    pub fn depth(&self) -> usize {
        self.view().depth()
    }

    /// A builder that starts with these fields; takes them over when nobody shares them.
    pub fn into_builder(self) -> ObjectBuilder {
        let fields = match self.0 {
            Repr::Tree(tree) => match Arc::try_unwrap(tree) {
                Ok(mut tree) => std::mem::take(&mut tree.fields),
                Err(tree) => tree.fields.clone(),
            },
            Repr::Packed(_) => self.iter().collect(),
        };
        ObjectBuilder { fields }
    }

    /// These fields and those of `other`, whose values win. Values are not merged deeper.
    #[must_use]
    pub fn merged_shallow(self, other: &Self) -> Self {
        let mut builder = self.into_builder();
        builder.extend(other.iter());
        builder.build()
    }

    /// The fields without one.
    #[must_use]
    pub fn without(self, key: &str) -> Self {
        if !self.contains_key(key) {
            return self;
        }
        let mut builder = self.into_builder();
        builder.remove(key);
        builder.build()
    }

    /// The fields with one set.
    #[must_use]
    pub fn with(self, key: Text, value: Datum) -> Self {
        let mut builder = self.into_builder();
        builder.insert(key, value);
        builder.build()
    }

    /// Moves the values to `out` when this is the only owner of a tree.
    pub(crate) fn take_unshared(self, out: &mut Vec<Datum>) {
        if let Repr::Tree(tree) = self.0
            && let Ok(mut tree) = Arc::try_unwrap(tree)
        {
            out.extend(std::mem::take(&mut tree.fields).into_iter().map(|(_, value)| value));
        }
    }
}

impl Default for Object {
    fn default() -> Self {
        Self::empty()
    }
}

impl FromIterator<(Text, Datum)> for Object {
    fn from_iter<I: IntoIterator<Item = (Text, Datum)>>(fields: I) -> Self {
        let mut builder = ObjectBuilder::new();
        builder.extend(fields);
        builder.build()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (Text, Datum);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The fields of an [`Object`] in byte order of names.
pub struct Iter<'a> {
    object: &'a Object,
    front: usize,
    back: usize,
}

impl Iterator for Iter<'_> {
    type Item = (Text, Datum);

    fn next(&mut self) -> Option<(Text, Datum)> {
        if self.front == self.back {
            return None;
        }
        let field = self.object.field_at(self.front);
        self.front += 1;
        field
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back - self.front, Some(self.back - self.front))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<(Text, Datum)> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        self.object.field_at(self.back)
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Collects the fields of an object, kept in byte order of names.
#[derive(Clone, Default)]
pub struct ObjectBuilder {
    fields: Vec<(Text, Datum)>,
}

impl ObjectBuilder {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No fields yet, with room for some.
    pub fn with_capacity(fields: usize) -> Self {
        Self { fields: Vec::with_capacity(fields) }
    }

    /// The number of fields so far.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields so far.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Sets a field; returns the value it had. Constant time when names come in order.
    pub fn insert(&mut self, key: Text, value: Datum) -> Option<Datum> {
        if self.fields.last().is_none_or(|(last, _)| *last < key) {
            self.fields.push((key, value));
            return None;
        }
        match position(&self.fields, &key) {
            Ok(at) => Some(std::mem::replace(&mut self.fields[at].1, value)),
            Err(at) => {
                self.fields.insert(at, (key, value));
                None
            }
        }
    }

    /// The value of a field.
    pub fn get(&self, key: &str) -> Option<&Datum> {
        position(&self.fields, key).ok().map(|at| &self.fields[at].1)
    }

    /// The value of a field, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Datum> {
        position(&self.fields, key).ok().map(|at| &mut self.fields[at].1)
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Datum> {
        position(&self.fields, key).ok().map(|at| self.fields.remove(at).1)
    }

    /// The object with the fields as they are: a `$reql_type$` is believed, not checked.
    pub fn build(self) -> Object {
        Object::from_sorted(self.fields)
    }

    /// The value that a user made with these fields: a `$reql_type$` is checked and
    /// normalised, and binary data becomes [`Datum::Binary`].
    pub fn into_datum(self) -> Result<Datum, DatumError> {
        pseudo::sanitize(self.build())
    }
}

impl Extend<(Text, Datum)> for ObjectBuilder {
    fn extend<I: IntoIterator<Item = (Text, Datum)>>(&mut self, fields: I) {
        for (key, value) in fields {
            self.insert(key, value);
        }
    }
}
