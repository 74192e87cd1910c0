//! Coverings: few cells that together hold a shape. They hold more than the shape, never
//! less: what has a point in common with the shape has a cell in common with its covering.

use std::collections::VecDeque;

use super::cell::{Cell, CellId, LEVEL_MAX};
use super::shape::Shape;
use super::sphere::Vector;

/// What is to be covered.
pub(super) enum Region<'a> {
    Shape(&'a Shape),
    /// All within an angle of a point, in radians.
    Cap {
        center: Vector,
        angle: f64,
    },
}

/// A cell that may still be replaced by its quarters, and the edges that may touch it.
struct Candidate {
    id: CellId,
    edges: Vec<usize>,
}

impl Region<'_> {
    /// At most `cells_max` cells (at least six may be needed) that hold the region.
    pub(super) fn cover(&self, cells_max: usize) -> Vec<CellId> {
        let edges = match self {
            Self::Shape(Shape::Point(point)) => return vec![CellId::of_point(*point)],
            Self::Shape(shape) => shape.edges(),
            Self::Cap { .. } => Vec::new(),
        };
        let mut covering = Vec::new();
        let mut candidates = VecDeque::new();
        let all: Vec<usize> = (0..edges.len()).collect();
        for side in CellId::sides() {
            self.look_at(side, &edges, &all, &mut covering, &mut candidates);
        }
        while let Some(candidate) = candidates.pop_front() {
            if candidate.id.level() == LEVEL_MAX {
                covering.push(candidate.id);
                continue;
            }
            let mut within = Vec::new();
            let mut smaller = VecDeque::new();
            for quarter in candidate.id.quarters() {
                self.look_at(quarter, &edges, &candidate.edges, &mut within, &mut smaller);
            }
            if covering.len() + candidates.len() + within.len() + smaller.len() > cells_max {
                covering.push(candidate.id);
            } else {
                covering.append(&mut within);
                candidates.append(&mut smaller);
            }
        }
        covering.sort_unstable();
        covering
    }

    /// Adds a cell to those that are wholly within the region, or to those that are partly,
    /// or leaves it out.
    fn look_at(
        &self,
        id: CellId,
        edges: &[(Vector, Vector)],
        near: &[usize],
        within: &mut Vec<CellId>,
        partly: &mut VecDeque<Candidate>,
    ) {
        let cell = id.cell();
        match self {
            Self::Cap { center, angle } => match cell.within_cap(*center, *angle) {
                Some(true) => within.push(id),
                Some(false) => partly.push_back(Candidate { id, edges: Vec::new() }),
                None => {}
            },
            Self::Shape(shape) => {
                let touches = |edge: &usize| cell.may_touch_edge(edges[*edge].0, edges[*edge].1);
                let touching: Vec<usize> = near.iter().copied().filter(touches).collect();
                if !touching.is_empty() {
                    partly.push_back(Candidate { id, edges: touching });
                } else if is_inside(shape, &cell) {
                    within.push(id);
                }
            }
        }
    }
}

/// Whether a cell that no boundary touches is inside.
fn is_inside(shape: &Shape, cell: &Cell) -> bool {
    matches!(shape, Shape::Polygon(polygon) if polygon.contains(cell.center))
}

/// Numbers from the first to the last.
pub(super) type Names = (u64, u64);

/// The names under which an index may hold what has a cell in common with a covering: all
/// cells within its cells, and all that they are within. In order, without overlaps.
pub(super) fn names_of(covering: &[CellId]) -> Vec<Names> {
    let mut names: Vec<Names> = Vec::new();
    for cell in covering {
        names.push(cell.family());
        names.extend(cell.ancestors().map(|ancestor| (ancestor.name(), ancestor.name())));
    }
    union(names)
}

/// The same numbers in order, without overlaps.
pub(super) fn union(mut names: Vec<Names>) -> Vec<Names> {
    names.sort_unstable();
    let mut joined: Vec<Names> = Vec::with_capacity(names.len());
    for (first, last) in names {
        match joined.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// What is in the one and not in the other; both in order, without overlaps.
pub(super) fn difference(these: &[Names], those: &[Names]) -> Vec<Names> {
    let mut left = Vec::new();
    let mut others = those.iter().peekable();
    for (first, last) in these {
        let mut first = *first;
        while others.next_if(|other| other.1 < first).is_some() {}
        let mut ended = false;
        for other in others.clone().take_while(|other| other.0 <= *last) {
            if other.0 > first {
                left.push((first, other.0 - 1));
            }
            if other.1 >= *last {
                ended = true;
                break;
            }
            first = other.1 + 1;
        }
        if !ended {
            left.push((first, *last));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::shape::Polygon;
    use super::*;

    #[test]
    fn differences_are_what_is_left() {
        let these = [(1, 10), (20, 30), (40, 50)];
        assert_eq!(difference(&these, &[]), these);
        assert_eq!(difference(&these, &[(0, 60)]), []);
        assert_eq!(
            difference(&these, &[(3, 4), (6, 22), (30, 30), (45, 70)]),
            [(1, 2), (5, 5), (23, 29), (40, 44)]
        );
        assert_eq!(union(vec![(20, 30), (1, 5), (6, 9), (4, 7)]), [(1, 9), (20, 30)]);
    }

    #[test]
    fn coverings_keep_to_their_size_and_to_the_region() {
        for angle in [1e-9, 1e-6, 1e-3, 0.1, 1.0, 2.0, 4.0] {
            for (longitude, latitude) in [(0.0, 90.0), (180.0, 0.0), (45.0, 35.3), (-70.0, -33.0)] {
                let center = Vector::from_degrees(longitude, latitude);
                let covering = Region::Cap { center, angle }.cover(24);
                assert!(!covering.is_empty() && covering.len() <= 24);
                let leaf = CellId::of_point(center).name();
                assert!(covering.iter().any(|id| (id.family().0..=id.family().1).contains(&leaf)));
                for id in covering {
                    assert!(angle > 0.5 || id.cell().radius < 12.0 * angle + 1e-7, "{angle}");
                }
            }
        }
    }

    /// Numbers from 0 to 1.
    fn chance(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A shape about as large as told, somewhere near a place that is hard for grids.
    fn shape(state: &mut u64, size: f64) -> Shape {
        let places = [
            (0.0, 90.0),
            (0.0, -90.0),
            (180.0, 10.0),
            (45.0, 35.26),
            (0.0, 0.0),
            (90.0, 0.1),
            (-135.0, -35.2),
        ];
        let place = places[(chance(state) * 7.0) as usize];
        let center = Vector::from_degrees(place.0, place.1);
        let mut near = |spread: f64| {
            let mut turned = center.0;
            turned.iter_mut().for_each(|x| *x += spread * (chance(state) - 0.5));
            Vector(turned).normalized()
        };
        let first = near(3.0 * size);
        let kind = near(1.0).0[0].to_bits() % 4;
        match kind {
            0 => Shape::Point(first),
            1 => Shape::Line(vec![first, near(3.0 * size), near(3.0 * size)]),
            _ => {
                let away = first.cross(near(3.0 * size)).normalized();
                let other = first.cross(away);
                let corners = 3 + (kind as usize - 2) * 60;
                let corner = |index: usize| {
                    let angle = std::f64::consts::TAU * index as f64 / corners as f64;
                    let (u, v) = (size * angle.cos(), size * angle.sin());
                    let at = |axis: usize| first.0[axis] + u * away.0[axis] + v * other.0[axis];
                    Vector([at(0), at(1), at(2)]).normalized()
                };
                let ring = (0..corners).map(corner).collect();
                Shape::Polygon(Polygon::from_rings(vec![ring]).unwrap())
            }
        }
    }

    #[test]
    fn what_meets_shares_cells() {
        let mut state = 7;
        let mut met = 0;
        for round in 0..2500 {
            let size = [1e-7, 1e-3, 0.1, 0.6][round % 4];
            let smaller = size * chance(&mut state);
            let (left, right) = (shape(&mut state, size), shape(&mut state, smaller));
            if !left.intersects(&right) {
                continue;
            }
            met += 1;
            for (stored, sought) in [(&left, &right), (&right, &left)] {
                let names = names_of(&Region::Shape(sought).cover(24));
                let cells = Region::Shape(stored).cover(12);
                assert!(cells.len() <= 12);
                let shared = |cell: &CellId| names.iter().any(|(a, b)| (*a..=*b).contains(&cell.name()));
                assert!(cells.iter().any(shared), "{left:?} {right:?}");
            }
        }
        assert!(met > 100, "{met}");
    }
}
