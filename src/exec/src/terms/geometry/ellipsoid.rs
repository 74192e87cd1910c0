//! Distances on the earth, and on other ellipsoids.

use std::f64::consts::PI;

use geographiclib_rs::DirectGeodesic;
use photondb_datum::Datum;

use super::geodesic::Geodesic;
use super::shape::Shape;
use super::sphere::Vector;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::terms::object::field;
use crate::value::{Kind, number, text};

/// A longitude and a latitude in degrees, as users write them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Position {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

impl Position {
    pub(crate) fn to_vector(self) -> Vector {
        // Both name the same meridian; one of them is its name.
        let longitude = if self.longitude == 180.0 { -180.0 } else { self.longitude };
        Vector::from_degrees(longitude, self.latitude)
    }

    fn of_vector(point: Vector) -> Self {
        Self { longitude: point.longitude(), latitude: point.latitude() }
    }
}

/// A flattened sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ellipsoid {
    equator_radius: f64,
    flattening: f64,
}

impl Ellipsoid {
    pub(crate) const WGS84: Self = Self { equator_radius: 6_378_137.0, flattening: 1.0 / 298.257_223_563 };
    pub(crate) const UNIT_SPHERE: Self = Self { equator_radius: 1.0, flattening: 0.0 };

    /// By the `geo_system` of a term.
    pub(crate) fn of_option(call: &Invocation<'_>) -> Result<Self> {
        let Some(value) = call.option("geo_system")? else { return Ok(Self::WGS84) };
        let site = value.site;
        if let Kind::Datum(system @ Datum::Object(_)) = &value.kind {
            let equator_radius = number(&field(system, "a")?)?;
            let flattening = number(&field(system, "f")?)?;
            if equator_radius <= 0.0 {
                return Err(EvalError::logic("The equator radius `a` must be positive.").at(site));
            }
            if !(0.0..1.0).contains(&flattening) {
                return Err(EvalError::logic("The flattening `f` must be in the range [0, 1).").at(site));
            }
            return Ok(Self { equator_radius, flattening });
        }
        let name = value.into_text()?;
        match name.as_str() {
            "WGS84" => Ok(Self::WGS84),
            "unit_sphere" => Ok(Self::UNIT_SPHERE),
            _ => {
                let message = format!(
                    "Unrecognized geo system \"{name}\" (valid options: \"WGS84\", \"unit_sphere\")."
                );
                Err(EvalError::logic(message).at(site))
            }
        }
    }

    pub(super) fn equator_radius(self) -> f64 {
        self.equator_radius
    }

    fn pole_radius(self) -> f64 {
        self.equator_radius * (1.0 - self.flattening)
    }

    /// How much larger one radius is than the other.
    pub(super) fn distortion(self) -> f64 {
        let (equator, pole) = (self.equator_radius, self.pole_radius());
        equator.max(pole) / equator.min(pole)
    }

    /// An angle that no two places are apart on the sphere that are this far apart here at
    /// most. A step is shortest along the meridian at the equator, whose radius of curvature
    /// is there the square of the pole's radius by that of the equator.
    pub(super) fn angle_at_least(self, distance: f64) -> f64 {
        let pole = self.pole_radius();
        distance * self.equator_radius / (pole * pole) * (1.0 + 1e-9) + 1e-12
    }

    /// A quarter of the way around, along the shortest meridian.
    pub(crate) fn quarter(self) -> f64 {
        0.5 * PI * self.equator_radius.min(self.pole_radius())
    }

    /// The shortest distance from a point to a shape. The closest point of the shape is
    /// searched on the sphere.
    pub(crate) fn distance(self, point: Vector, shape: &Shape) -> f64 {
        let closest = shape.project(point);
        if closest == point {
            return 0.0;
        }
        let (from, to) = (Position::of_vector(point), Position::of_vector(closest));
        let geodesic = Geodesic::new(self.equator_radius, self.flattening);
        geodesic.distance((from.longitude, from.latitude), (to.longitude, to.latitude))
    }

    /// The corners of a regular polygon around a point, the first one repeated at the end.
    pub(crate) fn circle(self, center: Position, radius: f64, corners: u32) -> Vec<Position> {
        let geodesic = geographiclib_rs::Geodesic::new(self.equator_radius, self.flattening);
        let corner = |index: u32| {
            let azimuth = -180.0 + 360.0 / f64::from(corners) * f64::from(index);
            let (latitude, longitude): (f64, f64) =
                geodesic.direct(center.latitude, center.longitude, azimuth, radius);
            Position { longitude, latitude }
        };
        let mut circle: Vec<Position> = (0..corners).map(corner).collect();
        circle.extend(circle.first().copied());
        circle
    }
}

/// Metres in the `unit` of a term.
pub(crate) fn unit_of_option(call: &Invocation<'_>) -> Result<f64> {
    let Some(unit) = call.option_text("unit")? else { return Ok(1.0) };
    unit_metres(&unit)
}

fn unit_metres(unit: &str) -> Result<f64> {
    match unit {
        "m" => Ok(1.0),
        "km" => Ok(1000.0),
        "mi" => Ok(1609.344),
        "nm" => Ok(1852.0),
        "ft" => Ok(0.3048),
        _ => Err(EvalError::logic(format!("Unrecognized distance unit `{unit}`."))),
    }
}

/// A pair of numbers or a point.
pub(super) fn pair(coordinates: &Datum) -> Result<Position> {
    let Datum::Array(pair) = coordinates else { return Err(crate::value::wrong_type("ARRAY", coordinates)) };
    let coordinate = |index| number(&pair.get(index).unwrap_or(Datum::Null));
    if pair.len() != 2 {
        let count = pair.len();
        return Err(EvalError::logic(format!(
            "Expected point coordinate pair.  Got {count} element array instead of a 2 element one."
        )));
    }
    Ok(Position { longitude: coordinate(0)?, latitude: coordinate(1)? })
}

/// The name of the kind of a geometry.
pub(super) fn kind_name(geometry: &Datum) -> Result<String> {
    Ok(text(&field_of_geometry(geometry, "type")?)?.as_str().to_owned())
}

/// A field of a geometry, which `getField` of a user may not read.
pub(super) fn field_of_geometry(geometry: &Datum, name: &str) -> Result<Datum> {
    match geometry {
        Datum::Object(object) => object.get(name).ok_or_else(|| {
            EvalError::absent(format!("No attribute `{name}` in object:\n{}", geometry.print()))
        }),
        other => Err(crate::value::wrong_type("OBJECT", other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Vector {
        Position { longitude, latitude }.to_vector()
    }

    #[test]
    fn distances_are_rethinkdbs() {
        let cases = [
            (at(-122.0, 37.0), at(-123.0, 37.0), 89_011.262_538_353_32),
            (at(-122.0, 37.0), at(-122.0, 36.0), 110_968.304_439_954_94),
            (at(0.0, 0.0), at(180.0, 0.0), 20_003_931.458_625_45),
            (at(0.0, 0.0), at(0.0, 0.0), 0.0),
        ];
        for (from, to, expected) in cases {
            let distance = Ellipsoid::WGS84.distance(from, &Shape::Point(to));
            assert!((distance - expected).abs() < 1e-6, "{distance} {expected}");
        }
        let line = Shape::Line(vec![at(5.0, -1.0), at(4.0, 2.0)]);
        let distance = Ellipsoid::WGS84.distance(at(0.0, 0.0), &line);
        assert!((distance - 492_471.499_005_525_5).abs() < 1e-6, "{distance}");
    }

    #[test]
    fn circles_keep_their_distance() {
        let center = Position { longitude: 3.0, latitude: 4.0 };
        let circle = Ellipsoid::WGS84.circle(center, 1000.0, 8);
        assert_eq!(circle.len(), 9);
        assert_eq!(circle[0], circle[8]);
        for corner in circle {
            let distance = Ellipsoid::WGS84.distance(center.to_vector(), &Shape::Point(corner.to_vector()));
            assert!((distance - 1000.0).abs() < 1e-6);
        }
    }

    #[test]
    fn units_are_known() {
        assert_eq!(unit_metres("ft").unwrap(), 0.3048);
        assert_eq!(unit_metres("yd").unwrap_err().message(), "Unrecognized distance unit `yd`.");
    }
}
