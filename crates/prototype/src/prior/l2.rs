//! Small values.

use super::{Bound, Domain, Prior, PriorError, Site, weight};
use crate::{base::registry::Entry, nn::tensor::Tensor};

/// `weight * |x - x0|^2`, where `x0` is the value at which the network's input is 0 (pixels), or the mean code of the
/// class (codes; 0 where there is none). Pixels count in [0, 1], so a weight means the same for networks whose inputs are
/// scaled otherwise.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `weight` | 0.002 | >= 0 |
#[derive(Clone, Copy)]
struct L2 {
    weight: f64,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "l2",
    summary: "penalty on the squared distance to the zero input, or to the mean code of the class",
    cite: "simonyan2014deep",
    params: &[weight("0.002", "what a squared distance of 1 costs")],
    build: |args| Ok(Box::new(L2 { weight: args.f64("weight") })),
};

impl Prior for L2 {
    fn place(&self) -> Domain {
        Domain::Climbed
    }

    fn is_for_all_inputs(&self) -> bool {
        true
    }

    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(Around { weight: self.weight, centre: site.centre.clone() }))
    }
}

struct Around {
    weight: f64,
    centre: Tensor,
}

impl Bound for Around {
    fn penalty(&self, x: &Tensor) -> Option<(f64, Tensor)> {
        let mut gradient = Tensor::zeros(x.shape);
        let mut sum = 0.0;
        for ((g, x), c) in gradient.data.iter_mut().zip(&x.data).zip(&self.centre.data) {
            let d = f64::from(*x) - f64::from(*c);
            sum += d * d;
            *g = (2.0 * self.weight * d) as f32;
        }
        Some((self.weight * sum, gradient))
    }
}
