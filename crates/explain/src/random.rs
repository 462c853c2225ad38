//! The baseline: no explanation at all.

use super::{Case, ExplainError, Explainer, Kind};
use crate::{
    base::{geom::Shape, registry::Entry, rng::unit_f32},
    nn::tensor::Tensor,
};

/// Independent U(0, 1) relevance per pixel, shape `(1, H, W)`. In an experiment the regions are
/// drawn anew for every repeat, so that the baseline's noise averages out; the map itself, keyed
/// by (seed, image), is what a heat map of this method shows.
///
/// Source: the random order of Samek et al. 2017, sec. IV.
#[derive(Debug)]
pub struct Random;

/// `random`
pub const ENTRY: Entry<dyn Explainer> = Entry {
    id: "random",
    summary: "random baseline: a fresh permutation of the regions per repeat",
    cite: "samek2017evaluating",
    params: &[],
    build: |_| Ok(Box::new(Random)),
};

impl Explainer for Random {
    fn attribute(&self, case: &Case<'_>) -> Result<Tensor, ExplainError> {
        let Shape { h, w, .. } = case.graph.input_shape();
        let mut rng = case.seed.rng("random", case.image, &[]);
        let data = (0..h * w).map(|_| unit_f32(&mut rng)).collect();
        Ok(Tensor::new(Shape::new(1, h, w), data))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::RandomOrder
    }
}
