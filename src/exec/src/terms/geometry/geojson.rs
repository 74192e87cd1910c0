//! GeoJSON: geometries as data.

use photondb_datum::pseudo::{self, GeometryKind};
use photondb_datum::{Array, Datum};

use super::ellipsoid::{Position, field_of_geometry, kind_name, pair};
use super::shape::{Polygon, RingError, Shape, is_valid_line};
use super::sphere::Vector;
use crate::error::{EvalError, Result};
use crate::terms::arithmetic::print_exact;
use crate::value::{number, wrong_type};

/// The shape of a geometry, or of a GeoJSON object, checked.
pub(crate) fn parse(geometry: &Datum) -> Result<Shape> {
    refuse_reference_system(geometry)?;
    let kind = kind_name(geometry)?;
    let coordinates = field_of_geometry(geometry, "coordinates")?;
    match kind.as_str() {
        "Point" => Ok(Shape::Point(vertex(&coordinates)?)),
        "LineString" => line(&coordinates).map(Shape::Line),
        "Polygon" => polygon(&coordinates).map(Shape::Polygon),
        "MultiPoint" | "MultiLineString" | "MultiPolygon" | "GeometryCollection" | "Feature"
        | "FeatureCollection" => Err(EvalError::logic(format!("GeoJSON type `{kind}` is not supported."))),
        _ => Err(EvalError::logic(format!("Unrecognized GeoJSON type `{kind}`."))),
    }
}

fn refuse_reference_system(geometry: &Datum) -> Result<()> {
    match geometry.get("crs") {
        None | Some(Datum::Null) => Ok(()),
        Some(_) => Err(EvalError::logic(
            "Non-default coordinate reference systems are not supported in GeoJSON objects.  Make sure the `crs` \
             field of the geometry is null or non-existent.",
        )),
    }
}

/// A geometry that must be of one kind.
fn expect_kind(geometry: &Datum, expected: GeometryKind) -> Result<Datum> {
    let found = kind_name(geometry)?;
    if found != expected.name() {
        let expected = expected.name();
        let message = format!("Expected geometry of type `{expected}` but found `{found}`.");
        return Err(EvalError::logic(message));
    }
    field_of_geometry(geometry, "coordinates")
}

pub(crate) fn parse_point(geometry: &Datum) -> Result<Vector> {
    vertex(&expect_kind(geometry, GeometryKind::Point)?)
}

pub(super) fn parse_polygon(geometry: &Datum) -> Result<Polygon> {
    polygon(&expect_kind(geometry, GeometryKind::Polygon)?)
}

/// Coordinates: a pair of numbers or a point.
pub(crate) fn parse_position(datum: &Datum) -> Result<Position> {
    if datum.is_geometry() { position(&expect_kind(datum, GeometryKind::Point)?) } else { pair(datum) }
}

/// The places of a line.
pub(super) fn line_positions(geometry: &Datum) -> Result<Vec<Position>> {
    positions(&expect_kind(geometry, GeometryKind::LineString)?)
}

/// The places of the outer ring of a polygon.
pub(super) fn shell_positions(geometry: &Datum) -> Result<Vec<Position>> {
    let rings = array(&expect_kind(geometry, GeometryKind::Polygon)?)?;
    let shell = rings
        .get(0)
        .ok_or_else(|| EvalError::logic("The polygon is empty. It must have at least an outer shell."))?;
    positions(&shell)
}

fn array(datum: &Datum) -> Result<Array> {
    match datum {
        Datum::Array(array) => Ok(array.clone()),
        other => Err(wrong_type("ARRAY", other)),
    }
}

fn positions(coordinates: &Datum) -> Result<Vec<Position>> {
    array(coordinates)?.iter().map(|item| position(&item)).collect()
}

fn position(datum: &Datum) -> Result<Position> {
    let coordinates = array(datum)?;
    let coordinate = |index| number(&coordinates.get(index).unwrap_or(Datum::Null));
    match coordinates.len() {
        2 => Ok(Position { longitude: coordinate(0)?, latitude: coordinate(1)? }),
        0 | 1 => Err(EvalError::logic("Too few coordinates.  Need at least longitude and latitude.")),
        3 => Err(EvalError::logic(
            "A third altitude coordinate in GeoJSON positions was found, but is not supported.",
        )),
        count => Err(EvalError::logic(format!(
            "Too many coordinates.  GeoJSON position should have no more than three coordinates, but got {count}."
        ))),
    }
}

fn vertex(datum: &Datum) -> Result<Vector> {
    checked_vector(position(datum)?)
}

/// A place that must be on the map.
pub(super) fn checked_vector(position: Position) -> Result<Vector> {
    let Position { longitude, latitude } = position;
    if !(-180.0..=180.0).contains(&longitude) {
        let found = print_exact(longitude);
        return Err(EvalError::logic(format!("Longitude must be between -180 and 180.  Got {found}.")));
    }
    if !(-90.0..=90.0).contains(&latitude) {
        let found = print_exact(latitude);
        return Err(EvalError::logic(format!("Latitude must be between -90 and 90.  Got {found}.")));
    }
    Ok(position.to_vector())
}

fn vertices(coordinates: &Array) -> Result<Vec<Vector>> {
    coordinates.iter().map(|item| vertex(&item)).collect()
}

fn line(coordinates: &Datum) -> Result<Vec<Vector>> {
    let coordinates = array(coordinates)?;
    if coordinates.len() < 2 {
        return Err(EvalError::logic("GeoJSON LineString must have at least two positions."));
    }
    let line = vertices(&coordinates)?;
    if !is_valid_line(&line) {
        let message = "Invalid LineString.  Are there antipodal or duplicate vertices?";
        return Err(EvalError::logic(message));
    }
    Ok(line)
}

/// A closed ring without the repetition of its first point.
fn ring(coordinates: &Datum) -> Result<Vec<Vector>> {
    let coordinates = array(coordinates)?;
    if coordinates.len() < 4 {
        return Err(EvalError::logic("GeoJSON LinearRing must have at least four positions."));
    }
    let mut ring = vertices(&coordinates)?;
    if ring.pop().as_ref() != ring.first() {
        let message = "First and last vertex of GeoJSON LinearRing must be identical.";
        return Err(EvalError::logic(message));
    }
    Ok(ring)
}

fn polygon(coordinates: &Datum) -> Result<Polygon> {
    let rings = array(coordinates)?.iter().map(|item| ring(&item)).collect::<Result<Vec<_>>>()?;
    Polygon::from_rings(rings).map_err(|error| {
        EvalError::logic(match error {
            RingError::Invalid => {
                "Invalid LinearRing.  Are there antipodal or duplicate vertices? Is it self-intersecting?"
            }
            RingError::Crossing => "Some edges in GeoJSON polygon could not be used.  Are they intersecting?",
        })
    })
}

fn position_datum(position: Position) -> Datum {
    Datum::array([Datum::Number(position.longitude), Datum::Number(position.latitude)])
}

pub(super) fn point_datum(position: Position) -> Datum {
    pseudo::geometry(GeometryKind::Point, position_datum(position))
}

pub(super) fn line_datum(line: &[Position]) -> Datum {
    pseudo::geometry(GeometryKind::LineString, Datum::array(line.iter().copied().map(position_datum)))
}

/// A polygon of rings, which are closed if they are not.
pub(super) fn polygon_datum(rings: &[Vec<Position>]) -> Datum {
    let ring_datum = |ring: &Vec<Position>| {
        let open = ring.first() != ring.last();
        let closing = ring.first().filter(|_| open);
        Datum::array(ring.iter().chain(closing).copied().map(position_datum))
    };
    pseudo::geometry(GeometryKind::Polygon, Datum::array(rings.iter().map(ring_datum)))
}
