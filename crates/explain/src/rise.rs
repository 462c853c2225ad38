//! The score under random masks.

use super::{
    Case, ExplainError, Explainer,
    reference::{Reference, mixed},
    resize::Resize,
};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
        rng::{KeyedRng, below, unit_f32},
        word_enum,
    },
    nn::{graph::Graph, session::BATCH, tensor::Tensor},
};

/// `R_p = 1 / (n keep) sum over n masks of f(x * m) m_p`; shape `(1, H, W)`. A mask is a grid of
/// `cells` x `cells` values, each 1 with probability `keep`, enlarged bilinearly to one cell more than
/// the picture along each side and cut at random; where it is 0 the picture is replaced. `f` is the
/// probability of the class (by the softmax, or by the sigmoid of its own logit), or its logit. Masks are keyed by (seed, image).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `samples` | 4000 | 1 to 1000000 |
/// | `cells` | 7 | 1 to 1000, along each side |
/// | `keep` | 0.5 | 0.01 to 1 |
/// | `value` | `zero` | `black`, `grey`, `white`, `zero` (after normalisation) |
/// | `score` | `softmax` | `softmax`, `logit` |
///
/// One forward pass per sample. The paper takes 4000 masks for VGG-16 and 8000 for ResNet-50, and
/// weights masks by the probability.
///
/// Source: Petsiuk et al. 2018, eq. 6 and sec. 3.2.
#[derive(Debug)]
pub struct Rise {
    samples: usize,
    cells: usize,
    keep: f32,
    value: Reference,
    weight: Weight,
}

word_enum! {
    /// What weights a mask.
    enum Weight {
        Softmax = "softmax",
        Logit = "logit",
    }
}

/// `rise`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "rise",
    summary: "mean of random masks, weighted by the score under each",
    cite: "petsiuk2018rise",
    params: &[
        Param {
            key: "samples",
            default: "4000",
            kind: Kind::Integer { min: 1, max: 1_000_000 },
            help: "masks",
        },
        Param {
            key: "cells",
            default: "7",
            kind: Kind::Integer { min: 1, max: 1000 },
            help: "cells of a mask along each side",
        },
        Param {
            key: "keep",
            default: "0.5",
            kind: Kind::Number { min: 0.01, max: 1.0 },
            help: "probability that a cell is kept",
        },
        Param {
            key: "value",
            default: "zero",
            kind: Kind::Word(Reference::WORDS),
            help: "what replaces the rest",
        },
        Param {
            key: "score",
            default: "softmax",
            kind: Kind::Word(Weight::WORDS),
            help: "what weights a mask",
        },
    ],
    build: |args| {
        Ok(Box::new(Rise {
            samples: args.usize("samples"),
            cells: args.usize("cells"),
            keep: args.f32("keep"),
            value: args.word("value"),
            weight: args.word("score"),
        }))
    },
};

/// Why masks cannot be weighted by a probability.
const NO_PROBABILITY: ExplainError =
    ExplainError::NoProbability { instead: "`rise:score=logit` weights masks by the value" };

impl Explainer for Rise {
    fn fits(&self, graph: &Graph) -> Result<(), ExplainError> {
        if self.weight == Weight::Logit || graph.head().has_probabilities() {
            Ok(())
        } else {
            Err(NO_PROBABILITY)
        }
    }

    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        let cover = self.value.pixel(case)?;
        let mut rng = case.seed.rng("rise", case.image, &[]);
        let mut sums = vec![0.0f64; h * w];
        let mut left = self.samples;
        while left > 0 {
            let masks: Vec<Vec<f32>> =
                (0..left.min(BATCH)).map(|_| self.mask(h, w, &mut rng)).collect();
            let shown = masks.iter().map(|mask| masked(case.input(), mask, &cover));
            for (mask, logits) in masks.iter().zip(case.all_scores_at(shown)?) {
                let score = self.score(case, &logits)?;
                sums.iter_mut().zip(mask).for_each(|(sum, m)| *sum += score * f64::from(*m));
            }
            left -= masks.len();
        }
        let scale = 1.0 / (self.samples as f64 * f64::from(self.keep));
        let data = sums.iter().map(|sum| (sum * scale) as f32).collect();
        Ok(Tensor::new(Shape::new(1, h, w), data))
    }
}

impl Rise {
    fn score(&self, case: &Case<'_>, logits: &[f32]) -> Result<f64, ExplainError> {
        if self.weight == Weight::Logit {
            return Ok(f64::from(logits[case.target]));
        }
        let probability = case.graph.head().probability(logits, case.target);
        probability.map(f64::from).ok_or(NO_PROBABILITY)
    }

    /// One value in [0, 1] per pixel: a window of the enlarged grid.
    fn mask(&self, h: usize, w: usize, rng: &mut KeyedRng) -> Vec<f32> {
        let side = self.cells;
        let cells = (0..side * side).map(|_| f32::from(unit_f32(rng) < self.keep)).collect();
        let cells = Tensor::new(Shape::new(1, side, side), cells);
        let (ch, cw) = (h.div_ceil(side), w.div_ceil(side));
        let large = Resize::Bilinear.enlarge(&cells, (side + 1) * ch, (side + 1) * cw);
        let (dy, dx) = (below(rng, ch as u64) as usize, below(rng, cw as u64) as usize);
        (0..h).flat_map(|y| large.row(dy + y, dx, dx + w).to_vec()).collect()
    }
}

/// `x m + cover (1 - m)`
fn masked(x: &Tensor, mask: &[f32], cover: &[f32]) -> Tensor {
    let mut out = x.clone();
    for (pixel, m) in out.data.chunks_exact_mut(cover.len()).zip(mask) {
        pixel.iter_mut().zip(cover).for_each(|(v, c)| *v = mixed(*c, *v, f64::from(*m)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Seed;

    #[test]
    fn masks_are_in_the_unit_interval_and_keep_what_they_should_on_average() {
        let value = Reference::Zero;
        let rise = Rise { samples: 1, cells: 3, keep: 0.25, value, weight: Weight::Logit };
        let mut rng = Seed(2).rng("test", "", &[]);
        let masks: Vec<f32> = (0..2000).flat_map(|_| rise.mask(7, 5, &mut rng)).collect();
        assert_eq!(masks.len(), 2000 * 35);
        assert!(masks.iter().all(|m| (0.0..=1.0).contains(m)));
        let mean = masks.iter().map(|m| f64::from(*m)).sum::<f64>() / masks.len() as f64;
        // 2000 grids of 9 cells: five standard errors are 0.017
        assert!((mean - 0.25).abs() < 0.02, "{mean}");
    }

    #[test]
    fn a_cell_of_the_grid_is_enlarged_by_one_more_than_there_are() {
        // four pixels of two cells: two values become six, of which four in a row are seen
        let value = Reference::Zero;
        let rise = Rise { samples: 1, cells: 2, keep: 0.5, value, weight: Weight::Logit };
        let mut rng = Seed(2).rng("test", "", &[]);
        // at (i + 1/2) / 3 - 1/2 from the first value to the second, as far as they reach
        let ramp = [0.0, 0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0];
        let mut seen = [false; 3];
        for _ in 0..200 {
            let mask = rise.mask(4, 4, &mut rng);
            let row = &mask[..4];
            for start in 0..3 {
                let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
                seen[start] |= row.iter().zip(&ramp[start..]).all(near);
            }
        }
        assert_eq!(seen, [true, true, false], "indents are less than a cell of two pixels");
    }
}
