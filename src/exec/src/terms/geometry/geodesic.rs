//! The length of the shortest path between two places on an ellipsoid.
//!
//! After C. F. F. Karney, "Algorithms for geodesics" (Journal of Geodesy 87, 2013), whose
//! equation numbers are given. Clients compare distances digit by digit, and the last ones
//! are made of rounding: so the steps are those of the program that RethinkDB measures
//! with, among them square roots where a careful program calls `hypot`.

use std::f64::consts::PI;

use geographiclib_rs::Geodesic as Series;

const DEGREE: f64 = PI / 180.0;
/// Stands in for the zero cosine of a pole.
const TINY: f64 = 1.491_668_146_240_041_3e-154;
const ROUNDING: f64 = f64::EPSILON;
/// Steps after which Newton's method gives way to bisection, and those after which it ends.
const NEWTON_STEPS_MAX: u32 = 20;
const STEPS_MAX: u32 = NEWTON_STEPS_MAX + 53 + 10;

/// An ellipsoid, ready to measure on.
pub(super) struct Geodesic {
    equator_radius: f64,
    pole_radius: f64,
    flattening: f64,
    /// One less the flattening.
    ratio: f64,
    /// Square of the second eccentricity.
    eccentricity: f64,
    /// Third flattening.
    third: f64,
    /// Sines below which a path is short.
    short: f64,
    series: Series,
}

/// The sine and the cosine of an angle.
#[derive(Clone, Copy)]
struct Angle {
    sin: f64,
    cos: f64,
}

impl Angle {
    fn of(radians: f64) -> Self {
        Self { sin: radians.sin(), cos: radians.cos() }
    }

    fn normalized(self) -> Self {
        let length = length(self.sin, self.cos);
        Self { sin: self.sin / length, cos: self.cos / length }
    }

    fn radians(self) -> f64 {
        self.sin.atan2(self.cos)
    }

    /// The way to another angle, at least zero.
    fn to(self, other: Self) -> f64 {
        let sin = (self.cos * other.sin - self.sin * other.cos).max(0.0);
        sin.atan2(self.cos * other.cos + self.sin * other.sin)
    }
}

/// Two reduced latitudes: the first one southern and farther from the equator.
struct Latitudes {
    first: Angle,
    second: Angle,
    /// What lengths across the path are scaled with at each.
    scales: (f64, f64),
}

/// A path by its ends on the auxiliary sphere.
struct Arc {
    /// The small number of the series.
    epsilon: f64,
    length: f64,
    start: Angle,
    end: Angle,
}

impl Geodesic {
    pub(super) fn new(equator_radius: f64, flattening: f64) -> Self {
        let ratio = 1.0 - flattening;
        let short =
            0.1 * ROUNDING.sqrt() / (flattening.max(0.001) * (1.0 - flattening / 2.0).min(1.0) / 2.0).sqrt();
        Self {
            equator_radius,
            pole_radius: equator_radius * ratio,
            flattening,
            ratio,
            eccentricity: flattening * (2.0 - flattening) / square(ratio),
            third: flattening / (2.0 - flattening),
            short,
            series: Series::new(equator_radius, flattening),
        }
    }

    /// The length of the shortest path between two places, given in degrees.
    pub(super) fn distance(&self, from: (f64, f64), to: (f64, f64)) -> f64 {
        let ((longitude1, latitude1), (longitude2, latitude2)) = (from, to);
        let degrees = without_tiny(longitude_difference(longitude1, longitude2)).abs();
        let (mut south, mut other) = (without_tiny(latitude1), without_tiny(latitude2));
        if south.abs() < other.abs() {
            std::mem::swap(&mut south, &mut other);
        }
        if south >= 0.0 {
            (south, other) = (-south, -other);
        }
        let latitudes = self.latitudes(south, other);
        let longitude = degrees * DEGREE;
        let sin = if degrees == 180.0 { 0.0 } else { longitude.sin() };
        if south == -90.0 || sin == 0.0 {
            let along = self.along_meridian(&latitudes, longitude.cos());
            if let Some(distance) = along {
                return distance;
            }
        }
        if latitudes.first.sin == 0.0 && (self.flattening <= 0.0 || longitude <= PI - self.flattening * PI) {
            return self.equator_radius * longitude;
        }
        match self.start(&latitudes, longitude) {
            Start::Short(distance) => distance,
            Start::Azimuth(azimuth) => {
                let arc = self.solve(&latitudes, longitude, azimuth);
                self.lengths(&arc, latitudes.scales).0 * self.pole_radius
            }
        }
    }

    fn latitudes(&self, first: f64, second: f64) -> Latitudes {
        let reduced = |degrees: f64| {
            let angle = Angle::of(degrees * DEGREE);
            let cos = if degrees.abs() == 90.0 { TINY } else { angle.cos };
            Angle { sin: self.ratio * angle.sin, cos }.normalized()
        };
        let (first, mut second) = (reduced(first), reduced(second));
        // Equal latitudes must be equal to the last digit.
        if first.cos < -first.sin {
            if second.cos == first.cos {
                second.sin = if second.sin < 0.0 { first.sin } else { -first.sin };
            }
        } else if second.sin.abs() == -first.sin {
            second.cos = first.cos;
        }
        let scale = |angle: Angle| (1.0 + self.eccentricity * square(angle.sin)).sqrt();
        Latitudes { first, second, scales: (scale(first), scale(second)) }
    }

    /// The length along a meridian, unless there is a shorter path over the side.
    fn along_meridian(&self, latitudes: &Latitudes, azimuth_cos: f64) -> Option<f64> {
        let start = Angle { sin: latitudes.first.sin, cos: azimuth_cos * latitudes.first.cos };
        let end = latitudes.second;
        let arc = Arc { epsilon: self.third, length: start.to(end), start, end };
        let (length, reduced) = self.lengths(&arc, latitudes.scales);
        (arc.length < 1.0 || reduced >= 0.0).then_some(length * self.pole_radius)
    }

    /// The length of an arc and its reduced length, by the pole's radius (15 to 18, 38 to 43).
    fn lengths(&self, arc: &Arc, scales: (f64, f64)) -> (f64, f64) {
        let (length_series, width_series) =
            (length_coefficients(arc.epsilon), width_coefficients(arc.epsilon));
        let (length_factor, width_factor) = (length_mean(arc.epsilon), width_mean(arc.epsilon));
        let between = |coefficients: &[f64]| sines(arc.end, coefficients) - sines(arc.start, coefficients);
        let length_part = (1.0 + length_factor) * between(&length_series);
        let width_part = (1.0 + width_factor) * between(&width_series);
        let turn = (length_factor - width_factor) * arc.length + (length_part - width_part);
        let reduced = scales.1 * (arc.start.cos * arc.end.sin)
            - scales.0 * (arc.start.sin * arc.end.cos)
            - arc.start.cos * arc.end.cos * turn;
        ((1.0 + length_factor) * arc.length + length_part, reduced)
    }
}

/// Where the search for an azimuth begins.
enum Start {
    /// Nowhere: the path is so short that its length is known already.
    Short(f64),
    Azimuth(Angle),
}

impl Geodesic {
    /// A first guess at the azimuth at the first place (48 to 57).
    fn start(&self, latitudes: &Latitudes, longitude: f64) -> Start {
        let (first, second) = (latitudes.first, latitudes.second);
        let difference_sin = second.sin * first.cos - second.cos * first.sin;
        let difference_cos = second.cos * first.cos + second.sin * first.sin;
        let sum_sin = second.sin * first.cos + second.cos * first.sin;
        let near = difference_cos >= 0.0 && difference_sin < 0.5 && second.cos * longitude < 0.5;
        let mut scale = 1.0;
        let mut omega = longitude;
        if near {
            let mut middle = square(first.sin + second.sin);
            middle /= middle + square(first.cos + second.cos);
            scale = (1.0 + self.eccentricity * middle).sqrt();
            omega /= self.ratio * scale;
        }
        let omega = Angle::of(omega);
        let bulge = second.cos * first.sin * square(omega.sin);
        let mut azimuth = Angle {
            sin: second.cos * omega.sin,
            cos: if omega.cos >= 0.0 {
                difference_sin + bulge / (1.0 + omega.cos)
            } else {
                sum_sin - bulge / (1.0 - omega.cos)
            },
        };
        let sin = length(azimuth.sin, azimuth.cos);
        let cos = first.sin * second.sin + first.cos * second.cos * omega.cos;
        if near && sin < self.short {
            return Start::Short(Angle { sin, cos }.radians() * self.pole_radius * scale);
        }
        let antipodal =
            self.third.abs() <= 0.1 && cos < 0.0 && sin < 6.0 * self.third.abs() * PI * square(first.cos);
        if antipodal {
            azimuth = self.start_near_antipode(first, second, longitude, sum_sin);
        }
        Start::Azimuth(if azimuth.sin > 0.0 { azimuth.normalized() } else { Angle { sin: 1.0, cos: 0.0 } })
    }

    /// The same for places nearly opposite to each other (53 to 57).
    fn start_near_antipode(&self, first: Angle, second: Angle, longitude: f64, sum_sin: f64) -> Angle {
        let longitude_scale =
            self.flattening * first.cos * self.series._A3f(small(square(first.sin) * self.eccentricity)) * PI;
        let x = (longitude - PI) / longitude_scale;
        let y = sum_sin / (longitude_scale * first.cos);
        if y > -200.0 * ROUNDING && x > -1.0 - 1000.0 * ROUNDING.sqrt() {
            let sin = (-x).min(1.0);
            return Angle { sin, cos: -(1.0 - square(sin)).sqrt() };
        }
        let k = astroid(x, y);
        let omega = longitude_scale * (-x * k / (1.0 + k));
        let (sin, cos) = (omega.sin(), -omega.cos());
        Angle { sin: second.cos * sin, cos: sum_sin - second.cos * first.sin * square(sin) / (1.0 - cos) }
    }

    /// Finds the azimuth whose path ends at the second place, by Newton's method within
    /// bounds.
    fn solve(&self, latitudes: &Latitudes, longitude: f64, mut azimuth: Angle) -> Arc {
        let (mut below, mut above) = (Angle { sin: TINY, cos: 1.0 }, Angle { sin: TINY, cos: -1.0 });
        let (mut settled, mut bisected) = (false, false);
        let mut step = 0;
        loop {
            let (arc, reached, slope) = self.follow(latitudes, azimuth);
            let error = reached - longitude;
            let wanted = if settled { 8.0 } else { 2.0 } * ROUNDING;
            if bisected || error.is_nan() || error.abs() < wanted || step >= STEPS_MAX {
                return arc;
            }
            let cotangent = |angle: Angle| angle.cos / angle.sin;
            let forced = step > NEWTON_STEPS_MAX;
            if error > 0.0 && (forced || cotangent(azimuth) > cotangent(above)) {
                above = azimuth;
            } else if error < 0.0 && (forced || cotangent(azimuth) < cotangent(below)) {
                below = azimuth;
            }
            let newton = step < NEWTON_STEPS_MAX && slope > 0.0;
            step += 1;
            if newton {
                let change = -error / slope;
                let turn = Angle::of(change);
                let sin = azimuth.sin * turn.cos + azimuth.cos * turn.sin;
                if sin > 0.0 && change.abs() < PI {
                    let cos = azimuth.cos * turn.cos - azimuth.sin * turn.sin;
                    azimuth = Angle { sin, cos }.normalized();
                    settled = error.abs() <= 16.0 * ROUNDING;
                    continue;
                }
            }
            let middle = Angle { sin: (below.sin + above.sin) / 2.0, cos: (below.cos + above.cos) / 2.0 };
            azimuth = middle.normalized();
            settled = false;
            let close = ROUNDING * ROUNDING.sqrt();
            bisected = (below.sin - azimuth.sin).abs() + (below.cos - azimuth.cos) < close
                || (azimuth.sin - above.sin).abs() + (azimuth.cos - above.cos) < close;
        }
    }

    /// Where a path with an azimuth comes to the second latitude: the arc, the longitude
    /// there, and how that changes with the azimuth (5 to 14, 23 to 25, 44 to 47).
    fn follow(&self, latitudes: &Latitudes, mut azimuth: Angle) -> (Arc, f64, f64) {
        let (first, second) = (latitudes.first, latitudes.second);
        if first.sin == 0.0 && azimuth.cos == 0.0 {
            azimuth.cos = -TINY;
        }
        let equator =
            Angle { sin: azimuth.sin * first.cos, cos: length(azimuth.cos, azimuth.sin * first.sin) };
        let end_cos = if second.cos != first.cos || second.sin.abs() != -first.sin {
            let difference = if first.cos < -first.sin {
                (second.cos - first.cos) * (first.cos + second.cos)
            } else {
                (first.sin - second.sin) * (first.sin + second.sin)
            };
            (square(azimuth.cos * first.cos) + difference).sqrt() / second.cos
        } else {
            azimuth.cos.abs()
        };
        let start_cos = azimuth.cos * first.cos;
        let start = Angle { sin: first.sin, cos: start_cos }.normalized();
        let end = Angle { sin: second.sin, cos: end_cos * second.cos }.normalized();
        let omega_start = Angle { sin: equator.sin * first.sin, cos: start_cos };
        let omega_end = Angle { sin: equator.sin * second.sin, cos: end_cos * second.cos };
        let epsilon = small(square(equator.cos) * self.eccentricity);
        let arc = Arc { epsilon, length: start.to(end), start, end };
        let mut coefficients = [0.0; 6];
        self.series._C3f(epsilon, &mut coefficients);
        let part = sines(end, &coefficients) - sines(start, &coefficients);
        let lag = -self.flattening * self.series._A3f(epsilon);
        let longitude = omega_start.to(omega_end) + equator.sin * lag * (arc.length + part);
        let slope = if end_cos == 0.0 {
            -2.0 * self.ratio * latitudes.scales.0 / first.sin
        } else {
            self.lengths(&arc, latitudes.scales).1 * self.ratio / (end_cos * second.cos)
        };
        (arc, longitude, slope)
    }
}

fn square(x: f64) -> f64 {
    x * x
}

/// Not `hypot`: see above.
fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// The small number of the series, of the square of another one (16).
fn small(square: f64) -> f64 {
    square / (2.0 * (1.0 + (1.0 + square).sqrt()) + square)
}

/// Degrees from one longitude to another, from -180 to 180.
fn longitude_difference(from: f64, to: f64) -> f64 {
    let name = |degrees: f64| if degrees == 180.0 { -180.0 } else { degrees };
    let (from, to) = (name(from), name(to));
    // The difference and what it lacks for rounding.
    let sum = to - from;
    let (back, rest) = (sum + from, sum - (sum + from));
    let lost = -((back - to) + (rest + from));
    let turned = if (sum - 180.0) + lost > 0.0 {
        sum - 360.0
    } else if (sum + 180.0) + lost <= 0.0 {
        sum + 360.0
    } else {
        sum
    };
    turned + lost
}

/// An angle without the digits that would underflow later.
fn without_tiny(degrees: f64) -> f64 {
    const COARSE: f64 = 0.0625;
    let size = degrees.abs();
    let rounded = if size < COARSE { COARSE - (COARSE - size) } else { size };
    if degrees < 0.0 { -rounded } else { rounded }
}

/// The sum of `c[l] sin(2 l x)`, by Clenshaw's method.
fn sines(angle: Angle, coefficients: &[f64]) -> f64 {
    let twice = 2.0 * (angle.cos - angle.sin) * (angle.cos + angle.sin);
    let (mut even, mut odd) = (0.0, 0.0);
    let mut terms = coefficients.iter().skip(1).rev();
    if coefficients.len().is_multiple_of(2) {
        even = terms.next().copied().unwrap_or(0.0);
    }
    while let (Some(upper), Some(lower)) = (terms.next(), terms.next()) {
        odd = twice * even - odd + upper;
        even = twice * odd - even + lower;
    }
    2.0 * angle.sin * angle.cos * even
}

/// The mean of the length integral, less one (17).
fn length_mean(epsilon: f64) -> f64 {
    let e = epsilon * epsilon;
    let t = e * (e * (e + 4.0) + 64.0) / 256.0;
    (t + epsilon) / (1.0 - epsilon)
}

/// The mean of the integral of the reduced length, less one (42).
fn width_mean(epsilon: f64) -> f64 {
    let e = epsilon * epsilon;
    let t = e * (e * (25.0 * e + 36.0) + 64.0) / 256.0;
    t * (1.0 - epsilon) - epsilon
}

/// The series of the length (18).
fn length_coefficients(epsilon: f64) -> [f64; 7] {
    let e = epsilon * epsilon;
    powers(
        epsilon,
        [
            ((6.0 - e) * e - 16.0, 32.0),
            ((64.0 - 9.0 * e) * e - 128.0, 2048.0),
            (9.0 * e - 16.0, 768.0),
            (3.0 * e - 5.0, 512.0),
            (-7.0, 1280.0),
            (-7.0, 2048.0),
        ],
    )
}

/// The series of the reduced length (43).
fn width_coefficients(epsilon: f64) -> [f64; 7] {
    let e = epsilon * epsilon;
    powers(
        epsilon,
        [
            (e * (e + 2.0) + 16.0, 32.0),
            (e * (35.0 * e + 64.0) + 384.0, 2048.0),
            (15.0 * e + 80.0, 768.0),
            (7.0 * e + 35.0, 512.0),
            (63.0, 1280.0),
            (77.0, 2048.0),
        ],
    )
}

/// Fractions times rising powers, behind a zero.
fn powers(epsilon: f64, fractions: [(f64, f64); 6]) -> [f64; 7] {
    let mut coefficients = [0.0; 7];
    let mut power = 1.0;
    for (coefficient, (numerator, denominator)) in coefficients[1..].iter_mut().zip(fractions) {
        power *= epsilon;
        *coefficient = power * numerator / denominator;
    }
    coefficients
}

/// The positive root of `k^4 + 2 k^3 - (x² + y² - 1) k² - 2 y² k - y² = 0` (55, 56).
fn astroid(x: f64, y: f64) -> f64 {
    let (p, q) = (square(x), square(y));
    let r = (p + q - 1.0) / 6.0;
    if q == 0.0 && r <= 0.0 {
        return 0.0;
    }
    let s = p * q / 4.0;
    let (r2, r3) = (square(r), r * square(r));
    let discriminant = s * (s + 2.0 * r3);
    let u = if discriminant >= 0.0 {
        let sum = s + r3;
        // The sign for which nothing cancels.
        let cube = sum + if sum < 0.0 { -discriminant.sqrt() } else { discriminant.sqrt() };
        let t = cube.cbrt();
        r + t + if t == 0.0 { 0.0 } else { r2 / t }
    } else {
        let angle = (-discriminant).sqrt().atan2(-(s + r3));
        r + 2.0 * r * (angle / 3.0).cos()
    };
    let v = (square(u) + q).sqrt();
    let sum = if u < 0.0 { q / (v - u) } else { u + v };
    let w = (sum - q) / (2.0 * v);
    sum / ((sum + square(w)).sqrt() + w)
}

#[cfg(test)]
mod tests {
    use geographiclib_rs::InverseGeodesic;

    use super::*;

    const WGS84: (f64, f64) = (6_378_137.0, 1.0 / 298.257_223_563);

    #[test]
    fn distances_agree_with_another_program() {
        let mut state = 1u64;
        let mut chance = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for (radius, flattening) in [WGS84, (1.0, 0.0), (6_378_137.0, 0.02)] {
            let (ours, other) = (Geodesic::new(radius, flattening), Series::new(radius, flattening));
            for round in 0..20_000 {
                let spread = [1.0, 1e-2, 1e-5, 1e-8][round % 4];
                let (longitude, latitude) = (360.0 * chance() - 180.0, 180.0 * chance() - 90.0);
                let opposite = round % 3 == 0;
                let base = if opposite { (longitude + 180.0, -latitude) } else { (longitude, latitude) };
                let mut to_longitude = base.0 + spread * (360.0 * chance() - 180.0);
                while to_longitude > 180.0 {
                    to_longitude -= 360.0;
                }
                while to_longitude < -180.0 {
                    to_longitude += 360.0;
                }
                let to_latitude = (base.1 + spread * (180.0 * chance() - 90.0)).clamp(-90.0, 90.0);
                let distance = ours.distance((longitude, latitude), (to_longitude, to_latitude));
                let expected: f64 = other.inverse(latitude, longitude, to_latitude, to_longitude);
                let difference = (distance - expected).abs() / radius;
                assert!(
                    difference < 1e-14,
                    "{longitude} {latitude} {to_longitude} {to_latitude} {difference}"
                );
            }
        }
    }

    #[test]
    fn the_edges_of_the_map_are_measured() {
        let wgs84 = Geodesic::new(WGS84.0, WGS84.1);
        assert_eq!(wgs84.distance((0.0, 0.0), (-180.0, 0.0)), 20_003_931.458_625_447);
        assert_eq!(wgs84.distance((0.0, -90.0), (77.0, 90.0)), 20_003_931.458_625_447);
        assert_eq!(wgs84.distance((180.0, 5.0), (-180.0, 5.0)), 0.0);
        assert_eq!(wgs84.distance((10.0, 5.0), (10.0, 5.0)), 0.0);
        assert!(wgs84.distance((10.0, 90.0), (-100.0, 90.0)) < 1e-100);
        let (left, right) =
            (wgs84.distance((179.9, 0.0), (-179.9, 0.0)), wgs84.distance((0.1, 0.0), (-0.1, 0.0)));
        assert!((left - right).abs() < 1e-6);
    }
}
