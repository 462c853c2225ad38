//! Where the spread comes from, and how much work would separate two methods.

use super::{
    ALPHA,
    wilcoxon::{can_reach, fewest_pictures},
};
use statrs::distribution::{ContinuousCDF, Normal};

/// Variance split by a one-way random-effects analysis (Searle et al. 1992).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Variance of the true values of pictures; 0 where the estimate is negative.
    pub between_images: f64,
    /// Variance of repeats on one picture; `None` with a single repeat.
    pub between_repeats: Option<f64>,
    /// Repeats per picture.
    pub repeats: usize,
}

/// Splits the variance of `values` (pictures, then repeats; as many for each picture). `None` for
/// fewer than two pictures. With a single repeat the variance between pictures holds both.
pub fn split(values: &[Vec<f64>]) -> Option<Split> {
    let (n, r) = (values.len(), values.first()?.len());
    if n < 2 || r == 0 || values.iter().any(|v| v.len() != r) {
        return None;
    }
    let means: Vec<f64> = values.iter().map(|v| mean(v)).collect();
    let between = sum_of_squares(&means) / (n as f64 - 1.0);
    let within: f64 = values.iter().map(|v| sum_of_squares(v)).sum();
    let repeats = (r > 1).then(|| within / (n * (r - 1)) as f64);
    let between_images = (between - repeats.unwrap_or(0.0) / r as f64).max(0.0);
    Some(Split { between_images, between_repeats: repeats, repeats: r })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sum_of_squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(2)).sum()
}

/// Share of the experiments in which a test finds the difference.
const POWER: f64 = 0.8;

/// Normal quantiles of a two-sided test at 5 %, corrected for so many tests, that finds the difference in
/// four of five experiments: the smallest of Holm's p-values is multiplied by the number of tests.
fn quantiles(tests: usize) -> f64 {
    let normal = Normal::standard();
    let level = 1.0 - ALPHA / (2.0 * tests.max(1) as f64);
    normal.inverse_cdf(level) + normal.inverse_cdf(POWER)
}

/// What it takes to separate two methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power {
    /// Pictures needed with as many repeats as there are; `None` when the means are equal.
    pub images: Option<u64>,
    /// Repeats needed with as many pictures as there are; `None` when no number is enough.
    pub repeats: Option<u64>,
}

/// Pictures and repeats after which a paired difference of this mean would be found at the 5 % level
/// with a probability of 80 %, by the normal approximation, as one of so many `tests` (Holm's correction);
/// at least as many pictures as let a signed-rank test reach that level. `split` is that of the differences
/// over `images` pictures.
pub fn power(difference: f64, split: &Split, images: usize, tests: usize) -> Power {
    let allowed = (difference / quantiles(tests)).powi(2);
    if allowed <= 0.0 {
        return Power { images: None, repeats: None };
    }
    let noise = split.between_repeats.unwrap_or(0.0);
    let variance = split.between_images + noise / split.repeats as f64;
    let rest = allowed * images as f64 - split.between_images;
    let whole = |v: f64| (v < 1e18).then(|| (v.ceil() as u64).max(1));
    let is_enough = rest > 0.0 && can_reach(images, tests);
    let repeats = split.between_repeats.filter(|_| is_enough).and_then(|v| whole(v / rest));
    let fewest = fewest_pictures(tests) as u64;
    Power { images: whole(variance / allowed).map(|n| n.max(fewest)), repeats }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pictures_with_two_repeats_by_hand() {
        // means 1 and 5: mean square between 8; within: 4 squares of 1 over 2
        let found = split(&[vec![0.0, 2.0], vec![4.0, 6.0]]).unwrap();
        assert_eq!(found.between_repeats, Some(2.0));
        // 8 - 2 / 2
        assert!((found.between_images - 7.0).abs() < 1e-15);
        assert_eq!(split(&[vec![0.0, 2.0]]), None);
        assert_eq!(split(&[vec![1.0], vec![3.0]]).unwrap().between_repeats, None);
    }

    /// Two pictures at -10 and 10, repeats off by -1 or 1: over all sixteen samples of two repeats each, no
    /// estimate is cut off at 0, and both are right on average.
    #[test]
    fn both_parts_are_right_on_average_over_all_samples() {
        let noise = |sample: u32, k: u32| if sample >> k & 1 == 0 { -1.0 } else { 1.0 };
        let (mut images, mut repeats) = (0.0, 0.0);
        for sample in 0..16 {
            let picture = |at: f64, k: u32| vec![at + noise(sample, k), at + noise(sample, k + 1)];
            let found = split(&[picture(-10.0, 0), picture(10.0, 2)]).unwrap();
            images += found.between_images / 16.0;
            repeats += found.between_repeats.unwrap() / 16.0;
        }
        // the two pictures are all there are: 20^2 / 2
        assert!((images - 200.0).abs() < 1e-10 && (repeats - 1.0).abs() < 1e-12);
    }

    #[test]
    fn power_by_hand() {
        let split = Split { between_images: 4.0, between_repeats: Some(5.0), repeats: 1 };
        // 2.8016^2 * 9 / 1 = 70.64
        let found = power(1.0, &split, 50, 1);
        assert_eq!(found.images, Some(71));
        // with 50 pictures: 5 / (50 / 7.8489 - 4) = 2.11
        assert_eq!(found.repeats, Some(3));
        // with 30 even endless repeats leave 4 / 30
        assert_eq!(power(1.0, &split, 30, 1).repeats, None);
        assert_eq!(power(0.0, &split, 30, 1), Power { images: None, repeats: None });
        // one of 28 tests, each at 5 % / 28: (3.1237 + 0.8416)^2 * 9 = 141.5
        assert_eq!(power(1.0, &split, 50, 28).images, Some(142));
        // however large the difference, 28 tests take 11 pictures
        let clear = power(1e3, &split, 50, 28);
        assert_eq!((clear.images, clear.repeats), (Some(11), Some(1)));
        assert_eq!(power(1e3, &split, 10, 28), Power { images: Some(11), repeats: None });
    }
}
