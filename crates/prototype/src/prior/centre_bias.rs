//! Patterns in the middle.

use super::{Bound, Prior, PriorError, Site};
use crate::{
    base::{
        geom::Shape,
        registry::{Entry, Kind, Param},
    },
    nn::tensor::Tensor,
};

/// The gradient of each pixel is weighted by a Gaussian around the middle, `exp(-d^2 / (2 (sigma s)^2))` with `s` the side, so
/// that the pattern grows there and once.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `sigma` | 0.25 | [0.01, 10] sides |
#[derive(Clone, Copy)]
struct CentreBias {
    sigma: f64,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "centre-bias",
    summary: "the gradient counts less towards the edges",
    cite: "nguyen2016multifaceted",
    params: &[Param {
        key: "sigma",
        default: "0.25",
        kind: Kind::Number { min: 0.01, max: 10.0 },
        help: "standard deviation of the weight around the middle, as a share of the side",
    }],
    build: |args| Ok(Box::new(CentreBias { sigma: args.f64("sigma") })),
};

impl Prior for CentreBias {
    fn bind(&self, _: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(*self))
    }
}

impl CentreBias {
    /// Weight of a place along a side.
    fn weight(self, at: usize, side: usize) -> f64 {
        let d = (at as f64 + 0.5) / side as f64 - 0.5;
        (-d * d / (2.0 * self.sigma * self.sigma)).exp()
    }
}

impl Bound for CentreBias {
    fn bend(&self, gradient: &mut Tensor) {
        let Shape { c, h, w } = gradient.shape;
        for (i, pixel) in gradient.data.chunks_exact_mut(c).enumerate() {
            let weight = (self.weight(i / w, h) * self.weight(i % w, w)) as f32;
            pixel.iter_mut().for_each(|v| *v *= weight);
        }
    }
}
