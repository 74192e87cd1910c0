//! `getNearest`: a search in circles that grow until enough is found.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::f64::consts::PI;

use photondb_datum::Datum;

use super::covering::{Names, Region, difference, names_of, union};
use super::ellipsoid::{self, Ellipsoid};
use super::geojson;
use super::index::{GeometryIndex, index_name};
use super::sphere::Vector;
use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::sequence::Sequence;
use crate::terms::arithmetic::print_exact;
use crate::terms::table;
use crate::value::Value;

/// How many documents are answered with unless `max_results` says otherwise.
const RESULTS_MAX: i64 = 100;
/// How far they are at most unless `max_dist` says otherwise, in metres.
const DISTANCE_MAX: f64 = 100_000.0;

/// The first circle's radius, in radii of the equator: ten metres on the earth.
const FIRST_RADIUS: f64 = 10.0 / 6_378_137.0;
/// How much larger a circle is than the one before, in which nothing was found.
const GROWTH: f64 = 2.0;
/// How many documents a circle shall find, as far as can be told from those before.
const FOUND_PER_CIRCLE: f64 = 100.0;
/// Cells that a circle is covered with.
const CELLS_MAX: usize = 24;

pub(crate) fn get_nearest(call: &Invocation<'_>) -> Result<Value> {
    const TERM: &str = "get_nearest";
    let read = table::table_argument(call, 0)?;
    let center = call.value(1)?;
    let name = index_name(call, TERM)?;
    let center = geojson::parse_position(&center.into_datum()?)?;
    let ellipsoid = Ellipsoid::of_option(call)?;
    let unit = ellipsoid::unit_of_option(call)?;
    let distance_max = match call.option("max_dist")? {
        None => DISTANCE_MAX,
        Some(value) => {
            let site = value.site;
            let distance = value.into_number()? * unit;
            if distance <= 0.0 {
                return Err(EvalError::logic("max_dist must be positive.").at(site));
            }
            distance
        }
    };
    let results_max = match call.option("max_results")? {
        None => RESULTS_MAX,
        Some(value) => {
            let site = value.site;
            let results = value.into_integer()?;
            if results <= 0 {
                return Err(EvalError::logic("max_results must be positive.").at(site));
            }
            results
        }
    };
    let index = GeometryIndex::of_option(call, TERM, *read, &name)?;
    let center = geojson::checked_vector(center)?;
    // One more than may be answered with tells that there are too many.
    let array_size_max = call.env.options.array_size_max;
    let results_max = usize::try_from(results_max).unwrap_or(usize::MAX).min(array_size_max + 1);
    let found = Nearest::new(index, center, ellipsoid, distance_max, results_max).search(call)?;
    let pair = |near: Near| {
        Datum::object([("dist", Datum::Number(near.distance * (1.0 / unit))), ("doc", near.document)])
    };
    call.answer(Datum::array(found.into_iter().map(pair)))
}

/// A document and how far it is: a multi index finds it by each of its geometries.
struct Near {
    distance: f64,
    /// The document's key, and which of its geometries this is.
    key: (Datum, usize),
    document: Datum,
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Near {}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then_with(|| self.key.cmp(&other.key))
    }
}

/// A search. Of all documents that were looked at, the nearest ones are kept; those within
/// the circle that was searched are certain to be the nearest of all.
struct Nearest {
    index: GeometryIndex,
    center: Vector,
    ellipsoid: Ellipsoid,
    distance_max: f64,
    results_max: usize,
    /// The farthest on top.
    kept: BinaryHeap<Near>,
    /// The keys of those that are kept.
    keys: HashSet<(Datum, usize)>,
    /// What need not be read again.
    read: Vec<Names>,
}

impl Nearest {
    fn new(
        index: GeometryIndex,
        center: Vector,
        ellipsoid: Ellipsoid,
        distance_max: f64,
        results_max: usize,
    ) -> Self {
        let (kept, keys, read) = (BinaryHeap::new(), HashSet::new(), Vec::new());
        Self { index, center, ellipsoid, distance_max, results_max, kept, keys, read }
    }

    fn search(mut self, call: &Invocation<'_>) -> Result<Vec<Near>> {
        let first = FIRST_RADIUS * self.ellipsoid.equator_radius();
        let (mut inner, mut radius) = (0.0, first.min(self.distance_max));
        let mut found_before = 0;
        loop {
            call.env.check_cancelled()?;
            self.check_reach(radius).map_err(|error| error.at(call.env.ast.root()))?;
            self.read_within(call, radius)?;
            let found = self.kept.iter().filter(|near| near.distance <= radius).count();
            if found > call.env.options.array_size_max {
                let message = "Array size limit exceeded during geospatial index traversal.";
                return Err(EvalError::logic(message));
            }
            if found >= self.results_max || radius >= self.distance_max {
                break;
            }
            let next = next_radius(inner, radius, found - found_before);
            found_before = found;
            (inner, radius) = (radius, next.min(self.distance_max));
        }
        Ok(self.kept.into_sorted_vec())
    }

    /// Circles end where RethinkDB's do, which takes octagons for them.
    fn check_reach(&self, radius: f64) -> Result<()> {
        let corner = radius * 1.01 / (PI / 8.0).cos() * self.ellipsoid.distortion();
        let max = self.ellipsoid.quarter();
        if corner < max {
            return Ok(());
        }
        Err(EvalError::logic(format!(
            "The distance has become too large for continuing the indexed nearest traversal.  Consider \
             specifying a smaller `max_dist` parameter.  (Radius must be smaller than a quarter of the \
             circumference along the minor axis of the reference ellipsoid.  Got {}m, but must be smaller \
             than {}m.)",
            print_exact(corner),
            print_exact(max)
        )))
    }

    /// Looks at all documents that have something within a radius and that were not read.
    fn read_within(&mut self, call: &Invocation<'_>, radius: f64) -> Result<()> {
        let cap = Region::Cap { center: self.center, angle: self.ellipsoid.angle_at_least(radius) };
        let names = names_of(&cap.cover(CELLS_MAX));
        let new = difference(&names, &self.read);
        if !new.is_empty() {
            let candidates = Sequence::table(self.index.candidates(&new), call.site);
            candidates.for_each(call.env, &mut |document| {
                self.look_at(call, document);
                Ok(())
            })?;
            self.read.extend(new);
            self.read = union(std::mem::take(&mut self.read));
        }
        Ok(())
    }

    fn look_at(&mut self, call: &Invocation<'_>, document: Datum) {
        let mut distances = Vec::new();
        let Self { index, center, ellipsoid, .. } = self;
        index.each_shape(call.env, &document, &mut |shape| {
            distances.push(ellipsoid.distance(*center, &shape))
        });
        let key = document.get(&self.index.read.table.primary_key).unwrap_or(Datum::Null);
        for (position, distance) in distances.into_iter().enumerate() {
            if distance <= self.distance_max {
                self.keep(Near { distance, key: (key.clone(), position), document: document.clone() });
            }
        }
    }

    fn keep(&mut self, near: Near) {
        let full = self.kept.len() >= self.results_max;
        if full && self.kept.peek().is_some_and(|farthest| farthest.distance < near.distance) {
            return;
        }
        // What has several cells is met several times.
        if !self.keys.insert(near.key.clone()) {
            return;
        }
        self.kept.push(near);
        if full && let Some(farthest) = self.kept.pop() {
            self.keys.remove(&farthest.key);
        }
    }
}

/// The radius that is expected to find a goodly number, as densely as the last ring did.
fn next_radius(inner: f64, radius: f64, found: usize) -> f64 {
    if found == 0 {
        return radius * GROWTH;
    }
    let area = PI * (radius * radius - inner * inner);
    let density = found as f64 / area;
    (FOUND_PER_CIRCLE / PI / density + radius * radius).sqrt()
}
