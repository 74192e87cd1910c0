//! Values without their storage: borrowed from a tree or from packed bytes.

use bytes::Bytes;

use crate::array::Array;
use crate::datum::Datum;
use crate::object::{Object, ObjectTree};
use crate::packed::{self, PackedArray, PackedFields, PackedObject};
use crate::pseudo::PseudoType;
use crate::text::Text;

/// A borrowed value. Reading it allocates nothing and counts no references, so that
/// comparing, hashing and writing need no [`Datum`].
#[derive(Clone, Copy)]
pub enum DatumRef<'a> {
    /// See [`Datum::MinVal`].
    MinVal,
    /// See [`Datum::Array`].
    Array(ArrayRef<'a>),
    /// See [`Datum::Bool`].
    Bool(bool),
    /// See [`Datum::Null`].
    Null,
    /// See [`Datum::Number`].
    Number(f64),
    /// See [`Datum::Object`].
    Object(ObjectRef<'a>),
    /// See [`Datum::Binary`].
    Binary(&'a [u8]),
    /// See [`Datum::String`]. Bytes of a packed document were checked when it was made, but
    /// are not checked again when it is read.
    String(&'a [u8]),
    /// See [`Datum::MaxVal`].
    MaxVal,
}

/// A borrowed array.
#[derive(Clone, Copy)]
pub struct ArrayRef<'a>(pub(crate) ArrayView<'a>);

#[derive(Clone, Copy)]
pub(crate) enum ArrayView<'a> {
    Packed(PackedArray<'a>),
    Tree(&'a [Datum], u32),
}

/// A borrowed object.
#[derive(Clone, Copy)]
pub struct ObjectRef<'a>(pub(crate) ObjectView<'a>);

#[derive(Clone, Copy)]
pub(crate) enum ObjectView<'a> {
    Packed(PackedObject<'a>),
    Tree(&'a ObjectTree),
}

impl<'a> ArrayRef<'a> {
    /// The number of items.
    pub fn len(self) -> usize {
        match self.0 {
            ArrayView::Packed(array) => array.len(),
            ArrayView::Tree(items, _) => items.len(),
        }
    }

    /// Whether there are no items.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The item at a position.
    pub fn get(self, index: usize) -> Option<DatumRef<'a>> {
        match self.0 {
            ArrayView::Packed(array) => (index < array.len()).then(|| array.get(index)),
            ArrayView::Tree(items, _) => items.get(index).map(Datum::view),
        }
    }

    /// The items in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = DatumRef<'a>> + ExactSizeIterator {
        (0..self.len()).map(move |index| match self.0 {
            ArrayView::Packed(array) => array.get(index),
            ArrayView::Tree(items, _) => items[index].view(),
        })
    }

    /// How deep it is nested.
    pub fn depth(self) -> usize {
        match self.0 {
            ArrayView::Packed(array) => array.depth(),
            ArrayView::Tree(_, depth) => depth as usize,
        }
    }
}

impl<'a> ObjectRef<'a> {
    /// The number of fields.
    pub fn len(self) -> usize {
        match self.0 {
            ObjectView::Packed(object) => object.len(),
            ObjectView::Tree(tree) => tree.fields.len(),
        }
    }

    /// Whether there are no fields.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of a field. Of many objects: see [`FieldLookup`](crate::FieldLookup).
    pub fn get(self, key: &str) -> Option<DatumRef<'a>> {
        match self.0 {
            ObjectView::Packed(object) => object.get(key),
            ObjectView::Tree(tree) => {
                crate::object::position(&tree.fields, key).ok().map(|at| tree.fields[at].1.view())
            }
        }
    }

    /// Where a field is, or where it would be, in the order of names.
    pub fn position(self, name: &[u8]) -> Result<usize, usize> {
        match self.0 {
            ObjectView::Packed(object) => object.position(name, object.len() / 2),
            ObjectView::Tree(tree) => tree.fields.binary_search_by(|(key, _)| key.as_bytes().cmp(name)),
        }
    }

    /// The name, as bytes, and the value of the field at a position.
    pub fn field(self, position: usize) -> Option<(&'a [u8], DatumRef<'a>)> {
        match self.0 {
            ObjectView::Packed(object) => {
                (position < object.len()).then(|| (object.key(position), object.value(position)))
            }
            ObjectView::Tree(tree) => {
                tree.fields.get(position).map(|(key, value)| (key.as_bytes(), value.view()))
            }
        }
    }

    /// Names, as bytes, and values in byte order of names.
    pub fn iter(self) -> Fields<'a> {
        Fields(match self.0 {
            ObjectView::Packed(object) => FieldsView::Packed(object.fields()),
            ObjectView::Tree(tree) => FieldsView::Tree(tree.fields.iter()),
        })
    }

    /// What `$reql_type$` makes it.
    pub fn pseudo_type(self) -> Option<PseudoType> {
        match self.0 {
            ObjectView::Packed(object) => object.pseudo_type(),
            ObjectView::Tree(tree) => tree.pseudo_type,
        }
    }

    /// How deep it is nested.
    pub fn depth(self) -> usize {
        match self.0 {
            ObjectView::Packed(object) => object.depth(),
            ObjectView::Tree(tree) => tree.depth as usize,
        }
    }
}

/// The fields of a borrowed object in byte order of names.
pub struct Fields<'a>(FieldsView<'a>);

enum FieldsView<'a> {
    Packed(PackedFields<'a>),
    Tree(std::slice::Iter<'a, (Text, Datum)>),
}

fn tree_field((key, value): &(Text, Datum)) -> (&[u8], DatumRef<'_>) {
    (key.as_bytes(), value.view())
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], DatumRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            FieldsView::Packed(fields) => fields.next(),
            FieldsView::Tree(fields) => fields.next().map(tree_field),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            FieldsView::Packed(fields) => fields.size_hint(),
            FieldsView::Tree(fields) => fields.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Fields<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            FieldsView::Packed(fields) => fields.next_back(),
            FieldsView::Tree(fields) => fields.next_back().map(tree_field),
        }
    }
}

impl ExactSizeIterator for Fields<'_> {}

impl<'a> DatumRef<'a> {
    /// The string, if it is one and is UTF-8, as all strings that this crate wrote are.
    pub fn as_str(self) -> Option<&'a str> {
        if let Self::String(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// The number, if it is one.
    pub fn as_number(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The boolean, if it is one.
    pub fn as_bool(self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(value) } else { None }
    }

    /// The object, if it is one.
    pub fn as_object(self) -> Option<ObjectRef<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The array, if it is one.
    pub fn as_array(self) -> Option<ArrayRef<'a>> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// Whether this is null.
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// A field, if it is an object that has it.
    pub fn get(self, key: &str) -> Option<DatumRef<'a>> {
        self.as_object()?.get(key)
    }

    /// How deep arrays and objects are nested.
    pub fn depth(self) -> usize {
        match self {
            Self::Array(array) => array.depth(),
            Self::Object(object) => object.depth(),
            _ => 0,
        }
    }

    /// Whether both are surely the same, and not only equal: zero has a sign, and times that
    /// are equal may tell different zones. Values in a tree are never sure.
    pub fn is_identical(self, other: Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) | (Self::Binary(a), Self::Binary(b)) => a == b,
            _ => match (self.packed_composite(), other.packed_composite()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }

    /// Whether `r.minval` or `r.maxval` is anywhere inside.
    pub fn contains_extremum(self) -> bool {
        match self {
            Self::MinVal | Self::MaxVal => true,
            Self::Array(ArrayRef(ArrayView::Packed(array))) => packed::array_has_extremum(array),
            Self::Object(ObjectRef(ObjectView::Packed(object))) => packed::object_has_extremum(object),
            Self::Array(array) => array.iter().any(Self::contains_extremum),
            Self::Object(object) => object.iter().any(|(_, value)| value.contains_extremum()),
            _ => false,
        }
    }

    /// Bytes that the value takes in packed form, closely estimated for trees.
    pub fn packed_bytes(self) -> usize {
        match self {
            Self::MinVal | Self::MaxVal | Self::Null | Self::Bool(_) => 1,
            Self::Number(number) => packed::number_bytes(number),
            Self::String(bytes) | Self::Binary(bytes) => packed::blob_bytes(bytes.len()),
            Self::Array(ArrayRef(ArrayView::Packed(array))) => array.bytes().len(),
            Self::Object(ObjectRef(ObjectView::Packed(object))) => object.bytes().len(),
            Self::Array(array) => packed::array_bytes(array.iter().map(Self::packed_bytes)),
            Self::Object(object) => {
                packed::object_bytes(object.iter().map(|(key, value)| key.len() + value.packed_bytes()))
            }
        }
    }

    /// The length of an array or object that is packed; `None` for any other value.
    pub fn packed_length(self) -> Option<usize> {
        match self {
            Self::Array(ArrayRef(ArrayView::Packed(array))) => Some(array.bytes().len()),
            Self::Object(ObjectRef(ObjectView::Packed(object))) => Some(object.bytes().len()),
            _ => None,
        }
    }

    /// Whether this is an array or object that is not packed, so that owning it without its
    /// [`Datum`] means to copy it item by item.
    pub fn is_tree(self) -> bool {
        matches!(
            self,
            Self::Array(ArrayRef(ArrayView::Tree(..))) | Self::Object(ObjectRef(ObjectView::Tree(_)))
        )
    }

    /// An owned copy.
    pub fn to_datum(self) -> Datum {
        match self {
            Self::MinVal => Datum::MinVal,
            Self::MaxVal => Datum::MaxVal,
            Self::Null => Datum::Null,
            Self::Bool(value) => Datum::Bool(value),
            Self::Number(number) => Datum::Number(number),
            Self::String(bytes) => Datum::String(Text::from_utf8_lossy(Bytes::copy_from_slice(bytes))),
            Self::Binary(bytes) => Datum::Binary(Bytes::copy_from_slice(bytes)),
            Self::Array(ArrayRef(ArrayView::Packed(array))) => {
                Datum::Array(Array::from_packed(Bytes::copy_from_slice(array.bytes())))
            }
            Self::Object(ObjectRef(ObjectView::Packed(object))) => {
                Datum::Object(Object::from_packed(Bytes::copy_from_slice(object.bytes())))
            }
            Self::Array(array) => Datum::Array(array.iter().map(Self::to_datum).collect()),
            Self::Object(object) => Datum::Object(
                object
                    .iter()
                    .map(|(key, value)| {
                        (Text::from_utf8_lossy(Bytes::copy_from_slice(key)), value.to_datum())
                    })
                    .collect(),
            ),
        }
    }

    /// An owned value, which shares the storage that it lies in and is copied if it lies in
    /// none of them. See [`Datum::storage`].
    pub fn to_datum_sharing<'b>(self, storages: impl IntoIterator<Item = &'b Bytes>) -> Datum {
        let Some(bytes) = self.stored_bytes() else { return self.to_datum() };
        let inner = bytes.as_ptr_range();
        for storage in storages {
            let outer = storage.as_ptr_range();
            if outer.start <= inner.start && inner.end <= outer.end {
                return self.into_datum_of(storage);
            }
        }
        self.to_datum()
    }

    /// The bytes of what need not be copied to be owned.
    fn stored_bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::String(bytes) | Self::Binary(bytes) => Some(bytes),
            Self::Array(ArrayRef(ArrayView::Packed(array))) => Some(array.bytes()),
            Self::Object(ObjectRef(ObjectView::Packed(object))) => Some(object.bytes()),
            _ => None,
        }
    }

    /// An owned value sharing `storage`, which the value must have been read from.
    pub(crate) fn into_datum_of(self, storage: &Bytes) -> Datum {
        match self {
            Self::String(bytes) => Datum::String(Text::from_utf8_lossy(storage.slice_ref(bytes))),
            Self::Binary(bytes) => Datum::Binary(storage.slice_ref(bytes)),
            Self::Array(ArrayRef(ArrayView::Packed(array))) => {
                Datum::Array(Array::from_packed(storage.slice_ref(array.bytes())))
            }
            Self::Object(ObjectRef(ObjectView::Packed(object))) => {
                Datum::Object(Object::from_packed(storage.slice_ref(object.bytes())))
            }
            other => other.to_datum(),
        }
    }
}
