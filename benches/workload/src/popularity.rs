//! Which documents are asked for how often.

/// Zipf's law over ranks 0 to `count`: a few documents get most of the requests. Sampled by
/// the method of Gray and others, "Quickly generating billion-record synthetic databases"
/// (1994), as YCSB does.
#[derive(Clone, Debug)]
pub struct Zipf {
    count: u64,
    zeta: f64,
    eta: f64,
    alpha: f64,
}

/// The exponent that YCSB uses.
const THETA: f64 = 0.99;

impl Zipf {
    /// Over so many ranks; takes time in proportion to them, once.
    pub fn new(count: u64) -> Self {
        let count = count.max(1);
        let zeta = |n: u64| (1..=n).map(|rank| (rank as f64).powf(-THETA)).sum::<f64>();
        let (zeta_two, zeta) = (zeta(2), zeta(count));
        let eta = (1.0 - (2.0 / count as f64).powf(1.0 - THETA)) / (1.0 - zeta_two / zeta);
        Self { count, zeta, eta, alpha: 1.0 / (1.0 - THETA) }
    }

    /// The rank at `uniform`, a number from 0 up to but without 1.
    pub fn rank(&self, uniform: f64) -> u64 {
        let scaled = uniform * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5f64.powf(THETA) {
            return 1.min(self.count - 1);
        }
        let rank = self.count as f64 * (self.eta * uniform - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count - 1)
    }

    /// The document of a rank: popular ones are scattered over all of them.
    pub fn scatter(&self, rank: u64) -> u64 {
        // A multiplier of good diffusion; collisions only make some documents more popular.
        rank.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31) % self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ranks_get_most() {
        let zipf = Zipf::new(1000);
        let samples = 100_000;
        let mut first_ten = 0;
        for sample in 0..samples {
            let rank = zipf.rank(f64::from(sample) / f64::from(samples));
            assert!(rank < 1000);
            first_ten += u32::from(rank < 10);
        }
        let share = f64::from(first_ten) / f64::from(samples);
        assert!((0.35..0.45).contains(&share), "{share}");
        assert_eq!(Zipf::new(1).rank(0.999), 0);
    }
}
