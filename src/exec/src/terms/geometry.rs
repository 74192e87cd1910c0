//! Geometry: points, lines and polygons on the earth.
//!
//! As in RethinkDB, shapes are compared on the sphere, whose edges are great circles, and
//! distances are measured on an ellipsoid.

mod cell;
mod covering;
mod ellipsoid;
mod geodesic;
mod geojson;
mod index;
mod nearest;
mod shape;
mod sphere;

use std::sync::Arc;

use photondb_datum::{Datum, PseudoType, Text, pseudo};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::function::{Function, NativeFunction};
use crate::sequence::{FilterDefault, Stage};
use crate::terms::arithmetic::print_exact;
use crate::terms::object::{Subject, element, subject};
use crate::value::{Value, wrong_type};

pub(crate) use ellipsoid::{Ellipsoid, Position};
pub(crate) use index::{entries, get_intersecting};
pub(crate) use nearest::get_nearest;
pub(crate) use shape::Shape;

/// Corners of a circle unless `num_vertices` says otherwise.
const CIRCLE_CORNERS: i64 = 32;

/// An argument that must be a geometry; the complaint is the argument's.
fn geometry(value: Value) -> Result<Datum> {
    let site = value.site;
    let datum = value.into_datum()?;
    if datum.is_geometry() {
        return Ok(datum);
    }
    let message = format!("Not a GEOMETRY pseudotype: `{}`.", datum.print_truncated());
    Err(EvalError::logic(message).at(site))
}

/// A new geometry, once it is known to be valid.
fn answer(call: &Invocation<'_>, geometry: Datum) -> Result<Value> {
    geojson::parse(&geometry)?;
    call.answer(geometry)
}

pub(crate) fn geojson(call: &Invocation<'_>) -> Result<Value> {
    let datum = call.datum(0)?;
    geojson::parse(&datum)?;
    let Datum::Object(object) = datum else { return Err(wrong_type("OBJECT", &datum)) };
    if object.contains_key(pseudo::REQL_TYPE) {
        return Err(EvalError::logic("GeoJSON object already had a $reql_type$ field."));
    }
    let mut builder = object.into_builder();
    builder.remove("bbox");
    builder.insert(Text::from_static(pseudo::REQL_TYPE), Datum::from("GEOMETRY"));
    call.answer(builder.into_datum()?)
}

pub(crate) fn to_geojson(call: &Invocation<'_>) -> Result<Value> {
    match geometry(call.value(0)?)? {
        Datum::Object(object) => call.answer(Datum::Object(object.without(pseudo::REQL_TYPE))),
        other => Err(wrong_type("OBJECT", &other)),
    }
}

pub(crate) fn point(call: &Invocation<'_>) -> Result<Value> {
    let longitude = call.value(0)?.into_number()?;
    let latitude = call.value(1)?.into_number()?;
    answer(call, geojson::point_datum(Position { longitude, latitude }))
}

fn positions(call: &Invocation<'_>) -> Result<Vec<Position>> {
    (0..call.count()).map(|position| geojson::parse_position(&call.datum(position)?)).collect()
}

pub(crate) fn line(call: &Invocation<'_>) -> Result<Value> {
    answer(call, geojson::line_datum(&positions(call)?))
}

pub(crate) fn polygon(call: &Invocation<'_>) -> Result<Value> {
    answer(call, geojson::polygon_datum(&[positions(call)?]))
}

/// A polygon without holes; the complaint is the argument's.
fn plain_polygon(call: &Invocation<'_>, position: usize) -> Result<Datum> {
    let value = call.value(position)?;
    let site = value.site;
    let datum = geometry(value)?;
    let kind = ellipsoid::kind_name(&datum)?;
    if kind != "Polygon" {
        return Err(EvalError::logic(format!("Expected a Polygon but found a {kind}.")).at(site));
    }
    if datum.get("coordinates").and_then(|rings| Some(rings.as_array()?.len())).unwrap_or(0) > 1 {
        let message = "Expected a Polygon with only an outer shell.  This one has holes.";
        return Err(EvalError::logic(message).at(site));
    }
    Ok(datum)
}

pub(crate) fn polygon_sub(call: &Invocation<'_>) -> Result<Value> {
    let outer = plain_polygon(call, 0)?;
    let inner = plain_polygon(call, 1)?;
    if !geojson::parse_polygon(&outer)?.includes_shape(&geojson::parse(&inner)?) {
        let message = "The second argument to `polygon_sub` is not contained in the first one.";
        return Err(EvalError::logic(message));
    }
    let rings = [geojson::shell_positions(&outer)?, geojson::shell_positions(&inner)?];
    answer(call, geojson::polygon_datum(&rings))
}

pub(crate) fn fill(call: &Invocation<'_>) -> Result<Value> {
    let line = geometry(call.value(0)?)?;
    answer(call, geojson::polygon_datum(&[geojson::line_positions(&line)?]))
}

pub(crate) fn circle(call: &Invocation<'_>) -> Result<Value> {
    let center = call.datum(0)?;
    let radius = call.value(1)?;
    let fill = call.option_bool("fill")?.unwrap_or(true);
    let corners = match call.option("num_vertices")? {
        None => CIRCLE_CORNERS,
        Some(value) => {
            let site = value.site;
            let corners = value.into_integer()?;
            if corners <= 0 {
                return Err(EvalError::logic("num_vertices must be positive.").at(site));
            }
            corners
        }
    };
    call.env.check_array_size(usize::try_from(corners).unwrap_or(usize::MAX))?;
    let ellipsoid = Ellipsoid::of_option(call)?;
    let unit = ellipsoid::unit_of_option(call)?;
    let center = geojson::parse_position(&center)?;
    let radius = radius.into_number()? * unit;
    if radius <= 0.0 {
        return Err(EvalError::logic("Radius must be positive."));
    }
    let max = ellipsoid.quarter();
    if radius >= max {
        return Err(EvalError::logic(format!(
            "Radius must be smaller than a quarter of the circumference along the minor axis of the reference \
             ellipsoid.  Got {}, but must be smaller than {}.",
            print_exact(radius),
            print_exact(max)
        )));
    }
    let circle = ellipsoid.circle(center, radius, u32::try_from(corners).unwrap_or(u32::MAX));
    answer(call, if fill { geojson::polygon_datum(&[circle]) } else { geojson::line_datum(&circle) })
}

/// The distance between two geometries, of which one is a point.
pub(crate) fn distance(call: &Invocation<'_>) -> Result<Value> {
    let left = geometry(call.value(0)?)?;
    let right = geometry(call.value(1)?)?;
    let ellipsoid = Ellipsoid::of_option(call)?;
    let unit = ellipsoid::unit_of_option(call)?;
    let (point, other) = if ellipsoid::kind_name(&left)? == "Point" { (left, right) } else { (right, left) };
    let point = geojson::parse_point(&point)?;
    let metres = ellipsoid.distance(point, &geojson::parse(&other)?);
    call.answer(Datum::number(metres * (1.0 / unit))?)
}

/// A question about two geometries, asked of one or of each row of a sequence.
type Relation = fn(&Datum, &Shape) -> Result<bool>;

struct Related {
    relation: Relation,
    other: Shape,
    term: &'static str,
}

impl NativeFunction for Related {
    fn call(&self, _: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        let row = arguments.first().unwrap_or(&Datum::Null);
        element(row, self.term, Some(PseudoType::Geometry))?;
        related(row, self.relation, &self.other)
    }
}

fn related(row: &Datum, relation: Relation, other: &Shape) -> Result<Datum> {
    if !row.is_geometry() {
        return Err(EvalError::logic(format!("Not a GEOMETRY pseudotype: `{}`.", row.print_truncated())));
    }
    relation(row, other).map(Datum::Bool)
}

fn relate(call: &Invocation<'_>, term: &'static str, relation: Relation) -> Result<Value> {
    let subject = subject(call.value(0)?, term, Some(PseudoType::Geometry))?;
    let other = geojson::parse(&geometry(call.value(1)?)?)?;
    match subject {
        Subject::Object(row) => call.answer(related(&row, relation, &other)?),
        Subject::Rows(rows) => {
            let predicate = Function::native(Arc::new(Related { relation, other, term }), call.site);
            let stage = Stage::Filter { predicate: Arc::new(predicate), default: FilterDefault::Skip };
            call.answer_sequence(rows.with(stage))
        }
    }
}

pub(crate) fn intersects(call: &Invocation<'_>) -> Result<Value> {
    relate(call, "intersects", |row, other| Ok(geojson::parse(row)?.intersects(other)))
}

pub(crate) fn includes(call: &Invocation<'_>) -> Result<Value> {
    relate(call, "includes", |row, other| Ok(geojson::parse_polygon(row)?.includes_shape(other)))
}
