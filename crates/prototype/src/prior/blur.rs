//! Pictures that are blurred now and then.

use super::{Bound, Prior, PriorError, Site, every};
use crate::{
    base::registry::{Entry, Kind, Param},
    nn::tensor::Tensor,
    perturb::blurred,
};

/// After every so many steps the picture is blurred by a Gaussian, so that high frequencies do not pile up.
///
/// | parameter | default | range |
/// |---|---|---|
/// | `every` | 4 | whole number >= 1 |
/// | `sigma` | 1 | [0.1, 100] pixels |
#[derive(Clone, Copy)]
struct Blur {
    every: usize,
    sigma: f64,
}

pub(super) const ENTRY: Entry<dyn Prior> = Entry {
    id: "blur",
    summary: "the picture is blurred after every so many steps",
    cite: "yosinski2015understanding",
    params: &[
        every("4"),
        Param {
            key: "sigma",
            default: "1",
            kind: Kind::Number { min: 0.1, max: 100.0 },
            help: "standard deviation in pixels",
        },
    ],
    build: |args| Ok(Box::new(Blur { every: args.usize("every"), sigma: args.f64("sigma") })),
};

impl Prior for Blur {
    fn changes_pixels(&self) -> bool {
        true
    }

    fn bind(&self, _: &Site<'_>) -> Result<Box<dyn Bound>, PriorError> {
        Ok(Box::new(*self))
    }
}

impl Bound for Blur {
    fn after(&self, x: &mut Tensor, steps: usize) {
        if steps.is_multiple_of(self.every) {
            *x = blurred(x, self.sigma);
        }
    }
}
