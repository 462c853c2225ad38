//! Bootstrap over pictures (Efron & Tibshirani 1993): percentile and BCa intervals of a mean.

use super::{Interval, quantile::of_sorted};
use crate::base::rng::{Seed, below};
use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, Normal};

/// How often pictures are drawn anew, and with which randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// Seed of the draws.
    pub seed: Seed,
    /// Number of resamples.
    pub count: usize,
}

impl Default for Resampling {
    /// 10,000 resamples from seed 0.
    fn default() -> Self {
        Resampling { seed: Seed(0), count: 10_000 }
    }
}

/// Means of every column of `values` (pictures x columns) over resampled pictures: resamples x
/// columns. Which pictures a resample holds depends on (seed, number of pictures, resample) only,
/// so all columns, and all calls with as many pictures, see the same ones.
pub fn resampled_means(values: &ArrayView2<'_, f64>, resampling: Resampling) -> Array2<f64> {
    let (n, columns) = values.dim();
    let mut means = vec![0.0; resampling.count * columns];
    if n > 0 && columns > 0 {
        let blocks = blocks(values);
        let chunks = means.par_chunks_mut(CHUNK * columns).enumerate();
        chunks.for_each(|(c, out)| {
            let resamples = out.len() / columns;
            let draws: Vec<u32> =
                (0..resamples).flat_map(|r| draws(resampling.seed, n, c * CHUNK + r)).collect();
            for (block, first) in blocks.iter().zip((0..).step_by(LANES)) {
                for (drawn, out) in draws.chunks_exact(n).zip(out.chunks_exact_mut(columns)) {
                    let sums = sums(block, drawn);
                    out[first..]
                        .iter_mut()
                        .zip(sums)
                        .for_each(|(mean, sum)| *mean = sum / n as f64);
                }
            }
        });
    }
    Array2::from_shape_vec((resampling.count, columns), means).expect("sized above")
}

/// Columns that are summed together: few enough for registers, and for the rows of thousands of
/// pictures to stay near the processor.
const LANES: usize = 16;

/// Resamples whose draws are kept while column after column is summed.
const CHUNK: usize = 32;

/// The rows cut into pieces of [`LANES`] columns, the last filled up with zeros; piece after piece.
fn blocks(values: &ArrayView2<'_, f64>) -> Vec<Vec<[f64; LANES]>> {
    let columns = values.ncols();
    let piece = |row: ArrayView1<'_, f64>, first: usize| {
        let mut piece = [0.0; LANES];
        (first..columns).zip(&mut piece).for_each(|(j, v)| *v = row[j]);
        piece
    };
    let block = |first| values.rows().into_iter().map(|row| piece(row, first)).collect();
    (0..columns).step_by(LANES).map(block).collect()
}

/// The pictures of a resample.
fn draws(seed: Seed, n: usize, resample: usize) -> impl Iterator<Item = u32> {
    let mut rng = seed.rng("bootstrap", "", &[n as u64, resample as u64]);
    (0..n).map(move |_| below(&mut rng, n as u64) as u32)
}

/// Sums of the drawn rows, in the order of the draws.
fn sums(block: &[[f64; LANES]], drawn: &[u32]) -> [f64; LANES] {
    let mut sums = [0.0; LANES];
    for &i in drawn {
        sums.iter_mut().zip(&block[i as usize]).for_each(|(sum, v)| *sum += v);
    }
    sums
}

/// The values in ascending order.
pub fn sorted(values: &ArrayView1<'_, f64>) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The interval between the `(1 - level) / 2` quantile and its mirror image. `sorted` are
/// resampled means in ascending order, at least one.
pub fn percentile(sorted: &[f64], level: f64) -> Interval {
    let tail = (1.0 - level) / 2.0;
    Interval { lo: of_sorted(sorted, tail), hi: of_sorted(sorted, 1.0 - tail) }
}

/// The smallest interval between given values that leaves at most `(1 - level) / 2` of them on
/// either side; for places, between which nothing can be interpolated.
pub fn covering(sorted: &[f64], level: f64) -> Interval {
    let outside = ((1.0 - level) / 2.0 * sorted.len() as f64).floor() as usize;
    Interval { lo: sorted[outside], hi: sorted[sorted.len() - 1 - outside] }
}

/// The bias-corrected and accelerated interval (Efron 1987). With `z0` the normal quantile of the
/// share of resampled means below `mean` (ties count half; means within `slack` of it tie) and `a` the
/// acceleration, the ends are the quantiles at `Phi(z0 + (z0 + z) / (1 - a (z0 + z)))` for `z` = the lower
/// and the upper normal quantile of `level`. `None` when all resampled means lie on one side of `mean`,
/// so that the bias is infinite.
pub fn bca(
    sorted: &[f64],
    mean: f64,
    acceleration: f64,
    slack: f64,
    level: f64,
) -> Option<Interval> {
    let below = sorted.partition_point(|&v| v < mean - slack)
        + sorted.partition_point(|&v| v <= mean + slack);
    let share = below as f64 / (2 * sorted.len()) as f64;
    if share <= 0.0 || share >= 1.0 {
        return None;
    }
    let normal = Normal::standard();
    let bias = normal.inverse_cdf(share);
    let end = |probability: f64| {
        let z = bias + normal.inverse_cdf(probability);
        let at = normal.cdf(bias + z / (1.0 - acceleration * z));
        at.is_finite().then(|| of_sorted(sorted, at))
    };
    let tail = (1.0 - level) / 2.0;
    Some(Interval { lo: end(tail)?, hi: end(1.0 - tail)? })
}

/// Acceleration of the mean from the jackknife: `sum d^3 / (6 (sum d^2)^{3/2})` with
/// `d = x - mean(x)` (the means without one value differ from their average by `d / (n - 1)`, and
/// the factor cancels). 0 when all values are equal: within `slack` of their mean.
pub fn acceleration(values: &ArrayView1<'_, f64>, slack: f64) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    if values.iter().all(|v| (v - mean).abs() <= slack) {
        return 0.0;
    }
    let power = |p| values.iter().map(|v| (v - mean).powi(p)).sum::<f64>();
    let squares = power(2);
    if squares > 0.0 { power(3) / (6.0 * squares.powf(1.5)) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{LEVEL, estimate};
    use ndarray::{aview1, aview2};
    use serde_json::Value;

    /// Intervals by SciPy, made by `scripts/make_stats_goldens.py`.
    fn goldens() -> Vec<Value> {
        let text = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/data/stats/bootstrap.json"
        ));
        let file: Value = serde_json::from_str(text).unwrap();
        file["cases"].as_array().unwrap().clone()
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn close(found: Interval, expected: &Value, tolerance: f64, what: &str) {
        let e = numbers(expected);
        let off = (found.lo - e[0]).abs().max((found.hi - e[1]).abs());
        assert!(off <= tolerance, "{what}: {found:?}, expected {e:?}");
    }

    #[test]
    fn intervals_of_given_resamples_are_those_of_scipy() {
        for case in goldens() {
            let (values, means) = (numbers(&case["values"]), numbers(&case["means"]));
            let sorted = sorted(&aview1(&means));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let name = case["name"].as_str().unwrap();
            close(percentile(&sorted, LEVEL), &case["percentile"], 1e-12, name);
            // the normal quantiles of the two libraries agree to about 1e-15, and a mean lies
            // within 1 of the next here
            let a = acceleration(&aview1(&values), 0.0);
            close(bca(&sorted, mean, a, 0.0, LEVEL).unwrap(), &case["bca"], 1e-11, name);
        }
    }

    #[test]
    fn intervals_from_our_own_draws_are_those_of_scipy_within_monte_carlo_error() {
        for case in goldens() {
            let e = estimate(&numbers(&case["values"]), Resampling::default()).unwrap();
            assert!((e.mean - case["mean"].as_f64().unwrap()).abs() < 1e-12);
            assert!((e.stderr.unwrap() - case["stderr"].as_f64().unwrap()).abs() < 1e-12);
            // the standard deviation of a 2.5 % quantile of 10,000 normal draws is 0.027 of their
            // standard deviation, which is the standard error; four of those, over all ends
            let tolerance = 4.0 * 0.027 * e.stderr.unwrap();
            let name = case["name"].as_str().unwrap();
            close(e.percentile.unwrap(), &case["percentile_million"], tolerance, name);
            // skewed data widens the upper tail, and the bias adds its own error
            close(e.bca.unwrap(), &case["bca_million"], 1.5 * tolerance, name);
        }
    }

    #[test]
    fn bias_and_acceleration_by_hand() {
        // deviations -1 -1 2: sum of cubes 6, of squares 6
        let a = acceleration(&aview1(&[0.0, 0.0, 3.0]), 0.0);
        assert!((a - 1.0 / 6.0f64.powf(1.5)).abs() < 1e-15);
        // 101 resampled means 0..=100 and an observed mean of 50: 50 below, one equal, so the
        // bias is 0, and without acceleration the ends are those of the percentiles
        let grid: Vec<f64> = (0..=100).map(f64::from).collect();
        let plain = bca(&grid, 50.0, 0.0, 0.0, LEVEL).unwrap();
        assert!((plain.lo - 2.5).abs() < 1e-9 && (plain.hi - 97.5).abs() < 1e-9);
        // with a = 0.1 the lower end is Phi(-1.959964 / (1 + 0.1959964)) = Phi(-1.638765) =
        // 0.050631, the upper Phi(1.959964 / (1 - 0.1959964)) = Phi(2.437756) = 0.992611
        let skewed = bca(&grid, 50.0, 0.1, 0.0, LEVEL).unwrap();
        assert!((skewed.lo - 5.0631).abs() < 1e-3, "{skewed:?}");
        assert!((skewed.hi - 99.2611).abs() < 1e-3, "{skewed:?}");
        // an observed mean above 84.13 % of the resamples: z0 = 1, the ends are Phi(2 - 1.96) and
        // Phi(2 + 1.96)
        let wide: Vec<f64> = (0..=100_000).map(f64::from).collect();
        let biased = bca(&wide, 84_134.5, 0.0, 0.0, LEVEL).unwrap();
        assert!((biased.lo - 51_597.0).abs() < 5.0, "{biased:?}");
        assert!((biased.hi - 99_996.3).abs() < 1.0, "{biased:?}");
    }

    #[test]
    fn a_mean_outside_all_resamples_has_no_bca_interval() {
        assert_eq!(bca(&[1.0, 2.0], 3.0, 0.0, 0.0, LEVEL), None);
        assert_eq!(bca(&[1.0, 2.0], 0.0, 0.0, 0.0, LEVEL), None);
    }

    #[test]
    fn resamples_hold_as_many_pictures_drawn_evenly_and_with_replacement() {
        // picture i carries 10^i, so a mean tells how often each picture was drawn
        let rows: Vec<[f64; 1]> = (0..4).map(|i| [10f64.powi(i)]).collect();
        let many = Resampling { count: 2000, ..Resampling::default() };
        let means = resampled_means(&aview2(&rows), many);
        let mut hits = [0.0; 4];
        for mean in &means {
            let mut digits = (mean * 4.0).round() as usize;
            let mut drawn = 0;
            for hit in &mut hits {
                drawn += digits % 10;
                *hit += (digits % 10) as f64;
                digits /= 10;
            }
            assert_eq!(drawn, 4);
        }
        // 8000 draws, 2000 per picture with a standard deviation of 39
        assert!(hits.iter().all(|h| (h - 2000.0).abs() < 160.0), "{hits:?}");
    }

    #[test]
    fn many_columns_and_odd_counts_of_resamples_are_summed_like_one_column_after_the_other() {
        let values =
            Array2::from_shape_fn((23, 37), |(i, j)| ((i * 31 + j * 17) % 29) as f64 / 7.0);
        let resampling = Resampling { count: 45, ..Resampling::default() };
        let means = resampled_means(&values.view(), resampling);
        for b in 0..45 {
            let drawn: Vec<usize> = draws(Seed(0), 23, b).map(|i| i as usize).collect();
            for j in 0..37 {
                // one addition after the other, so the bits are the same
                let sum = drawn.iter().fold(0.0, |sum, i| sum + values[[*i, j]]);
                assert_eq!(means[[b, j]].to_bits(), (sum / 23.0f64).to_bits(), "{b} {j}");
            }
        }
    }

    #[test]
    fn quantiles_interpolate_between_order_statistics() {
        let at = |q| of_sorted(&[1.0, 2.0, 4.0], q);
        assert!((at(0.0) - 1.0).abs() < 1e-15 && (at(1.0) - 4.0).abs() < 1e-15);
        assert!((at(0.75) - 3.0).abs() < 1e-15);
        assert!((of_sorted(&[5.0], 0.3) - 5.0).abs() < 1e-15);
    }
}
