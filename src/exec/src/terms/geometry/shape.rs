//! Points, lines and polygons, and how they lie to each other.
//!
//! The rules are RethinkDB's: polygons are closed as far as points go, but two polygons,
//! or a line and a polygon, that share nothing but a boundary do not intersect.

use super::sphere::{
    Crossing, ORIGIN, Vector, changes_side, closest_on_edge, crosses_at_vertex, crossing, crossing_fraction,
    distance_to_edge, is_ordered, is_vertex_inside, turning_angle,
};

/// A geometry made ready for questions.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Point(Vector),
    Line(Vec<Vector>),
    Polygon(Polygon),
}

/// An area, its boundary directed so that the area is to the left.
#[derive(Clone, Debug)]
pub(crate) struct Polygon {
    corners: Vec<Corner>,
    origin_inside: bool,
}

/// A vertex of a boundary with its neighbours.
#[derive(Clone, Copy, Debug)]
struct Corner {
    before: Vector,
    at: Vector,
    after: Vector,
}

/// Why rings make no polygon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RingError {
    /// Antipodal or repeated vertices, or a ring that crosses itself.
    Invalid,
    /// Rings that cross each other.
    Crossing,
}

/// Whether a path has no two equal or opposite points in a row.
pub(super) fn is_valid_line(points: &[Vector]) -> bool {
    points.windows(2).all(|pair| pair[0] != pair[1] && !pair[0].is_antipodal(pair[1]))
}

/// The edges of a ring whose last point is joined to its first one.
fn ring_edges(ring: &[Vector]) -> impl Iterator<Item = (Vector, Vector)> + '_ {
    (0..ring.len()).map(|index| (ring[index], ring[(index + 1) % ring.len()]))
}

fn is_valid_ring(ring: &[Vector]) -> bool {
    if ring.len() < 3 || ring_edges(ring).any(|(a, b)| a.is_antipodal(b)) {
        return false;
    }
    let mut sorted = ring.to_vec();
    sorted.sort_by(|a, b| a.order(*b));
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return false;
    }
    !any_crossing(ring_edges(ring))
}

/// Whether any two of some edges cross inside. A sweep along one axis spares most pairs.
fn any_crossing(edges: impl Iterator<Item = (Vector, Vector)>) -> bool {
    let mut boxed: Vec<(Bounds, (Vector, Vector))> =
        edges.map(|(a, b)| (Bounds::of_edge(a, b), (a, b))).collect();
    boxed.sort_by(|left, right| left.0.low[0].total_cmp(&right.0.low[0]));
    let mut active: Vec<usize> = Vec::new();
    for (index, (bounds, (a, b))) in boxed.iter().enumerate() {
        active.retain(|other| boxed[*other].0.high[0] >= bounds.low[0]);
        let crosses = active.iter().map(|other| &boxed[*other]).any(|(other_bounds, (c, d))| {
            other_bounds.overlaps(bounds) && crossing(*a, *b, *c, *d) == Crossing::Interior
        });
        if crosses {
            return true;
        }
        active.push(index);
    }
    false
}

/// A box around an edge.
struct Bounds {
    low: [f64; 3],
    high: [f64; 3],
}

impl Bounds {
    fn of_edge(a: Vector, b: Vector) -> Self {
        let (a, b) = (a.0, b.0);
        let chord_squared: f64 = (0..3).map(|axis| (a[axis] - b[axis]) * (a[axis] - b[axis])).sum();
        // An arc is higher than its chord by less than this.
        let rise = 0.25 * chord_squared + 1e-15;
        let bound = |axis: usize| (a[axis].min(b[axis]) - rise, a[axis].max(b[axis]) + rise);
        let bounds = [bound(0), bound(1), bound(2)];
        Self { low: bounds.map(|(low, _)| low), high: bounds.map(|(_, high)| high) }
    }

    fn overlaps(&self, other: &Self) -> bool {
        (0..3).all(|axis| self.low[axis] <= other.high[axis] && other.low[axis] <= self.high[axis])
    }
}

/// Turns a ring so that the smaller of its two sides is to the left.
fn normalize(ring: &mut [Vector]) {
    let count = ring.len();
    let turning: f64 = (0..count)
        .map(|index| turning_angle(ring[index], ring[(index + 1) % count], ring[(index + 2) % count]))
        .sum();
    if turning < -1e-14 {
        ring.reverse();
    }
}

/// Whether the origin lies to the left of a ring.
fn is_origin_inside(ring: &[Vector]) -> bool {
    let inside = is_vertex_inside(ring[0], ring[1], ring[2]);
    let crossed = ring_edges(ring).filter(|(c, d)| changes_side(ORIGIN, ring[1], *c, *d)).count() % 2 == 1;
    inside != crossed
}

impl Polygon {
    /// The polygon of an outer ring and holes, each without the repetition of its first
    /// point at the end.
    pub(super) fn from_rings(rings: Vec<Vec<Vector>>) -> Result<Self, RingError> {
        let mut edges = Vec::new();
        let mut origin_inside = false;
        for (position, mut ring) in rings.into_iter().enumerate() {
            if !is_valid_ring(&ring) {
                return Err(RingError::Invalid);
            }
            normalize(&mut ring);
            origin_inside ^= is_origin_inside(&ring);
            if position > 0 {
                ring.reverse();
            }
            if position > 0 && any_crossing(edges.iter().copied().chain(ring_edges(&ring))) {
                return Err(RingError::Crossing);
            }
            let before = edges.len();
            for (from, to) in ring_edges(&ring) {
                // An edge that is walked in both directions has the area on no side of it.
                // Within one ring there are none.
                let earlier = edges.get(..before.min(edges.len())).unwrap_or(&[]);
                match earlier.iter().position(|edge| *edge == (to, from)) {
                    Some(opposite) => {
                        edges.swap_remove(opposite);
                    }
                    None => edges.push((from, to)),
                }
            }
        }
        edges.sort_by(|left, right| left.0.order(right.0));
        let corners = corners(&edges);
        Ok(Self { corners, origin_inside })
    }

    fn is_empty(&self) -> bool {
        self.corners.is_empty()
    }

    fn edges(&self) -> impl Iterator<Item = (Vector, Vector)> + '_ {
        self.corners.iter().map(|corner| (corner.at, corner.after))
    }

    /// Whether a point is inside; of points on the boundary some are.
    pub(super) fn contains(&self, point: Vector) -> bool {
        let crossings = self.edges().filter(|(c, d)| changes_side(ORIGIN, point, *c, *d)).count();
        self.origin_inside != (crossings % 2 == 1)
    }

    /// The point itself if it is inside, else the closest one on the boundary.
    fn project(&self, point: Vector) -> Vector {
        if self.contains(point) { point } else { closest(point, self.edges()).unwrap_or(point) }
    }

    fn has_point(&self, point: Vector) -> bool {
        !self.is_empty() && self.project(point) == point
    }

    fn crosses(&self, other: &Self) -> bool {
        self.edges().any(|(a, b)| other.edges().any(|(c, d)| crossing(a, b, c, d) == Crossing::Interior))
    }

    fn corners_at(&self, point: Vector) -> impl Iterator<Item = &Corner> + '_ {
        self.corners.iter().filter(move |corner| corner.at == point)
    }

    fn intersects(&self, other: &Self) -> bool {
        if self.is_empty() || other.is_empty() {
            return false;
        }
        self.crosses(other) || self.meets_corner_of(other) || other.meets_corner_of(self)
    }

    /// Whether the area around a corner of another polygon is shared.
    fn meets_corner_of(&self, other: &Self) -> bool {
        other.corners.iter().any(|corner| {
            let mut shared = self.corners_at(corner.at).peekable();
            if shared.peek().is_none() {
                self.contains(corner.at)
            } else {
                shared.any(|own| own.overlaps(corner))
            }
        })
    }

    fn includes(&self, other: &Self) -> bool {
        if other.is_empty() {
            return true;
        }
        if self.is_empty() || self.crosses(other) {
            return false;
        }
        let all_inside = other.corners.iter().all(|corner| {
            let mut shared = self.corners_at(corner.at).peekable();
            if shared.peek().is_none() {
                self.contains(corner.at)
            } else {
                shared.any(|own| own.includes(corner))
            }
        });
        // A boundary of this polygon within the other one is the edge of a hole.
        all_inside
            && self
                .corners
                .iter()
                .all(|own| other.corners_at(own.at).next().is_some() || !other.contains(own.at))
    }

    /// Whether a part of a path is inside, or outside.
    fn has_part_of(&self, path: &[Vector], wanted_inside: bool) -> bool {
        let Some(first) = path.first() else { return false };
        let mut on = self.contains(*first) == wanted_inside;
        path.windows(2).any(|edge| {
            let (a, b) = (edge[0], edge[1]);
            let mut changes = self.changes_along(a, b);
            if on {
                changes.push(0.0);
            }
            on = changes.len() % 2 == 1;
            if on {
                changes.push(1.0);
            }
            changes.sort_by(f64::total_cmp);
            changes.chunks_exact(2).any(|part| part[1] - part[0] > 1e-13)
        })
    }

    /// Where an edge changes sides, as fractions of it.
    fn changes_along(&self, a: Vector, b: Vector) -> Vec<f64> {
        let mut changes = Vec::new();
        for (c, d) in self.edges() {
            match crossing(a, b, c, d) {
                Crossing::None => {}
                Crossing::Interior => changes.push(crossing_fraction(a, b, c, d)),
                Crossing::Vertex if crosses_at_vertex(a, b, c, d) => {
                    changes.push(if a == c || a == d { 0.0 } else { 1.0 });
                }
                Crossing::Vertex => {}
            }
        }
        changes
    }
}

/// Joins edges, in the order of where they start, to closed boundaries.
fn corners(edges: &[(Vector, Vector)]) -> Vec<Corner> {
    edges
        .iter()
        .filter_map(|(before, at)| {
            let mut after: Option<Vector> = None;
            let first = edges.partition_point(|(from, _)| from.order(*at).is_lt());
            for (_, candidate) in edges[first..].iter().take_while(|(from, _)| from == at) {
                // Of several ways on, the sharpest turn to the left keeps rings apart.
                if after.is_none_or(|after| is_ordered(after, *candidate, *before, *at)) {
                    after = Some(*candidate);
                }
            }
            after.map(|after| Corner { before: *before, at: *at, after })
        })
        .collect()
}

impl Corner {
    /// Whether the area at another corner at the same point is within the area at this one.
    fn includes(&self, other: &Self) -> bool {
        is_ordered(self.after, other.after, other.before, self.at)
            && is_ordered(other.before, self.before, self.after, self.at)
    }

    /// Whether the areas at two corners at the same point have something in common.
    fn overlaps(&self, other: &Self) -> bool {
        !(is_ordered(self.before, other.after, other.before, self.at)
            && is_ordered(other.before, self.after, self.before, self.at))
    }
}

/// The point of some edges closest to a point.
fn closest(point: Vector, edges: impl Iterator<Item = (Vector, Vector)>) -> Option<Vector> {
    let mut best: Option<(f64, Vector, Vector)> = None;
    for (a, b) in edges {
        let distance = distance_to_edge(point, a, b);
        if best.is_none_or(|(least, ..)| distance < least) {
            best = Some((distance, a, b));
        }
    }
    best.map(|(_, a, b)| closest_on_edge(point, a, b))
}

fn path_edges(path: &[Vector]) -> impl Iterator<Item = (Vector, Vector)> + '_ {
    path.windows(2).map(|pair| (pair[0], pair[1]))
}

impl Shape {
    /// What the shape is made of, or is bounded by.
    pub(super) fn edges(&self) -> Vec<(Vector, Vector)> {
        match self {
            Self::Point(_) => Vec::new(),
            Self::Line(path) => path_edges(path).collect(),
            Self::Polygon(polygon) => polygon.edges().collect(),
        }
    }

    /// The point of this shape closest to a point; the point itself if the shape has it.
    pub(super) fn project(&self, point: Vector) -> Vector {
        match self {
            Self::Point(own) => *own,
            Self::Line(path) => closest(point, path_edges(path)).unwrap_or(point),
            Self::Polygon(polygon) => polygon.project(point),
        }
    }

    /// Whether two shapes have something in common.
    pub(crate) fn intersects(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Point(a), Self::Point(b)) => a == b,
            (Self::Point(point), Self::Polygon(polygon)) | (Self::Polygon(polygon), Self::Point(point)) => {
                polygon.has_point(*point)
            }
            (Self::Point(point), line @ Self::Line(_)) | (line @ Self::Line(_), Self::Point(point)) => {
                line.project(*point) == *point
            }
            (Self::Line(left), Self::Line(right)) => path_edges(left)
                .any(|(a, b)| path_edges(right).any(|(c, d)| crossing(a, b, c, d) != Crossing::None)),
            (Self::Line(path), Self::Polygon(polygon)) | (Self::Polygon(polygon), Self::Line(path)) => {
                !polygon.is_empty() && polygon.has_part_of(path, true)
            }
            (Self::Polygon(left), Self::Polygon(right)) => left.intersects(right),
        }
    }
}

impl Polygon {
    /// Whether a shape lies within this polygon.
    pub(crate) fn includes_shape(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Point(point) => self.has_point(*point),
            Shape::Line(path) => !self.is_empty() && !self.has_part_of(path, false),
            Shape::Polygon(other) => self.includes(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ring = [(f64, f64)];

    fn path(points: &Ring) -> Vec<Vector> {
        points.iter().map(|(longitude, latitude)| Vector::from_degrees(*longitude, *latitude)).collect()
    }

    fn rectangle(low: f64, high: f64) -> Vec<Vector> {
        path(&[(low, low), (high, low), (high, high), (low, high)])
    }

    fn polygon(rings: &[Vec<Vector>]) -> Polygon {
        Polygon::from_rings(rings.to_vec()).unwrap()
    }

    fn point(longitude: f64, latitude: f64) -> Shape {
        Shape::Point(Vector::from_degrees(longitude, latitude))
    }

    fn line(points: &Ring) -> Shape {
        Shape::Line(path(points))
    }

    #[test]
    fn shapes_intersect_as_in_rethinkdb() {
        let full = polygon(&[rectangle(1.0, 2.0)]);
        let holed = polygon(&[rectangle(1.0, 2.0), rectangle(1.1, 1.9)]);
        let of = |low, high| Shape::Polygon(polygon(&[rectangle(low, high)]));
        let beside = path(&[(2.0, 1.1), (3.0, 1.1), (3.0, 1.9), (2.0, 1.9)]);
        let cases = [
            (&full, point(1.5, 1.5), true, true),
            (&full, point(2.5, 2.5), false, false),
            (&full, point(2.0, 2.0), true, true),
            (&full, point(2.0, 1.5), true, true),
            (&holed, point(1.5, 1.5), false, false),
            (&holed, point(1.05, 1.05), true, true),
            (&holed, point(1.1, 1.1), true, true),
            (&holed, point(1.5, 1.1), true, true),
            (&full, line(&[(1.5, 1.5), (2.0, 2.0)]), true, true),
            (&full, line(&[(1.5, 1.5), (2.0, 1.5)]), true, true),
            (&full, line(&[(2.0, 1.5), (3.0, 3.0)]), false, false),
            (&full, line(&[(2.0, 1.5), (2.0, 2.0)]), true, true),
            (&full, line(&[(2.0, 1.0), (2.0, 2.0)]), true, true),
            (&full, line(&[(2.0, 2.0), (3.0, 3.0)]), false, false),
            (&full, line(&[(1.5, 1.5), (3.0, 3.0)]), true, false),
            (&full, line(&[(1.5, 2.0), (2.0, 2.0)]), true, true),
            (&full, of(1.2, 1.8), true, true),
            (&full, of(1.0, 2.0), true, true),
            (&full, of(1.5, 2.0), true, true),
            (&full, of(1.5, 2.5), true, false),
            (&full, of(2.0, 3.0), false, false),
            (&full, Shape::Polygon(polygon(&[beside])), true, false),
            (&holed, of(1.2, 1.8), false, false),
            (&holed, of(1.1, 1.9), false, false),
            (&holed, of(1.1, 2.0), true, false),
        ];
        for (position, (polygon, other, intersects, includes)) in cases.iter().enumerate() {
            let shape = Shape::Polygon((*polygon).clone());
            assert_eq!(shape.intersects(other), *intersects, "{position}");
            assert_eq!(other.intersects(&shape), *intersects, "{position}");
            assert_eq!(polygon.includes_shape(other), *includes, "{position}");
        }
    }

    #[test]
    fn lines_meet_at_their_ends() {
        let own = line(&[(1.0, 1.0), (1.0, 2.0)]);
        assert!(own.intersects(&line(&[(1.0, 2.0), (1.0, 3.0)])));
        assert!(own.intersects(&point(1.0, 1.0)));
        assert!(own.intersects(&point(1.0, 1.8)));
        assert!(!own.intersects(&point(1.5, 1.5)));
        let equator = line(&[(0.0, 0.0), (2.0, 0.0)]);
        assert!(equator.intersects(&point(1.0, 0.0)) && !equator.intersects(&point(3.0, 0.0)));
    }

    #[test]
    fn a_polygon_without_itself_is_nothing() {
        let ring = path(&[(0.0, 0.0), (0.0, 10.0), (10.0, 10.0), (10.0, 0.0)]);
        let nothing = Shape::Polygon(polygon(&[ring.clone(), ring.clone()]));
        let full = Shape::Polygon(polygon(&[ring]));
        assert!(!nothing.intersects(&point(0.0, 0.0)));
        assert!(!nothing.intersects(&full) && !full.intersects(&nothing));
        assert!(!nothing.intersects(&line(&[(0.0, 0.0), (0.0, 10.0)])));
    }

    #[test]
    fn holes_must_lie_within() {
        let outer = polygon(&[path(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])]);
        let cases: [(&Ring, bool); 7] = [
            (&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)], true),
            (&[(0.0, 0.0), (0.1, 0.9), (0.9, 0.9), (0.9, 0.1)], true),
            (&[(0.1, 0.9), (0.9, 0.0), (0.9, 0.9)], false),
            (&[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 2.0)], false),
            (&[(0.0, -2.0), (1.0, -2.0), (-1.0, 1.0), (0.0, -1.0)], false),
            (&[(0.0, -1.0), (1.0, -1.0), (1.0, 0.0), (0.0, 0.0)], false),
            (&[(0.1, -1.0), (0.9, -1.0), (0.9, 0.5), (0.1, 0.5)], false),
        ];
        for (ring, expected) in cases {
            let inner = Shape::Polygon(polygon(&[path(ring)]));
            assert_eq!(outer.includes_shape(&inner), expected, "{ring:?}");
        }
    }

    #[test]
    fn rings_that_cross_themselves_are_invalid() {
        let ring = path(&[(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (-1.0, 0.5)]);
        assert_eq!(Polygon::from_rings(vec![ring]).unwrap_err(), RingError::Invalid);
        let repeated = vec![Vector::from_degrees(0.0, 0.0); 3];
        assert_eq!(Polygon::from_rings(vec![repeated]).unwrap_err(), RingError::Invalid);
    }
}
