//! ReQL's total order over all values, and equality and hash to match.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::datum::Datum;
use crate::pseudo::{self, PseudoType};
use crate::view::{ArrayRef, DatumRef, ObjectRef};

impl DatumRef<'_> {
    /// The place of the type among types: alphabetical by name, extremes outside.
    fn rank(self) -> u8 {
        match self {
            Self::MinVal => 0,
            Self::Array(_) => 1,
            Self::Bool(_) => 2,
            Self::Null => 3,
            Self::Number(_) => 4,
            Self::Object(object) => match object.pseudo_type() {
                None => 5,
                Some(PseudoType::Binary) => 6,
                Some(PseudoType::Geometry) => 7,
                Some(PseudoType::Literal) => 8,
                Some(PseudoType::Time) => 9,
            },
            Self::Binary(_) => 6,
            Self::String(_) => 10,
            Self::MaxVal => 11,
        }
    }

    /// ReQL's order.
    pub fn compare(self, other: DatumRef<'_>) -> Ordering {
        match (self, other) {
            (Self::Number(a), DatumRef::Number(b)) => compare_numbers(a, b),
            (Self::String(a), DatumRef::String(b)) | (Self::Binary(a), DatumRef::Binary(b)) => a.cmp(b),
            (Self::Bool(a), DatumRef::Bool(b)) => a.cmp(&b),
            (Self::Array(a), DatumRef::Array(b)) => compare_arrays(a, b),
            (Self::Object(a), DatumRef::Object(b)) => match self.rank().cmp(&other.rank()) {
                Ordering::Equal if a.pseudo_type() == Some(PseudoType::Time) => {
                    compare_numbers(pseudo::epoch_time_of(a), pseudo::epoch_time_of(b))
                }
                Ordering::Equal => compare_objects(a, b),
                unequal => unequal,
            },
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Feeds the value to a hash such that equal values hash alike.
    pub fn hash_into<H: Hasher>(self, state: &mut H) {
        state.write_u8(self.rank());
        match self {
            Self::MinVal | Self::MaxVal | Self::Null => {}
            Self::Bool(value) => value.hash(state),
            Self::Number(number) => hash_number(number, state),
            Self::String(bytes) | Self::Binary(bytes) => bytes.hash(state),
            Self::Array(array) => {
                state.write_usize(array.len());
                array.iter().for_each(|item| item.hash_into(state));
            }
            Self::Object(object) if object.pseudo_type() == Some(PseudoType::Time) => {
                hash_number(pseudo::epoch_time_of(object), state);
            }
            Self::Object(object) => {
                state.write_usize(object.len());
                for (key, value) in object.iter() {
                    key.hash(state);
                    value.hash_into(state);
                }
            }
        }
    }
}

/// Orders finite numbers; negative zero equals zero.
fn compare_numbers(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

fn hash_number<H: Hasher>(number: f64, state: &mut H) {
    // Adding zero turns the negative zero into the positive one.
    state.write_u64((number + 0.0).to_bits());
}

fn compare_arrays(a: ArrayRef<'_>, b: ArrayRef<'_>) -> Ordering {
    for (left, right) in a.iter().zip(b.iter()) {
        let order = left.compare(right);
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn compare_objects(a: ObjectRef<'_>, b: ObjectRef<'_>) -> Ordering {
    for ((left_key, left), (right_key, right)) in a.iter().zip(b.iter()) {
        let order = left_key.cmp(right_key).then_with(|| left.compare(right));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl PartialEq for DatumRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.packed_composite(), other.packed_composite())
            && a == b
        {
            return true;
        }
        match (self, other) {
            (Self::Object(a), DatumRef::Object(b)) if a.len() != b.len() && a.pseudo_type().is_none() => {
                false
            }
            (Self::Array(a), DatumRef::Array(b)) if a.len() != b.len() => false,
            _ => self.compare(*other) == Ordering::Equal,
        }
    }
}

impl Eq for DatumRef<'_> {}

impl Hash for DatumRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_into(state);
    }
}

impl PartialOrd for DatumRef<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DatumRef<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(*other)
    }
}

impl Datum {
    /// ReQL's order.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.view().compare(other.view())
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Datum {}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Datum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

impl Hash for Datum {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash_into(state);
    }
}

impl fmt::Debug for DatumRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::json::compact_lossy(*self))
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

macro_rules! composite_order {
    ($($type:ident as $variant:ident),*) => {$(
        impl PartialEq for crate::$type {
            fn eq(&self, other: &Self) -> bool {
                DatumRef::$variant(self.view()) == DatumRef::$variant(other.view())
            }
        }

        impl Eq for crate::$type {}

        impl PartialOrd for crate::$type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for crate::$type {
            fn cmp(&self, other: &Self) -> Ordering {
                DatumRef::$variant(self.view()).compare(DatumRef::$variant(other.view()))
            }
        }

        impl Hash for crate::$type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                DatumRef::$variant(self.view()).hash_into(state);
            }
        }

        impl fmt::Debug for crate::$type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&DatumRef::$variant(self.view()), f)
            }
        }
    )*};
}

composite_order!(Array as Array, Object as Object);

impl<'a> DatumRef<'a> {
    /// The bytes of a packed array or object.
    pub(crate) fn packed_composite(self) -> Option<&'a [u8]> {
        match self {
            Self::Array(ArrayRef(crate::view::ArrayView::Packed(array))) => Some(array.bytes()),
            Self::Object(ObjectRef(crate::view::ObjectView::Packed(object))) => Some(object.bytes()),
            _ => None,
        }
    }
}

impl Datum {
    /// The storage of a packed array or object.
    pub(crate) fn packed_storage(&self) -> Option<&bytes::Bytes> {
        match self {
            Self::Array(array) => array.packed(),
            Self::Object(object) => object.packed(),
            _ => None,
        }
    }
}
