//! Which pictures of a set are used: pure functions from its length to indices.

use crate::base::rng::{Seed, permutation};

/// The first `n` pictures, or all if there are fewer.
pub fn first(len: usize, n: usize) -> Vec<usize> {
    (0..len.min(n)).collect()
}

/// `n` pictures drawn without replacement, or all if there are fewer, in the order of the set. For
/// one seed a larger sample contains every smaller one.
pub fn sample(len: usize, n: usize, seed: Seed) -> Vec<usize> {
    let mut drawn = permutation(&mut seed.rng("select", "", &[]), len);
    drawn.truncate(n);
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_the_first() {
        assert_eq!(first(5, 3), [0, 1, 2]);
        assert_eq!(first(2, 3), [0, 1]);
        assert_eq!(first(0, 3), [0; 0]);
    }

    #[test]
    fn samples_are_drawn_without_replacement_and_nested() {
        let small = sample(100, 10, Seed(1));
        let large = sample(100, 40, Seed(1));
        assert_eq!(small.len(), 10);
        assert!(small.windows(2).all(|w| w[0] < w[1]), "{small:?}");
        assert!(small.iter().all(|i| large.contains(i)));
        assert_ne!(small, sample(100, 10, Seed(2)));
        assert_eq!(sample(3, 10, Seed(1)), [0, 1, 2]);
    }

    #[test]
    fn every_picture_is_drawn_equally_often() {
        let mut hits = [0u32; 10];
        for seed in 0..2000 {
            sample(10, 3, Seed(seed)).into_iter().for_each(|i| hits[i] += 1);
        }
        // expected 600, standard deviation 20.5
        assert!(hits.iter().all(|h| (500..700).contains(h)), "{hits:?}");
    }
}
