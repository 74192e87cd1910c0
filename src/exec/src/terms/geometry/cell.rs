//! Cells: a quad tree over each of the six sides of a cube around the sphere.
//!
//! A cell is named by 64 bits: three for the side, two for each level down, a one, and
//! zeros. The descendants of a cell so have names on both sides of its own.
//!
//! | bits | what |
//! |---|---|
//! | 3 | side of the cube, 0 to 5 |
//! | 2 × level | which quarter, from the largest to the smallest |
//! | 1 | one |
//! | the rest | zero |
//!
//! The sides are cut along planes through the middle of the sphere, so that the edges of
//! cells are edges of great circles, and a cell is what four half spaces have in common.

use super::sphere::{Vector, distance_to_edge};

/// How often a side of the cube is quartered: the smallest cells are a centimetre wide.
pub(super) const LEVEL_MAX: u32 = 30;

/// Nothing that is farther away than this from a cell on paper touches it in fact: far more
/// than the rounding of unit vectors, far less than the width of the smallest cell.
pub(super) const LEEWAY: f64 = 1e-12;

/// Bits of a name below the side.
const PATH_BITS: u32 = 61;

/// The name of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellId(u64);

impl CellId {
    /// Those that have no ancestor.
    pub(super) fn sides() -> impl Iterator<Item = Self> {
        (0..6u64).map(|side| Self(side << PATH_BITS | 1 << (PATH_BITS - 1)))
    }

    /// The smallest cell that a point is in.
    pub(super) fn of_point(point: Vector) -> Self {
        let (side, u, v) = side_of(point);
        let cells = f64::from(1u32 << LEVEL_MAX);
        let step = |x: f64| ((x + 1.0) * 0.5 * cells).clamp(0.0, cells - 1.0) as u64;
        let (i, j) = (step(from_plane(u)), step(from_plane(v)));
        let mut path = 0;
        for level in (0..LEVEL_MAX).rev() {
            path = path << 2 | (i >> level & 1) << 1 | (j >> level & 1);
        }
        Self(side << PATH_BITS | path << 1 | 1)
    }

    /// The lowest bit that is set.
    fn mark(self) -> u64 {
        self.0 & self.0.wrapping_neg()
    }

    pub(super) fn level(self) -> u32 {
        LEVEL_MAX - self.0.trailing_zeros() / 2
    }

    /// The four quarters of a cell that is not one of the smallest.
    pub(super) fn quarters(self) -> impl Iterator<Item = Self> {
        let mark = self.mark();
        let first = self.0 - mark + (mark >> 2);
        (0..4u64).map(move |quarter| Self(first + quarter * (mark >> 1)))
    }

    /// The cells that this one is within, the smallest first.
    pub(super) fn ancestors(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |cell| cell.parent()).skip(1)
    }

    fn parent(self) -> Option<Self> {
        let mark = self.mark() << 2;
        (self.level() > 0).then_some(Self((self.0 & mark.wrapping_neg()) | mark))
    }

    /// The names of this cell and of all within it: from the first to the last.
    pub(super) fn family(self) -> (u64, u64) {
        let mark = self.mark();
        (self.0 - (mark - 1), self.0 + (mark - 1))
    }

    /// The name as a number.
    pub(super) fn name(self) -> u64 {
        self.0
    }

    /// Where the cell is.
    pub(super) fn cell(self) -> Cell {
        let side = self.0 >> PATH_BITS;
        let (mut i, mut j) = (0u64, 0u64);
        for level in 0..self.level() {
            let quarter = self.0 >> (PATH_BITS - 2 - 2 * level) & 3;
            i = i << 1 | quarter >> 1;
            j = j << 1 | quarter & 1;
        }
        let cells = (1u64 << self.level()) as f64;
        let line = |index: u64| to_plane(2.0 * (index as f64 / cells) - 1.0);
        Cell::new(side, [line(i), line(i + 1)], [line(j), line(j + 1)], {
            let middle = |index: u64| to_plane(2.0 * ((index as f64 + 0.5) / cells) - 1.0);
            (middle(i), middle(j))
        })
    }
}

/// A part of the sphere between four great circles.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) center: Vector,
    /// How far any of its points is from its center at most, in radians.
    pub(super) radius: f64,
    /// What points within are in front of.
    planes: [Vector; 4],
}

impl Cell {
    fn new(side: u64, u: [f64; 2], v: [f64; 2], middle: (f64, f64)) -> Self {
        let center = on_side(side, 1.0, middle.0, middle.1).normalized();
        let corners = [(u[0], v[0]), (u[0], v[1]), (u[1], v[0]), (u[1], v[1])];
        let corner = |(u, v)| center.angle(on_side(side, 1.0, u, v).normalized());
        let radius = corners.into_iter().map(corner).fold(0.0, f64::max);
        let planes = [
            on_side(side, -u[0], 1.0, 0.0),
            on_side(side, u[1], -1.0, 0.0),
            on_side(side, -v[0], 0.0, 1.0),
            on_side(side, v[1], 0.0, -1.0),
        ];
        Self { center, radius, planes: planes.map(Vector::normalized) }
    }

    /// Whether an edge may come near: never false when it does.
    pub(super) fn may_touch_edge(&self, a: Vector, b: Vector) -> bool {
        let behind = |plane: &Vector| plane.dot(a) < -LEEWAY && plane.dot(b) < -LEEWAY;
        !self.planes.iter().any(behind) && distance_to_edge(self.center, a, b) <= self.radius + LEEWAY
    }

    /// How a cap lies to the cell: `None` when it is elsewhere, else whether the cell is
    /// wholly within the cap.
    pub(super) fn within_cap(&self, center: Vector, angle: f64) -> Option<bool> {
        let distance = self.center.angle(center);
        let reach = if angle < std::f64::consts::FRAC_PI_2 { angle.sin() } else { 1.0 };
        let behind = |plane: &Vector| plane.dot(center) < -reach - LEEWAY;
        if distance > self.radius + angle + LEEWAY || self.planes.iter().any(behind) {
            return None;
        }
        Some(distance + self.radius + LEEWAY < angle)
    }
}

/// A vector by coordinates that are turned so that the first one points to a side.
fn on_side(side: u64, out: f64, u: f64, v: f64) -> Vector {
    let axis = (side % 3) as usize;
    let mut coordinates = [0.0; 3];
    coordinates[axis] = if side < 3 { out } else { -out };
    coordinates[(axis + 1) % 3] = u;
    coordinates[(axis + 2) % 3] = v;
    Vector(coordinates)
}

/// The side that a point is on, and where on its plane.
fn side_of(point: Vector) -> (u64, f64, f64) {
    let coordinates = point.0;
    let mut axis = 0;
    for other in 1..3 {
        if coordinates[other].abs() > coordinates[axis].abs() {
            axis = other;
        }
    }
    let out = coordinates[axis].abs();
    let side = axis as u64 + if coordinates[axis] < 0.0 { 3 } else { 0 };
    (side, coordinates[(axis + 1) % 3] / out, coordinates[(axis + 2) % 3] / out)
}

/// From an even grid to the plane of a side: the farther out, the wider, since the plane
/// is farther from the sphere there. Made of operations that every machine rounds alike,
/// since cells are stored.
fn to_plane(x: f64) -> f64 {
    let bent = ((x.abs() + 1.0) * (x.abs() + 1.0) - 1.0) / 3.0;
    if x < 0.0 { -bent } else { bent }
}

fn from_plane(u: f64) -> f64 {
    let even = (1.0 + 3.0 * u.abs()).sqrt() - 1.0;
    if u < 0.0 { -even } else { even }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_within_its_cell_and_all_that_hold_it() {
        for step in 0..2000 {
            let longitude = -180.0 + 0.18 * f64::from(step);
            let latitude = 90.0 * (f64::from(step) * 0.7).sin();
            let point = Vector::from_degrees(longitude, latitude);
            let leaf = CellId::of_point(point);
            assert_eq!(leaf.level(), LEVEL_MAX);
            let family: Vec<CellId> = std::iter::once(leaf).chain(leaf.ancestors()).collect();
            assert_eq!(family.len(), 31);
            for id in family {
                assert!(id.cell().within_cap(point, 0.0).is_some(), "{longitude} {latitude} {}", id.level());
                let (first, last) = id.family();
                assert!((first..=last).contains(&leaf.name()));
            }
        }
    }

    #[test]
    fn quarters_share_out_the_names() {
        for side in CellId::sides() {
            let mut cell = side;
            while cell.level() < LEVEL_MAX {
                let quarters: Vec<CellId> = cell.quarters().collect();
                let (first, last) = cell.family();
                assert_eq!(quarters[0].family().0, first);
                assert_eq!(quarters[3].family().1, last);
                for quarter in &quarters {
                    assert_eq!(quarter.level(), cell.level() + 1);
                    assert_eq!(quarter.ancestors().next(), Some(cell));
                    assert!(quarter.cell().radius < cell.cell().radius);
                }
                cell = quarters[cell.level() as usize % 4];
            }
        }
    }

    #[test]
    fn the_grid_is_its_own_inverse() {
        for step in -100..=100 {
            let x = f64::from(step) / 100.0;
            assert!((from_plane(to_plane(x)) - x).abs() < 1e-15);
        }
    }
}
