//! From one value per picture to an estimate with its uncertainty.

pub mod against;
pub mod association;
pub mod bootstrap;
pub mod friedman;
pub mod kendall;
pub mod paired;
pub mod proportion;
pub mod quantile;
pub mod ranks;
#[cfg(test)]
pub(crate) mod testing;
pub mod variance;
pub mod wilcoxon;

pub use bootstrap::{Resampling, resampled_means};

use super::rounding::TOLERANCE;
use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Coverage of all intervals.
pub const LEVEL: f64 = 0.95;

/// Differences with a smaller corrected p-value count as found.
pub const ALPHA: f64 = 0.05;

/// Fewer pictures than this get no interval: two values can be resampled into three means only.
pub const FEWEST: usize = 3;

/// A range that covers the true mean in 95 of 100 experiments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// The mean over pictures, with what is known about its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard error of the mean; `None` for a single picture.
    pub stderr: Option<f64>,
    /// 95 % bootstrap interval, bias-corrected and accelerated; `None` below [`FEWEST`] pictures.
    pub bca: Option<Interval>,
    /// 95 % bootstrap interval between percentiles; `None` below [`FEWEST`] pictures.
    pub percentile: Option<Interval>,
    /// Number of pictures.
    pub n: usize,
}

impl Estimate {
    /// Lower end of the interval that tables and figures show.
    pub fn lo(&self) -> Option<f64> {
        self.bca.map(|i| i.lo)
    }

    /// Upper end of the interval that tables and figures show.
    pub fn hi(&self) -> Option<f64> {
        self.bca.map(|i| i.hi)
    }

    /// The same of the negative values: a difference seen from the other side.
    #[must_use]
    pub fn reversed(self) -> Estimate {
        let turn = |i: Interval| Interval { lo: -i.hi, hi: -i.lo };
        let (bca, percentile) = (self.bca.map(turn), self.percentile.map(turn));
        Estimate { mean: -self.mean, bca, percentile, ..self }
    }
}

/// Arithmetic mean; `None` without values.
pub fn mean(values: &ArrayView1<'_, f64>) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Standard error of the mean, from the sample variance with divisor `n - 1`; `None` for fewer
/// than two values.
pub fn stderr(values: &ArrayView1<'_, f64>) -> Option<f64> {
    let n = values.len() as f64;
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (n > 1.0).then(|| (squares / (n - 1.0) / n).sqrt())
}

/// The estimate for one value per picture; `None` without pictures. Values are finite.
pub fn estimate(values: &[f64], resampling: Resampling) -> Option<Estimate> {
    let column = ArrayView2::from_shape((values.len(), 1), values).expect("one column");
    estimates(&column, resampling)?.pop()
}

/// One estimate per column of `values` (pictures x columns); `None` without pictures. All columns
/// see the same resampled pictures, so a difference of two columns is a paired difference. Values
/// are finite.
pub fn estimates(values: &ArrayView2<'_, f64>, resampling: Resampling) -> Option<Vec<Estimate>> {
    let n = values.nrows();
    if n == 0 {
        return None;
    }
    let means = (n >= FEWEST).then(|| resampled_means(values, resampling));
    let means = means.as_ref().map(|m| m.view());
    Some(estimates_from(values, means.as_ref(), &sizes(values)))
}

/// Mean absolute value of each column: what rounding is measured against.
fn sizes(values: &ArrayView2<'_, f64>) -> Vec<f64> {
    let size = |column: ArrayView1<'_, f64>| {
        column.iter().map(|v| v.abs()).sum::<f64>() / column.len().max(1) as f64
    };
    values.columns().into_iter().map(size).collect()
}

/// The same from resampled means (resamples x columns) that are there already. `sizes` are those of the
/// values that each column was computed from.
fn estimates_from(
    values: &ArrayView2<'_, f64>,
    means: Option<&ArrayView2<'_, f64>>,
    sizes: &[f64],
) -> Vec<Estimate> {
    let column = |j: usize| {
        let (values, slack) = (values.column(j), TOLERANCE * sizes[j]);
        let mean = mean(&values).expect("there are pictures");
        let sorted = means.map(|m| bootstrap::sorted(&m.column(j)));
        let acceleration = bootstrap::acceleration(&values, slack);
        Estimate {
            mean,
            stderr: stderr(&values),
            bca: sorted.as_ref().and_then(|s| bootstrap::bca(s, mean, acceleration, slack, LEVEL)),
            percentile: sorted.as_ref().map(|s| bootstrap::percentile(s, LEVEL)),
            n: values.len(),
        }
    };
    (0..values.ncols()).into_par_iter().map(column).collect()
}

/// One estimate per column, where a column may lack pictures: each is taken over the pictures that
/// it has, and columns that have the same ones share their resamples.
pub fn estimates_of_known(
    columns: &[Vec<Option<f64>>],
    resampling: Resampling,
) -> Vec<Option<Estimate>> {
    let mut same: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
    for (j, column) in columns.iter().enumerate() {
        same.entry(column.iter().map(Option::is_some).collect()).or_default().push(j);
    }
    let mut all = vec![None; columns.len()];
    for members in same.values() {
        let known: Vec<Vec<f64>> =
            members.iter().map(|&j| columns[j].iter().flatten().copied().collect()).collect();
        let shape = (known[0].len(), known.len());
        let values = Array2::from_shape_fn(shape, |(i, j)| known[j][i]);
        let found = estimates(&values.view(), resampling).into_iter().flatten();
        members.iter().zip(found).for_each(|(&j, estimate)| all[j] = Some(estimate));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;
    use ndarray::array;

    #[test]
    fn mean_and_standard_error_by_hand() {
        // deviations -3 -1 4: squares 26, variance 13, over 3
        let e = estimate(&[1.0, 3.0, 8.0], Resampling::default()).unwrap();
        assert!((e.mean - 4.0).abs() < 1e-15);
        assert!((e.stderr.unwrap() - (13.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(e.n, 3);
    }

    #[test]
    fn what_a_few_pictures_cannot_tell_is_undefined() {
        assert_eq!(estimate(&[], Resampling::default()), None);
        let one = estimate(&[2.0], Resampling::default()).unwrap();
        let known = Estimate { mean: 2.0, stderr: None, bca: None, percentile: None, n: 1 };
        assert_eq!(one, known);
        let two = estimate(&[2.0, 4.0], Resampling::default()).unwrap();
        assert_eq!((two.stderr, two.lo(), two.percentile), (Some(1.0), None, None));
    }

    #[test]
    fn equal_values_have_an_interval_of_width_zero() {
        for value in [0.1, 0.0, -7.25] {
            let e = estimate(&[value; 7], Resampling::default()).unwrap();
            let (lo, hi) = (e.lo().unwrap(), e.hi().unwrap());
            // 7 times 0.1 over 7 is one unit in the last place off
            assert!((lo - value).abs() < 1e-15 && (hi - value).abs() < 1e-15, "{e:?}");
        }
    }

    #[test]
    fn intervals_do_not_depend_on_the_scale() {
        // few different values: many resampled means are equal to the mean of all
        let values: Vec<f64> = (0..12).map(|i| f64::from(i % 3) - 0.4).collect();
        let plain = estimate(&values, Resampling::default()).unwrap().bca.unwrap();
        for scale in [0.1, 3.0, 1e-9 / 7.0, 1e11 / 3.0] {
            let scaled: Vec<f64> = values.iter().map(|v| scale * v).collect();
            let found = estimate(&scaled, Resampling::default()).unwrap().bca.unwrap();
            let close = |a: f64, b: f64| (a / scale - b).abs() < 1e-12;
            assert!(close(found.lo, plain.lo) && close(found.hi, plain.hi), "{scale}: {found:?}");
        }
        // equal up to rounding: no skewness to correct for
        let same = [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3];
        let e = estimate(&same, Resampling::default()).unwrap();
        assert!((e.lo().unwrap() - 0.3).abs() < 1e-15 && (e.hi().unwrap() - 0.3).abs() < 1e-15);
    }

    #[test]
    fn columns_share_their_resamples_so_differences_are_paired() {
        let mut rng = Seed(5).rng("test", "", &[]);
        let mut draw = || f64::from(crate::base::rng::unit_f32(&mut rng));
        let noise: Vec<f64> = (0..40).map(|_| draw()).collect();
        // the second method is 0.5 better on every picture: no doubt about the difference
        let values = Array2::from_shape_fn((40, 2), |(i, j)| 10.0 * noise[i] + 0.5 * j as f64);
        let means = resampled_means(&values.view(), Resampling::default());
        let differences = &means.column(1) - &means.column(0);
        assert!(differences.iter().all(|d| (d - 0.5).abs() < 1e-12));
        // and a column alone gives what it gives among others
        let alone = estimate(&values.column(1).to_vec(), Resampling::default()).unwrap();
        assert_eq!(estimates(&values.view(), Resampling::default()).unwrap()[1], alone);
    }

    #[test]
    fn columns_with_gaps_are_estimated_over_what_they_have() {
        let full: Vec<Option<f64>> = (0..9).map(|i| Some(f64::from(i * i))).collect();
        let mut gap = full.clone();
        gap[3] = None;
        let none = vec![None; 9];
        let found = estimates_of_known(&[gap.clone(), full.clone(), none], Resampling::default());
        for (column, found) in [gap, full].iter().zip(&found) {
            let values: Vec<f64> = column.iter().flatten().copied().collect();
            assert_eq!(*found, estimate(&values, Resampling::default()));
        }
        assert_eq!(found[2], None);
    }

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let values = array![[1.0, 0.3], [2.5, -0.1], [0.2, 0.7], [9.1, 0.7]];
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| estimates(&values.view(), Resampling::default()))
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(5));
    }
}
