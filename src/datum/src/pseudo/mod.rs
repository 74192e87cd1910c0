//! Pseudo-types: values that JSON knows only as objects with a `$reql_type$`.

mod binary;
mod civil;
mod geometry;
mod iso8601;
mod time;

use crate::datum::Datum;
use crate::error::DatumError;
use crate::object::Object;
use crate::text::Text;
use crate::view::ObjectRef;

pub use binary::{BinaryError, decode_base64, encode_base64};
pub use civil::{CivilDate, days_from_civil, days_in_month, is_leap_year};
pub use geometry::{GeometryError, GeometryKind, geometry, geometry_kind};
pub use iso8601::{parse_iso8601, print_iso8601};
pub use time::{
    TIME_ZONE_UTC, TimeError, TimeParts, TimeZone, civil_time, date, epoch_time, in_time_zone,
    parse_time_zone, round_to_milliseconds, time, time_of_day, time_parts, time_zone,
};
pub(crate) use time::{epoch_time_of, exact_time};

/// The field that makes an object a pseudo-type.
pub const REQL_TYPE: &str = "$reql_type$";

/// The pseudo-types that a value can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PseudoType {
    /// Bytes.
    Binary,
    /// A point, line or polygon on the earth.
    Geometry,
    /// `r.literal(..)`, which only `merge` and `update` understand.
    Literal,
    /// An instant with the time zone it is shown in.
    Time,
}

impl PseudoType {
    /// The type as `typeOf` and messages name it.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Binary => "PTYPE<BINARY>",
            Self::Geometry => "PTYPE<GEOMETRY>",
            Self::Literal => "PTYPE<LITERAL>",
            Self::Time => "PTYPE<TIME>",
        }
    }

    /// The value of `$reql_type$`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "BINARY",
            Self::Geometry => "GEOMETRY",
            Self::Literal => "LITERAL",
            Self::Time => "TIME",
        }
    }

    /// The pseudo-type of an object by its `$reql_type$`; binary data is no object.
    pub(crate) fn from_object_name(name: &str) -> Option<Self> {
        match name {
            "TIME" => Some(Self::Time),
            "GEOMETRY" => Some(Self::Geometry),
            "LITERAL" => Some(Self::Literal),
            _ => None,
        }
    }
}

/// The value that a user made with the fields of `object`: a `$reql_type$` is checked and
/// normalised.
pub fn sanitize(object: Object) -> Result<Datum, DatumError> {
    if !object.contains_key(REQL_TYPE) {
        return Ok(Datum::Object(object));
    }
    Ok(sanitize_changed(&object)?.unwrap_or(Datum::Object(object)))
}

/// Checks an object that has a `$reql_type$`; returns what it becomes if it changes.
pub(crate) fn sanitize_changed(object: &Object) -> Result<Option<Datum>, DatumError> {
    let name = match object.get(REQL_TYPE) {
        None => return Ok(None),
        Some(Datum::String(name)) => name,
        Some(other) => {
            return Err(DatumError::PseudoTypeNotString {
                value: other.print_truncated(),
                type_name: other.type_name(),
                printed: print_object(object),
            });
        }
    };
    match name.as_str() {
        "TIME" => time::sanitize(object),
        "BINARY" => binary::from_object(object).map(Some),
        "GEOMETRY" => geometry::check(object).map(|()| None),
        "LITERAL" => check_literal(object).map(|()| None),
        _ => Err(DatumError::UnknownPseudoType(name.as_str().to_owned())),
    }
}

/// `r.literal(value)`, or `r.literal()` for the absence of a value.
pub fn literal(value: Option<Datum>) -> Object {
    let fields = [Some((Text::from_static(REQL_TYPE), Datum::String(Text::from_static("LITERAL"))))];
    let value = value.map(|value| (Text::from_static("value"), value));
    fields.into_iter().chain([value]).flatten().collect()
}

/// The value of a literal; the outer `None` when it is no literal.
pub fn literal_value(object: &Object) -> Option<Option<Datum>> {
    (object.pseudo_type() == Some(PseudoType::Literal)).then(|| object.get("value"))
}

fn check_literal(object: &Object) -> Result<(), DatumError> {
    match object.keys().find(|key| key.as_str() != REQL_TYPE && key.as_str() != "value") {
        Some(key) => Err(DatumError::InvalidLiteral { key }),
        None => Ok(()),
    }
}

fn print_object(object: &Object) -> String {
    crate::json::print_truncated(crate::view::DatumRef::Object(object.view()))
}

/// A field of a borrowed object as a number.
fn number_field(object: ObjectRef<'_>, key: &str) -> Option<f64> {
    object.get(key)?.as_number()
}
