//! Methods compared on the same pictures.

use super::{
    ALPHA, Estimate, FEWEST, Interval, LEVEL, Resampling, bootstrap, estimates, estimates_from,
    friedman::{Friedman, friedman},
    ranks::same,
    resampled_means, sizes,
    wilcoxon::{can_reach, holm, wilcoxon},
};
use crate::rounding::{TOLERANCE, differences, settled_means};
use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

/// Two methods, the one with the better mean first.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The better one.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// How much better, picture by picture: never negative in the mean.
    pub difference: Estimate,
    /// Pictures on which `first` is better.
    pub wins: usize,
    /// Pictures on which both are equal.
    pub ties: usize,
    /// Pictures on which `second` is better.
    pub losses: usize,
    /// p-value of the signed-rank test; `None` when all differences are 0.
    pub p: Option<f64>,
    /// True where that test, too, leans to `first`: many small losses against few large gains make it
    /// lean the other way.
    pub leans_to_first: bool,
    /// The same corrected for all pairs (Holm); undefined ones do not count as tests.
    pub p_holm: Option<f64>,
}

impl Pair {
    /// True where the test finds `first` better: its corrected p-value is small, it leans the way the
    /// means do, and the two differ on as many pictures as such a p-value takes (its approximation for many
    /// pictures may say more).
    pub fn is_found(&self) -> bool {
        self.leans_to_first
            && self.p_holm.is_some_and(|p| p < ALPHA)
            && can_reach(self.wins + self.losses, 1)
    }

    /// Share of the pictures on which `first` is better, equal ones counting half.
    pub fn win_rate(&self) -> f64 {
        let all = (self.wins + self.ties + self.losses) as f64;
        (self.wins as f64 + 0.5 * self.ties as f64) / all
    }
}

/// All that follows from values of methods on common pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Mean of each method with its intervals.
    pub estimates: Vec<Estimate>,
    /// Places of each method by mean, 1 being the best; equal means share the better place.
    pub ranks: Vec<usize>,
    /// Places that a method takes in 95 % of the resamples; `None` for too few pictures.
    pub rank_intervals: Option<Vec<Interval>>,
    /// All pairs, by places.
    pub pairs: Vec<Pair>,
    /// Tests over all methods.
    pub friedman: Option<Friedman>,
}

impl Comparison {
    /// How many pairs are tested: those that differ on some picture.
    pub fn tests(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.p.is_some()).count()
    }
}

/// Means with their places, without comparing every two methods.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Mean of each method with its intervals.
    pub estimates: Vec<Estimate>,
    /// Places of each method by mean, 1 being the best; equal means share the better place.
    pub ranks: Vec<usize>,
    /// The methods, best mean first.
    pub order: Vec<usize>,
}

/// Orders the columns of `values` (pictures x methods, finite) by their means. `None` without
/// pictures.
pub fn standing(
    values: &ArrayView2<'_, f64>,
    higher_is_better: bool,
    resampling: Resampling,
) -> Option<Standing> {
    let sign = if higher_is_better { 1.0 } else { -1.0 };
    let estimates = estimates(values, resampling)?;
    let (merits, sizes) = (merits(&estimates, sign), sizes(values));
    Some(Standing { ranks: places_of(&merits, &sizes), order: by_mean(&merits, &sizes), estimates })
}

/// Means, larger being better.
fn merits(estimates: &[Estimate], sign: f64) -> Vec<f64> {
    estimates.iter().map(|e| sign * e.mean).collect()
}

/// Compares the columns of `values` (pictures x methods, finite). `None` without pictures.
pub fn compare(
    values: &ArrayView2<'_, f64>,
    higher_is_better: bool,
    resampling: Resampling,
) -> Option<Comparison> {
    let sign = if higher_is_better { 1.0 } else { -1.0 };
    let n = values.nrows();
    if n == 0 {
        return None;
    }
    let means = (n >= FEWEST).then(|| resampled_means(values, resampling));
    let means = means.as_ref().map(|m| m.view());
    let sizes = sizes(values);
    let estimates = estimates_from(values, means.as_ref(), &sizes);
    let merits = merits(&estimates, sign);
    let order = by_mean(&merits, &sizes);
    let oriented = values.mapv(|v| sign * v);
    let pair = |&(first, second): &(usize, usize)| {
        let draws = means.as_ref().map(|m| (&m.column(first) - &m.column(second)) * sign);
        pair((first, second), &oriented, draws, sizes[first] + sizes[second])
    };
    let places = (0..order.len()).flat_map(|i| (i + 1..order.len()).map(move |j| (i, j)));
    let indices: Vec<(usize, usize)> = places.map(|(i, j)| (order[i], order[j])).collect();
    let mut pairs: Vec<Pair> = indices.par_iter().map(pair).collect();
    correct(&mut pairs);
    Some(Comparison {
        ranks: places_of(&merits, &sizes),
        rank_intervals: means.as_ref().map(|m| rank_intervals(m, sign, &sizes)),
        pairs,
        friedman: friedman(&oriented.view()),
        estimates,
    })
}

/// Indices of the methods, best mean first; equal ones stay in their order.
fn by_mean(merits: &[f64], sizes: &[f64]) -> Vec<usize> {
    let means: Vec<(f64, f64)> = merits.iter().copied().zip(sizes.iter().copied()).collect();
    let means = settled_means(&means);
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&a, &b| means[b].total_cmp(&means[a]));
    order
}

/// The place of each mean, the largest being first; `sizes` are the means of absolute values, against
/// which rounding is measured.
fn places_of(means: &[f64], sizes: &[f64]) -> Vec<usize> {
    let is_ahead = |a: usize, b: usize| means[a] - means[b] > TOLERANCE * sizes[a].max(sizes[b]);
    let all = 0..means.len();
    all.clone().map(|j| 1 + all.clone().filter(|other| is_ahead(*other, j)).count()).collect()
}

/// `size` is that of the values whose differences are taken.
fn pair(
    (first, second): (usize, usize),
    oriented: &Array2<f64>,
    means: Option<Array1<f64>>,
    size: f64,
) -> Pair {
    let differences = differences(oriented.column(first), oriented.column(second));
    let count = |hit: fn(f64) -> bool| differences.iter().filter(|d| hit(**d)).count();
    let column = ArrayView2::from_shape((differences.len(), 1), &differences).expect("one column");
    let draws = means.as_ref().map(|m| m.view().insert_axis(ndarray::Axis(1)));
    let difference = estimates_from(&column, draws.as_ref(), &[size])[0];
    let test = wilcoxon(&differences);
    Pair {
        first,
        second,
        difference,
        wins: count(|d| d > 0.0),
        ties: count(|d| same(d, 0.0)),
        losses: count(|d| d < 0.0),
        p: test.map(|t| t.p),
        leans_to_first: test.is_some_and(|t| t.excess > 0.0),
        p_holm: None,
    }
}

fn correct(pairs: &mut [Pair]) {
    let known: Vec<f64> = pairs.iter().filter_map(|pair| pair.p).collect();
    let tested = pairs.iter_mut().filter(|pair| pair.p.is_some());
    tested.zip(holm(&known)).for_each(|(pair, p)| pair.p_holm = Some(p));
}

/// From the places in every resample; equal means share the better place, as in [`places_of`].
fn rank_intervals(means: &ArrayView2<'_, f64>, sign: f64, sizes: &[f64]) -> Vec<Interval> {
    let (count, methods) = means.dim();
    let mut places = vec![Vec::with_capacity(count); methods];
    for row in means.rows() {
        let merits: Vec<f64> = row.iter().map(|v| sign * v).collect();
        let taken = places_of(&merits, sizes).into_iter().map(|place| place as f64);
        taken.zip(&mut places).for_each(|(place, of)| of.push(place));
    }
    let interval = |mut ranks: Vec<f64>| {
        ranks.sort_unstable_by(f64::total_cmp);
        bootstrap::covering(&ranks, LEVEL)
    };
    places.into_iter().map(interval).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn two() -> Comparison {
        let values = array![[1.0, 3.0], [2.0, 2.0], [0.0, 4.0], [5.0, 4.0], [0.0, 9.0]];
        compare(&values.view(), true, Resampling::default()).unwrap()
    }

    #[test]
    fn wins_ties_losses_and_the_mean_difference_by_hand() {
        let found = two();
        assert_eq!(found.ranks, [2, 1]);
        let pair = &found.pairs[0];
        assert_eq!((pair.first, pair.second), (1, 0));
        assert_eq!((pair.wins, pair.ties, pair.losses), (3, 1, 1));
        assert!((pair.win_rate() - 0.7).abs() < 1e-15);
        // 2 0 4 -1 9
        assert!((pair.difference.mean - 2.8).abs() < 1e-15);
        assert_eq!(pair.p, pair.p_holm);
    }

    #[test]
    fn lower_is_better_turns_everything_round() {
        let values = array![[1.0, 3.0], [2.0, 2.0], [0.0, 4.0], [5.0, 4.0], [0.0, 9.0]];
        let found = compare(&values.view(), false, Resampling::default()).unwrap();
        assert_eq!(found.ranks, [1, 2]);
        let pair = &found.pairs[0];
        assert_eq!((pair.first, pair.wins, pair.losses), (0, 3, 1));
        assert!((pair.difference.mean - 2.8).abs() < 1e-15);
        assert_eq!(pair.difference.bca, two().pairs[0].difference.bca);
    }

    #[test]
    fn the_interval_of_a_difference_is_that_of_the_column_of_differences() {
        let values = Array2::from_shape_fn((40, 2), |(i, j)| ((i * 7 + j * 3) % 11) as f64);
        let resampling = Resampling { count: 500, ..Resampling::default() };
        let found = compare(&values.view(), true, resampling).unwrap();
        let pair = &found.pairs[0];
        let column = &values.column(pair.first) - &values.column(pair.second);
        let alone = super::super::estimate(&column.to_vec(), resampling).unwrap();
        let (a, b) = (pair.difference.percentile.unwrap(), alone.percentile.unwrap());
        assert!((a.lo - b.lo).abs() < 1e-12 && (a.hi - b.hi).abs() < 1e-12);
    }

    #[test]
    fn a_clear_winner_keeps_its_place_and_equals_share_theirs() {
        let values = Array2::from_shape_fn((20, 3), |(i, j)| match j {
            0 => 10.0 + (i % 3) as f64,
            _ => (i % 4) as f64,
        });
        let found = compare(&values.view(), true, Resampling::default()).unwrap();
        assert_eq!(found.ranks, [1, 2, 2]);
        let intervals = found.rank_intervals.unwrap();
        assert_eq!(intervals[0], Interval { lo: 1.0, hi: 1.0 });
        assert_eq!(intervals[1], Interval { lo: 2.0, hi: 2.0 });
        let equal = &found.pairs[2];
        assert_eq!((equal.p, equal.p_holm, equal.ties), (None, None, 20));
    }

    #[test]
    fn means_over_repeats_are_tested_as_their_sums() {
        // whole numbers over three repeats: sums, and the same as means
        let sums = Array2::from_shape_fn((40, 2), |(i, j)| ((i * 7 + j * 11) % 13 + 3 * j) as f64);
        let means = sums.mapv(|v| v / 3.0);
        let of = |values: &Array2<f64>| {
            compare(&values.view(), false, Resampling::default()).unwrap().pairs[0].clone()
        };
        let (exact, found) = (of(&sums), of(&means));
        assert_eq!((found.p, found.ties), (exact.p, exact.ties));
        // in plain floating point more sizes are different
        let plain = &means.column(0) - &means.column(1);
        assert_ne!(wilcoxon(&plain.to_vec()).map(|t| t.p), found.p);
    }

    #[test]
    fn means_that_differ_by_rounding_share_a_place() {
        let values = array![[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]];
        let found = compare(&values.view(), true, Resampling::default()).unwrap();
        assert_eq!(found.ranks, [1, 1]);
        assert_eq!(standing(&values.view(), true, Resampling::default()).unwrap().ranks, [1, 1]);
    }

    #[test]
    fn a_test_that_leans_against_the_mean_finds_nothing() {
        // 80 small losses, 20 large gains: mean +0.12, and a signed-rank test that sees the losses
        let values = Array2::from_shape_fn((100, 2), |(i, j)| match (i, j) {
            (_, 1) => 0.0,
            (0..80, _) => -0.1 - 0.001 * i as f64,
            _ => 1.2 + 0.001 * i as f64,
        });
        let pair = compare(&values.view(), true, Resampling::default()).unwrap().pairs[0].clone();
        assert_eq!((pair.first, pair.losses), (0, 80));
        assert!(pair.difference.mean > 0.1 && pair.p_holm.unwrap() < ALPHA);
        assert!(!pair.is_found());
        // without the gains the mean turns round with the test
        let losses = values.slice(ndarray::s![..80, ..]);
        let pair = compare(&losses, true, Resampling::default()).unwrap().pairs[0].clone();
        assert!(pair.first == 1 && pair.is_found());
    }

    #[test]
    fn too_few_pictures_have_means_only() {
        let found = compare(&array![[1.0, 2.0]].view(), true, Resampling::default()).unwrap();
        let standing = standing(&array![[1.0, 2.0]].view(), true, Resampling::default()).unwrap();
        assert_eq!((standing.ranks, standing.order), (vec![2, 1], vec![1, 0]));
        assert_eq!(standing.estimates, found.estimates);
        assert_eq!((found.rank_intervals, found.friedman), (None, None));
        assert_eq!(found.estimates[1].bca, None);
        let none = compare(&Array2::zeros((0, 2)).view(), true, Resampling::default());
        assert_eq!(none, None);
    }
}
