//! A linear model of the score around the picture.

use super::{
    Case, ExplainError, Explainer,
    coalition::{Patches, SEGMENTS, VALUE},
    least_squares,
    reference::Reference,
};
use crate::{
    base::{
        registry::{Entry, Kind, Param},
        rng::unit_f32,
    },
    nn::tensor::Tensor,
};

/// The coefficients of a ridge regression (penalty 1, free intercept) of the score on which
/// patches are shown. Each patch is shown with probability 1/2, the first sample shows all; a
/// sample with `k` of `d` patches weighs `exp(-D^2 / (2 width^2))`, `D = 1 - sqrt(k / d)` the cosine
/// distance from the picture. A patch's coefficient is spread evenly over its pixels; shape
/// `(1, H, W)`. Samples are keyed by (seed, image).
///
/// | parameter | default | range |
/// |---|---|---|
/// | `samples` | 1000 | 1 to 1000000 |
/// | `segments` | 50 | 1 to 2000 |
/// | `width` | 0.25 | 0.01 to 100 |
/// | `value` | `grey` | `black`, `grey`, `white`, `zero` (after normalisation) |
///
/// One forward pass per sample. Here the score is the logit, and patches are SLIC clusters. The width is
/// that of the package lime, 0.25 by default there too: it takes the square root of the paper's kernel
/// `exp(-D^2 / sigma^2)`, so the paper's `sigma` is `sqrt(2) width`, by default 0.354.
///
/// Source: Ribeiro et al. 2016, eq. 2 and sec. 3.4; weights as in the package lime.
#[derive(Debug)]
pub struct Lime {
    samples: usize,
    segments: usize,
    width: f64,
    value: Reference,
}

/// `lime`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "lime",
    summary: "linear model of the score on patches shown and covered",
    cite: "ribeiro2016why",
    params: &[
        Param {
            key: "samples",
            default: "1000",
            kind: Kind::Integer { min: 1, max: 1_000_000 },
            help: "pictures with covered patches",
        },
        SEGMENTS,
        Param {
            key: "width",
            default: "0.25",
            kind: Kind::Number { min: 0.01, max: 100.0 },
            help: "how fast distant samples lose weight",
        },
        VALUE,
    ],
    build: |args| {
        Ok(Box::new(Lime {
            samples: args.usize("samples"),
            segments: args.usize(SEGMENTS.key),
            width: args.f64("width"),
            value: args.word(VALUE.key),
        }))
    },
};

impl Explainer for Lime {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let patches = Patches::new(case, self.segments, self.value)?;
        let d = patches.len();
        let mut rng = case.seed.rng("lime", case.image, &[]);
        let mut set = |sample| (0..d).map(|_| unit_f32(&mut rng) < 0.5 || sample == 0).collect();
        let sets: Vec<Vec<bool>> = (0..self.samples).map(&mut set).collect();
        let scores = patches.scores(&sets)?;
        let weights: Vec<f64> = sets.iter().map(|shown| self.weight(shown)).collect();
        // the last column is the intercept
        let row = |shown: &Vec<bool>| shown.iter().map(|s| f64::from(*s)).chain([1.0]).collect();
        let rows: Vec<Vec<f64>> = sets.iter().map(row).collect();
        let penalty: Vec<f64> = vec![1.0; d].into_iter().chain([0.0]).collect();
        let found = least_squares::solve(&rows, &scores, &weights, &penalty);
        let coefficients = found.ok_or(ExplainError::TooFewSamples { samples: self.samples })?;
        Ok(patches.spread(&coefficients[..d]))
    }
}

impl Lime {
    fn weight(&self, shown: &[bool]) -> f64 {
        let share = shown.iter().filter(|s| **s).count() as f64 / shown.len() as f64;
        (-0.5 * ((1.0 - share.sqrt()) / self.width).powi(2)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_weigh_as_in_the_package_lime() {
        // sqrt(exp(-d^2 / 0.25^2)) with the cosine distance d of (1, 0, 0, 0) and (1, 1, 1, 0) from ones
        let lime = Lime { samples: 1, segments: 4, width: 0.25, value: Reference::Grey };
        for (shown, expected) in [(1, 0.135_335_283), (3, 0.866_239_769), (4, 1.0)] {
            let shown: Vec<bool> = (0..4).map(|k| k < shown).collect();
            assert!((lime.weight(&shown) - expected).abs() < 1e-8, "{}", lime.weight(&shown));
        }
    }
}
