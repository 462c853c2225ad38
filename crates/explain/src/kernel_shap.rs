//! Shapley values of patches.

use super::{
    Case, ExplainError, Explainer, Total,
    coalition::{Patches, SEGMENTS, VALUE},
    least_squares,
    reference::Reference,
};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, permutation, unit_f32},
    },
    nn::tensor::Tensor,
};

/// Shapley values of the patches for the game "score when only these are shown", by weighted
/// regression: sets of `k` of `d` patches are drawn with a probability proportional to
/// `(d - 1) / (k (d - k))`, each with its complement, and the values are those that fit their
/// scores best while adding up to the score of the picture minus that of the covered picture. A
/// patch's value is spread evenly over its pixels; shape `(1, H, W)`. Sets are keyed by
/// (seed, image).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `samples` | 2048 | 2 to 1000000, at least about twice the segments |
/// | `segments` | 50 | 1 to 2000 |
/// | `value` | `grey` | `black`, `grey`, `white`, `zero` (after normalisation) |
///
/// One forward pass per sample. Patches are SLIC clusters.
///
/// Source: Lundberg and Lee 2017, theorem 2; paired sampling of Covert and Lee 2021.
#[derive(Debug)]
pub struct KernelShap {
    samples: usize,
    segments: usize,
    value: Reference,
}

/// `kernel-shap`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "kernel-shap",
    summary: "Shapley values of patches, by regression",
    cite: "lundberg2017unified",
    params: &[
        Param {
            key: "samples",
            default: "2048",
            kind: Kind::Integer { min: 2, max: 1_000_000 },
            help: "pictures with covered patches",
        },
        SEGMENTS,
        VALUE,
    ],
    build: |args| {
        Ok(Box::new(KernelShap {
            samples: args.usize("samples"),
            segments: args.usize(SEGMENTS.key),
            value: args.word(VALUE.key),
        }))
    },
};

impl Explainer for KernelShap {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let patches = Patches::new(case, self.segments, self.value)?;
        let d = patches.len();
        let (none, total) = ends(&patches)?;
        if d == 1 {
            return Ok(patches.spread(&[total]));
        }
        let mut rng = case.seed.rng("kernel-shap", case.image, &[]);
        let pair = |_| {
            let shown = coalition(d, &mut rng);
            let hidden = shown.iter().map(|s| !s).collect();
            [shown, hidden]
        };
        let sets: Vec<Vec<bool>> = (0..self.samples / 2).flat_map(pair).collect();
        let gains: Vec<f64> = patches.scores(&sets)?.iter().map(|score| score - none).collect();
        let row = |set: &Vec<bool>| set.iter().map(|s| f64::from(*s)).collect();
        let rows: Vec<Vec<f64>> = sets.iter().map(row).collect();
        let found = shapley(&rows, &gains, total);
        let values = found.ok_or(ExplainError::TooFewSamples { samples: self.samples })?;
        Ok(patches.spread(&values))
    }

    fn total(&self, case: &Case<'_>) -> Result<Option<Total>, ExplainError> {
        let patches = Patches::new(case, self.segments, self.value)?;
        Ok(Some(Total::proven(ends(&patches)?.1)))
    }
}

/// The score without any patch, and by how much all patches raise it.
fn ends(patches: &Patches<'_>) -> Result<(f64, f64), ExplainError> {
    let sets = [false, true].map(|shown| vec![shown; patches.len()]);
    let scores = patches.scores(&sets)?;
    Ok((scores[0], scores[1] - scores[0]))
}

/// A set of 1 to d - 1 of `d >= 2` patches.
fn coalition(d: usize, rng: &mut KeyedRng) -> Vec<bool> {
    let weight = |k: usize| 1.0 / (k * (d - k)) as f64;
    let all: f64 = (1..d).map(weight).sum();
    let mut left = f64::from(unit_f32(rng)) * all;
    let mut size = 1;
    while size < d - 1 && left >= weight(size) {
        left -= weight(size);
        size += 1;
    }
    let mut shown = vec![false; d];
    permutation(rng, d).into_iter().take(size).for_each(|i| shown[i] = true);
    shown
}

/// The values that fit the gains best and add up to `total`: the last is what the others leave.
fn shapley(rows: &[Vec<f64>], gains: &[f64], total: f64) -> Option<Vec<f64>> {
    let last = rows.first()?.len() - 1;
    let reduced: Vec<Vec<f64>> =
        rows.iter().map(|row| row[..last].iter().map(|v| v - row[last]).collect()).collect();
    let rest: Vec<f64> = rows.iter().zip(gains).map(|(r, g)| g - r[last] * total).collect();
    let weights = vec![1.0; rows.len()];
    let mut values = least_squares::solve(&reduced, &rest, &weights, &vec![0.0; last])?;
    values.push(total - values.iter().sum::<f64>());
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    /// A player's gain, averaged over all orders in which four players can join.
    fn by_orders(game: impl Fn(usize) -> f64) -> [f64; 4] {
        let mut values = [0.0; 4];
        // digits of a number to the base 4 that differ are an order
        for code in 0..256 {
            let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6];
            if (0..4).any(|player| !order.contains(&player)) {
                continue;
            }
            let mut set = 0;
            for player in order {
                values[player] += (game(set | 1 << player) - game(set)) / 24.0;
                set |= 1 << player;
            }
        }
        values
    }

    #[test]
    fn with_all_sets_as_often_as_the_kernel_says_the_values_are_exact() {
        // a set of one or three of four players weighs twice as much as one of two: 1/3 over four sets,
        // 1/4 over six
        let game = |set: usize| (set as f64 * 2.3).sin() + if set & 6 == 6 { 4.0 } else { 0.0 };
        let sets =
            (1..15usize).flat_map(|set| vec![set; if set.count_ones() == 2 { 1 } else { 2 }]);
        let sets: Vec<usize> = sets.collect();
        let row = |set: &usize| (0..4).map(|k| f64::from((set >> k & 1) as u8)).collect();
        let rows: Vec<Vec<f64>> = sets.iter().map(row).collect();
        let gains: Vec<f64> = sets.iter().map(|set| game(*set) - game(0)).collect();
        let values = shapley(&rows, &gains, game(15) - game(0)).unwrap();
        for (value, expected) in values.iter().zip(by_orders(game)) {
            assert!((value - expected).abs() < 1e-9, "{values:?}");
        }
    }

    #[test]
    fn sets_are_drawn_with_the_weights_of_the_kernel() {
        // d = 4: sizes 1, 2, 3 with 1/3, 1/4, 1/3 of 11/12
        let mut rng = Seed(1).rng("test", "", &[]);
        let mut sizes = [0i32; 5];
        let size = |set: Vec<bool>| set.iter().filter(|s| **s).count();
        (0..11_000).for_each(|_| sizes[size(coalition(4, &mut rng))] += 1);
        assert_eq!((sizes[0], sizes[4]), (0, 0));
        // five standard deviations of about 50: another generator would fail once in a million times
        for (found, expected) in sizes[1..4].iter().zip([4000, 3000, 4000]) {
            assert!((found - expected).abs() < 250, "{sizes:?}");
        }
    }
}
