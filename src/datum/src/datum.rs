//! One ReQL value.

use bytes::Bytes;

use crate::array::Array;
use crate::error::DatumError;
use crate::limits;
use crate::object::Object;
use crate::pseudo::PseudoType;
use crate::text::Text;
use crate::view::DatumRef;

/// One ReQL value. Cheap to clone; equality, order and hash are ReQL's.
///
/// Numbers are always finite. Times, geometries and literals are objects whose
/// `$reql_type$` says so; binary data has a variant of its own.
#[derive(Clone)]
pub enum Datum {
    /// Below every other value; exists in ranges only.
    MinVal,
    /// A list.
    Array(Array),
    /// True or false.
    Bool(bool),
    /// Nothing.
    Null,
    /// A finite double.
    Number(f64),
    /// Fields by name, pseudo-types included.
    Object(Object),
    /// Bytes.
    Binary(Bytes),
    /// Text.
    String(Text),
    /// Above every other value; exists in ranges only.
    MaxVal,
}

impl Datum {
    /// A number, which must be finite ("Non-finite number: inf" otherwise).
    pub fn number(number: f64) -> Result<Self, DatumError> {
        if number.is_finite() { Ok(Self::Number(number)) } else { Err(DatumError::NonFiniteNumber(number)) }
    }

    /// A string.
    pub fn string(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// An array of items.
    pub fn array(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(items.into_iter().collect())
    }

    /// An object of fields; a later field replaces an earlier one of the same name.
    /// Fields are taken as they are: see [`crate::ObjectBuilder::into_datum`] for objects
    /// that users make.
    pub fn object<K: Into<Text>>(fields: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The value without its storage, for comparing and writing without allocation.
    pub fn view(&self) -> DatumRef<'_> {
        match self {
            Self::MinVal => DatumRef::MinVal,
            Self::Array(array) => DatumRef::Array(array.view()),
            Self::Bool(value) => DatumRef::Bool(*value),
            Self::Null => DatumRef::Null,
            Self::Number(number) => DatumRef::Number(*number),
            Self::Object(object) => DatumRef::Object(object.view()),
            Self::Binary(bytes) => DatumRef::Binary(bytes),
            Self::String(text) => DatumRef::String(text.as_bytes()),
            Self::MaxVal => DatumRef::MaxVal,
        }
    }

    /// The memory that holds the bytes of the value, if they are in one piece: that of a string,
    /// of binary data, of a packed array or object. Parts of the value can share it.
    pub fn storage(&self) -> Option<&Bytes> {
        match self {
            Self::String(text) => Some(text.storage()),
            Self::Binary(bytes) => Some(bytes),
            Self::Array(array) => array.packed(),
            Self::Object(object) => object.packed(),
            _ => None,
        }
    }

    /// The type as `typeOf` and messages name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::MinVal => "MINVAL",
            Self::Array(_) => "ARRAY",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::Number(_) => "NUMBER",
            Self::Object(object) => object.pseudo_type().map_or("OBJECT", PseudoType::type_name),
            Self::Binary(_) => "PTYPE<BINARY>",
            Self::String(_) => "STRING",
            Self::MaxVal => "MAXVAL",
        }
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether `branch` and `filter` take it for true: everything but false and null.
    pub fn is_truthy(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    /// Whether this is a time.
    pub fn is_time(&self) -> bool {
        self.pseudo_type() == Some(PseudoType::Time)
    }

    /// Whether this is a geometry.
    pub fn is_geometry(&self) -> bool {
        self.pseudo_type() == Some(PseudoType::Geometry)
    }

    /// Whether this is `r.literal(..)`.
    pub fn is_literal(&self) -> bool {
        self.pseudo_type() == Some(PseudoType::Literal)
    }

    /// Whether this is an object that is no pseudo-type.
    pub fn is_plain_object(&self) -> bool {
        matches!(self, Self::Object(object) if object.pseudo_type().is_none())
    }

    /// The pseudo-type, if it is one.
    pub fn pseudo_type(&self) -> Option<PseudoType> {
        match self {
            Self::Object(object) => object.pseudo_type(),
            Self::Binary(_) => Some(PseudoType::Binary),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is a string.
    pub fn as_text(&self) -> Option<&Text> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(Text::as_str)
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// The object, if it is one; pseudo-types that are objects included.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The bytes, if it is binary data.
    pub fn as_binary(&self) -> Option<&Bytes> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }

    /// A field, if it is an object that has it.
    pub fn get(&self, field: &str) -> Option<Self> {
        self.as_object()?.get(field)
    }

    /// How deep arrays and objects are nested: 0 for anything else.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(array) => array.depth(),
            Self::Object(object) => object.depth(),
            _ => 0,
        }
    }

    /// Fails when the value is nested deeper than is allowed. Constant time.
    pub fn check_depth(&self) -> Result<(), DatumError> {
        limits::check_depth(self.depth())
    }

    /// Whether `r.minval` or `r.maxval` is anywhere inside.
    pub fn contains_extremum(&self) -> bool {
        self.view().contains_extremum()
    }

    /// Bytes that the value takes in packed form, closely estimated for trees.
    pub fn packed_bytes(&self) -> usize {
        self.view().packed_bytes()
    }

    /// The value as messages print it: JSON with tabs and line breaks.
    pub fn print(&self) -> String {
        crate::json::print(self.view())
    }

    /// [`print`](Self::print) cut to 300 bytes with `...` at the end.
    pub fn print_truncated(&self) -> String {
        crate::json::print_truncated(self.view())
    }
}

impl From<bool> for Datum {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Text> for Datum {
    fn from(text: Text) -> Self {
        Self::String(text)
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<i32> for Datum {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Datum {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Array> for Datum {
    fn from(array: Array) -> Self {
        Self::Array(array)
    }
}

impl From<Object> for Datum {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Datum>> for Datum {
    fn from(items: Vec<Datum>) -> Self {
        Self::Array(items.into())
    }
}
