//! In which order a heat map says the units are to be removed.

use crate::{
    base::{
        rng::{Seed, permutation},
        unit::{Patch, UnitId, Units},
        word_enum,
    },
    explain::HeatMap,
    rounding::{Sum, settled},
};
use ndarray::Array2;

word_enum! {
    /// Which units go first.
    pub enum Order {
        /// Most relevant first: a good heat map makes the score fall fast.
        Morf = "morf",
        /// Least relevant first, exactly the reverse permutation (Samek et al. 2017, eq. 12): a good
        /// heat map makes the score fall slowly.
        Lerf = "lerf",
    }
}

impl Order {
    /// The permutation of this order, from that of MoRF.
    pub fn arrange(self, mut morf: Vec<UnitId>) -> Vec<UnitId> {
        if self == Order::Lerf {
            morf.reverse();
        }
        morf
    }
}

word_enum! {
    /// Which of several units with the same score goes first.
    #[derive(Default)]
    pub enum Ties {
        /// Chance: a random permutation that depends on the seed and the picture only.
        #[default]
        Chance = "chance",
        /// Their place: the first of a text, the top left of a picture, in either order of removal.
        Place = "place",
    }
}

/// Why a heat map gives no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The heat map belongs to a picture of another size.
    #[error(
        "the heat map has {}x{} pixels, the picture {}x{}",
        .found.0, .found.1, .expected.0, .expected.1
    )]
    Size {
        /// Height and width of the heat map.
        found: (usize, usize),
        /// Height and width of the picture.
        expected: (usize, usize),
    },
    /// NaN or infinite relevance cannot be sorted.
    #[error("{count} of {total} relevance values in the heat map are not finite")]
    NonFinite {
        /// How many.
        count: usize,
        /// Of how many.
        total: usize,
    },
}

/// Above this, sums of regions might not be finite.
const HUGE: f64 = 1e290;

/// Score of every unit, in the order of their ids: the sum of the relevance of its places, in
/// double precision, row by row. Where a sum might be more than double precision holds, all scores are
/// divided by 2^64. Sums that differ by the rounding of their terms only are the same number, so that
/// units that tie go on to tie when the map is multiplied by a constant.
pub fn unit_scores(heat: &HeatMap, units: &dyn Units) -> Result<Vec<f64>, OrderError> {
    if heat.dim() != units.size() {
        return Err(OrderError::Size { found: heat.dim(), expected: units.size() });
    }
    let count = heat.iter().filter(|v| !v.is_finite()).count();
    if count > 0 {
        return Err(OrderError::NonFinite { count, total: heat.len() });
    }
    let scale = if heat.iter().any(|v| v.abs() > HUGE) { (-64.0f64).exp2() } else { 1.0 };
    let score = |id| {
        let values = values(heat, &units.patch(id));
        values.into_iter().fold(Sum::default(), |sum, v| sum.plus(v * scale))
    };
    let sums: Vec<Sum> = units.ids().map(score).collect();
    let values: Vec<f64> = sums.iter().map(|sum| sum.value()).collect();
    Ok(settled(&values, |unit| sums[unit].slack()))
}

/// The values of a map at the places of a unit.
fn values<T: Copy>(map: &Array2<T>, patch: &Patch<'_>) -> Vec<T> {
    let mut values = Vec::with_capacity(patch.area());
    for r in patch.parts() {
        values.extend(map.slice(ndarray::s![r.y0..r.y1, r.x0..r.x1]));
    }
    values
}

/// Scores of units for a heat map of whole numbers: the places of their exact sums, equal for equal
/// ones, since double precision may not tell the sums apart. The map has the size of the input.
fn whole_scores(heat: &Array2<i128>, units: &dyn Units) -> Vec<f64> {
    let sum = |id| values(heat, &units.patch(id)).into_iter().sum();
    let sums: Vec<i128> = units.ids().map(sum).collect();
    let mut places = sums.clone();
    places.sort_unstable();
    places.dedup();
    sums.iter().map(|sum| places.partition_point(|other| other < sum) as f64).collect()
}

/// Scores of units for the heat map that a method gave for a case.
pub fn scores(
    heat: &HeatMap,
    whole: Option<&Array2<i128>>,
    units: &dyn Units,
) -> Result<Vec<f64>, OrderError> {
    let scores = unit_scores(heat, units)?;
    Ok(whole.map_or(scores, |whole| whole_scores(whole, units)))
}

/// All units by descending score. Equal scores come in the order of a random permutation that
/// depends on the seed and the picture only, so it is the same for all methods.
pub fn morf(scores: &[f64], seed: Seed, image: &str) -> Vec<UnitId> {
    let mut order = permutation(&mut seed.rng("ties", image, &[]), scores.len());
    // stable: ties keep the order of the permutation
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    units(&order)
}

/// All units by descending score (MoRF) or ascending score (LeRF), those with the same score by their place: each order
/// is a stable sort of its own, so that one is not the reverse of the other.
pub fn by_place(scores: &[f64], order: Order) -> Vec<UnitId> {
    let mut all: Vec<usize> = (0..scores.len()).collect();
    all.sort_by(|&a, &b| match order {
        Order::Morf => scores[b].total_cmp(&scores[a]),
        Order::Lerf => scores[a].total_cmp(&scores[b]),
    });
    units(&all)
}

/// The random baseline: a fresh permutation for every (seed, picture, repeat).
pub fn random(count: usize, seed: Seed, image: &str, repeat: usize) -> Vec<UnitId> {
    units(&permutation(&mut seed.rng("random order", image, &[repeat as u64]), count))
}

fn units(indices: &[usize]) -> Vec<UnitId> {
    indices.iter().map(|&i| UnitId(i as u32)).collect()
}

/// How much of an order is chance: the share of all units whose score another unit has, too.
pub fn tied_fraction(scores: &[f64]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq());
    let tied: usize = runs.map(<[f64]>::len).filter(|length| *length > 1).sum();
    tied as f64 / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::unit::{Grid, Remainder};
    use proptest::prelude::*;

    fn ids(order: &[UnitId]) -> Vec<u32> {
        order.iter().map(|r| r.0).collect()
    }

    #[test]
    fn regions_are_scored_by_the_sum_of_their_pixels() {
        // 2x2 regions over 4x5 pixels; the last column belongs to none
        let heat = Array2::from_shape_fn((4, 5), |(y, x)| (10 * y + x) as f64);
        let grid = Grid::new(4, 5, 2, Remainder::Drop).unwrap();
        assert_eq!(unit_scores(&heat, &grid).unwrap(), [22.0, 30.0, 102.0, 110.0]);
        let grid = Grid::new(4, 5, 2, Remainder::Partial).unwrap();
        assert_eq!(unit_scores(&heat, &grid).unwrap(), [22.0, 30.0, 18.0, 102.0, 110.0, 58.0]);
    }

    #[test]
    fn sums_are_in_double_precision() {
        // in single precision 1e8 + 1 = 1e8
        let heat = ndarray::array![[1e8, 1.0], [-1e8, 1.0]];
        let grid = Grid::new(2, 2, 2, Remainder::Drop).unwrap();
        assert_eq!(unit_scores(&heat, &grid).unwrap(), [2.0]);
    }

    #[test]
    fn ties_by_place_keep_it_in_both_orders() {
        let scores = [0.0, 2.0, 0.0, -1.0, 2.0];
        assert_eq!(ids(&by_place(&scores, Order::Morf)), [1, 4, 0, 2, 3]);
        assert_eq!(ids(&by_place(&scores, Order::Lerf)), [3, 0, 2, 1, 4]);
    }

    #[test]
    fn most_relevant_comes_first_and_lerf_is_the_reverse() {
        let order = morf(&[0.5, -1.0, 3.0, 0.0], Seed(0), "a");
        assert_eq!(ids(&order), [2, 0, 3, 1]);
        assert_eq!(ids(&Order::Lerf.arrange(order.clone())), [1, 3, 0, 2]);
        assert_eq!(Order::Morf.arrange(order.clone()), order);
    }

    #[test]
    fn an_all_zero_map_is_ordered_by_picture_and_seed_not_by_method() {
        let zeros = vec![0.0; 100];
        let a = morf(&zeros, Seed(0), "a");
        assert_eq!(a, morf(&zeros, Seed(0), "a"), "the same for every method");
        assert_ne!(a, morf(&zeros, Seed(0), "b"));
        assert_ne!(a, morf(&zeros, Seed(1), "a"));
        assert_ne!(ids(&a), (0..100).collect::<Vec<_>>(), "not in raster order");
        // another method with the same tie among fewer regions breaks it in the same way
        let half: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i < 50))).collect();
        let b = morf(&half, Seed(0), "a");
        let upper: Vec<UnitId> = a.iter().copied().filter(|r| r.0 < 50).collect();
        assert_eq!(b[..50], upper[..]);
    }

    #[test]
    fn negative_zero_ties_with_zero() {
        let grid = Grid::new(2, 4, 2, Remainder::Drop).unwrap();
        let heat = ndarray::array![[-0.0, -0.0, 0.0, 0.0], [-0.0, -0.0, 0.0, 0.0]];
        let scores = unit_scores(&heat, &grid).unwrap();
        assert!((tied_fraction(&scores) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_tied_fraction_counts_all_regions_whose_place_is_chance() {
        let eighths = |scores: &[f64]| 8.0 * tied_fraction(scores);
        // three share 1, two share 0
        assert!((eighths(&[5.0, 1.0, 1.0, 1.0, 0.0, 0.0, -2.0, 7.0]) - 5.0).abs() < 1e-12);
        assert!((eighths(&[0.0; 8]) - 8.0).abs() < 1e-12, "all of a zero map");
        assert!(eighths(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).abs() < 1e-12);
        assert!(tied_fraction(&[3.0]).abs() < 1e-12, "one region has one place");
    }

    #[test]
    fn regions_that_tie_go_on_to_tie_when_the_map_is_scaled() {
        let grid = Grid::new(2, 6, 2, Remainder::Drop).unwrap();
        let heat = ndarray::array![[1.0, 3.0, 2.0, 2.0, 6.0, -2.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]];
        for scale in [1.0, 0.1, 3e-7, 1e8 / 3.0] {
            let scores = unit_scores(&heat.mapv(|v: f64| v * scale), &grid).unwrap();
            assert!((tied_fraction(&scores) - 1.0).abs() < 1e-12, "{scale}: {scores:?}");
        }
        // an offset of 1e9 leaves values apart that differ by a tenth of what they differ by
        let mut moved = heat.mapv(|v: f64| 0.1 * v + 1e9);
        moved[[0, 2]] += 1e-5;
        assert!((tied_fraction(&unit_scores(&moved, &grid).unwrap()) - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn regions_tie_whatever_the_order_of_their_terms() {
        // summed from left to right, the small ones are lost beside 1e16
        let grid = Grid::new(1, 6, 1, Remainder::Drop).unwrap();
        let heat = ndarray::array![[1.0, 1.0, 2.0, 2.0, 0.5, 0.25]];
        assert!((tied_fraction(&unit_scores(&heat, &grid).unwrap()) - 4.0 / 6.0).abs() < 1e-12);
        let grid = Grid::new(2, 4, 2, Remainder::Drop).unwrap();
        let heat = ndarray::array![[1e16, 1.0, 1.0, 1.0], [1.0, -1e16, 0.0, 0.0]];
        assert_eq!(unit_scores(&heat, &grid).unwrap(), [0.0, 2.0], "2 is within rounding of 1e16");
        let heat = ndarray::array![[1e7, 1.0, -1e7, 1e7], [1.0, -1e7, 1.0, 1.0]];
        assert_eq!(unit_scores(&heat, &grid).unwrap(), [2.0, 2.0]);
    }

    #[test]
    fn what_cannot_be_sorted_is_an_error() {
        let grid = Grid::new(4, 4, 2, Remainder::Drop).unwrap();
        let mut heat = Array2::zeros((4, 4));
        heat[[0, 1]] = f64::NAN;
        heat[[3, 3]] = f64::INFINITY;
        let error = unit_scores(&heat, &grid).unwrap_err();
        assert_eq!(error.to_string(), "2 of 16 relevance values in the heat map are not finite");
        let error = unit_scores(&Array2::zeros((4, 5)), &grid).unwrap_err();
        assert_eq!(error.to_string(), "the heat map has 4x5 pixels, the picture 4x4");
    }

    #[test]
    fn the_random_baseline_is_drawn_anew_for_every_picture_and_repeat() {
        let base = random(50, Seed(0), "a", 0);
        assert_eq!(base, random(50, Seed(0), "a", 0));
        let others =
            [random(50, Seed(1), "a", 0), random(50, Seed(0), "b", 0), random(50, Seed(0), "a", 1)];
        assert!(others.iter().all(|o| *o != base));
        assert_ne!(base, morf(&[0.0; 50], Seed(0), "a"), "not the permutation that breaks ties");
    }

    #[test]
    fn orders_are_named_as_in_the_options() {
        assert!(Order::ALL.iter().all(|o| o.to_string().parse() == Ok(*o)));
        let error = "mrf".parse::<Order>().unwrap_err();
        assert_eq!(error.to_string(), "must be morf or lerf, found `mrf`, did you mean `morf`?");
    }

    proptest! {
        #[test]
        fn every_order_is_a_permutation_sorted_by_score(
            scores in prop::collection::vec((-3i8..3).prop_map(f64::from), 1..80),
            seed: u64,
        ) {
            let order = morf(&scores, Seed(seed), "p");
            let mut sorted = ids(&order);
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..scores.len() as u32).collect::<Vec<_>>());
            let along: Vec<f64> = order.iter().map(|r| scores[r.0 as usize]).collect();
            prop_assert!(along.is_sorted_by(|a, b| a >= b));
            let mut reverse = Order::Lerf.arrange(order.clone());
            reverse.reverse();
            prop_assert_eq!(reverse, order);
        }
    }
}
