//! The signed-rank test (Wilcoxon 1945) for paired differences.

use super::{
    ALPHA,
    ranks::{midranks, same, tie_sizes},
};
use statrs::distribution::{ContinuousCDF, Normal};

/// Up to so many differences without ties and zeros the distribution is exact.
const EXACT: usize = 50;

/// With ties or zeros it is exact up to so many.
const EXACT_WITH_TIES: usize = 13;

/// What the signed-rank test says of paired differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// Two-sided p-value for "the differences are symmetric around 0".
    pub p: f64,
    /// Sum of the ranks of positive differences, less what is expected: above 0 where they outweigh
    /// the negative ones. The mean may lie on the other side.
    pub excess: f64,
}

/// Tests whether differences are symmetric around 0, two-sided. Zeros are ranked and then left
/// out (Pratt 1959). Exact for few differences, otherwise the normal approximation with the
/// correction for ties and without one for continuity: what SciPy's
/// `wilcoxon(zero_method="pratt", correction=False)` gives. `None` when all are 0 or there are none.
pub fn wilcoxon(differences: &[f64]) -> Option<SignedRank> {
    let n = differences.len();
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = midranks(&sizes);
    let signed = || differences.iter().zip(&ranks).filter(|(d, _)| !same(**d, 0.0));
    let nonzero: Vec<f64> = signed().map(|(_, r)| *r).collect();
    if nonzero.is_empty() {
        return None;
    }
    let plus: f64 = signed().filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    let ties = tie_sizes(&nonzero);
    let plain = nonzero.len() == n && ties.len() == n;
    let excess = plus - nonzero.iter().sum::<f64>() / 2.0;
    let p = if n <= EXACT_WITH_TIES || (plain && n <= EXACT) {
        exact(&nonzero, plus)
    } else {
        approximate(n as f64, (n - nonzero.len()) as f64, &ties, excess)?
    };
    Some(SignedRank { p, excess })
}

/// The smallest p-value that so many differences can have: all of one sign, `2 / 2^n`.
pub fn least_p(differences: usize) -> f64 {
    (1.0 - differences as f64).exp2().min(1.0)
}

/// Fewest pictures with which one of so many tests can reach 5 % after Holm's correction, which
/// multiplies the smallest p-value by the number of tests.
pub fn fewest_pictures(tests: usize) -> usize {
    // 2^70 is more than twenty times as many tests as a machine can count
    (1..=usize::BITS as usize + 6).find(|n| can_reach(*n, tests)).expect("p-values halve")
}

/// Whether one of so many tests on so many pictures can reach 5 % after Holm's correction.
pub fn can_reach(pictures: usize, tests: usize) -> bool {
    least_p(pictures) * (tests.max(1) as f64) < ALPHA
}

/// From all assignments of signs to the ranks.
fn exact(ranks: &[f64], plus: f64) -> f64 {
    // twice the ranks are whole numbers
    let weights: Vec<usize> = ranks.iter().map(|r| (2.0 * r).round() as usize).collect();
    let mut ways = vec![0.0; weights.iter().sum::<usize>() + 1];
    ways[0] = 1.0;
    let mut top = 0;
    for weight in weights {
        top += weight;
        for sum in (weight..=top).rev() {
            ways[sum] += ways[sum - weight];
        }
    }
    let at = (2.0 * plus).round() as usize;
    let all: f64 = ways.iter().sum();
    let below: f64 = ways[..=at].iter().sum();
    let above: f64 = ways[at..].iter().sum();
    (2.0 * below.min(above) / all).min(1.0)
}

fn approximate(n: f64, zeros: f64, ties: &[f64], excess: f64) -> Option<f64> {
    let squares = |n: f64| n * (n + 1.0) * (2.0 * n + 1.0);
    let tied: f64 = ties.iter().map(|t| t * (t * t - 1.0)).sum();
    let variance = (squares(n) - squares(zeros) - tied / 2.0) / 24.0;
    let z = excess / variance.sqrt();
    (variance > 0.0).then(|| 2.0 * Normal::standard().sf(z.abs()))
}

/// p-values corrected for as many tests (Holm 1979), in the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest = 0.0f64;
    for (k, i) in order.into_iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - k) as f64).min(1.0);
        corrected[i] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::{super::testing::*, *};

    #[test]
    fn p_values_are_those_of_scipy() {
        for case in cases("wilcoxon") {
            let found = wilcoxon(&numbers(&case["differences"]));
            let expected = case["p"].as_f64();
            let name = case["name"].as_str().unwrap();
            match (found, expected) {
                (Some(SignedRank { p, .. }), Some(e)) => {
                    assert!((p - e).abs() < 1e-9, "{name}: {p}, expected {e}");
                }
                (found, e) => assert_eq!((found, e), (None, None), "{name}"),
            }
        }
    }

    #[test]
    fn three_differences_by_hand() {
        // ranks 1, 2, 3, all positive: one of eight sign patterns on each side
        let found = wilcoxon(&[0.5, 1.0, 2.0]).unwrap();
        assert!((found.p - 0.25).abs() < 1e-15);
        // 6 of the 3 expected
        assert!((found.excess - 3.0).abs() < 1e-15);
        assert_eq!(wilcoxon(&[0.0, 0.0]), None);
        assert_eq!(wilcoxon(&[]), None);
    }

    #[test]
    fn as_many_pictures_are_needed_as_signs_can_reach() {
        // 2 / 2^6 = 0.031 and 2 / 2^5 = 0.0625; 7 / 2^8 = 0.027 and 7 / 2^7 = 0.055; 28 / 2^10 = 0.027
        assert_eq!([1, 7, 28, 120].map(fewest_pictures), [6, 9, 11, 13]);
        assert!(can_reach(9, 7) && !can_reach(8, 7) && !can_reach(0, 1));
        let of = |n: usize| wilcoxon(&(1..=n).map(|v| v as f64).collect::<Vec<_>>()).unwrap().p;
        for n in 1..40 {
            assert!((of(n) - least_p(n)).abs() < 1e-12 * least_p(n), "{n}");
        }
    }

    #[test]
    fn corrected_p_values_are_those_of_statsmodels() {
        for case in cases("holm") {
            let (found, expected) = (holm(&numbers(&case["p"])), numbers(&case["corrected"]));
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{case}");
        }
    }

    #[test]
    fn holm_by_hand() {
        // sorted 0.01 0.02 0.04: times 3, 2, 1, never falling
        let found = holm(&[0.04, 0.01, 0.02]);
        let expected = [0.04, 0.03, 0.04];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
        assert_eq!(holm(&[0.7, 0.8]), [1.0, 1.0]);
    }
}
