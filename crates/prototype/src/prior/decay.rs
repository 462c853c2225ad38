//! Values that fade.

use super::{Bound, Domain, Prior, PriorError, Site};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::tensor::Tensor,
};

/// `x <- x0 + (1 - rate) (x - x0)` after every step; `x0` as in `l2`, for codes 0. The gradient step of a squared norm, whose
/// size does not shrink with that of the steps.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `rate` | 0.01 | [0, 1] |
struct Decay {
    rate: f32,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "decay",
    summary: "after every step all values fade a little towards the zero input",
    cite: "yosinski2015understanding",
    params: &[Param {
        key: "rate",
        default: "0.01",
        kind: Kind::Number { min: 0.0, max: 1.0 },
        help: "share that is lost at each step",
    }],
    build: |args| Ok(Box::new(Decay { rate: args.f32("rate") })),
};

impl Prior for Decay {
    fn place(&self) -> Domain {
        Domain::Climbed
    }

    fn is_for_all_inputs(&self) -> bool {
        true
    }

    fn bind(&self, site: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(Fading { rate: self.rate, zero: site.zero.clone() }))
    }
}

struct Fading {
    rate: f32,
    zero: Tensor,
}

impl Bound for Fading {
    fn after(&self, x: &mut Tensor, _: usize) {
        x.data.iter_mut().zip(&self.zero.data).for_each(|(x, zero)| *x += self.rate * (zero - *x));
    }
}
