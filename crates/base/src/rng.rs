//! All randomness. A draw is a pure function of what it is for, so results do not depend on
//! threads, batches, shards, the order of work, or on resuming.

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The generator handed to whoever draws: `ChaCha8`, counter-based and the same on every platform.
pub type KeyedRng = ChaCha8Rng;

/// The experiment's seed, from which every generator is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The generator for one purpose (`"uniform"`, `"ties"`, ...) and its coordinates: the image
    /// id and any numbers (repeat, region, sample).
    pub fn rng(self, purpose: &str, image: &str, coordinates: &[u64]) -> KeyedRng {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        // lengths keep ("ab", "c") and ("a", "bc") apart
        for text in [purpose, image] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        for n in coordinates {
            hash.update(n.to_le_bytes());
        }
        KeyedRng::from_seed(hash.finalize().into())
    }
}

/// A U[0, 1) draw with 24 random bits: every value is exact in f32.
pub fn unit_f32(rng: &mut KeyedRng) -> f32 {
    (rng.next_u32() >> 8) as f32 / 16_777_216.0
}

/// Two independent standard normal draws (Box and Muller 1958).
pub fn normal_pair(rng: &mut KeyedRng) -> [f64; 2] {
    // 1 - u is in (0, 1], so its logarithm is finite
    let radius = (-2.0 * (1.0 - f64::from(unit_f32(rng))).ln()).sqrt();
    let angle = std::f64::consts::TAU * f64::from(unit_f32(rng));
    [radius * angle.cos(), radius * angle.sin()]
}

/// A random permutation of `0..n` (Fisher-Yates), the same on every platform.
pub fn permutation(rng: &mut KeyedRng, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i, below(rng, i as u64 + 1) as usize);
    }
    order
}

/// A uniform draw from `0..bound` without modulo bias (Lemire 2019).
pub fn below(rng: &mut KeyedRng, bound: u64) -> u64 {
    loop {
        let wide = u128::from(rng.next_u64()) * u128::from(bound);
        let low = wide as u64;
        if low >= bound.wrapping_neg() % bound {
            return (wide >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_every_part_of_its_key() {
        let first =
            |seed, purpose, image, at: &[u64]| Seed(seed).rng(purpose, image, at).next_u64();
        let base = first(0, "uniform", "a.png", &[0]);
        assert_eq!(base, first(0, "uniform", "a.png", &[0]));
        let others = [
            first(1, "uniform", "a.png", &[0]),
            first(0, "ties", "a.png", &[0]),
            first(0, "uniform", "b.png", &[0]),
            first(0, "uniform", "a.png", &[1]),
            first(0, "uniforma", ".png", &[0]),
        ];
        assert!(others.iter().all(|&o| o != base));
    }

    #[test]
    fn values_are_the_same_on_every_platform() {
        let mut rng = Seed(7).rng("test", "image", &[3, 1]);
        let draws: Vec<usize> = permutation(&mut rng, 8);
        insta::assert_debug_snapshot!(draws);
    }

    #[test]
    fn unit_draws_fill_the_unit_interval_evenly() {
        let mut rng = Seed(0).rng("test", "", &[]);
        let draws: Vec<f32> = (0..10_000).map(|_| unit_f32(&mut rng)).collect();
        assert!(draws.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = draws.iter().map(|&u| f64::from(u)).sum::<f64>() / 10_000.0;
        // standard error of the mean is 0.0029
        assert!((mean - 0.5).abs() < 0.012, "{mean}");
    }

    #[test]
    fn below_is_uniform_over_a_bound_that_does_not_divide_two_to_the_64() {
        let mut rng = Seed(0).rng("test", "", &[1]);
        let mut hits = [0u32; 6];
        (0..6000).for_each(|_| hits[below(&mut rng, 6) as usize] += 1);
        // standard deviation of a count is 29
        assert!(hits.iter().all(|&h| (880..1120).contains(&h)), "{hits:?}");
    }
}
