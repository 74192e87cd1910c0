//! Points and edges on the unit sphere. An edge is the shorter arc of the great circle
//! through two points.
//!
//! Orientation is decided exactly, and never comes out as zero for three different points:
//! points that lie on one great circle are thought of as moved apart by tiny amounts that
//! depend on nothing but their coordinates (Edelsbrunner and Mücke's simulation of
//! simplicity), so that all questions about the same points have consistent answers.

use std::cmp::Ordering;

/// A point on the unit sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Vector(pub(super) [f64; 3]);

/// A point that is unlikely to be on anybody's edge, where counting of crossings starts.
pub(super) const ORIGIN: Vector =
    Vector([-0.009_999_466_435_025_02, 0.002_592_454_260_932_412, 0.999_946_643_502_502]);

/// Beyond this, rounding cannot have changed the sign of a determinant of unit vectors.
const DETERMINANT_ERROR_MAX: f64 = 1e-15;

impl Vector {
    /// The point with a longitude and latitude in degrees.
    pub(super) fn from_degrees(longitude: f64, latitude: f64) -> Self {
        let (theta, phi) = (longitude * RADIANS, latitude * RADIANS);
        let cos_phi = phi.cos();
        Self([theta.cos() * cos_phi, theta.sin() * cos_phi, phi.sin()])
    }

    pub(super) fn longitude(self) -> f64 {
        let [x, y, _] = self.0;
        y.atan2(x) * DEGREES
    }

    pub(super) fn latitude(self) -> f64 {
        let [x, y, z] = self.0;
        z.atan2((x * x + y * y).sqrt()) * DEGREES
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        a * x + b * y + c * z
    }

    pub(super) fn cross(self, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([b * z - c * y, c * x - a * z, a * y - b * x])
    }

    fn plus(self, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([a + x, b + y, c + z])
    }

    fn minus(self, other: Self) -> Self {
        self.plus(other.scaled(-1.0))
    }

    fn scaled(self, factor: f64) -> Self {
        Self(self.0.map(|coordinate| coordinate * factor))
    }

    fn norm_squared(self) -> f64 {
        self.dot(self)
    }

    pub(super) fn normalized(self) -> Self {
        let norm = self.norm_squared().sqrt();
        if norm == 0.0 { self } else { self.scaled(1.0 / norm) }
    }

    pub(super) fn is_antipodal(self, other: Self) -> bool {
        self == other.scaled(-1.0)
    }

    /// The angle to another vector, in radians.
    pub(super) fn angle(self, other: Self) -> f64 {
        self.cross(other).norm_squared().sqrt().atan2(self.dot(other))
    }

    /// A direction at right angles to this one.
    fn orthogonal(self) -> Self {
        let mut largest = 0;
        for axis in 1..3 {
            if self.0[axis].abs() > self.0[largest].abs() {
                largest = axis;
            }
        }
        let mut other = [0.012, 0.0053, 0.00457];
        other[(largest + 2) % 3] = 1.0;
        self.cross(Self(other)).normalized()
    }

    /// Before or after, by coordinates.
    pub(super) fn order(self, other: Self) -> Ordering {
        for (a, b) in self.0.into_iter().zip(other.0) {
            match a.partial_cmp(&b) {
                Some(Ordering::Equal) | None => {}
                Some(unequal) => return unequal,
            }
        }
        Ordering::Equal
    }
}

const RADIANS: f64 = std::f64::consts::PI / 180.0;
const DEGREES: f64 = 180.0 / std::f64::consts::PI;

/// A cross product that keeps its precision for points close to each other.
fn stable_cross(a: Vector, b: Vector) -> Vector {
    let cross = b.plus(a).cross(b.minus(a));
    if cross.norm_squared() == 0.0 { a.orthogonal() } else { cross }
}

/// 1 when three points go around counterclockwise, -1 when clockwise, 0 when two of them
/// are the same.
pub(super) fn orientation(a: Vector, b: Vector, c: Vector) -> i32 {
    let determinant = a.cross(b).dot(c);
    if determinant > DETERMINANT_ERROR_MAX {
        return 1;
    }
    if determinant < -DETERMINANT_ERROR_MAX {
        return -1;
    }
    if a == b || b == c || c == a {
        return 0;
    }
    exact_orientation(a, b, c)
}

fn exact_orientation(a: Vector, b: Vector, c: Vector) -> i32 {
    let mut points = [a, b, c];
    let mut permutation = 1;
    for (left, right) in [(0, 1), (1, 2), (0, 1)] {
        if points[left].order(points[right]).is_gt() {
            points.swap(left, right);
            permutation = -permutation;
        }
    }
    let [a, b, c] = points.map(|point| point.0);
    let sign = determinant_sign(a, b, c);
    permutation * if sign == 0 { perturbed_sign(a, b, c) } else { sign }
}

/// The sign of a sum of products, computed without rounding.
fn exact_sign(products: &[&[f64]]) -> i32 {
    let mut sum = Expansion::default();
    for factors in products {
        let mut product = Expansion(vec![1.0]);
        for factor in *factors {
            product = product.scaled(*factor);
        }
        product.0.into_iter().for_each(|term| sum.add(term));
    }
    sum.sign()
}

fn determinant_sign(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> i32 {
    exact_sign(&[
        &[a[0], b[1], c[2]],
        &[a[1], b[2], c[0]],
        &[a[2], b[0], c[1]],
        &[-a[2], b[1], c[0]],
        &[-a[0], b[2], c[1]],
        &[-a[1], b[0], c[2]],
    ])
}

/// The sign of the determinant of points on one great circle, `a` before `b` before `c`,
/// after tiny moves of which each is infinitely larger than the next.
fn perturbed_sign(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> i32 {
    let minor = |p: [f64; 3], q: [f64; 3], i: usize, j: usize| exact_sign(&[&[p[i], q[j]], &[-p[j], q[i]]]);
    let sign = |x: f64| i32::from(x > 0.0) - i32::from(x < 0.0);
    [
        minor(b, c, 0, 1),
        minor(b, c, 2, 0),
        minor(b, c, 1, 2),
        minor(c, a, 0, 1),
        sign(c[0]),
        -sign(c[1]),
        minor(c, a, 2, 0),
        sign(c[2]),
        minor(a, b, 0, 1),
        -sign(b[0]),
        sign(b[1]),
        sign(a[0]),
    ]
    .into_iter()
    .find(|sign| *sign != 0)
    .unwrap_or(1)
}

/// A number as a sum of doubles, exact (Shewchuk's expansions).
#[derive(Default)]
struct Expansion(Vec<f64>);

impl Expansion {
    /// Adds a double.
    fn add(&mut self, mut carry: f64) {
        for term in &mut self.0 {
            let sum = carry + *term;
            let virtual_term = sum - carry;
            *term = (carry - (sum - virtual_term)) + (*term - virtual_term);
            carry = sum;
        }
        self.0.push(carry);
    }

    fn scaled(&self, factor: f64) -> Self {
        let mut scaled = Self::default();
        for term in &self.0 {
            let product = term * factor;
            scaled.add(term.mul_add(factor, -product));
            scaled.add(product);
        }
        scaled
    }

    /// The sign of the largest term, which is that of the sum.
    fn sign(&self) -> i32 {
        let largest = self.0.iter().rev().find(|term| **term != 0.0).copied().unwrap_or(0.0);
        i32::from(largest > 0.0) - i32::from(largest < 0.0)
    }
}

/// Whether directions `a`, `b`, `c` from `o` come in this order counterclockwise.
pub(super) fn is_ordered(a: Vector, b: Vector, c: Vector, o: Vector) -> bool {
    let in_order = [orientation(b, o, a) >= 0, orientation(c, o, b) >= 0, orientation(a, o, c) > 0];
    in_order.into_iter().filter(|holds| *holds).count() >= 2
}

/// How two edges meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    None,
    /// They share an end.
    Vertex,
    /// They cross at a point inside both.
    Interior,
}

/// How the edges `ab` and `cd` meet.
pub(super) fn crossing(a: Vector, b: Vector, c: Vector, d: Vector) -> Crossing {
    if a == c || a == d || b == c || b == d {
        return Crossing::Vertex;
    }
    let acb = -orientation(a, b, c);
    if acb != orientation(a, b, d) || acb != -orientation(c, d, b) || acb != orientation(c, d, a) {
        return Crossing::None;
    }
    Crossing::Interior
}

/// Whether edges that share an end count as crossing there: just so that a path through
/// a vertex of a ring crosses it once if it changes sides, and an even number of times if
/// it does not.
pub(super) fn crosses_at_vertex(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    if a == b || c == d {
        false
    } else if a == d {
        is_ordered(a.orthogonal(), c, b, a)
    } else if b == c {
        is_ordered(b.orthogonal(), d, a, b)
    } else if a == c {
        is_ordered(a.orthogonal(), d, b, a)
    } else {
        is_ordered(b.orthogonal(), c, a, b)
    }
}

/// Whether the path from `a` to `b` changes sides at the edge `cd`.
pub(super) fn changes_side(a: Vector, b: Vector, c: Vector, d: Vector) -> bool {
    match crossing(a, b, c, d) {
        Crossing::None => false,
        Crossing::Interior => true,
        Crossing::Vertex => crosses_at_vertex(a, b, c, d),
    }
}

/// Whether the angle at `b` of a ring counts as inside, for the place where counting of
/// crossings starts.
pub(super) fn is_vertex_inside(a: Vector, b: Vector, c: Vector) -> bool {
    is_ordered(b.orthogonal(), a, c, b)
}

/// How far a path turns to the left at `b`, in radians.
pub(super) fn turning_angle(a: Vector, b: Vector, c: Vector) -> f64 {
    let angle = stable_cross(b, a).angle(stable_cross(c, b));
    if orientation(a, b, c) > 0 { angle } else { -angle }
}

/// Where the edges `ab` and `cd`, which cross inside, do so, as a fraction of `ab`.
pub(super) fn crossing_fraction(a: Vector, b: Vector, c: Vector, d: Vector) -> f64 {
    let mut point =
        stable_cross(stable_cross(a, b).normalized(), stable_cross(c, d).normalized()).normalized();
    if point.dot(a.plus(b).plus(c).plus(d)) < 0.0 {
        point = point.scaled(-1.0);
    }
    let (before, after) = (point.angle(a), point.angle(b));
    if before + after == 0.0 { 0.0 } else { before / (before + after) }
}

/// Whether the point of a great circle closest to `x` lies on its edge `ab`.
fn faces(x: Vector, a: Vector, b: Vector, normal: Vector) -> bool {
    let ccw = |a: Vector, b: Vector, c: Vector| c.cross(a).dot(b) > 0.0;
    ccw(normal, a, x) && ccw(x, b, normal)
}

/// The distance of a point from an edge, in radians.
pub(super) fn distance_to_edge(x: Vector, a: Vector, b: Vector) -> f64 {
    let normal = stable_cross(a, b);
    if faces(x, a, b, normal) {
        let sine = x.dot(normal).abs() / normal.norm_squared().sqrt();
        return sine.min(1.0).asin();
    }
    let chord_squared = x.minus(a).norm_squared().min(x.minus(b).norm_squared());
    2.0 * (0.5 * chord_squared.sqrt()).min(1.0).asin()
}

/// The point of an edge closest to a point.
pub(super) fn closest_on_edge(x: Vector, a: Vector, b: Vector) -> Vector {
    let normal = stable_cross(a, b);
    let foot = x.minus(normal.scaled(x.dot(normal) / normal.norm_squared()));
    if faces(foot, a, b, normal) {
        return foot.normalized();
    }
    if x.minus(a).norm_squared() <= x.minus(b).norm_squared() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(longitude: f64, latitude: f64) -> Vector {
        Vector::from_degrees(longitude, latitude)
    }

    #[test]
    fn orientation_is_consistent_even_on_one_great_circle() {
        let points = [at(0.0, 0.0), at(1.0, 0.0), at(2.0, 0.0), at(-3.0, 0.0), at(0.0, 90.0), at(0.0, 1.0)];
        for a in points {
            for b in points {
                for c in points {
                    let sign = orientation(a, b, c);
                    assert_eq!(sign == 0, a == b || b == c || c == a);
                    assert_eq!(sign, orientation(b, c, a));
                    assert_eq!(sign, -orientation(c, b, a));
                }
            }
        }
        assert_eq!(orientation(at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0)), 1);
    }

    #[test]
    fn expansions_are_exact() {
        assert_eq!(exact_sign(&[&[1e16, 1.0], &[1.0], &[-1e16]]), 1);
        assert_eq!(exact_sign(&[&[0.1, 0.1], &[-0.01]]), 1);
        assert_eq!(exact_sign(&[&[0.1, 0.3], &[-0.3, 0.1]]), 0);
    }

    #[test]
    fn edges_cross_or_share_or_miss() {
        let (a, b) = (at(0.0, -1.0), at(0.0, 1.0));
        assert_eq!(crossing(a, b, at(-1.0, 0.0), at(1.0, 0.0)), Crossing::Interior);
        assert_eq!(crossing(a, b, b, at(1.0, 0.0)), Crossing::Vertex);
        assert_eq!(crossing(a, b, at(1.0, 0.0), at(2.0, 0.0)), Crossing::None);
        assert!((crossing_fraction(a, b, at(-1.0, 0.5), at(1.0, 0.5)) - 0.75).abs() < 1e-4);
    }

    #[test]
    fn the_closest_point_is_on_the_edge_or_an_end() {
        let (a, b) = (at(0.0, 0.0), at(10.0, 0.0));
        let foot = closest_on_edge(at(5.0, 3.0), a, b);
        assert!((foot.longitude() - 5.0).abs() < 1e-9 && foot.latitude().abs() < 1e-9);
        assert_eq!(closest_on_edge(at(-5.0, 3.0), a, b), a);
        assert!((distance_to_edge(at(5.0, 3.0), a, b).to_degrees() - 3.0).abs() < 1e-9);
    }
}
