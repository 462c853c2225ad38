//! Several methods on the same pictures: Friedman's test (1937) and Nemenyi's (1963) after it.

use super::{
    ALPHA,
    ranks::{midranks, tie_sizes},
};
use crate::rounding::{TOLERANCE, settled};
use ndarray::ArrayView2;
use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, Normal};

/// What the ranks of methods on pictures say.
#[derive(Clone, Debug, PartialEq)]
pub struct Friedman {
    /// Mean rank of each method over pictures; 1 is the largest value.
    pub mean_ranks: Vec<f64>,
    /// Statistic, corrected for ties; `None` when all methods are tied on all pictures.
    pub statistic: Option<f64>,
    /// p-value for "all methods are alike", from the chi-squared distribution.
    pub p: Option<f64>,
    /// Mean ranks further apart than this differ at the 5 % level (Nemenyi).
    pub critical_difference: f64,
    /// Number of pictures.
    pub n: usize,
}

impl Friedman {
    /// Whether Friedman's test could reach 5 %: whether it would if the methods stood in one order on all
    /// pictures.
    pub fn can_differ(&self) -> bool {
        let k = self.mean_ranks.len() as f64;
        let chi = ChiSquared::new(k - 1.0).expect("at least one degree of freedom");
        chi.sf(self.n as f64 * (k - 1.0)) < ALPHA
    }

    /// Whether mean ranks can lie further apart than the critical difference.
    pub fn can_tell_apart(&self) -> bool {
        self.critical_difference < self.mean_ranks.len() as f64 - 1.0
    }

    /// p-value for "these two methods are alike", corrected for all pairs.
    pub fn nemenyi(&self, a: usize, b: usize) -> f64 {
        let distance = (self.mean_ranks[a] - self.mean_ranks[b]).abs();
        let k = self.mean_ranks.len();
        1.0 - studentised_range(distance * 2f64.sqrt() / unit(k, self.n), k)
    }
}

/// The largest runs of ascending mean ranks that lie within a distance, and in no other run: first
/// and last position of each. The bars of a critical-difference diagram (Demšar 2006).
pub fn cliques(ranks: &[f64], distance: f64) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for first in 0..ranks.len() {
        let within = (first..ranks.len()).take_while(|&j| ranks[j] - ranks[first] <= distance);
        let last = within.last().unwrap_or(first);
        if last > first && found.last().is_none_or(|&(_, before)| last > before) {
            found.push((first, last));
        }
    }
    found
}

/// Standard deviation of the difference of two mean ranks.
fn unit(k: usize, n: usize) -> f64 {
    let k = k as f64;
    (k * (k + 1.0) / (6.0 * n as f64)).sqrt()
}

/// The tests for `values` (pictures x methods), larger being better. `None` with fewer than two
/// methods or pictures. Values are finite; those of a picture that differ by rounding only are equal.
pub fn friedman(values: &ArrayView2<'_, f64>) -> Option<Friedman> {
    let (n, k) = values.dim();
    if n < 2 || k < 2 {
        return None;
    }
    let (mut sums, mut ties) = (vec![0.0; k], 0.0);
    for row in values.rows() {
        let negative: Vec<f64> = row.iter().map(|v| -v).collect();
        let ranks = midranks(&settled(&negative, |j| TOLERANCE * negative[j].abs()));
        ties += tie_sizes(&ranks).iter().map(|t| t * (t * t - 1.0)).sum::<f64>();
        sums.iter_mut().zip(&ranks).for_each(|(sum, r)| *sum += r);
    }
    let (rows, columns) = (n as f64, k as f64);
    let correction = 1.0 - ties / (columns * (columns * columns - 1.0) * rows);
    let squares: f64 = sums.iter().map(|s| s * s).sum();
    let plain = 12.0 / (columns * rows * (columns + 1.0)) * squares - 3.0 * rows * (columns + 1.0);
    let statistic = (correction > 0.0).then(|| plain / correction);
    let chi = ChiSquared::new(columns - 1.0).expect("at least one degree of freedom");
    Some(Friedman {
        mean_ranks: sums.iter().map(|s| s / rows).collect(),
        statistic,
        p: statistic.map(|s| chi.sf(s.max(0.0))),
        critical_difference: studentised_range_quantile(0.95, k) / 2f64.sqrt() * unit(k, n),
        n,
    })
}

/// Step and reach of the integral: the trapezoid rule converges faster than any power of the step for
/// such an integrand.
const STEP: f64 = 1.0 / 32.0;
const REACH: i32 = 9 * 32;

/// Distribution function of the range of `k` independent standard normal draws, which is the
/// studentised range at infinite degrees of freedom:
/// `k * integral phi(z) (Phi(z) - Phi(z - q))^(k-1) dz`.
pub fn studentised_range(q: f64, k: usize) -> f64 {
    if q <= 0.0 {
        return 0.0;
    }
    let normal = Normal::standard();
    let term = |i: i32| {
        let z = f64::from(i) * STEP;
        normal.pdf(z) * (normal.cdf(z) - normal.cdf(z - q)).powi(k as i32 - 1)
    };
    (k as f64 * STEP * (-REACH..=REACH).map(term).sum::<f64>()).min(1.0)
}

/// The value that the range stays below with this probability, in (0, 1).
pub fn studentised_range_quantile(probability: f64, k: usize) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    // 100 halved so often is below the spacing of numbers of the size of the result
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if studentised_range(middle, k) < probability { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};
    use ndarray::{Array2, array};

    #[test]
    fn the_test_is_that_of_scipy_and_the_pairs_are_those_of_scikit_posthocs() {
        for case in cases("friedman") {
            let rows: Vec<Vec<f64>> =
                case["values"].as_array().unwrap().iter().map(numbers).collect();
            let shape = (rows.len(), rows[0].len());
            let values = Array2::from_shape_vec(shape, rows.concat()).unwrap();
            let found = friedman(&values.view()).unwrap();
            let close = |a: f64, b: &serde_json::Value, tolerance: f64, what: &str| {
                let b = b.as_f64().unwrap();
                assert!((a - b).abs() < tolerance, "{what}: {a}, expected {b}");
            };
            close(found.statistic.unwrap(), &case["statistic"], 1e-9, "statistic");
            close(found.p.unwrap(), &case["p"], 1e-9, "p");
            for a in 0..shape.1 {
                for b in (0..shape.1).filter(|b| *b != a) {
                    close(found.nemenyi(a, b), &case["nemenyi"][a][b], 1e-6, "nemenyi");
                }
            }
            close(found.critical_difference, &case["critical_difference"], 1e-6, "difference");
        }
    }

    #[test]
    fn the_range_of_normal_draws_is_that_of_scipy() {
        for case in cases("studentised_range") {
            let k = case["k"].as_u64().unwrap() as usize;
            let q = case["q"].as_f64().unwrap();
            let expected = case["cdf"].as_f64().unwrap();
            let found = studentised_range(q, k);
            assert!((found - expected).abs() < 1e-6, "{q}, {k}: {found}, expected {expected}");
            let quantile = case["q95"].as_f64().unwrap();
            assert!((studentised_range_quantile(0.95, k) - quantile).abs() < 1e-6, "{k}");
        }
    }

    #[test]
    fn bars_join_neighbours_within_the_critical_difference_and_none_lies_in_another() {
        let ranks = [1.0, 1.5, 2.4, 4.0, 4.1];
        assert_eq!(cliques(&ranks, 1.0), [(0, 1), (1, 2), (3, 4)]);
        assert_eq!(cliques(&ranks, 0.05), Vec::<(usize, usize)>::new());
        assert_eq!(cliques(&ranks, 9.0), [(0, 4)]);
    }

    #[test]
    fn ranks_by_hand() {
        let values = array![[3.0, 2.0, 1.0], [5.0, 5.0, 0.0]];
        let found = friedman(&values.view()).unwrap();
        assert_eq!(found.mean_ranks, [1.25, 1.75, 3.0]);
        // two draws differ by a normal with variance 2
        let two = studentised_range(1.0, 2);
        let expected = 2.0 * Normal::standard().cdf(1.0 / 2f64.sqrt()) - 1.0;
        // the normal distribution functions of the two sides are good to 1e-11
        assert!((two - expected).abs() < 1e-9);
    }

    #[test]
    fn few_pictures_cannot_tell_anything_apart() {
        // chi-squared of 4 with 2 degrees of freedom: exp(-2) = 0.135; of 6: exp(-3) = 0.0498
        let of = |n: usize| friedman(&Array2::from_shape_fn((n, 3), |(_, j)| j as f64).view());
        assert!(!of(2).unwrap().can_differ() && of(3).unwrap().can_differ());
        // critical differences 2.343 / sqrt(n / 2): 2.343 for 2 and 1.913 for 3 pictures, of at most 2
        assert!(!of(2).unwrap().can_tell_apart() && of(3).unwrap().can_tell_apart());
    }

    #[test]
    fn methods_that_are_always_equal_cannot_be_tested() {
        let found = friedman(&Array2::ones((4, 3)).view()).unwrap();
        assert_eq!((found.statistic, found.p), (None, None));
        assert_eq!(friedman(&Array2::ones((4, 1)).view()), None);
    }
}
