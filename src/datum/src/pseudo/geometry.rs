//! Geometry, as far as its form goes; what it means is for the evaluator.

use super::{PseudoType, REQL_TYPE};
use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::{Object, ObjectBuilder};
use crate::text::Text;

/// Why an object has not the form of a geometry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// A field is missing.
    #[error("No attribute `{field}` in object:\n{printed}")]
    NoField {
        /// `type` or `coordinates`.
        field: &'static str,
        /// The object as messages print it.
        printed: String,
    },
    /// A field of the wrong type.
    #[error("Expected type {expected} but found {found}.")]
    FieldType {
        /// The type wanted.
        expected: &'static str,
        /// The type given.
        found: &'static str,
    },
    /// A field that geometries do not have.
    #[error("Unrecognized field `{0}` found in geometry object.")]
    UnrecognizedField(String),
}

/// The kinds of geometry that ReQL has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeometryKind {
    /// One place.
    Point,
    /// Places in a row.
    LineString,
    /// An area, perhaps with holes.
    Polygon,
}

impl GeometryKind {
    /// The value of `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => "Point",
            Self::LineString => "LineString",
            Self::Polygon => "Polygon",
        }
    }
}

/// The kind of a geometry; `None` when the object is no geometry or of no known kind.
pub fn geometry_kind(object: &Object) -> Option<GeometryKind> {
    if object.pseudo_type() != Some(PseudoType::Geometry) {
        return None;
    }
    [GeometryKind::Point, GeometryKind::LineString, GeometryKind::Polygon]
        .into_iter()
        .find(|kind| object.get("type").as_ref().and_then(Datum::as_str) == Some(kind.name()))
}

/// A geometry of checked coordinates.
pub fn geometry(kind: GeometryKind, coordinates: Datum) -> Datum {
    let mut builder = ObjectBuilder::with_capacity(3);
    builder.insert(Text::from_static(REQL_TYPE), Datum::String(Text::from_static("GEOMETRY")));
    builder.insert(Text::from_static("coordinates"), coordinates);
    builder.insert(Text::from_static("type"), Datum::String(Text::from_static(kind.name())));
    Datum::Object(builder.build())
}

/// Checks the form: `type` a string, `coordinates` an array, nothing else but `crs`.
pub(super) fn check(object: &Object) -> Result<(), DatumError> {
    for key in object.keys() {
        if !matches!(key.as_str(), REQL_TYPE | "type" | "coordinates" | "crs") {
            return Err(GeometryError::UnrecognizedField(key.as_str().to_owned()).into());
        }
    }
    let no_field = |field| GeometryError::NoField {
        field,
        printed: crate::json::print(crate::view::DatumRef::Object(object.view())),
    };
    match object.get("type").ok_or_else(|| no_field("type"))? {
        Datum::String(_) => {}
        other => return Err(GeometryError::FieldType { expected: "STRING", found: other.type_name() }.into()),
    }
    match object.get("coordinates").ok_or_else(|| no_field("coordinates"))? {
        Datum::Array(_) => Ok(()),
        other => Err(GeometryError::FieldType { expected: "ARRAY", found: other.type_name() }.into()),
    }
}
